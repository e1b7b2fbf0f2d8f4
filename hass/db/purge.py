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

"""Forgetting what ended long ago."""

from collections.abc import Callable
import dataclasses
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import session as db_session

Notification = models.Notification
Recovery = models.Recovery
Some: TypeAlias = Callable[[orm.Session, float], int]
DAY_SECONDS = 86400
AT_ONCE = 500
"""Rows of a transaction: engines shall not wait for it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Purged:
    """How many rows there are no more."""

    recoveries: int
    notifications: int


def purge(database: db_session.Database, older_than_days: float) -> Purged:
    """Delete ended recoveries and settled notifications of long ago.

    History and evacuations of a recovery go with it; what is open or new
    stays, however old it is.

    :raises hass.exception.DatabaseUnreachable: there is no answer
    """
    seconds = older_than_days * DAY_SECONDS
    return Purged(
        notifications=_all(database, _notifications, seconds),
        recoveries=_all(database, _recoveries, seconds),
    )


def _all(database: db_session.Database, some: Some, seconds: float) -> int:
    total = 0
    while number := database.write(some, seconds):
        total += number
    return total


def _notifications(session: orm.Session, seconds: float) -> int:
    query = sa.select(Notification.id).where(
        Notification.state != models.NotificationState.NEW,
        Notification.received_at < moments.db_now(-seconds),
    )
    found = list(session.scalars(query.limit(AT_ONCE)))
    delete = sa.delete(Notification).where(Notification.id.in_(found))
    session.execute(delete)
    return len(found)


def _recoveries(session: orm.Session, seconds: float) -> int:
    query = sa.select(Recovery.id).where(
        Recovery.ended_at < moments.db_now(-seconds)
    )
    found = list(session.scalars(query.limit(AT_ONCE)))
    session.execute(
        sa.update(Notification)
        .where(Notification.recovery_id.in_(found))
        .values(recovery_id=None)
    )
    for model in (models.RecoveryHistory, models.Evacuation):
        session.execute(sa.delete(model).where(model.recovery_id.in_(found)))
    session.execute(sa.delete(Recovery).where(Recovery.id.in_(found)))
    return len(found)
