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

Evacuation = models.Evacuation
Loss = models.Loss
Notification = models.Notification
Recovery = models.Recovery
Service = models.Service
Old: TypeAlias = Callable[[float], sa.Select[int]]
"""The ids of what is older than so many seconds and may go."""
Forget: TypeAlias = Callable[[orm.Session, list[int]], None]
DAY_SECONDS = 86400
AT_ONCE = 500
"""Rows of a transaction: engines shall not wait for it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Purged:
    """How many rows there are no more."""

    recoveries: int
    notifications: int
    services: int
    losses: int = 0


def purge(
    database: db_session.Database, older_than_days: float, dry: bool = False
) -> Purged:
    """Delete ended recoveries and losses, settled notifications, lost engines.

    History and evacuations of a recovery go with it; what is open or new
    stays, however old it is. An engine is lost when it was killed, so that
    it did not take its row away itself, and never came back.

    :param dry: count what would go, and delete nothing
    :raises hass.exception.DatabaseUnreachable: there is no answer
    """
    seconds = older_than_days * DAY_SECONDS

    def done(old: Old, forget: Forget) -> int:
        if dry:
            return database.read(_count, old(seconds))
        return _all(database, old(seconds), forget)

    return Purged(
        notifications=done(_old_notifications, _forget_notifications),
        recoveries=done(_old_recoveries, _forget_recoveries),
        services=done(_lost_services, _forget_services),
        losses=done(_old_losses, _forget_losses),
    )


def _count(session: orm.Session, old: sa.Select[int]) -> int:
    counted = sa.select(sa.func.count()).select_from(old.subquery())
    return session.scalar(counted) or 0


def _all(
    database: db_session.Database, old: sa.Select[int], forget: Forget
) -> int:
    def some(session: orm.Session) -> int:
        found = list(session.scalars(old.limit(AT_ONCE)))
        forget(session, found)
        return len(found)

    total = 0
    while number := database.write(some):
        total += number
    return total


def _old_notifications(seconds: float) -> sa.Select[int]:
    return sa.select(Notification.id).where(
        Notification.state != models.NotificationState.NEW,
        Notification.received_at < moments.db_now(-seconds),
    )


def _forget_notifications(session: orm.Session, found: list[int]) -> None:
    session.execute(sa.delete(Notification).where(Notification.id.in_(found)))


def _old_recoveries(seconds: float) -> sa.Select[int]:
    """An evacuation may outlive its recovery, until Nova has ended it."""
    moving = sa.select(Evacuation.recovery_id).where(
        Evacuation.open_key.is_not(None)
    )
    return sa.select(Recovery.id).where(
        Recovery.ended_at < moments.db_now(-seconds),
        Recovery.open_key.is_(None),
        Recovery.id.not_in(moving),
    )


def _forget_recoveries(session: orm.Session, found: list[int]) -> None:
    session.execute(
        sa.update(Notification)
        .where(Notification.recovery_id.in_(found))
        .values(recovery_id=None)
    )
    for model in (models.RecoveryHistory, Evacuation):
        session.execute(sa.delete(model).where(model.recovery_id.in_(found)))
    session.execute(sa.delete(Recovery).where(Recovery.id.in_(found)))


def _lost_services(seconds: float) -> sa.Select[int]:
    """Never those of the last day: they are in trouble, not lost."""
    return sa.select(Service.id).where(
        Service.turn_at < moments.db_now(-max(seconds, DAY_SECONDS))
    )


def _forget_services(session: orm.Session, found: list[int]) -> None:
    session.execute(sa.delete(Service).where(Service.id.in_(found)))


def _old_losses(seconds: float) -> sa.Select[int]:
    return sa.select(Loss.id).where(
        Loss.ended_at < moments.db_now(-seconds), Loss.open_key.is_(None)
    )


def _forget_losses(session: orm.Session, found: list[int]) -> None:
    session.execute(sa.delete(Loss).where(Loss.id.in_(found)))
