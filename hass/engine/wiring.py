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

"""Proves in calm times that BMCs are wired as their addresses say."""

from collections.abc import Callable
from collections.abc import Iterable
from concurrent import futures
import contextlib
import datetime

from sqlalchemy import orm

from hass import bmc
from hass.bmc import identity
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass.db import wirings
from hass import exception
from hass.fencing import base as fencing

AT_ONCE = 10
"""So many trials are begun in one turn; an engine that starts has many."""
HEARD_SECONDS = 60.0
"""An agent that reported longer ago would not get the order."""


class Wirings:
    """Has each agent write a mark into its BMC, and reads it from outside.

    :param seconds: from one proof to the next; 0: none
    """

    def __init__(
        self,
        database: db_session.Database,
        fencer: fencing.Fencer,
        address_of: Callable[[models.Host], bmc.Address | None],
        place_of: Callable[[models.Host], str | None],
        seconds: float,
    ) -> None:
        self._database = database
        self._fencer = fencer
        self._address_of = address_of
        self._place_of = place_of
        self._seconds = seconds
        self._reading: dict[str, futures.Future[None]] = {}
        self._caught: dict[str, str] = {}

    def turn(
        self,
        found: Iterable[models.Host],
        now: datetime.datetime,
        lane: futures.Executor,
    ) -> None:
        """Begin the trials that are due, go on with the others."""
        begun = 0
        for host in found:
            known = wirings.Wiring.of(host)
            trial = known.trial
            if not self._seconds:
                if host.fence_wiring is not None:
                    self._write(wirings.forget, host.name)
            elif trial is None:
                if begun < AT_ONCE and self._is_due(host, known, now):
                    begun += 1
                    place = self._place_of(host)
                    self._write(wirings.begin, host.name, known, place)
            elif trial.written_at is not None:
                self._read_soon(host.name, lane)
            elif trial.until < now:
                self._give_up(host.name, trial)

    def caught(self) -> dict[str, str]:
        """Hosts that were found wired wrongly since this was last asked."""
        found, self._caught = self._caught, {}
        return found

    def _is_due(
        self, host: models.Host, known: wirings.Wiring, now: datetime.datetime
    ) -> bool:
        if host.fence_state is not models.FenceState.WORKING:
            return False
        if host.reported_at is None or host.planned_until is not None:
            return False
        if (now - host.reported_at).total_seconds() > HEARD_SECONDS:
            return False
        if known.due is None or known.due <= now:
            return True
        # The database's clock may have been set back.
        if (known.due - now).total_seconds() > max(
            self._seconds, wirings.AGAIN_SECONDS
        ):
            return True
        told = known.place, known.system_uuid
        return known.found is not None and told != (
            self._place_of(host),
            host.system_uuid,
        )

    def _read_soon(self, name: str, lane: futures.Executor) -> None:
        running = self._reading.get(name)
        if running is None or running.done():
            self._reading[name] = lane.submit(self._read, name)

    def _read(self, name: str) -> None:
        """In a lane: read the BMC at the address, and judge the trial."""
        try:
            with self._database.reader() as session:
                row = hosts.get(session, name)
        except exception.NotFound:
            return
        trial = wirings.Wiring.of(row).trial
        if trial is None or trial.written_at is None:
            return
        reading = None
        target = fencing.Target(row.name, self._address_of(row), row.boot_id)
        # One that does not answer is read again in the next turn.
        with contextlib.suppress(exception.BmcError, exception.FencingFailed):
            if self._place_of(row) == trial.place:
                reading = self._fencer.read_marked(target)
        self._take(name, trial, reading)

    def _take(
        self,
        name: str,
        trial: wirings.Trial,
        reading: fencing.Reading | None,
    ) -> None:
        """Write down what a reading says, or wait for another one."""
        with self._database.writer() as session:
            row = self._still(session, name, trial)
            if row is None or trial.written_at is None:
                return
            now = moments.read_now(session)
            known = wirings.Wiring.of(row)
            age = (now - trial.written_at).total_seconds()
            if not 0 <= age <= wirings.READ_SECONDS:
                # The agent may have put back what was there before.
                wirings.keep(session, row, wirings.given_up(known, now))
                return
            if reading is None:
                return
            whose = None
            if reading.mark and reading.mark != trial.mark:
                whose = wirings.who_wrote(session, reading.mark)
            guid = None if reading.guid is None else str(reading.guid)
            after = wirings.judge(
                known, reading.mark, guid, whose, now, self._seconds
            )
            wirings.keep(session, row, after)
        if after.found is identity.Wired.WRONG is not known.found:
            self._caught[name] = after.why

    def _give_up(self, name: str, trial: wirings.Trial) -> None:
        with self._database.writer() as session:
            row = self._still(session, name, trial)
            if row is not None:
                known, now = wirings.Wiring.of(row), moments.read_now(session)
                wirings.keep(session, row, wirings.given_up(known, now))

    @staticmethod
    def _still(
        session: orm.Session, name: str, trial: wirings.Trial
    ) -> models.Host | None:
        """The locked row, if this trial is the one under way; else None."""
        try:
            row = hosts.lock(session, name)
        except exception.NotFound:
            return None
        return row if wirings.Wiring.of(row).trial == trial else None

    def _write(self, what: Callable[..., object], *arguments: object) -> None:
        # The host may have been removed meanwhile.
        with contextlib.suppress(exception.NotFound):
            self._database.write(what, *arguments)
