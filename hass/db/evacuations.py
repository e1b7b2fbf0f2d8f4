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

"""Evacuations: intentions written down before Nova is called."""

from collections.abc import Collection, Iterable, Mapping, Sequence
import dataclasses
from typing import Any, Literal

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass import until as until_

Evacuation = models.Evacuation
State = models.EvacuationState
Settled = Literal[State.DONE, State.LEFT, State.HELD]
REFUSED = ('since', 'last')
"""Moments in what a row remembers of refusals."""
MAY_COME_SECONDS = 3600.0
"""Longer than any sensible [nova] settle_seconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Intention:
    """One instance that is to leave a failed host.

    :ivar state: pending, or at once left or held for the reason in why
    :ivar was: vm_state, task_state, locked and power_state as they are;
        until: what ends its hold
    """

    instance_uuid: str
    instance_name: str
    project_id: str
    state: State = State.PENDING
    why: str = ''
    was: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def plan(
    session: orm.Session,
    recovery_id: int,
    source: str,
    intentions: Iterable[Intention],
) -> list[str]:
    """Write rows; what waits for its call is judged anew by them.

    :returns: uuids of instances that another recovery is evacuating:
        they got no row
    """
    known = {
        row.instance_uuid: row for row in of_recovery(session, recovery_id)
    }
    elsewhere = []
    for wanted in intentions:
        row = known.get(wanted.instance_uuid)
        if row is None:
            planned = _planned(session, recovery_id, source, wanted)
        else:
            planned = _judged_anew(session, row, wanted)
        if not planned:
            elsewhere.append(wanted.instance_uuid)
    return elsewhere


def take_over(
    session: orm.Session, instance_uuids: Iterable[str], source: str, why: str
) -> int:
    """Free what other recoveries hold; returns how many.

    Nova has it on another host by now, which has failed as well: whoever
    asked for the end of that hold asks for the instance to be brought back.
    """
    query = sa.select(Evacuation).where(
        Evacuation.open_key.in_(list(instance_uuids)),
        Evacuation.state == State.HELD,
        Evacuation.source != source,
    )
    return sum(
        settle(session, row, State.LEFT, why)
        for row in session.scalars(query).all()
    )


def of_recovery(session: orm.Session, recovery_id: int) -> list[Evacuation]:
    """The evacuations of a recovery in the order of the plan."""
    query = sa.select(Evacuation).where(Evacuation.recovery_id == recovery_id)
    return list(session.scalars(query.order_by(Evacuation.id)))


def given_up_of(
    session: orm.Session, instance_uuid: str
) -> dict[str, list[str]]:
    """Migrations of an instance that are live by Nova's record only.

    Nova keeps them for ever, so later recoveries must know them too. They
    are *dead* with the destination that had claimed, or *lost* with one
    that had not.
    """
    query = sa.select(Evacuation.was).where(
        Evacuation.instance_uuid == instance_uuid
    )
    earlier = list(session.scalars(query))
    return {
        kind: sorted({uuid for was in earlier for uuid in was.get(kind, ())})
        for kind in ('dead', 'lost')
    }


def open_of(session: orm.Session, instance_uuid: str) -> Evacuation | None:
    """The one open evacuation of an instance."""
    query = sa.select(Evacuation).where(Evacuation.open_key == instance_uuid)
    return session.scalars(query).one_or_none()


def all(
    session: orm.Session,
    *,
    recovery_id: int | None = None,
    instance_uuid: str | None = None,
    project_id: str | None = None,
) -> list[Evacuation]:
    """Evacuations, oldest first."""
    query = sa.select(Evacuation)
    if recovery_id is not None:
        query = query.where(Evacuation.recovery_id == recovery_id)
    if instance_uuid is not None:
        query = query.where(Evacuation.instance_uuid == instance_uuid)
    if project_id is not None:
        query = query.where(Evacuation.project_id == project_id)
    return list(session.scalars(query.order_by(Evacuation.id)))


def open_among(
    session: orm.Session, instance_uuids: Collection[str]
) -> list[Evacuation]:
    """The open evacuations of these instances."""
    if not instance_uuids:
        return []
    query = sa.select(Evacuation).where(
        Evacuation.open_key.in_(instance_uuids)
    )
    return list(session.scalars(query))


def request(
    session: orm.Session,
    row: Evacuation,
    target: str | None,
    migrations: Sequence[str] = (),
    waiting: Sequence[str] = (),
) -> bool:
    """Nova is about to be called; call it only after COMMIT, and if True.

    False: another engine has turned this row since it was read.

    :param target: the host to ask for; None leaves it to Nova's scheduler
    :param migrations: uuids of the instance's migrations before the call,
        by which the one that it makes is told apart
    :param waiting: those of them that no host has claimed
    """
    now = moments.read_now(session)
    return _turn(
        session,
        row,
        (State.PENDING, State.REQUESTED),
        state=State.REQUESTED,
        target=target,
        attempt=row.attempt + 1,
        requested_at=now,
        migration_uuid=None,
        destination=None,
        was=row.was
        | {
            'migrations': list(migrations),
            'waiting': list(waiting),
            'call': {'intended_at': now.isoformat()},
        },
        why='asked Nova to evacuate it',
    )


def sent(session: orm.Session, row: Evacuation) -> dict[str, Any] | None:
    """The call is about to leave: let it only after COMMIT.

    :returns: what is remembered from now on; None: another engine has
        turned this row since it was read, and nothing may leave
    """
    return _remember_call(session, row, 'sent_at')


def answered(session: orm.Session, row: Evacuation) -> dict[str, Any] | None:
    """Nova has taken the call."""
    return _remember_call(session, row, 'answered_at')


def _remember_call(
    session: orm.Session, row: Evacuation, event: str
) -> dict[str, Any] | None:
    now = moments.read_now(session).isoformat()
    was = row.was | {'call': row.was.get('call', {}) | {event: now}}
    changed = _turn(session, row, (State.REQUESTED,), was=was)
    return was if changed else None


def never_left(row: Evacuation) -> bool:
    """Whether the row's last call is known not to have been sent."""
    call = _last_call(row)
    return call is not None and 'sent_at' not in call


