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

"""Claims that nobody renews, and that end only when the clock is back there.

The engine that held one died, and then the clock of the database was set
back. A living engine renews its claims. So an engine may take a claim that it
has seen unchanged for as long as a claim lasts, by a clock that is never set.
"""

from sqlalchemy import orm

from hass import clock as clock_
from hass.db import recoveries

LOOK_SECONDS = 1.0


class Forsaken:
    """Watches them, for one engine.

    :param claim_seconds: how long a claim lasts that is not renewed
    :param call_seconds: how long the last call of its engine may be under way
    """

    def __init__(
        self, clock: clock_.Clock, claim_seconds: float, call_seconds: float
    ) -> None:
        self._clock = clock
        self._claim_seconds = claim_seconds
        self._patience = claim_seconds + call_seconds
        self._looked_at = float('-inf')
        self._seen: dict[recoveries.Ahead, float] = {}

    def find(self, session: orm.Session) -> list[recoveries.Ahead]:
        """Those that may be taken; none while the last look is fresh."""
        began = self._clock.monotonic()
        if began - self._looked_at < LOOK_SECONDS:
            return []
        self._looked_at = began
        found = recoveries.claimed_ahead(session, self._claim_seconds)
        # What is read now was written before now.
        now = self._clock.monotonic()
        self._seen = {one: self._seen.get(one, now) for one in found}
        return [
            one
            for one, since in self._seen.items()
            if began - since > self._patience
        ]
