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

"""Sees living hosts that a recovery has left out of service.

A call that disables a service may stand in Nova's API, and be carried out when
the recovery that sent it has given the host back long ago. And an operator may
release the recovery that holds such a host.
"""

from collections.abc import Callable
import logging
from typing import Any

from sqlalchemy import orm

from hass.db import hosts
from hass.db import moments
from hass.db import protection
from hass.db import recoveries
from hass.db import services
from hass.db import session as db_session
from hass.engine import shares
from hass.engine import watching
from hass import nova
from hass.recovery import hands as hands_
from hass.recovery import service_failure

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 30.0
LATE_SECONDS = 86400.0
"""Nova is not asked anew when no recovery has ended within it."""


class MarkWatch(watching.Watch):
    """Pages them, again and again. A person may want it so: they stay.

    :param pager: takes an alarm
    :param alive_seconds: how old the turn of a living engine may be
    """

    def __init__(
        self,
        database: db_session.Database,
        hands: hands_.Hands,
        pager: Callable[[dict[str, Any]], object],
        engine: str,
        *,
        alive_seconds: float,
        repeat_seconds: float,
    ) -> None:
        super().__init__(LOG.warning, 'marks of HASS were not looked for: %s')
        self._database = database
        self._hands = hands
        self._pager = pager
        self._engine = engine
        self._alive_seconds = alive_seconds
        self._repeat_seconds = repeat_seconds
        self._marked: dict[str, str] | None = None
        self._seen: dict[str, str] = {}
        self._paged: dict[str, float] = {}

    def _look_once(self) -> None:
        with self._database.reader() as session:
            late = recoveries.any_ended_within(session, LATE_SECONDS)
        if self._marked == {} and not late:
            return
        self._marked = {
            one.host: by
            for one in self._hands.compute.services()
            if (by := _left_by(one)) and not one.usable
        }
        with self._database.reader() as session:
            left = self._left(session, self._marked)
        # A recovery may have ended while Nova told of its services.
        twice = {
            name for name, uuid in left.items() if self._seen.get(name) == uuid
        }
        self._seen = left
        for name in self._paged.keys() - left.keys():
            del self._paged[name]
        for name in sorted(twice):
            self._page(name, left[name])

    def _left(
        self, session: orm.Session, marked: dict[str, str]
    ) -> dict[str, str]:
        """Those of our share that live, and that no recovery is about."""
        if not marked:
            return {}
        known = {one.name: one for one in hosts.all(session)}
        alive = [
            one.name for one in services.alive(session, self._alive_seconds)
        ]
        busy = {one.subject for one in recoveries.open_ones(session)}
        now = moments.read_now(session)
        mine = shares.keeps(self._engine, sorted(known), alive) - busy
        return {
            name: marked[name]
            for name in marked.keys() & mine
            if self._lives(session, name)
            and not protection.window(known[name], now)
        }

    def _lives(self, session: orm.Session, name: str) -> bool:
        seconds = service_failure.BEATEN_SECONDS
        return self._hands.witness.lives(session, name, seconds)

    def _page(self, name: str, by: str) -> None:
        now = self._hands.clock.monotonic()
        last = self._paged.get(name)
        if last is not None and now - last < self._repeat_seconds:
            return
        self._paged[name] = now
        self._pager(
            {
                'subject': name,
                'why': f'{name} lives, but its nova-compute is left disabled '
                f'by {by}, which has ended. If nobody wants that: openstack '
                f'compute service set --enable --up {name} nova-compute',
            }
        )


def _left_by(service: nova.Service) -> str:
    """Which recovery has left it disabled; '' for none."""
    recovery, kept = nova.disabled_by(service), nova.kept_for(service)
    if recovery:
        return f'recovery {recovery}'
    return f'a recovery ("{nova.KEPT}{kept}")' if kept else ''
