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

"""/v1/notifications"""

import datetime
import logging
from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api.front import admit
from hass.api import moments
from hass.api import named
from hass.api import parts as api_parts
from hass.api import query
from hass.api.schemas import formats
from hass.api.schemas import notifications as schemas
from hass.db import hosts
from hass.db import models
from hass.db import moments as db_moments
from hass.db import notifications
from hass import exception
from hass import faults
from hass.policies import notifications as rules


LOG = logging.getLogger(__name__)
STALE = datetime.timedelta(hours=1)
"""What was seen longer ago says nothing of a host now."""
AHEAD = datetime.timedelta(minutes=5)
"""By how much the clock of a sender may be fast."""


def view(notification: models.Notification) -> dict[str, Any]:
    return {
        'uuid': notification.uuid,
        'source': notification.source,
        'host': notification.host,
        'layer': notification.layer,
        'payload': notification.payload,
        'generated_at': moments.shown(notification.generated_at),
        'received_at': moments.shown(notification.received_at),
        'state': notification.state,
        'why': notification.why,
    }


class Notifications:
    """Alleged faults: they raise suspicions and prove nothing."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        with self._parts.database.reader() as session:
            found = notifications.all(
                session,
                host=named.host(
                    session, asked.filters, models.Notification.host
                ),
                state=asked.choice('state', models.NotificationState),
                source=asked.filters.get('source'),
                **asked.page(),
            )
            views = [view(notification) for notification in found]
        resp.media = query.page(req, asked, 'notifications', views)

    def on_post_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.CREATE)
        fields = body.read(req, schemas.CREATE, _refuse_masakaris)
        resp.media = self._parts.database.write(self._add, fields)
        self._parts.engines.wake()
        resp.status = falcon.HTTP_202
        resp.location = f'{req.prefix}/v1/notifications/{resp.media["uuid"]}'

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, notification: str
    ) -> None:
        admit(req, rules.SHOW)
        with self._parts.database.reader() as session:
            resp.media = view(notifications.get(session, notification))

    @staticmethod
    def _add(session: orm.Session, fields: dict[str, Any]) -> dict[str, Any]:
        if not hosts.by_names(session, [fields['host']]):
            raise exception.Invalid(
                'host', f'{fields["host"]} is in no cluster'
            )
        at = formats.to_moment(fields['generated_at'])
        _refuse_odd(at, db_moments.read_now(session))
        row = notifications.add(
            session,
            source=fields['source'],
            host=fields['host'],
            layer=faults.Layer(fields['layer']),
            payload=fields.get('payload', {}),
            generated_at=at,
        )
        return view(row)


def _refuse_odd(at: datetime.datetime, now: datetime.datetime) -> None:
    """A sender that names another time means another zone, or the past.

    :raises hass.exception.Invalid: nobody can have seen a fault of now then
    """
    if now - STALE <= at <= now + AHEAD:
        return
    odd = 'lies in the future' if at > now else 'was too long ago'
    raise exception.Invalid(
        'generated_at',
        f'{odd}; allowed: {moments.shown(now - STALE)} to '
        f'{moments.shown(now + AHEAD)}',
    )


def _refuse_masakaris(fields: object) -> None:
    """Say to a monitor of Masakari's whose API this is.

    It takes a 400 for the last word, and tells of it in passing: so that the
    log tells here what was lost.

    :raises hass.exception.Invalid: the body is one of Masakari's
    """
    if not isinstance(fields, dict) or 'notification' not in fields:
        return
    LOG.warning(
        'a notification in the form of Masakari is refused, and its monitor '
        'does not send it again: %.500r. Its clients come here where the '
        'catalog has HASS as a service of type ha and not of type hass',
        fields['notification'],
    )
    known, needed = schemas.CREATE['properties'], schemas.CREATE['required']
    raise exception.Invalid(
        'notification',
        'this is the form of Masakari, and here is the API of HASS; missing: '
        f'{", ".join(needed)}; allowed: {", ".join(known)}. In the catalog '
        'HASS is to be a service of type hass: ha is an alias of instance-ha, '
        'and leads clients of Masakari here',
    )
