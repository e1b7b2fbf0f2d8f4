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

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent import futures
import dataclasses
import datetime
import enum

from hass import exception
from hass import nova
from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass.fencing import absence
from hass.fencing import base as fencing
from hass.recovery import hands as hands_
from hass.recovery import planner as planner_
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.recovery.workflow import hold

BATCH = 10
"""Calls of one turn: all are sent while one proof is fresh."""
RUNNING = 1
"""Nova's power_state of a running guest."""
SKEW = datetime.timedelta(minutes=2)
"""By how much Nova's clock may be off the database's."""

Row = models.Evacuation
RowState = models.EvacuationState


class Progress(enum.Enum):
    """Where Nova is with one evacuation that it was asked for."""

    UNKNOWN = 'unknown'
    LIVE = 'live'
    STUCK = 'stuck'
    """Live by Nova's record, but its destination died after the claim."""
    TWICE = 'twice'
    FAILED = 'failed'
    MOVED = 'moved'


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """Progress, and the newest migration of this attempt if any."""

    progress: Progress
    migration: nova.Migration | None = None


def judge(
    known: Iterable[str],
    migrations: Sequence[nova.Migration],
    dead: frozenset[str],
) -> Judgement:
    """Judge one attempt by the migration records of its instance. Pure.

    Only records that were not there before the call count, so no clock of
    Nova's is compared with one of ours.

    :param known: uuids of the migrations that were there before the call
    :param dead: uuids of those whose destination was fenced after it had
        claimed: nobody works on them any more
    """
    before = frozenset(known)
    own = [
        m
        for m in migrations
        if m.type == 'evacuation' and m.uuid not in before
    ]
    if not own:
        return Judgement(Progress.UNKNOWN)
    newest = max(own, key=lambda migration: migration.id)
    live = [m for m in own if m.live and m.uuid not in dead]
    if len(live) > 1:
        return Judgement(Progress.TWICE, newest)
    if live:
        return Judgement(Progress.LIVE, live[0])
    if newest.done:
        return Judgement(Progress.MOVED, newest)
    if newest.live:
        return Judgement(Progress.STUCK, newest)
    return Judgement(Progress.FAILED, newest)