def unanswered_since(row: Evacuation) -> str | None:
    """When the row's last call was sent, if it is known to lack an answer."""
    call = _last_call(row)
    if call is None or 'answered_at' in call:
        return None
    return call.get('sent_at')


def _last_call(row: Evacuation) -> dict[str, str] | None:
    """What is remembered of the row's last call; None: nothing.

    An engine that is older than this memory writes requested_at alone: what
    is remembered is of an earlier call then, and its moment differs.
    """
    call: dict[str, str] = row.was.get('call', {})
    if row.requested_at is None:
        return None
    same = call.get('intended_at') == row.requested_at.isoformat()
    return call if same else None


def ask_again(
    session: orm.Session,
    row: Evacuation,
    why: str,
    *,
    refusal: Mapping[str, Any] | None = None,
    dead: str | None = None,
    lost: str | None = None,
    sent: bool = True,
    may_come: bool = False,
) -> bool:
    """The call came to nothing; what was seen up to now is old.

    :param refusal: what is remembered of all refusals up to now
    :param dead: uuid of a migration that died with a host that had claimed
    :param lost: uuid of one that died with a host that had not
    :param sent: else it was no attempt
    :param may_come: it was not answered, and may still be carried out
    """
    given_up = {
        'dead': [*row.was.get('dead', ()), *([dead] if dead else ())],
        'lost': [*row.was.get('lost', ()), *([lost] if lost else ())],
    }
    memory: dict[str, Any] = {
        'ask_again_at': moments.read_now(session).isoformat()
    }
    if refusal is not None:
        memory['refusal'] = dict(refusal)
    if may_come:
        sent_at = row.was['call']['sent_at']
        memory['may_come'] = {'target': row.target, 'sent_at': sent_at}
    return _turn(
        session,
        row,
        (State.PENDING, State.REQUESTED),
        state=State.PENDING,
        attempt=row.attempt if sent else row.attempt - 1,
        why=why,
        was=row.was | given_up | memory,
    )


def postpone(
    session: orm.Session,
    row: Evacuation,
    why: str,
    refusal: Mapping[str, Any],
) -> bool:
    """Nothing is asked now, and that is remembered like a refusal."""
    return _turn(
        session,
        row,
        (State.PENDING,),
        why=why,
        was=row.was | {'refusal': dict(refusal)},
    )


def adopt(
    session: orm.Session,
    row: Evacuation,
    migration_uuid: str | None,
    known: Sequence[str] | None = None,
) -> bool:
    """Nova works on it already: no call is due, its end is awaited.

    :param known: uuids of all its other migrations, when none of our calls
        has written them down
    """
    values: dict[str, Any] = {}
    if known is not None:
        values = {
            'requested_at': moments.db_now(),
            'attempt': row.attempt + 1,
            'was': row.was | {'migrations': list(known), 'waiting': []},
        }
    return _turn(
        session,
        row,
        (State.PENDING,),
        state=State.REQUESTED,
        why='Nova works on an earlier request',
        migration_uuid=migration_uuid,
        **values,
    )


