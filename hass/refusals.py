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


"""Messages that are not believed: counted by reason, and told now and then.

Anybody may send any number of them; the log is not theirs to fill.
"""

import collections
import threading

from hass import audit
from hass import clock as clock_
from hass import exception

LOG_SECONDS = 10.0


class Refusals:
    """What one door refused; for any thread."""

    def __init__(self, clock: clock_.Clock) -> None:
        self._clock = clock
        self._counts: collections.Counter[str] = collections.Counter()
        self._told_at = -LOG_SECONDS
        self._lock = threading.Lock()

    def note(
        self,
        action: str,
        refused: exception.MessageRefused,
        address: str | None = None,
        counted: str = '',
    ) -> None:
        """One was refused.

        :param action: what it wanted to be
        :param address: where it came from, as it says
        :param counted: what it is counted as; '': its reason
        """
        now = self._clock.monotonic()
        with self._lock:
            self._counts[counted or refused.reason] += 1
            if now - self._told_at < LOG_SECONDS:
                return
            self._told_at = now
            total = self._counts.total()
        audit.tell(
            audit.Outcome.REFUSED,
            action,
            host=refused.host or None,
            why=refused.reason,
            address=address,
            refused_since_start=total,
        )

    def counts(self) -> dict[str, int]:
        """How many were refused, by reason."""
        return dict(self._counts)
