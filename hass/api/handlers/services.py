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

from collections.abc import Sequence
import datetime
from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import engines
from hass.api.front import admit
from hass.api import moments
from hass.api import parts as api_parts
from hass.api import query
from hass.db import hosts
from hass.db import models
from hass.db import moments as db_moments
from hass.db import services
from hass.diagnosis import strangers
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
            warnings = self._warnings(session, found, now)
        views = [view(one) for one in found]
        resp.media = query.cut(req, asked, 'services', views, 'name')
        resp.media['warnings'] = warnings

    def _warnings(
        self,
        session: orm.Session,
        found: Sequence[models.Service],
        now: datetime.datetime,
    ) -> list[str]:
        """That nobody watches, or whose messages no host's warnings name."""
        silence = engines.silence_of(found, now, self._parts.silence_seconds)
        if silence is not None:
            return [silence]
        oldest = now - datetime.timedelta(seconds=self._parts.silence_seconds)
        foreign = strangers.Sentences(
            one.strangers for one in found if one.turn_at >= oldest
        )
        return foreign.of_nobody(hosts.by_names(session, foreign.names))
