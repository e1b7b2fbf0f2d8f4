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

"""Numbers of what is in the tables: a few statements, whatever their size.

What ended or came in counts for a day. Rows are purged one day, so a sum of
all of them would go back.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import datetime
from typing import Any, NamedTuple, TypeVarTuple

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import protection
from hass import faults
from hass.states import State
from hass.states import WorkflowName

DAY_SECONDS = 86400.0
NO_CLUSTER = ''
"""In place of the name of a cluster that was deleted since."""

Cluster = models.Cluster
Evacuation = models.Evacuation
Host = models.Host
Notification = models.Notification
Observation = models.Observation
Recovery = models.Recovery
Columns = TypeVarTuple('Columns')

MENDED = WorkflowName.INSTANCE_FAILURE, State.FINISHED
"""Workflow and outcome of an instance that was down and came back."""


class Hosts(NamedTuple):
    """Hosts of a cluster whose fences are in one state.

    :ivar usable: that could take instances over, as protection.usable()
    :ivar ready: that lack nothing of their own to be protected
    """

    cluster: str
    mode: models.Mode
    fence: models.FenceState
    number: int
    usable: int
    ready: int
    in_maintenance: int
    degraded: int


class Layers(NamedTuple):
    """Hosts of a cluster with a layer, or side path, in one state."""

    cluster: str
    layer: str
    state: faults.Verdict
    number: int


class Open(NamedTuple):
    """A recovery that has not ended.

    :ivar overdue_seconds: since it has wanted a turn that nobody took
    """

    workflow: str
    state: str
    held_kind: models.HeldKind | None
    acknowledged: bool
    cluster: str
    overdue_seconds: float


class Ended(NamedTuple):
    """A recovery that ended within a day; ``seconds`` from its opening."""

    workflow: str
    outcome: str
    cluster: str
    seconds: float


class Counted(NamedTuple):
    """How many there were with these labels, within a day."""

    labels: tuple[str, ...]
    number: int


class Waiting(NamedTuple):
    """What is still to be told to a channel; '' before one is chosen."""

    channel: str
    number: int
    oldest_seconds: float


class Books(NamedTuple):
    """Everything, read in one transaction.

    :ivar losses: open ones, by whether somebody acknowledged them
    :ivar faults: recoveries opened: workflow, layer ('' when no fault was
        decided), cluster
    :ivar fencings: recoveries that went to fencing: cluster
    :ivar evacuations: open ones, and those that ended within a day: state,
        cluster
    :ivar down_seconds: (cluster, seconds) of each instance that came back:
        from the opening of the recovery to the end of its evacuation, or of
        its own recovery
    :ivar notifications: source, layer, state
    :ivar instances: protected ones: cluster
    """

    now: datetime.datetime
    hosts: Sequence[Hosts]
    layers: Sequence[Layers]
    open: Sequence[Open]
    losses: Mapping[bool, int]
    ended: Sequence[Ended]
    faults: Sequence[Counted]
    fencings: Sequence[Counted]
    evacuations: Sequence[Counted]
    down_seconds: Sequence[tuple[str, float]]
    notifications: Sequence[Counted]
    instances: Sequence[Counted]
    engines: Sequence[models.Service]
    outbox: Sequence[Waiting]


def read(session: orm.Session, fresh_seconds: float) -> Books:
    """All of it.

    :param fresh_seconds: older observations do not count
    """
    now = moments.read_now(session)
    ended = _ended(session)
    evacuations, down = _evacuations(session)
    own = [
        (one.cluster, one.seconds)
        for one in ended
        if (one.workflow, one.outcome) == MENDED
    ]
    return Books(
        now=now,
        hosts=_hosts(session, now),
        layers=_layers(session, fresh_seconds),
        open=_open(session, now),
        losses=losses.count_open(session),
        ended=ended,
        faults=_faults(session),
        fencings=_fencings(session),
        evacuations=evacuations,
        down_seconds=[*down, *own],
        notifications=_notifications(session),
        instances=_instances(session),
        engines=list(
            session.scalars(
                sa.select(models.Service).order_by(models.Service.name)
            )
        ),
        outbox=_outbox(session, now),
    )


def _hosts(session: orm.Session, now: datetime.datetime) -> list[Hosts]:
    late = now - datetime.timedelta(seconds=protection.LATE_SECONDS)
    kept = _is_past(Host.maintenance_until, now)
    awake = sa.and_(Host.reported_at > late, Host.planned_until.is_(None))
    ready = sa.and_(
        awake,
        kept,
        _is_past(Cluster.maintenance_until, now),
        Host.fence_state == models.FenceState.WORKING,
    )
    degraded = sa.cast(Host.degraded, sa.Text).not_in(('[]', 'null'))
    query = (
        sa.select(
            Cluster.name,
            Cluster.mode,
            Host.fence_state,
            sa.func.count(),
            _sum(sa.and_(awake, kept)),
            _sum(ready),
            _sum(
                sa.not_(
                    sa.and_(kept, _is_past(Cluster.maintenance_until, now))
                )
            ),
            _sum(degraded),
        )
        .select_from(Host)
        .join(Cluster, Cluster.id == Host.cluster_id)
        .group_by(Cluster.name, Cluster.mode, Host.fence_state)
    )
    return [
        Hosts(*row[:3], *map(int, row[3:])) for row in session.execute(query)
    ]


def _is_past(
    until: orm.InstrumentedAttribute[datetime.datetime | None],
    now: datetime.datetime,
) -> sa.ColumnElement[bool]:
    return sa.or_(until.is_(None), until <= now)


def _sum(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _layers(session: orm.Session, fresh_seconds: float) -> list[Layers]:
    """Each layer by its own witnesses, weighed as diagnosis/layers.py does.

    The surest, then the newest, word on each network counts; healthy on one
    network is healthy.
    """
    sureness = sa.case(
        (Observation.certainty == faults.Certainty.READ, 2),
        (Observation.certainty == faults.Certainty.INFERRED, 1),
        else_=0,
    )
    rank = sa.func.row_number().over(
        partition_by=(
            Observation.host,
            Observation.layer,
            Observation.network,
        ),
        order_by=(sureness.desc(), Observation.seen_at.desc()),
    )
    words = (
        sa.select(
            Observation.host,
            Observation.layer,
            Observation.verdict,
            rank.label('place'),
        )
        .where(
            Observation.verdict != faults.Verdict.UNKNOWN,
            Observation.seen_at >= moments.db_now(-fresh_seconds),
            Observation.seen_at <= moments.db_now(fresh_seconds),
        )
        .subquery()
    )
    healthy = sa.case((words.c.verdict == faults.Verdict.HEALTHY, 1), else_=0)
    states = (
        sa.select(
            words.c.host,
            words.c.layer,
            sa.func.max(healthy).label('healthy'),
        )
        .where(words.c.place == 1)
        .group_by(words.c.host, words.c.layer)
        .subquery()
    )
    query = (
        sa.select(
            Cluster.name, states.c.layer, states.c.healthy, sa.func.count()
        )
        .select_from(states)
        .join(Host, Host.name == states.c.host)
        .join(Cluster, Cluster.id == Host.cluster_id)
        .group_by(Cluster.name, states.c.layer, states.c.healthy)
    )
    verdicts = (faults.Verdict.FAILED, faults.Verdict.HEALTHY)
    return [
        Layers(cluster, layer, verdicts[works], number)
        for cluster, layer, works, number in session.execute(query)
    ]


def _open(session: orm.Session, now: datetime.datetime) -> list[Open]:
    query = _with_cluster(
        sa.select(
            Recovery.workflow,
            Recovery.state,
            Recovery.held_kind,
            Recovery.acknowledged_at,
            Cluster.name,
            Recovery.wake_at,
            Recovery.claimed_by,
            Recovery.claimed_until,
        )
    ).where(Recovery.ended_at.is_(None))
    found = []
    for row in session.execute(query):
        workflow, state, kind, seen_at, cluster, wake_at, by, claimed = row
        held = state == State.HELD and by is None
        waits = held or claimed is None or claimed < now
        overdue = (now - wake_at).total_seconds() if waits else 0.0
        found.append(
            Open(
                workflow,
                state,
                kind if state == State.HELD else None,
                seen_at is not None,
                cluster or NO_CLUSTER,
                max(0.0, overdue),
            )
        )
    return found


def _ended(session: orm.Session) -> list[Ended]:
    query = _with_cluster(
        sa.select(
            Recovery.workflow,
            Recovery.state,
            Cluster.name,
            Recovery.opened_at,
            Recovery.ended_at,
        )
    ).where(_is_recent(), Recovery.ended_at > moments.db_now(-DAY_SECONDS))
    return [
        Ended(
            row.workflow,
            row.state,
            row.name or NO_CLUSTER,
            _seconds(row.opened_at, row.ended_at),
        )
        for row in session.execute(query)
    ]


def _faults(session: orm.Session) -> list[Counted]:
    rows = (
        _with_cluster(
            sa.select(
                Recovery.workflow,
                Recovery.fault['layer'].as_string().label('layer'),
                Cluster.name,
            )
        )
        .where(_is_recent(), Recovery.opened_at > moments.db_now(-DAY_SECONDS))
        .subquery()
    )
    return _counted(session, rows.c.workflow, rows.c.layer, rows.c.name)


def _fencings(session: orm.Session) -> list[Counted]:
    """Each recovery once, however often it had to begin anew."""
    history = models.RecoveryHistory
    rows = (
        _with_cluster(sa.select(Recovery.id, Cluster.name).distinct())
        .join(history, Recovery.id == history.recovery_id)
        .where(
            history.to_state == State.FENCING,
            history.at > moments.db_now(-DAY_SECONDS),
        )
        .subquery()
    )
    return _counted(session, rows.c.name)


def _evacuations(
    session: orm.Session,
) -> tuple[list[Counted], list[tuple[str, float]]]:
    query = (
        _with_cluster(
            sa.select(
                Evacuation.state,
                Cluster.name,
                Recovery.opened_at,
                Evacuation.ended_at,
            )
        )
        .join(Evacuation, Evacuation.recovery_id == Recovery.id)
        .where(
            sa.or_(
                Evacuation.open_key.is_not(None),
                sa.and_(
                    _is_recent(),
                    Evacuation.ended_at > moments.db_now(-DAY_SECONDS),
                ),
            )
        )
    )
    numbers: dict[tuple[str, ...], int] = {}
    down = []
    for row in session.execute(query):
        cluster = row.name or NO_CLUSTER
        labels = (str(row.state), cluster)
        numbers[labels] = numbers.get(labels, 0) + 1
        if row.state is models.EvacuationState.DONE and row.ended_at:
            down.append((cluster, _seconds(row.opened_at, row.ended_at)))
    return [Counted(*one) for one in numbers.items()], down


def _notifications(session: orm.Session) -> list[Counted]:
    rows = (
        sa.select(Notification.source, Notification.layer, Notification.state)
        .where(
            sa.or_(
                Notification.state == models.NotificationState.NEW,
                Notification.received_at > moments.db_now(-DAY_SECONDS),
            )
        )
        .subquery()
    )
    return _counted(session, rows.c.source, rows.c.layer, rows.c.state)


def _instances(session: orm.Session) -> list[Counted]:
    rows = (
        sa.select(Cluster.name)
        .join(models.Instance, models.Instance.cluster_id == Cluster.id)
        .subquery()
    )
    return _counted(session, rows.c.name)


def _outbox(session: orm.Session, now: datetime.datetime) -> list[Waiting]:
    row = models.Outgoing
    query = sa.select(
        row.channel, sa.func.count(), sa.func.min(row.created_at)
    ).group_by(row.channel)
    return [
        Waiting(channel or '', number, _seconds(oldest, now))
        for channel, number, oldest in session.execute(query)
    ]


def _is_recent() -> sa.ColumnElement[bool]:
    """Something happened in the recovery within a day: by the one index."""
    history = models.RecoveryHistory
    found = sa.select(history.recovery_id).where(
        history.at > moments.db_now(-DAY_SECONDS)
    )
    return Recovery.id.in_(found)


def _with_cluster(query: sa.Select[*Columns]) -> sa.Select[*Columns]:
    """Of recoveries, with the names of their clusters."""
    return query.select_from(Recovery).outerjoin(
        Cluster, Cluster.id == Recovery.cluster_id
    )


def _counted(session: orm.Session, *labels: Any) -> list[Counted]:
    query = sa.select(*labels, sa.func.count()).group_by(*labels)
    return [
        Counted(tuple(str(label or '') for label in row[:-1]), row[-1])
        for row in session.execute(query)
    ]


def _seconds(begin: datetime.datetime, end: datetime.datetime) -> float:
    """Never negative, whatever somebody did to the clock."""
    return max(0.0, (end - begin).total_seconds())
