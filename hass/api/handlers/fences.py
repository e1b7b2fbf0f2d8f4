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

"""/v1/hosts/{host}/fence: whether it may be relied on, and who vouches."""

from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api.front import admit
from hass.api.front import name_of_caller
from hass.api import moments
from hass.api import parts as api_parts
from hass.api.schemas import fences as schemas
from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.db import moments as db_moments
from hass.db import wirings
from hass.policies import hosts as rules


def view(host: models.Host, doubts: list[str]) -> dict[str, Any]:
    """What may be read of a fence.

    :param doubts: a sentence for each
    """
    return {
        'host': host.name,
        'state': host.fence_state,
        'why': host.fence_why,
        'place': fences.place_known(host),
        'guid': host.bmc_guid,
        'system_uuid': host.system_uuid,
        'tested_at': moments.shown(host.fence_tested_at),
        'read_seconds': host.fence_read_seconds,
        'off_seconds': host.fence_off_seconds,
        'doubts': doubts,
        'waiver': _waiver(host),
        'wiring': _wiring(host),
    }


def _waiver(host: models.Host) -> dict[str, Any] | None:
    if not host.fence_waived_by:
        return None
    return {
        'by': host.fence_waived_by,
        'at': moments.shown(host.fence_waived_at),
        'reason': host.fence_waived_why or '',
    }


def _wiring(host: models.Host) -> dict[str, Any] | None:
    known = wirings.Wiring.of(host)
    if known.found is None:
        return None
    return {
        'found': known.found,
        'why': known.why,
        'at': moments.shown(known.at),
        'good_until': moments.shown(known.until),
    }


class Fences:
    """The fences of the hosts."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.SHOW_FENCE)
        resp.media = self._parts.database.read(self._shown, host)

    def on_put_waiver(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        """Where something contradicts it, a person cannot put that right."""
        admit(req, rules.WAIVE_FENCE)
        reason = body.read(req, schemas.WAIVE)['reason']
        who = name_of_caller(req)
        self._parts.database.write(self._waive, host, who, reason)
        self._parts.engines.wake()
        resp.media = self._parts.database.read(self._shown, host)

    def on_delete_waiver(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.UNWAIVE_FENCE)
        body.nothing(req)
        self._parts.database.write(self._unwaive, host)
        resp.status = falcon.HTTP_204

    def _shown(self, session: orm.Session, host: str) -> dict[str, Any]:
        row = hosts.get(session, host)
        doubts = fences.Doubts(
            hosts.all(session),
            db_moments.read_now(session),
            place_of=fences.place_known,
            test_seconds=self._parts.test_seconds,
            search_seconds=self._parts.search_seconds,
        )
        return view(row, doubts.of(row.name))

    @staticmethod
    def _waive(session: orm.Session, host: str, who: str, why: str) -> None:
        fences.waive(session, hosts.get(session, host).name, who, why)

    @staticmethod
    def _unwaive(session: orm.Session, host: str) -> None:
        fences.unwaive(session, hosts.get(session, host).name)
