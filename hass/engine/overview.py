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

"""What the patrol saw in its last turn, for all loops of an engine.

In calm times a loop need not ask the database: nothing waits for it. Nothing
else is decided by what is kept here. What an act rests on is read right
before the act.
"""

from collections.abc import Sequence
import dataclasses
import datetime
import math

from sqlalchemy import orm

from hass import clock as clock_
from hass.db import models
from hass.db import pending as pending_
from hass.db import recoveries
from hass.db import services
from hass.db import session as db_session
from hass.diagnosis import services as side_paths

FRESH_SECONDS = 1.0
"""An older look says nothing any more: the patrol hangs, perhaps."""
LATELY_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What the database held.

    :ivar at: when it was asked: CLOCK_BOOTTIME, in seconds
    :ivar now: what its own clock showed then
    :ivar engines: those that live; seen up to FRESH_SECONDS before
    :ivar lately: those that lived LATELY_SECONDS ago, or live
    """

    at: float
    now: datetime.datetime
    pending: pending_.Pending
    engines: Sequence[models.Service]
    lately: Sequence[models.Service]


class Overview:
    """One engine's, for its threads.

    :param alive_seconds: how old the turn of a living engine may be
    """

    def __init__(
        self,
        database: db_session.Database,
        clock: clock_.Clock,
        alive_seconds: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._alive_seconds = alive_seconds
        self._lately_seconds = max(LATELY_SECONDS, alive_seconds)
        self._seen: Seen | None = None
        self._disturbed_at = -math.inf

    def renew(self, session: orm.Session, wholly: bool) -> Seen:
        """The patrol looks.

        :param wholly: also at engines and failures, which change seldom
        """
        at, before = self._clock.monotonic(), self._seen
        if wholly or before is None:
            now, found = pending_.read(session, side_paths.PATHS)
            lately = services.alive(session, self._lately_seconds)
            for one in lately:
                # They outlive a session that is rolled back.
                session.expunge(one)
            oldest = now - datetime.timedelta(seconds=self._alive_seconds)
            alive = [one for one in lately if one.turn_at > oldest]
            seen = Seen(at, now, found, alive, lately)
        else:
            now, found = pending_.read(session)
            found = dataclasses.replace(
                found, failures=before.pending.failures
            )
            seen = dataclasses.replace(before, at=at, now=now, pending=found)
        if before is None or at >= before.at:
            self._seen = seen
        return self._valid(seen)

    def look(self) -> Seen:
        """What the patrol saw, or a look of our own when that is old."""
        seen, now = self._seen, self._clock.monotonic()
        if seen is None or not 0 <= now - seen.at < FRESH_SECONDS:
            with self._database.reader() as session:
                return self.renew(session, wholly=True)
        return self._valid(seen)

    def open_ones(self) -> list[models.Recovery]:
        """The open recoveries, as they are now, oldest first."""
        if not self.look().pending.recoveries:
            return []
        return self._database.read(recoveries.open_ones)

    def disturb(self) -> None:
        """This engine has begun something: believe no look from before it."""
        self._disturbed_at = self._clock.monotonic()

    def _valid(self, seen: Seen) -> Seen:
        if seen.at > self._disturbed_at:
            return seen
        return dataclasses.replace(seen, pending=pending_.Pending())
