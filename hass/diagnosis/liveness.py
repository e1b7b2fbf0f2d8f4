# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Silence: which hosts an engine hears, and when it may not be believed.

Pure code: moments are CLOCK_BOOTTIME seconds of one engine.
"""

from collections.abc import Mapping
import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Ears:
    """What one engine hears at one moment.

    :ivar now: the moment, in seconds
    :ivar since: when it began to listen, in seconds
    :ivar last: host to the arrival of its newest beat on any network;
        None for a host that was never heard
    :ivar excused: hosts that may well be silent: without an agent yet, or
        with one that was stopped on purpose
    """

    now: float
    since: float
    last: Mapping[str, float | None]
    excused: frozenset[str] = frozenset()

    def silence(self, host: str) -> float:
        """Seconds since the host was heard, or since we listen."""
        last = self.last.get(host)
        return self.now - max(self.since, last or self.since)

    def silent(self, seconds: float) -> frozenset[str]:
        """Hosts that were not heard for at least these seconds."""
        return frozenset(
            host for host in self.last if self.silence(host) >= seconds
        )

    def deaf(self, listen_seconds: float, silence_seconds: float) -> str:
        """Why this engine must not suspect anybody; '' when it may.

        Sudden silence of most hosts is first of all a fault of the
        listener: an engine that hears less than half of its hosts may be
        the one that is cut off.
        """
        listened = self.now - self.since
        if listened < listen_seconds:
            return f'it has listened for {listened:.1f} s only'
        silent = self.silent(silence_seconds)
        counted = self.last.keys() - (silent & self.excused)
        heard = len(counted - silent)
        if heard * 2 < len(counted):
            return f'it hears {heard} of {len(counted)} hosts'
        return ''
