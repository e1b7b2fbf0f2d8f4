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

"""Losses: instances that should run and do not, paged until somebody knows.

There is one open row of an instance, however it was found not to run.
"""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses
import datetime
import functools
from typing import Any
from typing import Unpack

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import instance_observations
from hass.db import models
from hass.db import moments
from hass.db import pages
from hass.db import session as db_session
from hass import exception

Loss = models.Loss
COLUMNS: pages.Columns = {
    'since': Loss.since,
    'instance_name': Loss.instance_name,
}
End = models.LossEnd
FIRST_LOOK_SECONDS = 10.0
LONGEST_LOOK_SECONDS = 300.0
KNOWN = 'known'
"""What a row remembers of its acknowledgement: the newest recovery of then."""
LONGEST_GRACE_SECONDS = 180.0
"""No instance is given longer to come back before it is paged."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """An instance that is to be named to people.

    :ivar why: a sentence that goes on after its name
    :ivar ports: uuids of ports that were ACTIVE while it ran
    :ivar unprotected: it was not protected, and HASS has cut it off
    :ivar page_seconds: so long it may take to come back by itself
    """

    instance_uuid: str
    instance_name: str
    project_id: str
    why: str
    ports: Sequence[str] = ()
    unprotected: bool = False
    page_seconds: float = 0.0


def record(
    session: orm.Session,
    host: str,
    found: Sequence[Lost],
    recovery_uuid: str | None = None,
    off_at: datetime.datetime | None = None,
) -> list[Loss]:
    """Name instances of a host; returns the rows of all of them.

    One that is named already keeps its row, with the newest reason: what
    was acknowledged is not paged again, unless its host was off since then.

    :param recovery_uuid: which recovery found them; None: they are lost by a
        boot that nobody has accounted for before
    :param off_at: when the host was off: what was seen before is old; None:
        it was not, as far as the caller knows, and what the row tells stays
    """
    rows = []
    for one in found:
        row = open_of(session, one.instance_uuid) or _add(session, host, one)
        if off_at is not None and _is_news(
            session, row, recovery_uuid, off_at
        ):
            row.acknowledged_at = row.alarmed_at = None
        since = _off_last(row, host, off_at)
        row.why = one.why
        row.host = host
        row.recovery_uuid = recovery_uuid or row.recovery_uuid
        row.was = {
            'ports': sorted({*row.was.get('ports', ()), *one.ports}),
            'off_at': since.isoformat() if since else None,
            'unprotected': one.unprotected,
            KNOWN: row.was.get(KNOWN),
        }
        rows.append(row)
    session.flush()
    return rows


def _is_news(
    session: orm.Session,
    row: Loss,
    recovery_uuid: str | None,
    off_at: datetime.datetime,
) -> bool:
    """Whether a host was off since the loss was acknowledged.

    A clock that was set back tells less than the order of the recoveries.
    """
    seen = row.acknowledged_at
    if seen is None or recovery_uuid is None or off_at > seen:
        return seen is not None
    query = sa.select(models.Recovery.id).where(
        models.Recovery.uuid == recovery_uuid
    )
    known: int | None = row.was.get(KNOWN)
    found = session.scalar(query)
    return known is not None and found is not None and found > known


def _add(session: orm.Session, host: str, one: Lost) -> Loss:
    now = moments.read_now(session)
    row = Loss(
        uuid=models.new_uuid(),
        instance_uuid=one.instance_uuid,
        instance_name=one.instance_name,
        project_id=one.project_id,
        host=host,
        why=one.why,
        since=now,
        was={},
        look_at=now,
        page_at=now + datetime.timedelta(seconds=one.page_seconds),
        open_key=one.instance_uuid,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except oslo_exception.DBDuplicateEntry:
        # Another engine named it at this moment.
        query = sa.select(Loss).where(Loss.open_key == one.instance_uuid)
        return session.scalars(query.with_for_update(read=True)).one()
    return row


def off_at(loss: Loss) -> datetime.datetime | None:
    """When its host was off; None: it was not, as far as known."""
    text = loss.was.get('off_at')
    return datetime.datetime.fromisoformat(text) if text else None


def _off_last(
    row: Loss, host: str, moment: datetime.datetime | None
) -> datetime.datetime | None:
    """The later of the moment in the row, if of this host, and the new one."""
    known = off_at(row) if row.host == host else None
    return max(filter(None, (known, moment)), default=None)


def open_of(session: orm.Session, instance_uuid: str) -> Loss | None:
    """The one open loss of an instance."""
    query = sa.select(Loss).where(Loss.open_key == instance_uuid)
    return session.scalars(query).one_or_none()


def named(session: orm.Session, among: Collection[str]) -> set[str]:
    """Those of the instances that an open loss names."""
    if not among:
        return set()
    query = sa.select(Loss.open_key).where(Loss.open_key.in_(among))
    return {uuid for uuid in session.scalars(query) if uuid is not None}


def count_open(session: orm.Session) -> dict[bool, int]:
    """How many are open, by whether somebody acknowledged them."""
    query = (
        sa.select(Loss.acknowledged_at.is_not(None), sa.func.count())
        .where(Loss.open_key.is_not(None))
        .group_by(Loss.acknowledged_at.is_not(None))
    )
    found = {bool(seen): number for seen, number in session.execute(query)}
    return {seen: found.get(seen, 0) for seen in (False, True)}


def end(session: orm.Session, loss: Loss, how: End, why: str) -> bool:
    """It is none any more; False: another engine has ended it."""
    ended = session.execute(
        sa.update(Loss)
        .where(Loss.id == loss.id, Loss.open_key.is_not(None))
        .values(
            ended_at=moments.db_now(),
            ended_how=how,
            ended_why=why,
            open_key=None,
        )
        .execution_options(synchronize_session='fetch')
    )
    return db_session.changed(ended) == 1


def amend(session: orm.Session, loss: Loss, why: str) -> None:
    """It is still lost, for another reason."""
    session.execute(
        sa.update(Loss)
        .where(Loss.id == loss.id, Loss.open_key.is_not(None))
        .values(why=why)
    )


def to_look_at(session: orm.Session, limit: int) -> list[Loss]:
    """Open ones that are due; the engine that takes them looks alone.

    Each is looked at less and less often, for as long as it is open.
    """
    found = session.scalars(_to_look_at(limit))
    taken = [one for one in found if _take(session, one)]
    for one in taken:
        _set_back(session, one)
    return taken


@functools.cache
def _to_look_at(limit: int) -> sa.Select[Loss]:
    return (
        sa.select(Loss)
        .where(
            Loss.open_key.is_not(None),
            moments.is_due(Loss.look_at, LONGEST_LOOK_SECONDS),
        )
        .order_by(Loss.look_at)
        .limit(limit)
    )


def _take(session: orm.Session, loss: Loss) -> bool:
    seconds = min(
        FIRST_LOOK_SECONDS * 2 ** min(loss.looks, 16), LONGEST_LOOK_SECONDS
    )
    taken = session.execute(
        sa.update(Loss)
        .where(
            Loss.id == loss.id,
            Loss.looks == loss.looks,
            Loss.open_key.is_not(None),
        )
        .values(
            looks=loss.looks + 1,
            look_at=moments.db_now(seconds),
        )
        .execution_options(synchronize_session=False)
    )
    return db_session.changed(taken) == 1


def _set_back(session: orm.Session, loss: Loss) -> None:
    """Let what is seen from now on count if the clock was set back.

    The host was off in the future then. That stays so while a look of before
    is kept: it would seem to be newer when the clock has caught up with it.
    """
    moment = off_at(loss)
    if moment is None:
        return
    now = moments.read_now(session)
    latest = now + datetime.timedelta(seconds=moments.SKEW_SECONDS)
    if moment <= latest or instance_observations.is_seen_after(
        session, loss.instance_uuid, loss.host, latest
    ):
        return
    session.refresh(loss, with_for_update=True)
    loss.was = {**loss.was, 'off_at': latest.isoformat()}
    session.flush()


def to_page(session: orm.Session, repeat_seconds: float) -> list[Loss]:
    """Open ones that nobody acknowledged and that are to be paged.

    What was lost on a host waits for the end of its maintenance window. Each
    is marked in this transaction, so that one engine pages it.
    """
    found = list(session.scalars(_to_page(repeat_seconds)))
    now = moments.read_now(session)
    for loss in found:
        loss.alarmed_at = now
    session.flush()
    return found


@functools.cache
def _to_page(repeat_seconds: float) -> sa.Select[Loss]:
    return (
        sa.select(Loss)
        .where(
            Loss.open_key.is_not(None),
            Loss.acknowledged_at.is_(None),
            moments.is_due(Loss.page_at, LONGEST_GRACE_SECONDS),
            Loss.host.not_in(_in_maintenance()),
            moments.is_past(Loss.alarmed_at, repeat_seconds),
        )
        .order_by(Loss.id)
        .with_for_update()
    )


def _in_maintenance() -> sa.Select[str]:
    """Names of hosts on which people work now, or on whose cluster."""
    host, cluster = models.Host, models.Cluster
    return (
        sa.select(host.name)
        .join(cluster, cluster.id == host.cluster_id)
        .where(
            sa.or_(
                host.maintenance_until > moments.db_now(),
                cluster.maintenance_until > moments.db_now(),
            )
        )
    )


# What the API asks.


def get(session: orm.Session, uuid: str) -> Loss:
    """One loss.

    :raises hass.exception.NotFound: there is none
    """
    query = sa.select(Loss).where(Loss.uuid == uuid)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise exception.NotFound('loss', uuid)
    return found


def all(
    session: orm.Session,
    *,
    host: str | None = None,
    instance: str | None = None,
    recovery: str | None = None,
    project_id: str | None = None,
    is_open: bool | None = None,
    **page: Unpack[pages.Page],
) -> list[Loss]:
    """Losses, newest first, a page at a time.

    :raises hass.exception.Invalid: the marker names no row
    """
    query = sa.select(Loss)
    wanted: dict[Any, str | None] = {
        Loss.host: host,
        Loss.instance_uuid: instance,
        Loss.recovery_uuid: recovery,
        Loss.project_id: project_id,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if is_open is not None:
        is_ended = Loss.open_key.is_(None)
        query = query.where(sa.not_(is_ended) if is_open else is_ended)
    return pages.page(session, Loss, query, COLUMNS, page, newest_first=True)


def acknowledge(session: orm.Session, uuid: str) -> Loss:
    """A human knows of it: no further paging. It stays until it runs.

    :raises hass.exception.Conflict: it has ended
    """
    loss = get(session, uuid)
    session.refresh(loss, with_for_update=True)
    if loss.open_key is None:
        raise exception.Conflict(f'loss {uuid} has ended: {loss.ended_why}')
    if loss.acknowledged_at is None:
        newest = session.scalar(sa.select(sa.func.max(models.Recovery.id)))
        loss.acknowledged_at = moments.read_now(session)
        loss.was = {**loss.was, KNOWN: newest or 0}
    session.flush()
    return loss
