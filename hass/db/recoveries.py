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

"""Recoveries: opened once, claimed for seconds, recorded under the claim."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from collections import Counter
import copy
import dataclasses
import datetime
import functools
from typing import Any
from typing import Unpack

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import interruptions
from hass.db import locks
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import outbox
from hass.db import pages
from hass import exception
from hass import faults
from hass import payloads
from hass.states import State
from hass.states import WorkflowName
from hass import until as until_
from hass import workflows

CLAIMED_BY_NOBODY_SECONDS = 10 * 366 * 86400.0
HANDED_ON = (
    'service',
    'unprotected',
    'start_at_return',
    'disabled',
    'owed',
    'stopped',
)
"""What the next story of the same host has to put back as well: lists of
instances that it has to start, or that have to run when it ends, among it.
What a story has stopped itself, to start it, no user has stopped."""
Recovery = models.Recovery
COLUMNS: pages.Columns = {
    'opened_at': Recovery.opened_at,
    'state_since': Recovery.state_since,
    'state': Recovery.state,
    'subject': Recovery.subject,
}


WRITTEN = ('since', 'counted_from', 'well_since', 'at', 'off_at', 'told_at')
"""Moments in what a story remembers, and in its fault."""
HELD_FOR = 'held_for'
"""What a story was last held for: the same again is no news."""
PAGED_ONCE = 'paged_once'
"""Remembered of what an operator knows already: one page, and no more."""
READS_OFF = 'reads_off'
"""Remembered of a host that its own BMC, surely its own, reads off."""
CLOSED = 'closed_boot'
"""Remembered of a return that is held: the boot that it has accounted for."""
CHAINED = datetime.timedelta(seconds=5)
"""A story and the one that it opens at its end are of one transaction."""


def host_key(host: str) -> str:
    """The open key of every story of a host: one at a time."""
    return _key(workflows.Subject.HOST, host)


def instance_key(uuid: str) -> str:
    """The open key of an instance's own story."""
    return _key(workflows.Subject.INSTANCE, uuid)


def _key(kind: workflows.Subject, subject: str) -> str:
    return f'{kind}:{subject}'


def open_of_instance(session: orm.Session, uuid: str) -> Recovery | None:
    """The one open story of an instance by itself."""
    return _open_with(session, instance_key(uuid))


def open_of_host(session: orm.Session, host: str) -> Recovery | None:
    """The one open story of a host."""
    return _open_with(session, host_key(host))


def _open_with(session: orm.Session, key: str) -> Recovery | None:
    return session.scalars(_with_key(), {'key': key}).one_or_none()


@functools.cache
def _with_key() -> sa.Select[Recovery]:
    return sa.select(Recovery).where(Recovery.open_key == sa.bindparam('key'))


def open_ones(session: orm.Session) -> list[Recovery]:
    """All open recoveries, oldest first."""
    return list(session.scalars(_open_ones()))


@functools.cache
def _open_ones() -> sa.Select[Recovery]:
    query = sa.select(Recovery).where(Recovery.ended_at.is_(None))
    return query.order_by(Recovery.id)


def rescue_of_host(session: orm.Session, host: str) -> Recovery | None:
    """The open story of a host that failed itself, or comes back."""
    found = open_of_host(session, host)
    return found if found and isolates(found) else None


def isolates(story: Recovery) -> bool:
    """Whether the story has a host out of use while it is open."""
    return workflows.traits_of(story.workflow).isolates


def saver_of_host(session: orm.Session, host: str) -> Recovery | None:
    """The open story that may save what runs on a host.

    A return that is held saves nothing until it goes on: its host is back,
    and its instances live and die as on any other.
    """
    found = open_of_host(session, host)
    return found if found and may_save(found) else None


def may_save(story: Recovery) -> bool:
    """Whether the story of a host may save what runs there."""
    return isolates(story) and not is_back(story)


def is_back(story: Recovery) -> bool:
    """Whether it leaves what runs on its host alone: a return is held."""
    return story.state in workflows.traits_of(story.workflow).spares_in