def note(
    session: orm.Session,
    row: Evacuation,
    why: str,
    migration_uuid: str | None = None,
    destination: str | None = None,
) -> bool:
    """How far it is; nothing is settled by it."""
    return _turn(
        session,
        row,
        (State.PENDING, State.REQUESTED),
        why=why,
        migration_uuid=migration_uuid or row.migration_uuid,
        destination=destination or row.destination,
    )


def note_boot(
    session: orm.Session, row: Evacuation, migration_uuid: str, boot_id: str
) -> bool:
    """Its destination was in this boot when it had claimed."""
    boots = row.was.get('boots', {}) | {migration_uuid: boot_id}
    return _turn(
        session, row, (State.REQUESTED,), was=row.was | {'boots': boots}
    )


def note_claimed(
    session: orm.Session, row: Evacuation, migration_uuid: str
) -> bool:
    """Its destination has claimed by now, and nobody hears in which boot."""
    now = moments.read_now(session).isoformat()
    claimed = row.was.get('claimed_by', {}) | {migration_uuid: now}
    return _turn(
        session, row, (State.REQUESTED,), was=row.was | {'claimed_by': claimed}
    )


def settle(
    session: orm.Session,
    row: Evacuation,
    state: Settled,
    why: str,
    destination: str | None = None,
    migration_uuid: str | None = None,
    until: Sequence[until_.Until] = (),
    *,
    start_at_return: str = '',
) -> bool:
    """It ended: done, left or held.

    A held one keeps its instance to itself until let_go(): nobody knows
    whether its last call to Nova still works on.

    :param until: what ends that by itself
    :param start_at_return: it is started when its host is back, out of
        this vm_state
    """
    memory: dict[str, Any] = {'until': [one.to_dict() for one in until]}
    if start_at_return:
        memory['start_at_return'] = start_at_return
    held = state == State.HELD
    return _turn(
        session,
        row,
        (State.PENDING, State.REQUESTED, State.HELD),
        state=state,
        why=why,
        destination=destination or row.destination,
        migration_uuid=migration_uuid or row.migration_uuid,
        ended_at=moments.db_now(),
        was=row.was | memory,
        open_key=row.instance_uuid if held else None,
    )


def set_back(session: orm.Session, recovery_id: int) -> None:
    """The clock was set back: what came in the future has come now."""
    now = moments.read_now(session)
    for row in of_recovery(session, recovery_id):
        if row.requested_at is not None:
            row.requested_at = min(row.requested_at, now)
        latest, past = now.isoformat(), dict(row.was)
        asked, call = past.get('ask_again_at'), past.get('may_come')
        refusal = past.get('refusal')
        if asked:
            past['ask_again_at'] = min(asked, latest)
        if call:
            sent_at = min(call['sent_at'], latest)
            past['may_come'] = call | {'sent_at': sent_at}
        if refusal:
            then = {key: min(refusal[key], latest) for key in REFUSED}
            past['refusal'] = refusal | then
        row.was = past
    session.flush()


def reopen(
    session: orm.Session, recovery_id: int, but: Collection[str] = ()
) -> int:
    """Held ones are pending again, for what held them may be over.

    :param but: instances that are held by the newest plan as well
    """
    return _many(
        session,
        recovery_id,
        (State.HELD,),
        but,
        state=State.PENDING,
        attempt=0,
        ended_at=None,
        why='asked for anew',
    )


def ended_within(session: orm.Session, seconds: float) -> list[Evacuation]:
    """What Nova was asked for, and has ended lately, oldest first."""
    query = (
        sa.select(Evacuation)
        .where(
            Evacuation.requested_at.is_not(None),
            Evacuation.open_key.is_(None),
            Evacuation.ended_at > moments.db_now(-seconds),
        )
        .order_by(Evacuation.id)
    )
    return list(session.scalars(query))


def open_from(session: orm.Session, source: str) -> list[Evacuation]:
    """Evacuations of a host that have not ended."""
    query = sa.select(Evacuation).where(
        Evacuation.source == source, Evacuation.open_key.is_not(None)
    )
    return list(session.scalars(query.order_by(Evacuation.id)))


def open_towards(session: orm.Session, host: str) -> list[Evacuation]:
    """Open evacuations that the host may be, or was, receiving."""
    query = sa.select(Evacuation).where(
        Evacuation.open_key.is_not(None),
        Evacuation.state.in_((State.PENDING, State.REQUESTED)),
        sa.or_(Evacuation.target == host, Evacuation.destination == host),
    )
    return list(session.scalars(query.order_by(Evacuation.id)))


