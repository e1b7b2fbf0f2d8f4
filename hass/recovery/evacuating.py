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

"""The evacuating and verifying states: ask Nova, judge by its records."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import datetime

from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass.db import services
from hass import entitlement
from hass.fencing import base as fencing
from hass import nova
from hass.recovery import adoption
from hass.recovery import claims
from hass.recovery import control_plane
from hass.recovery import hands as hands_
from hass.recovery import intent
from hass.recovery import judgement
from hass.recovery import mending
from hass.recovery import places
from hass.recovery import planner as planner_
from hass.recovery import proving
from hass.recovery import refusals
from hass.recovery import requesting
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass import until as until_
from hass.until import Kind
from hass.until import Until

RUNNING = 1
"""Nova's power_state of a running guest."""
MOVED_AND = frozenset(
    {
        'paused',
        'rescued',
        'resized',
        'shelved',
        'shelved_offloaded',
        'suspended',
    }
)
"""vm_states that no evacuation leaves behind."""
STALE_SECONDS = 30.0
"""Agents report every ten seconds: what is older says nothing of now."""
LOST_FACTOR = 2.0
"""Times settle_seconds that a living host may take to claim."""
LONGEST_SILENCE_SECONDS = 5.0
"""Pause between two looks while Nova shows nothing of what it was asked."""
CALM_SECONDS = 2.0
"""So long nova-api must have answered at once to have lost a call."""
CALM_ANSWERS = 3
CALM_FACTOR = 2.0
"""Times the longest of these answers."""
ALIVE_SECONDS = 60.0
"""An engine that has turned since then may take over."""

Row = models.Evacuation
RowState = models.EvacuationState