def last_ended(
    session: orm.Session, host: str, *, isolating: bool = True
) -> Recovery | None:
    """The newest ended story of a host itself, or of its services."""
    beside = Recovery.workflow.in_(workflows.leaving_hosts_in_use())
    query = (
        sa.select(Recovery)
        .where(
            Recovery.subject == host,
            Recovery.ended_at.is_not(None),
            sa.not_(beside) if isolating else beside,
        )
        .order_by(Recovery.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def fencing_of(session: orm.Session, host: str) -> dict[str, Any] | None:
    """What the story remembers that fenced a host which has an open one.

    That is the open story itself, or the one whose end opened it.
    """
    story = rescue_of_host(session, host)
    if story is None or _fences(story):
        return None if story is None else story.was
    before = last_ended(session, host)
    if before is None or not _fences(before):
        return None
    assert before.ended_at is not None
    chained = abs(story.opened_at - before.ended_at) < CHAINED
    return before.was if chained else None


def _fences(story: Recovery) -> bool:
    return workflows.traits_of(story.workflow).fences


def last_fencing_of(session: orm.Session, host: str) -> Recovery | None:
    """The ended story that fenced a host which has not come back since.

    None: it was given back, or a later story of it saw it alive, brought it
    back, or is at its power now.
    """
    query = (
        sa.select(Recovery)
        .where(
            Recovery.subject == host,
            Recovery.workflow.not_in(workflows.leaving_hosts_in_use()),
        )
        .order_by(Recovery.id.desc())
    )
    for story in session.scalars(query):
        if _fences(story):
            if story.was.get('off_sent'):
                return story if story.state == State.FINISHED else None
        elif _went_to(session, story, State.SETTLING):
            return None
        if story.ended_at is not None and not story.was.get('released'):
            return None
    return None


def _went_to(session: orm.Session, story: Recovery, state: str) -> bool:
    history = models.RecoveryHistory
    query = sa.select(history.id).where(
        history.recovery_id == story.id, history.to_state == state
    )
    return session.scalars(query.limit(1)).first() is not None


def append_history(
    session: orm.Session,
    recovery_id: int,
    old: str | None,
    new: str,
    engine: str,
    why: str,
    recovery: Recovery | None = None,
) -> None:
    """One line, in the transaction of what it tells; others are told too.

    :param recovery: its row as it is then, if it is at hand
    """
    at = moments.read_now(session)
    session.add(
        models.RecoveryHistory(
            recovery_id=recovery_id,
            at=at,
            from_state=old,
            to_state=new,
            engine=engine,
            why=why,
        )
    )
    row = recovery or session.get_one(Recovery, recovery_id)
    told = payloads.Transition(
        recovery=row.uuid,
        workflow=row.workflow,
        subject=row.subject,
        cluster=row.cluster.name if row.cluster else None,
        old=old,
        new=new,
        held_kind=row.held_kind if new == State.HELD else None,
        layer=row.fault.get('layer'),
        why=why,
        engine=engine,
        at=at,
        opened_at=row.opened_at,
    )
    outbox.put(session, payloads.Event.TRANSITION, told.to_dict(), at)


def open_one(
    session: orm.Session,
    *,
    workflow: str,
    host: str,
    cluster_id: int | None,
    state: str,
    deadline_seconds: float | None,
    engine: str,
    why: str,
    fault: Mapping[str, Any] | None = None,
    was: Mapping[str, Any] | None = None,
    supersede: Iterable[str] = (),
) -> Recovery | None:
    """Open a story of a host, or None when one is open already.

    What was remembered meanwhile is not lost: the open one is locked.

    :param supersede: workflows whose open stories of the host and of its
        instances end here; what the host's own one remembered is handed
        on, for it has to be put back all the same
    """
    query = sa.select(Recovery).where(Recovery.open_key == host_key(host))
    standing = session.scalars(
        query.with_for_update(of=Recovery)
    ).one_or_none()
    inherited: dict[str, Any] = {}
    if standing is not None:
        if standing.workflow not in supersede:
            return None
        inherited = handed_on(standing)
        if standing.workflow == WorkflowName.HOST_RETURN:
            inherited |= interruptions.note(
                standing, standing.was.get(HELD_FOR)
            )
        end(session, standing, State.DISMISSED, engine, f'superseded: {why}')
    for workflow_name in supersede:
        for one in open_on_host(session, host, workflow_name):
            why_so = f'{host} itself is suspected: {why}'
            inherited = united(inherited, {'owed': [one.subject]})
            end(session, one, State.DISMISSED, engine, why_so)
            notifications.reopen(session, one.id, why_so)
    return _open(
        session,
        engine,
        deadline_seconds,
        workflow=workflow,
        subject=host,
        cluster_id=cluster_id,
        state=state,
        why=why,
        fault=dict(fault or {}),
        was=united(inherited, was or {}),
        open_key=host_key(host),
    )


def open_for(
    session: orm.Session,
    subject: str,
    *,
    workflow: str,
    cluster_id: int,
    state: str,
    deadline_seconds: float | None,
    engine: str,
    why: str,
    fault: Mapping[str, Any],
) -> Recovery | None:
    """Open a story of an instance or a cluster; None when one is open.

    :param subject: the uuid of what the workflow declares as its subject
    """
    return _open(
        session,
        engine,
        deadline_seconds,
        workflow=workflow,
        subject=subject,
        cluster_id=cluster_id,
        state=state,
        why=why,
        fault=dict(fault),
        was={},
        open_key=_key(workflows.traits_of(workflow).subject, subject),
    )


def _open(
    session: orm.Session,
    engine: str,
    deadline_seconds: float | None,
    **values: Any,
) -> Recovery | None:
    now = moments.read_now(session)
    recovery = Recovery(
        uuid=models.new_uuid(),
        state_since=now,
        opened_at=now,
        turned_at=now,
        wake_at=now,
        deadline_at=None
        if deadline_seconds is None
        else _after(now, deadline_seconds),
        **values,
    )
    try:
        with session.begin_nested():
            session.add(recovery)
    except oslo_exception.DBDuplicateEntry:
        # Another engine opened one at this moment.
        return None
    append_history(
        session, recovery.id, None, recovery.state, engine, recovery.why
    )
    return recovery


def open_on_host(
    session: orm.Session, host: str, workflow: str
) -> list[Recovery]:
    """Open stories of instances that were told of by a host's agent."""
    query = (
        sa.select(Recovery)
        .where(
            Recovery.workflow == workflow,
            Recovery.ended_at.is_(None),
            Recovery.fault['host'].as_string() == host,
        )
        .order_by(Recovery.id)
        .with_for_update(of=Recovery)
    )
    return list(session.scalars(query))


def gone_to(
    session: orm.Session,
    seconds: float,
    cluster_id: int,
    wanted: Iterable[str],
) -> set[int]:
    """Ids of a cluster's stories that went to one of the states lately."""
    history = models.RecoveryHistory
    query = (
        sa.select(Recovery.id)
        .distinct()
        .join(history, Recovery.id == history.recovery_id)
        .where(
            Recovery.cluster_id == cluster_id,
            history.to_state.in_(list(wanted)),
            history.at > moments.db_now(-seconds),
        )
    )
    return set(session.scalars(query))


def failed_on(
    session: orm.Session, workflow: str, cluster_id: int
) -> Counter[str]:
    """Open stories of a cluster's instances: host to how many."""
    host = Recovery.fault['host'].as_string().label('host')
    found = sa.select(host).where(
        Recovery.workflow == workflow,
        Recovery.cluster_id == cluster_id,
        Recovery.ended_at.is_(None),
    )
    rows = found.subquery()
    query = sa.select(rows.c.host, sa.func.count()).group_by(rows.c.host)
    return Counter({row[0]: row[1] for row in session.execute(query)})


def is_restrained(
    session: orm.Session, workflow: str, cluster_id: int | None
) -> bool:
    """Whether one of the cluster's is held by restraint, and pages."""
    query = sa.select(Recovery.id).where(
        Recovery.workflow == workflow,
        Recovery.cluster_id == cluster_id,
        Recovery.ended_at.is_(None),
        Recovery.state == State.HELD,
        Recovery.held_kind == models.HeldKind.RESTRAINT,
    )
    return session.scalars(query.limit(1)).first() is not None


def any_ended_within(session: orm.Session, seconds: float) -> bool:
    """Whether any story ended lately."""
    late = Recovery.ended_at > moments.db_now(-seconds)
    return bool(session.scalar(sa.select(sa.exists().where(late))))


def of_subject_within(
    session: orm.Session, subject: str, workflow: str, seconds: float
) -> list[Recovery]:
    """Stories of one subject that were opened lately, oldest first."""
    query = (
        sa.select(Recovery)
        .where(
            Recovery.subject == subject,
            Recovery.workflow == workflow,
            Recovery.opened_at > moments.db_now(-seconds),
        )
        .order_by(Recovery.id)
    )
    return list(session.scalars(query))


def chain(
    session: orm.Session,
    ended: Recovery,
    *,
    workflow: str,
    state: str,
    deadline_seconds: float | None,
    engine: str,
) -> None:
    """Open the host's next story in the transaction that ends this one.

    A return that was interrupted for nothing goes on.
    """
    was, held = handed_on(ended), interruptions.of(ended)
    if held:
        was |= {interruptions.RESUMED: held, HELD_FOR: held['held_for']}
    opened = open_one(
        session,
        workflow=workflow,
        host=ended.subject,
        cluster_id=ended.cluster_id,
        state=state,
        deadline_seconds=deadline_seconds,
        engine=engine,
        why=f'after recovery {ended.uuid}',
        fault=held.get('fault', ended.fault),
        was=was,
    )
    if opened is not None and held:
        interruptions.go_on(opened, held)
        session.flush()


def handed_on(recovery: Recovery) -> dict[str, Any]:
    """What a story leaves to the next one to put back.

    What it has started again and Nova has stopped since was stopped by its
    user.
    """
    was = dict(recovery.was)
    done = set(was.get('running', ()))
    if done:
        starts = was.get('start_at_return', {})
        was |= {
            'unprotected': [
                uuid for uuid in was.get('unprotected', ()) if uuid not in done
            ],
            'start_at_return': {
                uuid: state
                for uuid, state in starts.items()
                if uuid not in done
            },
        }
        was['owed'] = sorted({*was.get('owed', ()), *done})
    return {key: was[key] for key in HANDED_ON if key in was}


def united(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Both: no instance of two lists is forgotten, else the newer counts."""
    both = {**old, **new}
    for key in old.keys() & new.keys():
        if isinstance(old[key], list) and isinstance(new[key], list):
            both[key] = list(dict.fromkeys([*old[key], *new[key]]))
    if 'start_at_return' in both:
        key = 'start_at_return'
        both[key] = {**old.get(key, {}), **new.get(key, {})}
    return both


def set_fault(
    session: orm.Session, recovery_id: int, fault: Mapping[str, Any]
) -> None:
    """Write down what diagnosis decided, with its evidence."""
    session.execute(
        sa.update(Recovery)
        .where(Recovery.id == recovery_id)
        .values(fault=dict(fault))
    )


def end(
    session: orm.Session,
    recovery: Recovery,
    state: str,
    engine: str,
    why: str,
) -> None:
    """Close a story from outside of it; its claim is void from now on."""
    append_history(session, recovery.id, recovery.state, state, engine, why)
    session.execute(
        sa.update(Recovery)
        .where(Recovery.id == recovery.id)
        .values(
            state=state,
            why=why,
            state_since=moments.db_now(),
            ended_at=moments.db_now(),
            open_key=None,
            held_kind=None,
            until=None,
            looked_at=None,
            wish=None,
            claim=Recovery.claim + 1,
            claimed_by=None,
            claimed_until=None,
        )
    )
    session.flush()
    session.refresh(recovery)


def due(
    session: orm.Session, call_seconds: float, limit: int
) -> Sequence[tuple[int, int]]:
    """(id, claim) of the recoveries that want a turn and are free.

    A claim that ran out was perhaps held by an engine whose last call is
    still on its way: it is left alone for another ``call_seconds``.
    """
    found = session.execute(_due(call_seconds, limit))
    return [(row.id, row.claim) for row in found]


@functools.cache
def _due(call_seconds: float, limit: int) -> sa.Select[int, int]:
    """Made once: engines ask several times a second."""
    free = sa.or_(
        Recovery.claimed_until.is_(None),
        Recovery.claimed_until < moments.db_now(-call_seconds),
        sa.and_(Recovery.state == State.HELD, Recovery.claimed_by.is_(None)),
    )
    wanted = sa.or_(
        moments.is_due(Recovery.wake_at, until_.LONGEST_SECONDS),
        # The clock was set back: no turn was in the future.
        Recovery.turned_at > moments.db_now(moments.SKEW_SECONDS),
        Recovery.deadline_at <= moments.db_now(),
        Recovery.wish.is_not(None),
    )
    return (
        sa.select(Recovery.id, Recovery.claim)
        .where(Recovery.ended_at.is_(None), _is_installed(), free, wanted)
        .order_by(Recovery.wake_at)
        .limit(limit)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Ahead:
    """An engine's claim that ends later than any claim can."""

    id: int
    claim: int
    until: datetime.datetime


def claimed_ahead(session: orm.Session, claim_seconds: float) -> list[Ahead]:
    """Claims from before the clock was set back."""
    found = session.execute(_claimed_ahead(claim_seconds))
    return [
        Ahead(recovery_id, claim, until)
        for recovery_id, claim, until in found
        if until is not None
    ]


@functools.cache
def _claimed_ahead(
    claim_seconds: float,
) -> sa.Select[int, int, datetime.datetime | None]:
    latest = moments.db_now(claim_seconds + moments.SKEW_SECONDS)
    return sa.select(
        Recovery.id, Recovery.claim, Recovery.claimed_until
    ).where(
        Recovery.ended_at.is_(None),
        _is_installed(),
        Recovery.claimed_by.is_not(None),
        Recovery.claimed_until > latest,
    )


def _is_installed() -> sa.ColumnElement[bool]:
    """This engine has its workflow; else an engine of a newer release has."""
    return Recovery.workflow.in_(workflows.names())


def take(
    session: orm.Session,
    recovery_id: int,
    claim: int,
    engine: str,
    claim_seconds: float,
    until: datetime.datetime | None = None,
) -> Recovery | None:
    """Claim one recovery; None when another engine was quicker.

    The claim counts only after this transaction's COMMIT has returned.

    :param until: when the claim ends that is taken from a dead engine, which
        would have renewed it; None: it is over
    """
    known = [] if until is None else [Recovery.claimed_until == until]
    taken = session.execute(
        sa.update(Recovery)
        .where(
            Recovery.id == recovery_id,
            Recovery.claim == claim,
            Recovery.ended_at.is_(None),
            *known,
        )
        .values(
            claim=claim + 1,
            claimed_by=engine,
            claimed_until=moments.db_now(claim_seconds),
        )
    )
    if _changed(taken) != 1:
        return None
    recovery = session.get_one(Recovery, recovery_id, populate_existing=True)
    session.expunge(recovery)
    return recovery


def renew(
    session: orm.Session, recovery_id: int, claim: int, claim_seconds: float
) -> bool:
    """Lengthen a claim that is still ours and was not given back."""
    renewed = session.execute(
        sa.update(Recovery)
        .where(
            Recovery.id == recovery_id,
            Recovery.claim == claim,
            Recovery.claimed_by.is_not(None),
            Recovery.ended_at.is_(None),
        )
        .values(claimed_until=moments.db_now(claim_seconds))
    )
    return _changed(renewed) == 1


def guard(session: orm.Session, recovery: Recovery) -> None:
    """Hold the row until COMMIT, if the claim is still ours.

    :raises hass.exception.LostClaim: it is not
    """
    held = locks.hold(
        session,
        Recovery,
        Recovery.id == recovery.id,
        Recovery.claim == recovery.claim,
        Recovery.ended_at.is_(None),
    )
    if not held:
        raise exception.LostClaim(recovery.uuid)


def hopped(session: orm.Session, recovery: Recovery) -> Recovery | None:
    """The row, if a hop of this turn is committed already.

    Under one claim nobody else changes the state.

    :param recovery: as it was when the turn began
    """
    row = session.get_one(Recovery, recovery.id, populate_existing=True)
    return None if row.state_since == recovery.state_since else row


def remember(
    session: orm.Session, recovery: Recovery, was: Mapping[str, Any]
) -> dict[str, Any]:
    """Add to what the recovery remembers; returns all of it."""
    row = session.get_one(Recovery, recovery.id)
    row.was = copy.deepcopy(row.was) | dict(was)
    session.flush()
    return dict(row.was)


def set_back(
    session: orm.Session, recovery: Recovery, seconds: float
) -> Recovery:
    """The clock was set back: what it waits for begins at this moment.

    When it was opened and found off stays as it was written: what was
    heard since is told by that, and Almanac knows both clocks.
    """
    now = moments.read_now(session)
    row = session.get_one(Recovery, recovery.id)
    row.state_since = min(row.state_since, now)
    row.turned_at = now
    if row.deadline_at is not None:
        row.deadline_at -= datetime.timedelta(seconds=seconds)
    row.was = _until_now(row.was, now)
    row.fault = _until_now(row.fault, now)
    session.flush()
    session.refresh(row)
    session.expunge(row)
    return row


def _until_now(found: models.JSON, now: datetime.datetime) -> models.JSON:
    """The same with no moment in the future."""
    latest = now.isoformat()
    past: models.JSON = {
        key: min(found[key], latest) for key in WRITTEN if found.get(key)
    }
    asked = found.get('asked')
    if isinstance(asked, dict) and asked.get('at'):
        past['asked'] = asked | {'at': min(asked['at'], latest)}
    return copy.deepcopy(found) | past


def record_wait(
    session: orm.Session, recovery: Recovery, seconds: float, why: str
) -> Recovery:
    """The state stays; the next look is in some seconds.

    :raises hass.exception.LostClaim: the result is thrown away
    """
    values = {
        'attempt': recovery.attempt + 1,
        'wake_at': moments.db_now(seconds),
        'why': why,
    }
    if recovery.state == State.HELD:
        values['looked_at'] = moments.db_now()
    return _record(session, recovery, values)


def record_hop(
    session: orm.Session,
    recovery: Recovery,
    *,
    to: str,
    ended: bool,
    deadline_seconds: float | None,
    wake_seconds: float,
    held_kind: models.HeldKind | None,
    engine: str,
    why: str,
    until: Sequence[until_.Until] = (),
) -> Recovery:
    """Another state, with its line of history, in one transaction.

    What is held again for the same reason is acknowledged as it was.

    :param until: what ends a hold by itself
    :raises hass.exception.LostClaim: the result is thrown away
    """
    values: dict[str, Any] = {
        'state': to,
        'state_since': moments.db_now(),
        'attempt': 0,
        'wake_at': moments.db_now(wake_seconds),
        'deadline_at': None
        if deadline_seconds is None
        else moments.db_now(deadline_seconds),
        'why': why,
        'wish': None,
        'held_kind': held_kind,
        'until': None,
        'looked_at': None,
    }
    if recovery.state == State.HELD and held_kind is None:
        was = session.get_one(Recovery, recovery.id).was
        if HELD_FOR not in was:
            remember(
                session, recovery, {HELD_FOR: {'kind': recovery.held_kind}}
            )
    if held_kind is not None:
        values |= {
            'until': [one.to_dict() for one in until],
            'looked_at': moments.db_now(),
        }
        if _is_news(session, recovery, held_kind, until):
            # Another reason than the one that was acknowledged.
            values |= {'acknowledged_at': None, 'alarmed_at': None}
    if ended:
        values |= {
            'ended_at': moments.db_now(),
            'open_key': None,
            'claimed_by': None,
            'claimed_until': None,
        }
    old = recovery.state
    recorded = _record(session, recovery, values)
    append_history(session, recovery.id, old, to, engine, why, recorded)
    session.flush()
    return recorded


def _is_news(
    session: orm.Session,
    recovery: Recovery,
    kind: models.HeldKind,
    until: Sequence[until_.Until],
) -> bool:
    """Whether it was last held for another reason; notes the new one."""
    was = session.get_one(Recovery, recovery.id).was
    # An older engine has noted only the kind.
    last = was.get(HELD_FOR) or {'kind': recovery.held_kind}
    reason = {'kind': kind, 'of': until_.subject(until)}
    remember(session, recovery, {HELD_FOR: reason})
    return reason != {'of': reason['of']} | last


def release(session: orm.Session, recovery: Recovery) -> None:
    """Give a claim back; harmless when it is no longer ours.

    A held one stays claimed by nobody. Engines that know no conditions look
    at any held one anew as soon as it wakes: they must not take it.
    """
    until = (
        moments.db_now(CLAIMED_BY_NOBODY_SECONDS)
        if recovery.state == State.HELD
        else None
    )
    session.execute(
        sa.update(Recovery)
        .where(Recovery.id == recovery.id, Recovery.claim == recovery.claim)
        .values(claimed_by=None, claimed_until=until)
    )


def fenced_within(
    session: orm.Session,
    seconds: float,
    *,
    but: int,
    cluster_id: int | None = None,
) -> list[str]:
    """Hosts of other recoveries whose power was to be cut lately.

    A host is named once for each recovery. One whose BMC read off before
    anything was sent lost nothing by it.

    :param cluster_id: only those of one cluster
    """
    history = models.RecoveryHistory
    query = (
        sa.select(Recovery.id, Recovery.subject, Recovery.was)
        .join(history, Recovery.id == history.recovery_id)
        .where(
            Recovery.id != but,
            history.to_state == State.FENCING,
            history.at > moments.db_now(-seconds),
        )
    )
    if cluster_id is not None:
        query = query.where(Recovery.cluster_id == cluster_id)
    found = {
        row.id: row.subject
        for row in session.execute(query)
        if not row.was.get(READS_OFF)
    }
    return list(found.values())


def strikes(session: orm.Session, host: str, seconds: float) -> int:
    """How many recoveries of a host went to fencing lately."""
    history = models.RecoveryHistory
    query = (
        sa.select(sa.func.count(sa.distinct(Recovery.id)))
        .join(history, Recovery.id == history.recovery_id)
        .where(
            Recovery.subject == host,
            history.to_state == State.FENCING,
            history.at > moments.db_now(-seconds),
        )
    )
    return session.scalars(query).one()


def restarts_since(
    session: orm.Session, host: str, moment: datetime.datetime, workflow: str
) -> int:
    """How often the host's stories of a workflow have begun a restart."""
    history = models.RecoveryHistory
    query = (
        sa.select(sa.func.count())
        .select_from(history)
        .join(Recovery, Recovery.id == history.recovery_id)
        .where(
            Recovery.subject == host,
            Recovery.workflow == workflow,
            history.to_state == State.RESTARTING,
            history.at > moment,
        )
    )
    return session.scalars(query).one()


def wake(session: orm.Session, recovery_id: int) -> None:
    """There is something to see: a turn is due now."""
    session.execute(
        sa.update(Recovery)
        .where(Recovery.id == recovery_id, Recovery.ended_at.is_(None))
        .values(wake_at=moments.db_now())
    )


def faults_counted(session: orm.Session) -> dict[faults.Layer, int]:
    """How often each layer was the one that a host's recovery was for."""
    layer = Recovery.fault['layer'].as_string().label('layer')
    found = sa.select(layer).where(
        Recovery.workflow == WorkflowName.HOST_FAILURE
    )
    rows = found.subquery()
    query = sa.select(rows.c.layer, sa.func.count()).group_by(rows.c.layer)
    return {
        faults.Layer(word): number
        for word, number in session.execute(query)
        if word in list(faults.Layer)
    }


def suspects_within(
    session: orm.Session,
    seconds: float,
    fleeting_seconds: float,
    workflow: str = WorkflowName.HOST_FAILURE,
) -> set[str]:
    """Hosts that were suspected lately, whatever came of it.

    Those whose recovery was dismissed within ``fleeting_seconds`` are left
    out, and those whose BMC reads off: that is no fault of our own ears.
    """
    query = sa.select(
        Recovery.subject,
        Recovery.was,
        Recovery.state,
        Recovery.opened_at,
        Recovery.ended_at,
    ).where(
        Recovery.workflow == workflow,
        Recovery.opened_at > moments.db_now(-seconds),
    )
    fleeting = datetime.timedelta(seconds=fleeting_seconds)
    return {
        row.subject
        for row in session.execute(query)
        if not row.was.get(READS_OFF)
        and (
            row.state != State.DISMISSED
            or row.ended_at is None
            or row.ended_at - row.opened_at > fleeting
        )
    }


def lock_clusters(session: orm.Session, ids: Iterable[int]) -> None:
    """Serialise the engines that decide about these clusters.

    They may talk to several nodes of a Galera cluster.
    """
    locks.hold(session, models.Cluster, models.Cluster.id.in_(sorted(ids)))


def to_page(session: orm.Session, repeat_seconds: float) -> list[Recovery]:
    """Held recoveries that nobody acknowledged and that are to be paged.

    Each is marked in this transaction, so that one engine pages it. What is
    to be paged once counts as acknowledged from then on.
    """
    found = list(session.scalars(_to_page(repeat_seconds)))
    now = moments.read_now(session)
    for recovery in found:
        recovery.alarmed_at = now
        if recovery.was.get(PAGED_ONCE):
            recovery.acknowledged_at = now
    session.flush()
    return found


@functools.cache
def _to_page(repeat_seconds: float) -> sa.Select[Recovery]:
    return (
        sa.select(Recovery)
        .where(
            Recovery.state == State.HELD,
            Recovery.ended_at.is_(None),
            Recovery.acknowledged_at.is_(None),
            moments.is_past(Recovery.alarmed_at, repeat_seconds),
        )
        .with_for_update(of=Recovery)
    )


# What the API asks.


def get(session: orm.Session, uuid: str) -> Recovery:
    """One recovery.

    :raises hass.exception.NotFound: there is none
    """
    query = sa.select(Recovery).where(Recovery.uuid == uuid)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise exception.NotFound('recovery', uuid)
    return found


def all(
    session: orm.Session,
    *,
    subject: str | None = None,
    state: str | None = None,
    workflow: str | None = None,
    is_open: bool | None = None,
    cluster_id: int | None = None,
    **page: Unpack[pages.Page],
) -> list[Recovery]:
    """Recoveries, newest first, a page at a time.

    :raises hass.exception.Invalid: the marker names no row
    """
    query = sa.select(Recovery)
    wanted = {
        Recovery.subject: subject,
        Recovery.state: state,
        Recovery.workflow: workflow,
        Recovery.cluster_id: cluster_id,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if is_open is not None:
        ended = Recovery.ended_at.is_(None)
        query = query.where(ended if is_open else sa.not_(ended))
    return pages.page(
        session, Recovery, query, COLUMNS, page, newest_first=True
    )


def history_of(
    session: orm.Session, recovery_id: int
) -> list[models.RecoveryHistory]:
    """The transitions of one recovery in their order."""
    history = models.RecoveryHistory
    query = sa.select(history).where(history.recovery_id == recovery_id)
    return list(session.scalars(query.order_by(history.id)))


def wish(session: orm.Session, uuid: str, wanted: models.Wish) -> Recovery:
    """Tell the engines what to do with a held recovery.

    :raises hass.exception.Conflict: it is not held
    """
    recovery = _held(session, uuid)
    recovery.wish = wanted
    session.flush()
    return recovery


def acknowledge(session: orm.Session, uuid: str) -> Recovery:
    """A human has seen it: no further paging.

    :raises hass.exception.Conflict: it is not held
    """
    recovery = _held(session, uuid)
    recovery.acknowledged_at = moments.read_now(session)
    session.flush()
    return recovery


def hold_open_ones(session: orm.Session, engine: str, why: str) -> int:
    """Hold every open recovery for an operator; returns how many."""
    query = sa.select(Recovery).where(Recovery.ended_at.is_(None))
    locked = query.order_by(Recovery.id).with_for_update(of=Recovery)
    found = list(session.scalars(locked))
    for recovery in found:
        old, recovery.state = recovery.state, State.HELD
        recovery.held_kind = models.HeldKind.SAFETY
        append_history(session, recovery.id, old, State.HELD, engine, why)
        recovery.state_since = moments.read_now(session)
        recovery.deadline_at = None
        recovery.wake_at = _after(recovery.state_since, until_.LONGEST_SECONDS)
        recovery.until = [until_.OPERATOR.to_dict()]
        recovery.looked_at = recovery.state_since
        recovery.why = why
        recovery.wish = None
        recovery.acknowledged_at = recovery.alarmed_at = None
        recovery.claim += 1
        recovery.claimed_by = None
        recovery.claimed_until = _after(
            recovery.state_since, CLAIMED_BY_NOBODY_SECONDS
        )
    session.flush()
    return len(found)


def _held(session: orm.Session, uuid: str) -> Recovery:
    """Locked: no engine goes on with it before this is committed."""
    recovery = get(session, uuid)
    session.refresh(recovery, with_for_update={'of': Recovery})
    if recovery.state != State.HELD:
        raise exception.Conflict(
            f'recovery {uuid} is {recovery.state}, not held'
        )
    return recovery


def _record(
    session: orm.Session, recovery: Recovery, values: Mapping[str, Any]
) -> Recovery:
    done = session.execute(
        sa.update(Recovery)
        .where(
            Recovery.id == recovery.id,
            Recovery.claim == recovery.claim,
            Recovery.ended_at.is_(None),
        )
        .values(turned_at=moments.db_now(), **values)
    )
    if _changed(done) != 1:
        raise exception.LostClaim(recovery.uuid)
    recorded = session.get_one(Recovery, recovery.id, populate_existing=True)
    session.expunge(recorded)
    return recorded


def _changed(result: sa.Result[Any]) -> int:
    assert isinstance(result, sa.CursorResult)
    return result.rowcount


def _after(now: datetime.datetime, seconds: float) -> datetime.datetime:
    return now + datetime.timedelta(seconds=seconds)
