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

"""/v1/services: the engines"""

from typing import Any

import falcon

from hass.api import engines
from hass.api.front import admit
from hass.api import moments
from hass.api import parts as api_parts
from hass.api import query
from hass.db import models
from hass.db import moments as db_moments
from hass.db import services
from hass.policies import services as rules


def view(service: models.Service) -> dict[str, Any]:
    return {
        'name': service.name,
        'version': service.version,
        'started_at': moments.shown(service.started_at),
        'turn_at': moments.shown(service.turn_at),
        'deaf': service.deaf,
        'silent': service.silent,
        'detectors': service.detectors or {},
        'estimates': service.estimates or {},
    }


class Services:
    """The engines, and what they hear."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        with self._parts.database.reader() as session:
            found = services.all(session)
            now = db_moments.read_now(session)
            warning = engines.silence_of(
                found, now, self._parts.silence_seconds
            )
        views = [view(one) for one in found]
        resp.media = query.cut(req, asked, 'services', views, 'name')
        resp.media['warnings'] = [] if warning is None else [warning]