class Evacuator:
    """Works on the evacuations rows of one recovery, a turn at a time."""

    def __init__(
        self,
        hands: hands_.Hands,
        planner: planner_.Planner,
        rule: entitlement.Rule,
        prover: proving.Prover,
        *,
        parallel: int,
        budget_seconds: float,
        answer_seconds: float,
        settle_seconds: float,
    ) -> None:
        self._compute = hands.compute
        self._mender = mending.Mender(hands.compute)
        self._requester = requesting.Requester(
            hands, planner, rule, prover, budget_seconds, settle_seconds
        )
        self._prover = prover
        self._witness = hands.witness
        self._claims = claims.Claims(hands.witness)
        self._parallel = parallel
        self._answer_seconds = answer_seconds
        self._settle_seconds = settle_seconds

    def turn(self, turn: Turn, host: models.Host) -> Step:
        """Judge what was asked, ask for some of what is pending."""
        running = 0
        if _in_state(self._rows(turn), RowState.REQUESTED):
            running = self._judge_all(turn, self._migrations(host.name))
        rows = self._rows(turn)
        pending = _in_state(rows, RowState.PENDING)
        room = min(requesting.BATCH, self._parallel - running)
        due = [row for row in pending if _rested(turn, row)]
        # A few at a time, each with a fresh look, would be asking a lot.
        few = min(requesting.BATCH, (self._parallel + 1) // 2)
        if due and room >= min(len(due), few):
            sent = self._requester.ask(turn, host, due, room)
            if isinstance(sent, control_plane.Trouble):
                # What is under way needs no answer of ours.
                return (
                    Wait(control_plane.WAIT_SECONDS, str(sent))
                    if running
                    else control_plane.wait_for(turn, sent)
                )
            more = due[room:] and running + sent < self._parallel
            return Wait(0 if sent and more else 1, _progress(rows))
        if running or pending:
            patient = len(rows) > requesting.BATCH and not due
            pause = max(2.0 if patient else 1.0, _silence(turn, rows))
            return Wait(pause, _progress(rows))
        if not any(row.requested_at for row in rows):
            return Hop(State.VERIFYING, 'nothing was to be asked of Nova')
        return Hop(State.VERIFYING, 'Nova has moved what it was asked for')

    def settle(self, turn: Turn) -> int:
        """Judge what was asked; returns how many are still under way."""
        rows = _in_state(self._rows(turn), RowState.REQUESTED)
        if rows:
            moves = self._migrations(rows[0].source)
            if not self._judge_all(turn, moves):
                self.verify(turn)
        return sum(
            row.state is RowState.REQUESTED
            or (
                row.state is not RowState.DONE
                and self._requester.may_come_to(turn, row) is not None
            )
            for row in self._rows(turn)
        )

    def give_back(self, turn: Turn) -> Step | None:
        """Lift the ERROR that a failed evacuation put on what was left."""
        for row in _in_state(self._rows(turn), RowState.LEFT):
            if not row.attempt or row.was.get('vm_state') != 'active':
                continue
            server = self._compute.server(row.instance_uuid)
            if server is not None and server.vm_state == 'error':
                self._compute.reset_state(server, 'active', turn.deadline)
                return Wait(0, f'{row.instance_name} is no longer in ERROR')
        return None

    def verify(self, turn: Turn, off: Collection[str] = ()) -> Step | None:
        """Believe an evacuation when its guest runs; None: all have ended.

        :param off: hosts that are proved off in this turn
        """
        rows = self._rows(turn)
        moved = _in_state(rows, RowState.REQUESTED)
        servers = self._changed(moved)
        waits = [
            why
            for row in moved
            if (why := self._verify_one(turn, row, servers, off))
        ]
        if waits:
            return Wait(1, '; '.join(waits[:3]))
        held = _in_state(self._rows(turn), RowState.HELD)
        if held:
            whys = '; '.join(f'{r.instance_name}: {r.why}' for r in held[:3])
            return hold(
                models.HeldKind.SAFETY,
                f'{len(held)} of {len(rows)} need an operator: {whys}',
                [one for row in held for one in _until(row)],
            )
        if _in_state(self._rows(turn), RowState.PENDING):
            return Hop(State.EVACUATING, 'some are asked for again')
        return None

    # Looking.

    def _rows(self, turn: Turn) -> list[Row]:
        with turn.read() as session:
            return evacuations.of_recovery(session, turn.recovery.id)

    def _migrations(self, host: str) -> dict[str, list[nova.Migration]]:
        """One list call; the records of each instance."""
        found: dict[str, list[nova.Migration]] = {}
        for migration in self._compute.migrations(host, kind=None):
            found.setdefault(migration.instance_uuid, []).append(migration)
        return found

    def _changed(self, moved: Sequence[Row]) -> dict[str, nova.Server]:
        """The servers that Nova has moved, in one list call."""
        if not moved:
            return {}
        earliest = min(
            row.requested_at for row in moved if row.requested_at is not None
        )
        changed = self._compute.servers_changed_since(
            earliest - judgement.SKEW
        )
        return {server.uuid: server for server in changed}

    def _judge_all(
        self, turn: Turn, migrations: Mapping[str, Sequence[nova.Migration]]
    ) -> int:
        """Record what became of each request; how many are under way."""
        rows = _in_state(self._rows(turn), RowState.REQUESTED)
        running = 0
        for row in rows:
            own = self._of_now(row, migrations.get(row.instance_uuid, ()))
            dead = frozenset(m.uuid for m in own if self._died(turn, row, m))
            seen = judgement.judge(
                row.was.get('migrations', ()),
                own,
                dead,
                row.was.get('waiting', ()),
            )
            running += self._record(turn, row, seen)
        return running

    def _of_now(
        self, row: Row, migrations: Sequence[nova.Migration]
    ) -> list[nova.Migration]:
        """Those that can have to do with the row's last call.

        Some of Nova's records live on for ever, with nobody at work; one
        that waited may name another source.
        """
        assert row.requested_at is not None
        floor = row.requested_at - requesting.MOVES_OF
        waiting = frozenset(row.was.get('waiting', ()))
        if waiting - {move.uuid for move in migrations}:
            migrations = self._compute.migrations_of(row.instance_uuid)
        return [
            move
            for move in migrations
            if move.created_at >= floor or move.uuid in waiting
        ]

    def _died(self, turn: Turn, row: Row, migration: nova.Migration) -> bool:
        """Whether the destination died, and this migration with it.

        What was claimed dies with its destination: it counts that the host
        is off, or has booted, *after* the claim was seen. Whether it was
        off at some earlier time says nothing of a claim made since.
        """
        if not migration.live or migration.destination is None:
            return False
        if migration.uuid in row.was.get('dead', ()):
            return True
        if migration.waiting:
            return migration.uuid in row.was.get('lost', ()) or self._is_lost(
                turn, row, migration.destination
            )
        if self._claims.has_ended(turn, row, migration):
            return True
        proof = self._prover.prove_other(turn, migration.destination)
        return isinstance(proof, fencing.FencedHost)

    def _is_lost(self, turn: Turn, row: Row, destination: str) -> bool:
        """Whether what nobody has claimed will not be claimed any more.

        It waited in the queue of a host that died, and is carried out when
        that host comes back, unless its nova-compute had read it already.
        Or it waited in a message broker that died: then nobody claims it
        although its destination is up and reports. Should it come after
        all, Nova lets only one of two rebuilds go on to spawn, by the
        task_state that each expects (compute/manager.py).
        """
        assert row.requested_at is not None
        with turn.read() as session:
            ended = recoveries.last_ended(session, destination)
            standing = recoveries.open_of_host(session, destination)
        if standing is not None:
            return False
        since, patience = row.requested_at, LOST_FACTOR * self._settle_seconds
        if ended is not None and ended.opened_at > row.requested_at:
            if ended.ended_at is None:
                return False
            since, patience = ended.ended_at, self._settle_seconds
        return self._witness.seconds_since(turn, since) > patience and any(
            service.host == destination and service.usable
            for service in self._compute.services()
        )

    def _record(self, turn: Turn, row: Row, seen: judgement.Judgement) -> bool:
        """Write a judgement down; whether the request is under way."""
        migration = seen.migration
        match seen.progress:
            case judgement.Progress.LIVE | judgement.Progress.MOVED:
                assert migration is not None
                if row.migration_uuid != migration.uuid:
                    requesting.note(turn, row, 'Nova moves it', migration)
                if seen.progress is judgement.Progress.MOVED:
                    return False
                self._claims.note(turn, row, migration)
                return True
            case judgement.Progress.TWICE:
                requesting.settle(
                    turn,
                    row,
                    RowState.HELD,
                    'Nova has two live evacuation migrations of it',
                    until=[
                        Until(Kind.MOVES_ENDED, instance=row.instance_uuid)
                    ],
                )
                return False
            case judgement.Progress.FAILED:
                assert migration is not None
                self._failed(turn, row, migration)
                return False
            case judgement.Progress.STUCK:
                assert migration is not None
                requesting.ask_again(
                    turn,
                    row,
                    f'its destination {migration.destination} died',
                    dead=None if migration.waiting else migration.uuid,
                    lost=migration.uuid if migration.waiting else None,
                )
                return False
            case judgement.Progress.UNKNOWN:
                return self._unknown(turn, row)

    def _failed(self, turn: Turn, row: Row, migration: nova.Migration) -> None:
        """Nova could not carry it out: its fault says what that means."""
        server = self._compute.server(row.instance_uuid)
        fault = server.fault if server else ''
        requesting.refuse(
            turn,
            row,
            refusals.of_fault(fault),
            fault or f'migration {migration.uuid} is {migration.status}',
            places.refused_by(row.target, migration),
        )

    def _unknown(self, turn: Turn, row: Row) -> bool:
        """Nova shows nothing: the call may be lost, or still queued."""
        assert row.requested_at is not None
        if evacuations.never_left(row):
            why = f'the call had not left: {row.why}'
            requesting.ask_again(turn, row, why, sent=False)
            return False
        waited = self._witness.seconds_since(turn, row.requested_at)
        settled = waited >= self._settle_seconds
        if not settled and not self._is_lost_call(turn, row):
            return True
        moves = self._compute.migrations_of(row.instance_uuid)
        actions = self._compute.actions_of(row.instance_uuid)
        floor = row.requested_at - judgement.SKEW
        if judgement.queued(actions, moves, floor):
            return True
        requesting.ask_again(
            turn,
            row,
            f'Nova shows nothing of it for {waited:.0f} s',
            may_come=not settled,
        )
        return False

    def _is_lost_call(self, turn: Turn, row: Row) -> bool:
        """Whether nova-api would have answered, if it had the call at work.

        A process of it that hangs, or died, answers nothing; others answer
        whatever was asked since. While it is slow, or silent as a whole, the
        call may still wait in it. Should it come after all, it goes where
        the next one goes: before settle_seconds no other host is asked for.
        """
        sent_at = evacuations.unanswered_since(row)
        if sent_at is None or row.target is None or 'may_come' in row.was:
            return False
        left = datetime.datetime.fromisoformat(sent_at)
        waited = self._witness.seconds_since(turn, left)
        overdue = waited - self._answer_seconds
        if overdue < CALM_SECONDS:
            return False
        answers = self._compute.answers_since(overdue)
        calm = max(CALM_SECONDS, CALM_FACTOR * answers.longest)
        if answers.number < CALM_ANSWERS or answers.seconds < calm:
            return False
        with turn.read() as session:
            alive = services.alive(session, ALIVE_SECONDS)
        if len({engine.version for engine in alive}) > 1:
            # One of another release would ask any host for it.
            return False
        server = self._compute.server(row.instance_uuid)
        return server is not None and not adoption.is_rebuilding(server)

    def _verify_one(
        self,
        turn: Turn,
        row: Row,
        servers: Mapping[str, nova.Server],
        off: Collection[str],
    ) -> str:
        """'' when the row was settled, else what is being waited for."""
        server = servers.get(row.instance_uuid)
        if server is None:
            return f'Nova does not show that {row.instance_name} moved'
        if server.is_gone:
            requesting.settle(turn, row, RowState.LEFT, 'its user deleted it')
            return ''
        if server.vm_state == 'error':
            return self._in_error(turn, row, server, off)
        if server.host != row.source and self._is_at_rest(server):
            requesting.settle(
                turn,
                row,
                RowState.LEFT,
                f'it is elsewhere, and since then its user has it '
                f'{server.vm_state}',
            )
            return ''
        if server.vm_state == 'stopped' and not server.task_state:
            # Microversion 2.95 leaves it stopped on its new host.
            self._compute.start(server, turn.deadline)
            return f'{row.instance_name} is being started'
        if server.host == row.source or not server.host:
            requesting.ask_again(turn, row, 'Nova says that it did not move')
            return ''
        if server.vm_state != 'active' or server.power_state != RUNNING:
            return f'{row.instance_name} is {server.vm_state}'
        if not self._seen_by_agent(turn, row, server.host):
            return f'the agent of {server.host} does not see it run'
        requesting.settle(
            turn, row, RowState.DONE, f'runs on {server.host}', server.host
        )
        return ''

    def _in_error(
        self, turn: Turn, row: Row, server: nova.Server, off: Collection[str]
    ) -> str:
        """What has moved runs on when an earlier call of ours comes late."""
        if server.host != row.source and row.was.get('vm_state') != 'stopped':
            if self._mender.lift(turn, server, off):
                return f'{row.instance_name} runs: its ERROR is lifted'
            if turn.seconds_in_state() < STALE_SECONDS:
                return f'Nova has {row.instance_name} in ERROR'
        requesting.settle(
            turn,
            row,
            RowState.HELD,
            'Nova has it in ERROR: see its fault',
            until=[until_.anew()],
        )
        return ''

    def _is_at_rest(self, server: nova.Server) -> bool:
        """Whether its user did something with it after Nova had moved it.

        Only what is active, stopped or in ERROR is evacuated.
        """
        if server.vm_state in MOVED_AND:
            return True
        if server.vm_state != 'stopped' or server.task_state:
            return False
        actions = self._compute.actions_of(server.uuid)
        return intent.stopped_last(actions)

    def _seen_by_agent(self, turn: Turn, row: Row, name: str) -> bool:
        """Agents that cannot see guests, or tell nobody, do not object."""
        with turn.read() as session:
            host = hosts.by_names(session, [name]).get(name)
        if host is None or host.domains is None or host.reported_at is None:
            return True
        age = (turn.now - host.reported_at).total_seconds()
        return age > STALE_SECONDS or row.instance_uuid in host.domains


def _in_state(rows: Iterable[Row], state: RowState) -> list[Row]:
    return [row for row in rows if row.state is state]


def _until(row: Row) -> list[Until]:
    """What ends the hold of one instance."""
    settled = Until(Kind.INSTANCE_SETTLED, instance=row.instance_uuid)
    own = [Until.of(one) for one in row.was.get('until', ())]
    return [*own, settled]


def _rested(turn: Turn, row: Row) -> bool:
    """Whether what refused the last attempt had time to change."""
    refused = refusals.Refused.read(row.was)
    return refused is None or refused.is_rested(turn.now)


def _silence(turn: Turn, rows: Sequence[Row]) -> float:
    """The pause while Nova shows nothing of any call: longer and longer."""
    asked = _in_state(rows, RowState.REQUESTED)
    if not asked or any(row.migration_uuid for row in asked):
        return 0.0
    since = max(row.requested_at for row in asked if row.requested_at)
    age = (turn.now - since).total_seconds()
    return min(age / 5, LONGEST_SILENCE_SECONDS)


def _progress(rows: Sequence[Row]) -> str:
    asked = sum(row.state is not RowState.PENDING for row in rows)
    return f'{asked} of {len(rows)} evacuations asked for'