class Evacuator:
    """Works on the evacuations rows of one recovery, a turn at a time."""

    def __init__(
        self,
        hands: hands_.Hands,
        planner: planner_.Planner,
        *,
        parallel: int,
        max_attempts: int,
        settle_seconds: float,
    ) -> None:
        self._compute = hands.compute
        self._hands = hands
        self._planner = planner
        self._parallel = parallel
        self._max_attempts = max_attempts
        self._settle_seconds = settle_seconds

    def turn(
        self, turn: Turn, host: models.Host, proof: fencing.FencedHost
    ) -> Step:
        """Judge what was asked, ask for some of what is pending."""
        migrations = self._migrations(host.name)
        running = self._judge_all(turn, migrations)
        rows = self._rows(turn)
        pending = _in_state(rows, RowState.PENDING)
        room = min(BATCH, self._parallel - running)
        if pending and room > 0:
            step = self._ask(turn, host, proof, pending[:room], migrations)
            if step is not None:
                return step
            return Wait(0 if pending[room:] else 1, _progress(rows))
        if running or pending:
            return Wait(1 if len(rows) <= BATCH else 2, _progress(rows))
        return Hop(State.VERIFYING, 'Nova has moved what it was asked for')

    def settle(self, turn: Turn) -> int:
        """Judge what was asked; returns how many are still under way."""
        rows = _in_state(self._rows(turn), RowState.REQUESTED)
        if not rows:
            return 0
        running = self._judge_all(turn, self._migrations(rows[0].source))
        if not running:
            self.verify(turn)
        return len(_in_state(self._rows(turn), RowState.REQUESTED))

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

    def verify(self, turn: Turn) -> Step | None:
        """Believe an evacuation when its guest runs; None: all have ended."""
        rows = self._rows(turn)
        moved = _in_state(rows, RowState.REQUESTED)
        servers = self._changed(moved)
        waits = [
            why
            for row in moved
            if (why := self._verify_one(turn, row, servers))
        ]
        if waits:
            return Wait(1, '; '.join(waits[:3]))
        held = _in_state(self._rows(turn), RowState.HELD)
        if held:
            whys = '; '.join(f'{r.instance_name}: {r.why}' for r in held[:3])
            return hold(
                models.HeldKind.SAFETY,
                f'{len(held)} of {len(rows)} need an operator: {whys}',
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
        changed = self._compute.servers_changed_since(earliest - SKEW)
        return {server.uuid: server for server in changed}

    def _judge_all(
        self, turn: Turn, migrations: Mapping[str, Sequence[nova.Migration]]
    ) -> int:
        """Record what became of each request; how many are under way."""
        rows = _in_state(self._rows(turn), RowState.REQUESTED)
        running = 0
        for row in rows:
            own = migrations.get(row.instance_uuid, ())
            dead = frozenset(m.uuid for m in own if self._died(turn, row, m))
            judgement = judge(row.was.get('migrations', ()), own, dead)
            running += self._record(turn, row, judgement)
        return running

    def _died(self, turn: Turn, row: Row, migration: nova.Migration) -> bool:
        """Whether the destination was fenced while it received.

        Only what was claimed dies with its destination. A call that still
        waits in a queue is carried out when that host comes back.
        """
        if not migration.live or migration.destination_node is None:
            return False
        assert row.requested_at is not None
        with turn.read() as session:
            stories = recoveries.all(
                session,
                subject=migration.destination,
                workflow='host_failure',
                limit=3,
            )
        fenced = (story.was.get('off_since') for story in stories)
        return any(
            datetime.datetime.fromisoformat(moment) > row.requested_at
            for moment in fenced
            if moment
        )

    def _record(self, turn: Turn, row: Row, seen: Judgement) -> bool:
        """Write a judgement down; whether the request is under way."""
        migration = seen.migration
        match seen.progress:
            case Progress.LIVE | Progress.MOVED:
                assert migration is not None
                if row.migration_uuid != migration.uuid:
                    self._note(turn, row, migration)
                return seen.progress is Progress.LIVE
            case Progress.TWICE:
                self._settle(
                    turn,
                    row,
                    RowState.HELD,
                    'Nova has two live evacuation migrations of it',
                )
                return False
            case Progress.FAILED | Progress.STUCK:
                assert migration is not None
                why = f'migration {migration.uuid} is {migration.status}'
                if seen.progress is Progress.STUCK:
                    why = f'its destination {migration.destination} died'
                self._again(turn, row, why)
                return False
            case Progress.UNKNOWN:
                return self._unknown(turn, row)

    def _unknown(self, turn: Turn, row: Row) -> bool:
        """Nova shows nothing: the call may be lost, or still queued."""
        assert row.requested_at is not None
        waited = (turn.now - row.requested_at).total_seconds()
        if waited < self._settle_seconds:
            return True
        since = row.requested_at - SKEW
        actions = self._compute.actions_of(row.instance_uuid, since)
        if any(action.name == 'evacuate' for action in actions):
            return True
        self._again(turn, row, f'Nova shows nothing of it for {waited:.0f} s')
        return False

    def _verify_one(
        self, turn: Turn, row: Row, servers: Mapping[str, nova.Server]
    ) -> str:
        """'' when the row was settled, else what is being waited for."""
        server = servers.get(row.instance_uuid)
        if server is None:
            return f'Nova does not show that {row.instance_name} moved'
        if server.vm_state in {'deleted', 'soft-delete'}:
            self._settle(turn, row, RowState.LEFT, 'its user deleted it')
            return ''
        if server.vm_state == 'error':
            self._settle(
                turn, row, RowState.HELD, 'Nova has it in ERROR: see its fault'
            )
            return ''
        if server.vm_state == 'stopped' and not server.task_state:
            # Microversion 2.95 leaves it stopped on its new host.
            self._compute.start(server, turn.deadline)
            return f'{row.instance_name} is being started'
        if server.host == row.source or not server.host:
            self._again(turn, row, 'Nova says that it did not move')
            return ''
        if server.vm_state != 'active' or server.power_state != RUNNING:
            return f'{row.instance_name} is {server.vm_state}'
        if not self._seen_by_agent(turn, row, server.host):
            return f'the agent of {server.host} does not see it run'
        self._settle(
            turn, row, RowState.DONE, f'runs on {server.host}', server.host
        )
        return ''

    def _seen_by_agent(self, turn: Turn, row: Row, name: str) -> bool:
        """Agents that cannot see guests do not object."""
        with turn.read() as session:
            host = hosts.by_names(session, [name]).get(name)
        return (
            host is None
            or host.domains is None
            or row.instance_uuid in host.domains
        )

    # Asking.

    def _ask(
        self,
        turn: Turn,
        host: models.Host,
        proof: fencing.FencedHost,
        rows: Sequence[Row],
        migrations: Mapping[str, Sequence[nova.Migration]],
    ) -> Step | None:
        servers = {s.uuid: s for s in self._compute.servers_on(host.name)}
        targets = self._targets(turn, host)
        if targets == []:
            return hold(
                models.HeldKind.CAPACITY,
                f'no host of cluster {host.cluster.name} is usable now',
            )
        load: Counter[str] = Counter()
        calls: list[Call] = []
        for row in rows:
            server = servers.get(row.instance_uuid)
            if server is None:
                self._settle(
                    turn, row, RowState.LEFT, f'it is not on {host.name} now'
                )
                continue
            call = self._prepare(
                turn,
                row,
                server,
                proof,
                migrations.get(server.uuid, ()),
                targets,
                load,
            )
            if call is not None:
                calls.append(call)
        self._send(turn, calls)
        return None

    def _targets(
        self, turn: Turn, host: models.Host
    ) -> list[models.Host] | None:
        """Usable hosts of the cluster; None leaves the choice to Nova."""
        if host.cluster.targets is models.Targets.ANY:
            return None
        services = self._compute.services()
        with turn.read() as session:
            return planner_.usable_hosts(session, host, services)

    def _prepare(
        self,
        turn: Turn,
        row: Row,
        server: nova.Server,
        proof: fencing.FencedHost,
        migrations: Sequence[nova.Migration],
        targets: Sequence[models.Host] | None,
        load: Counter[str],
    ) -> 'Call | None':
        """Collect the proofs, write the intention down."""
        if row.attempt >= self._max_attempts:
            self._settle(
                turn,
                row,
                RowState.HELD,
                f'asked for {row.attempt} times: {row.why}',
            )
            return None
        needed = nova.must_prove(server, migrations)
        proofs: dict[str, nova.Proof] = {proof.host: proof}
        for name in sorted(needed - proofs.keys()):
            other = self._clear(turn, row, name)
            if other is None:
                return None
            proofs[name] = other
        target = None
        if targets is not None:
            # A stale domain of it would make its new host refuse it.
            fit = [
                h.name for h in targets if server.uuid not in (h.domains or ())
            ]
            target = self._planner.target(fit, load)
            if target is None:
                self._settle(
                    turn,
                    row,
                    RowState.HELD,
                    'every usable host has a domain of it already',
                )
                return None
            load[target] += 1
        with turn.write() as session:
            evacuations.request(
                session, row, target, [m.uuid for m in migrations]
            )
        return Call(row, server, proofs, needed, target)

    def _clear(self, turn: Turn, row: Row, name: str) -> nova.Proof | None:
        """A proof that another host does not run the instance.

        None: there is none yet, and the row stays pending, or none can be
        had, and the row is held.
        """
        with turn.read() as session:
            host = hosts.by_names(session, [name]).get(name)
        if host is not None:
            off = fencing.prove(
                self._hands.fencer, self._hands.target(host), self._hands.clock
            )
            if off is not None:
                return off
            if host.domains is not None and host.reported_at is not None:
                return self._absent(turn, row, host)
        self._settle(
            turn,
            row,
            RowState.HELD,
            f'it may still run on {name}, which is neither proved off nor '
            'cleared by its agent',
        )
        return None

    def _absent(
        self, turn: Turn, row: Row, host: models.Host
    ) -> absence.DomainAbsent | None:
        """What the agent listed, if it looked after the last attempt."""
        assert host.reported_at is not None and host.domains is not None
        if row.instance_uuid in host.domains:
            self._settle(
                turn, row, RowState.HELD, f'{host.name} has a domain of it'
            )
            return None
        floors = (
            turn.recovery.was.get('off_since'),
            row.was.get('ask_again_at'),
        )
        for floor in filter(None, floors):
            if host.reported_at <= datetime.datetime.fromisoformat(floor):
                return None
        age = (turn.now - host.reported_at).total_seconds()
        return absence.DomainAbsent(
            host.name, row.instance_uuid, turn.began - age
        )

    def _send(self, turn: Turn, calls: Sequence['Call']) -> None:
        """Send the calls side by side, record those without effect."""
        if not calls:
            return
        with futures.ThreadPoolExecutor(BATCH) as pool:
            sent = {
                pool.submit(
                    self._compute.evacuate,
                    call.server,
                    call.proofs,
                    call.needed,
                    call.target,
                    turn.deadline,
                ): call.row
                for call in calls
            }
        for future, row in sent.items():
            error = future.exception()
            if isinstance(
                error, exception.NovaRefused | exception.ProofMissing
            ):
                self._again(turn, row, str(error))
            elif isinstance(error, exception.HassError):
                # Unreachable or failed: it may have taken effect.
                self._note(turn, row, None, str(error))
            elif error is not None:
                raise error

    # Writing.

    def _again(self, turn: Turn, row: Row, why: str) -> None:
        with turn.write() as session:
            evacuations.ask_again(session, row, why)

    def _settle(
        self,
        turn: Turn,
        row: Row,
        state: RowState,
        why: str,
        destination: str | None = None,
    ) -> None:
        with turn.write() as session:
            evacuations.settle(session, row, state, why, destination)

    def _note(
        self,
        turn: Turn,
        row: Row,
        migration: nova.Migration | None,
        why: str = 'Nova moves it',
    ) -> None:
        with turn.write() as session:
            evacuations.note(
                session,
                row,
                why,
                migration_uuid=migration.uuid if migration else None,
                destination=migration.destination if migration else None,
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One evacuate call whose intention is written down."""

    row: Row
    server: nova.Server
    proofs: Mapping[str, nova.Proof]
    needed: frozenset[str]
    target: str | None


def _in_state(rows: Iterable[Row], state: RowState) -> list[Row]:
    return [row for row in rows if row.state is state]


def _progress(rows: Sequence[Row]) -> str:
    asked = sum(row.state is not RowState.PENDING for row in rows)
    return f'{asked} of {len(rows)} evacuations asked for'
