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
from hass.api.front import caller
from hass.api import moments
from hass.api import parts as api_parts
from hass.api import query
from hass.db import losses
from hass.db import models
from hass.policies import losses as rules

FILTERS = ('host', 'instance', 'open', 'project_id', 'recovery')


def view(loss: models.Loss) -> dict[str, Any]:
    return {
        'uuid': loss.uuid,
        'instance': loss.instance_uuid,
        'instance_name': loss.instance_name,
        'project_id': loss.project_id,
        'host': loss.host,
        'recovery': loss.recovery_uuid,
        'why': loss.why,
        'since': moments.shown(loss.since),
        'acknowledged_at': moments.shown(loss.acknowledged_at),
        'ended_at': moments.shown(loss.ended_at),
        'ended_how': loss.ended_how,
        'ended_why': loss.ended_why,
    }


class Losses:
    """Instances that should run and do not."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        caller(req).can(rules.LIST)
        asked = query.read(req, self._parts.max_limit, FILTERS)
        with self._parts.database.reader() as session:
            found = losses.all(
                session,
                host=asked.filters.get('host'),
                instance=asked.filters.get('instance'),
                recovery=asked.filters.get('recovery'),
                project_id=asked.filters.get('project_id'),
                is_open=asked.flag('open'),
                limit=asked.limit + 1,
                marker=asked.marker,
            )
            views = [view(loss) for loss in found]
        resp.media = query.page(req, asked, 'losses', views)

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, loss: str
    ) -> None:
        caller(req).can(rules.SHOW)
        query.nothing(req)
        with self._parts.database.reader() as session:
            resp.media = view(losses.get(session, loss))

    def on_post_acknowledge(
        self, req: falcon.Request, resp: falcon.Response, loss: str
    ) -> None:
        caller(req).can(rules.ACKNOWLEDGE)
        body.nothing(req)
        row = self._parts.database.write(losses.acknowledge, loss)
        resp.media = view(row)
