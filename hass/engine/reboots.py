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


"""Hosts that boot anew without a goodbye: what ran on them is gone.

They may be back before their silence is suspected, so that no recovery tells
of it, and Nova goes on to believe that their instances run.
"""

from collections.abc import Iterable

from oslo_db import exception as oslo_exception

from hass.db import instances
from hass.db import models
from hass.db import moments
from hass.db import protection as rows
from hass.db import recoveries
from hass.db import services
from hass.db import session as db_session
from hass.engine import alarms as alarms_
from hass.engine import shares
from hass import entitlement
from hass import exception
from hass import nova
from hass.recovery import witness
from hass.recovery import workflow


class Reboots:
    """Pages what a sudden boot has cut off; one engine of all does it."""

    def __init__(
        self,
        database: db_session.Database,
        compute: nova.Compute,
        alarms: alarms_.Alarms,
        engine: str,
        alive_seconds: float,
        rule: entitlement.Rule,
    ) -> None:
        self._database = database
        self._compute = compute
        self._alarms = alarms
        self._engine = engine
        self._alive_seconds = alive_seconds
        self._rule = rule
        self._boots: dict[str, tuple[str, bool]] = {}

    def sudden(
        self, heard: Iterable[tuple[models.Host, witness.Heard | None]]
    ) -> list[models.Host]:
        """Hosts that beat from another boot than in the last turn."""
        found = []
        for host, beat in heard:
            if beat is None:
                continue
            boot, planned = self._boots.get(host.name, (beat.boot_id, False))
            if boot != beat.boot_id and not planned:
                found.append(host)
            self._boots[host.name] = (
                beat.boot_id,
                beat.planned or host.planned_until is not None,
            )
        return found

    def tell(self, host: models.Host) -> None:
        """Page how many protected instances Nova takes for running there.

        Not when a recovery has cut the host off: that one brings all back.
        """
        try:
            with self._database.reader() as session:
                alive = services.alive(session, self._alive_seconds)
                if rows.window(host, moments.read_now(session)):
                    return
                standing = recoveries.rescue_of_host(session, host.name)
            engines = tuple(sorted(one.name for one in alive))
            if shares.keeper(host.name, engines) != self._engine:
                return
            if standing and standing.state != workflow.State.CONFIRMING:
                return
            active = [
                server
                for server in self._compute.servers_on(host.name)
                if server.vm_state == 'active'
            ]
            with self._database.reader() as session:
                lost = instances.protected(
                    session, self._rule, host.cluster, active
                )
        except (exception.HassError, oslo_exception.DBError) as error:
            self._page(host, f'what ran there is not known: {error}')
            return
        if lost:
            count = f'{len(lost)} protected instance'
            self._page(
                host,
                f'{count}{"" if len(lost) == 1 else "s"} ran there, '
                'of which Nova says active',
            )

    def _page(self, host: models.Host, what: str) -> None:
        why = f'it has booted anew without a goodbye: {what}'
        self._alarms.page({'subject': host.name, 'why': why})