def withdraw(session: orm.Session, recovery_id: int, why: str) -> int:
    """Leave everything that Nova was not asked for; returns how many."""
    return _many(
        session,
        recovery_id,
        (State.PENDING, State.HELD),
        state=State.LEFT,
        why=why,
        ended_at=moments.db_now(),
        open_key=None,
    )


def let_go(session: orm.Session, recovery_id: int) -> int:
    """Free the instances of a recovery that ends; returns how many."""
    return _many(session, recovery_id, tuple(State), open_key=None)


def counts(session: orm.Session, recovery_id: int) -> dict[State, int]:
    """How many evacuations of a recovery are in each state."""
    query = (
        sa.select(Evacuation.state, sa.func.count())
        .where(Evacuation.recovery_id == recovery_id)
        .group_by(Evacuation.state)
    )
    found = {State(state): n for state, n in session.execute(query)}
    return {state: found.get(state, 0) for state in State}


def _planned(
    session: orm.Session, recovery_id: int, source: str, wanted: Intention
) -> bool:
    may_come = _may_come_of(session, wanted.instance_uuid)
    state = State.PENDING if may_come else wanted.state
    left = state is State.LEFT
    row = Evacuation(
        recovery_id=recovery_id,
        instance_uuid=wanted.instance_uuid,
        instance_name=wanted.instance_name,
        project_id=wanted.project_id,
        source=source,
        state=state,
        why=wanted.why,
        was={
            **wanted.was,
            **given_up_of(session, wanted.instance_uuid),
            **may_come,
        },
        ended_at=moments.read_now(session) if left else None,
        open_key=None if left else wanted.instance_uuid,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except oslo_exception.DBDuplicateEntry:
        return False
    return True


def _may_come_of(
    session: orm.Session, instance_uuid: str
) -> dict[str, dict[str, str]]:
    """The last unanswered call of an instance that was made once more.

    Nova may still carry it out. Until then a later recovery, of whichever
    host, may send the instance only to the host that this call named.
    """
    query = sa.select(Evacuation.was).where(
        Evacuation.instance_uuid == instance_uuid,
        Evacuation.requested_at > moments.db_now(-MAY_COME_SECONDS),
    )
    calls = [was.get('may_come') for was in session.scalars(query)]
    last = max(
        filter(None, calls), key=lambda call: call['sent_at'], default=None
    )
    return {} if last is None else {'may_come': last}


def _judged_anew(
    session: orm.Session, row: Evacuation, wanted: Intention
) -> bool:
    """Whether the row stands as it is wanted now, if nothing was asked."""
    was = row.was | {
        'fate': wanted.was.get('fate'),
        'until': wanted.was.get('until', []),
    }
    if row.state == State.PENDING and 'may_come' in row.was:
        # It may be on its way. What is wanted is looked at again before the
        # next call, and holds when this one has had its time.
        return True
    if row.state == State.PENDING and wanted.state != State.PENDING:
        held = wanted.state == State.HELD
        return _turn(
            session,
            row,
            (State.PENDING,),
            state=wanted.state,
            why=wanted.why,
            was=was,
            ended_at=moments.db_now(),
            open_key=row.instance_uuid if held else None,
        )
    untouched = row.state == State.LEFT and row.requested_at is None
    if untouched and wanted.state != State.LEFT:
        try:
            with session.begin_nested():
                return _turn(
                    session,
                    row,
                    (State.LEFT,),
                    state=wanted.state,
                    why=wanted.why,
                    was=was | dict(wanted.was),
                    ended_at=None,
                    open_key=row.instance_uuid,
                )
        except oslo_exception.DBDuplicateEntry:
            return False
    return True


def _turn(
    session: orm.Session,
    row: Evacuation,
    states: tuple[State, ...],
    **values: Any,
) -> bool:
    """Change the row if it still is as it was read."""
    done = session.execute(
        sa.update(Evacuation)
        .where(
            Evacuation.id == row.id,
            Evacuation.attempt == row.attempt,
            Evacuation.state == row.state,
            Evacuation.state.in_(states),
        )
        .values(values)
        .execution_options(synchronize_session='fetch')
    )
    return db_session.changed(done) == 1


def _many(
    session: orm.Session,
    recovery_id: int,
    states: tuple[State, ...],
    but: Collection[str] = (),
    **values: Any,
) -> int:
    done = session.execute(
        sa.update(Evacuation)
        .where(
            Evacuation.recovery_id == recovery_id,
            Evacuation.open_key.is_not(None),
            Evacuation.state.in_(states),
            Evacuation.instance_uuid.not_in(list(but)),
        )
        .values(values)
        .execution_options(synchronize_session='fetch')
    )
    return db_session.changed(done)
