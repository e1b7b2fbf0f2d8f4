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

"""Notifications: alleged faults as they were received."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import datetime
import functools
from typing import Any
from typing import Unpack

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import pages
from hass.db import session as db_session
from hass import exception
from hass import faults

Notification = models.Notification
ENGINE = 'engine'
"""Source of what an engine found missing, and no agent told."""
COLUMNS: pages.Columns = {
    'received_at': Notification.received_at,
    'generated_at': Notification.generated_at,
    'host': Notification.host,
}


def add(
    session: orm.Session,
    *,
    source: str,
    host: str,
    layer: faults.Layer,
    payload: Mapping[str, Any],
    generated_at: datetime.datetime | None = None,
) -> Notification:
    """One more allegation.

    :param generated_at: the sender's own time; it is told, not believed
    """
    now = moments.read_now(session)
    notification = Notification(
        source=source,
        host=host,
        layer=layer,
        payload=dict(payload),
        generated_at=generated_at or now,
        received_at=now,
    )
    session.add(notification)
    session.flush()
    return notification


def add_new(session: orm.Session, told: Iterable[Notification]) -> None:
    """Those that have not come before, by their uuid."""
    coming = {one.uuid: one for one in told}
    query = sa.select(Notification.uuid).where(Notification.uuid.in_(coming))
    known = set(session.scalars(query)) if coming else set()
    session.add_all(one for uuid, one in coming.items() if uuid not in known)
    session.flush()


def get(session: orm.Session, uuid: str) -> Notification:
    """The notification with this uuid.

    :raises hass.exception.NotFound: there is none
    """
    query = sa.select(Notification).where(Notification.uuid == uuid)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise exception.NotFound('notification', uuid)
    return found


def all(
    session: orm.Session,
    *,
    host: str | None = None,
    state: models.NotificationState | None = None,
    source: str | None = None,
    **page: Unpack[pages.Page],
) -> list[Notification]:
    """Notifications, oldest first, a page at a time."""
    query = sa.select(Notification)
    if host is not None:
        query = query.where(Notification.host == host)
    if state is not None:
        query = query.where(Notification.state == state)
    if source is not None:
        query = query.where(Notification.source == source)
    return pages.page(session, Notification, query, COLUMNS, page)


def new_ones(
    session: orm.Session,
    limit: int = 100,
    *,
    layers: Iterable[faults.Layer] = (),
    but: Iterable[faults.Layer] = (),
    not_of: Iterable[str] = (),
) -> list[Notification]:
    """What nobody answered yet, oldest first.

    :param layers: only these, if any are given
    :param but: none of these
    :param not_of: hosts that are left out
    """
    query = _new_ones(limit, tuple(layers), tuple(but))
    left_out = tuple(not_of)
    if left_out:
        query = query.where(Notification.host.not_in(left_out))
    return list(session.scalars(query))


@functools.cache
def _new_ones(
    limit: int, layers: Sequence[faults.Layer], but: Sequence[faults.Layer]
) -> sa.Select[Notification]:
    """Made once: engines ask several times a second."""
    query = sa.select(Notification).where(
        Notification.state == models.NotificationState.NEW,
        Notification.layer.not_in(but),
    )
    if layers:
        query = query.where(Notification.layer.in_(layers))
    return query.order_by(Notification.id).limit(limit)


def settle(
    session: orm.Session,
    notification_id: int,
    state: models.NotificationState,
    why: str,
    recovery_id: int | None = None,
) -> bool:
    """What became of a new one; False: another engine was quicker.

    :param state: NEW: it waits, and why says for what
    """
    settled = session.execute(
        sa.update(Notification)
        .where(
            Notification.id == notification_id,
            Notification.state == models.NotificationState.NEW,
        )
        .values(state=state, why=why, recovery_id=recovery_id)
    )
    return db_session.changed(settled) == 1


def reopen(session: orm.Session, recovery_id: int, why: str) -> None:
    """Those that opened or joined a recovery wait again.

    It ended for the sake of another one, without an answer to them.
    """
    session.execute(
        sa.update(Notification)
        .where(
            Notification.recovery_id == recovery_id,
            Notification.state == models.NotificationState.OPENED,
        )
        .values(state=models.NotificationState.NEW, why=why, recovery_id=None)
    )


def waits(session: orm.Session, instance: str) -> bool:
    """Whether one that tells of an instance has no answer yet."""
    query = sa.select(Notification.id).where(
        Notification.state == models.NotificationState.NEW,
        Notification.payload['instance'].as_string() == instance,
    )
    return session.scalar(query.limit(1)) is not None
