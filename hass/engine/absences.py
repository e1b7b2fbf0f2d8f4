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

"""Finds instances whose domain is gone, though no event told of its end.

Agents list all domains that are defined on their hosts. Of one that an agent
has looked at, and lists no more, Nova is asked: it may have been moved,
stored or deleted. What Nova has ACTIVE and idle there, twice, is lost.
"""

from collections.abc import Sequence
import dataclasses
import datetime
import logging

from sqlalchemy import orm

from hass.db import hosts
from hass.db import instance_observations
from hass.db import losses
from hass.db import moments
from hass.db import protection
from hass.db import session as db_session
from hass.engine import overview as overview_
from hass.engine import shares
from hass.engine import watching
from hass.recovery import closing
from hass.recovery import hands as hands_
from hass.recovery import rescue

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 10.0
AGAIN_SECONDS = 300.0
"""From one question to the next while Nova explains that it is gone."""


@dataclasses.dataclass(slots=True)
class Missed:
    """An instance that a host lists no more.

    :ivar reported_at: of the newest report without it
    :ivar reports: how many of them there were
    :ivar lost: how often Nova had it ACTIVE and idle there, in a row
    :ivar ask_at: CLOCK_BOOTTIME; Nova is not asked before
    """

    reported_at: datetime.datetime
    reports: int = 1
    lost: int = 0
    ask_at: float = 0.0


class Absences(watching.Watch):
    """One engine's; each host is looked at by one of all."""

    def __init__(
        self,
        database: db_session.Database,
        overview: overview_.Overview,
        hands: hands_.Hands,
        engine: str,
    ) -> None:
        super().__init__(
            LOG.warning, 'instances without a domain were not looked for: %s'
        )
        self._database = database
        self._overview = overview
        self._hands = hands
        self._engine = engine
        self._missed: dict[tuple[str, str], Missed] = {}

    def _look_once(self) -> None:
        alive = [one.name for one in self._overview.look().engines]
        with self._database.reader() as session:
            found = self._missing(session, alive)
        self._missed = {
            key: self._counted(key, reported_at)
            for key, reported_at in found.items()
        }
        now = self._hands.clock.monotonic()
        for (host, uuid), missed in sorted(self._missed.items()):
            if missed.reports > 1 and missed.ask_at <= now:
                self._ask(host, uuid, missed)

    def _missing(
        self, session: orm.Session, alive: Sequence[str]
    ) -> dict[tuple[str, str], datetime.datetime]:
        """Host and instance, with when its host reported without it."""
        now = moments.read_now(session)
        oldest = now - datetime.timedelta(seconds=closing.FRESH_SECONDS)
        known = {one.name: one for one in hosts.all(session)}
        mine = shares.keeps(self._engine, sorted(known), alive)
        seen = instance_observations.by_host(session)
        # What another host lists may run there, whatever Nova knows of that.
        listed = {
            domain.lower()
            for row in known.values()
            for domain in row.domains or ()
        }
        found = {}
        for name in mine & seen.keys():
            row = known[name]
            at = row.reported_at
            if at is None or row.domains is None or at < oldest:
                continue
            # What a boot has ended is accounted for elsewhere.
            if row.boot_id != row.settled_boot_id or protection.window(
                row, now
            ):
                continue
            found.update({(name, uuid): at for uuid in seen[name] - listed})
        named = losses.named(session, {uuid for _, uuid in found})
        return {key: at for key, at in found.items() if key[1] not in named}

    def _counted(
        self, key: tuple[str, str], reported_at: datetime.datetime
    ) -> Missed:
        known = self._missed.get(key)
        if known is None:
            return Missed(reported_at)
        if known.reported_at != reported_at:
            known.reported_at, known.reports = reported_at, known.reports + 1
        return known

    def _ask(self, host: str, uuid: str, missed: Missed) -> None:
        """Ask Nova, and name the instance when it is lost twice in a row."""
        with self._database.reader() as session:
            now = moments.read_now(session)
        (found,) = self._hands.closer.find(
            self._database.reader,
            [closing.Owed(uuid, unsure=True)],
            closing.Scene(host, now),
        )
        if not _is_lost(found, host):
            missed.lost = 0
            missed.ask_at = self._hands.clock.monotonic() + AGAIN_SECONDS
            return
        missed.lost += 1
        if missed.lost > 1:
            self._database.write(self._name, host, found)
            LOG.warning(
                '%s has no domain of %s any more, and Nova has it ACTIVE',
                host,
                uuid,
            )

    def _name(
        self, session: orm.Session, host: str, found: closing.Finding
    ) -> None:
        helped = rescue.able(session, self._hands.rule, [found], ())
        rescue.name(session, host, [found], helped, why='its domain is gone')


def _is_lost(found: closing.Finding, host: str) -> bool:
    """Nova has it there, and is not at work on it."""
    server = found.server
    return (
        found.outcome is closing.Outcome.LOST
        and server is not None
        and server.host == host
        and server.vm_state == 'active'
        and not server.task_state
    )
