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

"""/v1/losses"""

from typing import Any

import falcon

from hass.api import body
from hass.api.front import admit
from hass.api.front import caller
from hass.api.front import project_shown
from hass.api import moments
from hass.api import named
from hass.api import parts as api_parts
from hass.api import query
from hass.db import losses
from hass.db import models
from hass import exception
from hass.policies import losses as rules


def view(loss: models.Loss, *, shows_host: bool) -> dict[str, Any]:
    """The reasons name hosts: they are the operators' own."""
    return {
        'uuid': loss.uuid,
        'instance': loss.instance_uuid,
        'instance_name': loss.instance_name,
        'project_id': loss.project_id,
        'host': loss.host if shows_host else None,
        'recovery': loss.recovery_uuid,
        'why': loss.why if shows_host else None,
        'since': moments.shown(loss.since),
        'acknowledged_at': moments.shown(loss.acknowledged_at),
        'ended_at': moments.shown(loss.ended_at),
        'ended_how': loss.ended_how,
        'ended_why': loss.ended_why if shows_host else None,
    }


class Losses:
    """Instances that should run and do not."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        shows_host = caller(req).may(rules.LIST_ALL)
        if 'host' in asked.filters:
            caller(req).can(rules.LIST_ALL)
        project = project_shown(
            caller(req), rules.LIST_ALL, asked.filters.get('project_id')
        )
        with self._parts.database.reader() as session:
            found = losses.all(
                session,
                host=named.host(session, asked.filters, models.Loss.host),
                instance=asked.filters.get('instance'),
                recovery=asked.filters.get('recovery'),
                project_id=project,
                is_open=asked.flag('open'),
                **asked.page(),
            )
            views = [view(loss, shows_host=shows_host) for loss in found]
        resp.media = query.page(req, asked, 'losses', views)

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, loss: str
    ) -> None:
        admit(req, rules.SHOW)
        shows_host = caller(req).may(rules.LIST_ALL)
        with self._parts.database.reader() as session:
            row = losses.get(session, loss)
            owner = {'project_id': row.project_id}
            if not caller(req).may(rules.SHOW, owner):
                raise exception.Hidden('loss', loss, rules.SHOW)
            resp.media = view(row, shows_host=shows_host)

    def on_post_acknowledge(
        self, req: falcon.Request, resp: falcon.Response, loss: str
    ) -> None:
        admit(req, rules.ACKNOWLEDGE)
        body.nothing(req)
        row = self._parts.database.write(losses.acknowledge, loss)
        resp.media = view(row, shows_host=True)
