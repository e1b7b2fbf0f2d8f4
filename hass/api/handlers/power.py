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

"""/v1/hosts/{host}/power, /return, /sensors and /events"""

from collections.abc import Callable
import datetime

import falcon

from hass.api import body
from hass.api import engines
from hass.api.front import admit
from hass.api.front import name_of_caller
from hass.api.handlers import recoveries as recovery_handlers
from hass.api import parts as api_parts
from hass.api import query
from hass.api.schemas import power as schemas
from hass.db import hosts
from hass.db import moments
from hass.db import protection
from hass.db import recoveries
from hass import exception
from hass import naming
from hass.nova import rolls
from hass.policies import hosts as rules
from hass.rpc import api as rpc

FORCE = 'their guests end at once if it is forced'
FRESH = datetime.timedelta(seconds=60)
"""What an agent listed longer ago says nothing of now."""
UNANNOUNCED = (
    'no maintenance window is open: HASS takes a host that is off for one '
    'that has failed'
)


class Power:
    """What a host's BMC says, and may be asked to do."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_power(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.SHOW_POWER)
        name = self._name(host)
        answer = self._asked(name, lambda engine: engine.read_power(name))
        resp.media = {'host': name, 'power': answer['power']}

    def on_put_power(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        """Asked for; whether it happened is to be read back."""
        admit(req, rules.SET_POWER)
        asked = body.read(req, schemas.SET)
        wanted = asked['power']
        who = name_of_caller(req)
        name, until, announced = self._free(host)
        if wanted == 'off' and not asked.get('force'):
            self._refuse_guests(name)
        self._asked(
            name,
            lambda engine: engine.turn_power(name, wanted, until, who),
        )
        unannounced = wanted == 'off' and not announced
        resp.media = {
            'host': name,
            'wanted': wanted,
            'warnings': [UNANNOUNCED] if unannounced else [],
        }
        resp.status = falcon.HTTP_202

    def _refuse_guests(self, host: str) -> None:
        """Cut the power of nobody who did not ask for that.

        :raises hass.exception.Conflict: instances run on it
        """
        with self._parts.database.reader() as session:
            row = hosts.get(session, host)
            now = moments.read_now(session)
        try:
            servers = rolls.servers_on(
                self._parts.compute, host, row.domains or ()
            )
        except exception.NovaError as error:
            raise exception.Conflict(
                f'whether instances run on host {host} cannot be seen: '
                f'{error}; {FORCE}'
            ) from None
        known = {one.uuid: one.name for one in servers if one.may_run}
        if row.reported_at and now - row.reported_at < FRESH:
            known = dict.fromkeys(row.domains or (), '') | known
        if not known:
            return
        read = self._asked(host, lambda engine: engine.read_power(host))
        if read['power'] == 'off':
            return
        names = sorted(name or uuid for uuid, name in known.items())
        raise exception.Conflict(
            f'instances run on host {host}: {naming.some(names, 3)}; {FORCE}'
        )

    def on_post_return(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        """The return that a recovery of the host ends with."""
        admit(req, rules.BRING_BACK)
        body.nothing(req)
        who = name_of_caller(req)
        name, until, _ = self._free(host)
        answer = self._asked(
            name, lambda engine: engine.bring_back(name, until, who)
        )
        with self._parts.database.reader() as session:
            row = recoveries.get(session, answer['recovery'])
            resp.media = recovery_handlers.view(row)
        resp.status = falcon.HTTP_202
        resp.location = f'{req.prefix}/v1/recoveries/{row.uuid}'

    def on_get_sensors(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.SHOW_SENSORS)
        wanted = req.context.parameters.get('type', '').lower()
        name = self._name(host)
        answer = self._asked(name, lambda engine: engine.read_sensors(name))
        found = [
            one
            for one in answer['sensors']
            if wanted in ('', one['type'].lower())
        ]
        resp.media = {'sensors': query.first(req, found), 'links': []}

    def on_get_events(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.SHOW_EVENTS)
        name = self._name(host)
        answer = self._asked(name, lambda engine: engine.read_events(name))
        events = query.first(req, answer['events'])
        resp.media = {'events': events, 'links': []}

    def _free(self, host: str) -> tuple[str, str, bool]:
        """Its name, until when to act, and whether a window is open.

        :raises hass.exception.Conflict: a recovery of it is open
        """
        with self._parts.database.reader() as session:
            row = hosts.get(session, host)
            if found := recoveries.open_of_host(session, row.name):
                raise exception.Conflict(
                    f'host {row.name} has an open recovery, which decides '
                    f'about its power: {found.uuid}'
                )
            now = moments.read_now(session)
            announced = protection.window(row, now) is not None
        seconds = datetime.timedelta(seconds=self._parts.engines.seconds)
        return row.name, (now + seconds).isoformat(), announced

    def _name(self, host: str) -> str:
        with self._parts.database.reader() as session:
            return hosts.get(session, host).name

    def _asked(
        self, host: str, ask: Callable[[engines.Operator], rpc.Answer]
    ) -> rpc.Answer:
        """What an engine says.

        :raises hass.exception.Conflict: it refuses
        :raises hass.exception.DeviceFailed: the device does not do it
        :raises hass.exception.EngineUnreachable: none answers
        """
        answer = self._parts.engines.ask(ask)
        if 'refused' in answer:
            raise exception.Conflict(answer['refused'])
        if 'failed' in answer:
            raise exception.DeviceFailed(host, answer['failed'])
        return answer
