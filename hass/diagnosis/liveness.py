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

from hass.diagnosis import accrual


@dataclasses.dataclass(frozen=True, slots=True)
class Ears:
    """What one engine hears at one moment.

    :ivar now: the moment, in seconds
    :ivar since: since when it listens without a break, in seconds
    :ivar last: host to the arrival of its newest beat on any network;
        None for a host that was never heard
    :ivar suspicions: what each host's silence gives reason for; a host that
        is not named is not suspected
    :ivar excused: hosts that may well be silent: without an agent yet, with
        one that was stopped on purpose, or known to be off
    """

    now: float
    since: float
    last: Mapping[str, float | None]
    suspicions: Mapping[str, accrual.Suspicion]
    excused: frozenset[str] = frozenset()

    def silence(self, host: str) -> float:
        """Seconds since the host was heard, or since we listen."""
        last = self.last.get(host)
        return self.now - max(self.since, last or self.since)

    def suspicion(self, host: str) -> accrual.Suspicion:
        """What the host's silence gives reason for."""
        return self.suspicions.get(host, accrual.Suspicion.NONE)

    def suspected(self) -> frozenset[str]:
        """Hosts whose silence gives reason for anything."""
        return frozenset(
            host
            for host in self.last
            if self.suspicion(host) is not accrual.Suspicion.NONE
        )

    def expected(self) -> frozenset[str]:
        """Hosts that should be heard: silence is excused, beats count."""
        return frozenset(self.last) - (self.suspected() & self.excused)

    def fallen(self) -> frozenset[str]:
        """Hosts that should be heard and are suspected."""
        return self.expected() & self.suspected()

    def deaf(self) -> str:
        """Why this engine must not suspect anybody; '' when it may.

        Sudden silence of most hosts is first of all a fault of the
        listener: an engine that hears less than half of its hosts may be
        the one that is cut off.
        """
        expected = self.expected()
        heard = len(expected - self.suspected())
        if heard * 2 < len(expected):
            return f'it hears {heard} of {len(expected)} hosts'
        return ''
