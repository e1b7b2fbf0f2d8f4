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

"""Keeps what each host has while it is in service and well.

The engines share the hosts. Written is only what has changed and has been
so for a while.
"""

from collections.abc import Sequence
import logging

from oslo_config import cfg
from sqlalchemy import orm

from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import protection
from hass.db import session as db_session
from hass.diagnosis import fitness
from hass.engine import inventory as inventory_
from hass.engine import overview as overview_
from hass.engine import shares
from hass.engine import watching
from hass.recovery import fitness as looks
from hass.recovery import hands as hands_

LOG = logging.getLogger(__name__)
TURN_SECONDS = 10.0
OFTEN_SECONDS = 60.0
"""From one look at a host to the next while something is to be learnt."""
SELDOM_SECONDS = 600.0
BATCH = 20
"""Hosts that are looked at in one turn."""


class FitnessWatch(watching.Watch):
    """One engine's; each host is looked at by one of all."""

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        overview: overview_.Overview,
        hands: hands_.Hands,
        engine: str,
        conf: cfg.ConfigOpts,
    ) -> None:
        super().__init__(LOG.warning, 'what hosts have was not looked at: %s')
        self._database = database
        self._inventory = inventory
        self._overview = overview
        self._hands = hands
        self._look = looks.Look(hands)
        self._engine = engine
        self._seconds = conf.recovery.baseline_seconds
        self._settling: dict[str, fitness.Settling] = {}
        self._due: dict[str, float] = {}

    def _look_once(self) -> None:
        for host in self._well():
            self._look_at(host)

    def _well(self) -> list[models.Host]:
        """Hosts of ours that are due, in service and without trouble."""
        now = self._hands.clock.monotonic()
        if self._hands.witness.doubts:
            return []
        alive = [one.name for one in self._overview.look().engines]
        names = sorted(one.name for one in self._inventory.hosts())
        mine = shares.keeps(self._engine, names, alive)
        for name in self._settling.keys() - mine:
            del self._settling[name]
            self._due.pop(name, None)
        due = sorted(
            (name for name in mine if self._due.get(name, 0.0) <= now),
            key=lambda name: self._due.get(name, 0.0),
        )[:BATCH]
        if not due:
            return []
        busy = {one.subject for one in self._overview.open_ones()}
        with self._database.reader() as session:
            moment = moments.read_now(session)
            known = hosts.by_names(session, due)
        usable = {
            one.host for one in self._hands.compute.services() if one.usable
        }
        suspected = self._hands.witness.ears().suspected()
        well: list[models.Host] = []
        for name in due:
            host = known.get(name)
            if host is None:
                continue  # It was removed a moment ago.
            self._due[name] = now + min(OFTEN_SECONDS, self._seconds)
            if (
                name not in usable
                or name in busy
                or name in suspected
                or protection.window(host, moment)
            ):
                # What it has then is not what it has in service.
                self._settling.pop(name, None)
                continue
            well.append(host)
        return well

    def _look_at(self, host: models.Host) -> None:
        now = self._hands.clock.monotonic()
        sight = self._look.at(self._database.reader, host)
        settling = self._settling.setdefault(
            host.name, fitness.Settling(self._seconds)
        )
        settled = settling.settled(sight, now)
        if len(settled) == len(sight.has) and not sight.unread:
            self._due[host.name] = now + SELDOM_SECONDS
        self._database.write(_learn, host.name, sight, settled)


def _learn(
    session: orm.Session,
    name: str,
    sight: fitness.Sight,
    settled: fitness.Items,
) -> None:
    (host,) = hosts.by_names(session, [name]).values() or (None,)
    if host is None:
        return  # It was removed from its cluster meanwhile.
    before = fitness.Baseline.of(host.baseline)
    now = moments.read_now(session)
    after = fitness.learnt(before, sight, settled, now)
    if after != before:
        hosts.set_baseline(session, name, after.to_dict())
        LOG.info('%s: what it has to bring back: %s', name, _told(after))


def _told(baseline: fitness.Baseline) -> str:
    named: Sequence[str] = [
        f'{item} {number}' + (' (missing)' if item in baseline.missing else '')
        for item, number in sorted(baseline.has.items())
    ]
    return ', '.join(named)
