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

"""Asks Nova for evacuations: proofs first, then the row, then the call."""

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collections import Counter
import dataclasses
import datetime
import functools
from typing import Any
from typing import Literal

from hass.db import evacuations
from hass.db import hosts
from hass.db import instances
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import entitlement
from hass import exception
from hass.fencing import absence
from hass.fencing import base as fencing
from hass import nova
from hass.nova import rolls
from hass.recovery import adoption
from hass.recovery import control_plane
from hass.recovery import fates
from hass.recovery import hands as hands_
from hass.recovery import host_return
from hass.recovery import intent
from hass.recovery import places as places_
from hass.recovery import planner as planner_
from hass.recovery import proving
from hass.recovery import refusals
from hass.recovery import standing
from hass.recovery import wishes
from hass.recovery.workflow import Turn
from hass import until as until_
from hass.until import Kind
from hass.until import Until

BATCH = 10
"""Calls of one turn: all are sent while one proof is fresh."""

MOVES_OF = datetime.timedelta(days=1)
"""Older moves than these have left a domain that agents see, or nothing."""

PATIENCE_SECONDS = 120.0
"""How long what is left of an earlier move may take to go."""

Row = models.Evacuation
RowState = models.EvacuationState
Ended = Literal[RowState.DONE, RowState.LEFT, RowState.HELD]


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One evacuate call whose intention is written down.

    :ivar proofs: of every host that may run the guest but the source
    """

    row: Row
    server: nova.Server
    proofs: Mapping[str, nova.Proof]
    needed: frozenset[str]
    target: str | None


class Requester:
    """Turns pending rows of one recovery into calls."""

    def __init__(
        self,
        hands: hands_.Hands,
        planner: planner_.Planner,
        rule: entitlement.Rule,
        prover: proving.Prover,
        budget_seconds: float,
        settle_seconds: float,
    ) -> None:
        self._hands = hands
        self._compute = hands.compute
        self._planner = planner
        self._rule = rule
        self._prover = prover
        self._budget_seconds = budget_seconds
        self._settle_seconds = settle_seconds

    def ask(
        self,
        turn: Turn,
        host: models.Host,
        due: Sequence[Row],
        room: int,
    ) -> control_plane.Trouble | int:
        """Ask for some pending rows; how many calls went out.

        The host is proved off once more after everything slow is done, so
        that the calls leave while the proof is fresh.

        :param room: for so many calls
        :returns: what hinders each of them, if it does
        """
        away = self._hands.control_plane.still_away()
        if all(control_plane.is_hindered(row.why, away) for row in due):
            return away
        trouble = self._hands.control_plane.trouble()
        if trouble:
            return trouble
        servers = {s.uuid: s for s in self._compute.servers_on(host.name)}
        able = self._able(turn, host, due, servers)
        if isinstance(able, control_plane.Trouble):
            return able
        control_plane.is_back(turn)
        rows = able[:room]
        places = self._places(turn, host)
        migrations = self._migrations(turn)
        words = self._words(turn, host, servers)
        load: Counter[str] = Counter()
        calls: list[Call] = []
        for row in rows:
            server = servers.get(row.instance_uuid)
            if server is None:
                rolls.check_gone(self._compute, host.name, row.instance_uuid)
                settle(
                    turn, row, RowState.LEFT, f'it is not on {host.name} now'
                )
                continue
            verdict = fates.of(
                server, shared_storage=host.cluster.shared_storage
            )
            if verdict.fate is not fates.Fate.EVACUATE:
                if not self._awaits(turn, row):
                    self._spare(turn, row, server, verdict)
                continue
            if self._is_told_to_start(server):
                # Whose message it is: its host would start it as well.
                why = (
                    'its host was told to start it, and does so at its return'
                )
                if not self._awaits(turn, row):
                    leave(turn, row, server, why, stood='stopped')
                continue
            word = words[server.uuid]
            if not word.protected and row.requested_at is None:
                _leave(turn, row, server, f'not protected now: {word.why}')
                continue
            records = migrations.get(server.uuid, ())
            on_its_way = turn.recovery.was.get('on_their_way', ())
            if server.uuid in on_its_way or _missing(row, records):
                records = self._compute.migrations_of(server.uuid)
            missing = _missing(row, records)
            if missing:
                why = (
                    'Nova leaves out its migrations, and is to show them '
                    f'first: {", ".join(missing[:3])}'
                )
                if row.why != why:
                    note(turn, row, why)
                continue
            if self._adopts(turn, host, row, server, records):
                continue
            call = self._prepare(turn, row, server, records, places, load)
            if call is not None:
                calls.append(call)
        proof = self._prover.prove(turn, host, turn.recovery.was)
        if isinstance(proof, proving.Unproved):
            for call in calls:
                ask_again(turn, call.row, proof.why, sent=False)
            return 0
        self._send(turn, calls, proof)
        return len(calls)

    def _able(
        self,
        turn: Turn,
        host: models.Host,
        due: Sequence[Row],
        servers: Mapping[str, nova.Server],
    ) -> Sequence[Row] | control_plane.Trouble:
        """Those that lack nothing which is away now; or what all lack."""
        needs = {
            row.id: control_plane.needs_of(
                servers[row.instance_uuid],
                shared_storage=host.cluster.shared_storage,
                refused='refusal' in row.was,
            )
            for row in due
            if row.instance_uuid in servers
        }
        trouble = self._hands.control_plane.trouble(
            frozenset[str]().union(*needs.values())
        )
        able = []
        for row in due:
            lack = trouble.hinders(needs.get(row.id, ()))
            if not lack:
                able.append(row)
            elif row.why != control_plane.hindered(lack):
                note(turn, row, control_plane.hindered(lack))
        return able or trouble

    def _is_told_to_start(self, server: nova.Server) -> bool:
        """Whether a message to start it waits in the queue of its dead host.

        Its task tells that, unless somebody has reset its state since. Then
        Nova has it active, and has never seen it run.
        """
        if server.power_state == standing.RUNNING:
            return False
        return intent.started_last(self._compute.actions_of(server.uuid))

    def _spare(
        self,
        turn: Turn,
        row: Row,
        server: nova.Server,
        verdict: fates.Verdict,
    ) -> None:
        """It was judged otherwise when the evacuations were planned."""
        if verdict.fate is fates.Fate.START_AT_RETURN:
            leave(turn, row, server, verdict.why)
            return
        refused = verdict.fate is fates.Fate.REFUSE
        state: Ended = RowState.HELD if refused else RowState.LEFT
        ends = planner_.ends(server, verdict)
        settle(turn, row, state, verdict.why, until=ends)
        if verdict.fate is fates.Fate.DELETE:
            wishes.delete_anew(self._compute, server, turn.deadline)

    def _adopts(
        self,
        turn: Turn,
        host: models.Host,
        row: Row,
        server: nova.Server,
        moves: Sequence[nova.Migration],
    ) -> bool:
        """Whether Nova was asked for it, and not by a row of ours."""
        if 'migrations' in row.was:
            return False
        own = [one for one in moves if not _given_up(row, one)]
        live = adoption.live(row.source, own, host.reported_at)
        if not live and adoption.is_rebuilding(server):
            moves = self._compute.migrations_of(server.uuid)
            actions = self._compute.actions_of(server.uuid)
            if not adoption.asked(server, actions, moves, host.reported_at):
                return False
        elif not live:
            return False
        theirs = {one.uuid for one in live}
        known = [one.uuid for one in moves if one.uuid not in theirs]
        first = live[0].uuid if live else None
        with turn.write() as session:
            evacuations.adopt(session, row, first, known)
        return True

    def _words(
        self,
        turn: Turn,
        host: models.Host,
        servers: Mapping[str, nova.Server],
    ) -> dict[str, entitlement.Entitlement]:
        """Who is protected now: users change their minds meanwhile."""
        with turn.read() as session:
            return instances.entitlements(
                session, self._rule, host.cluster, list(servers.values())
            )

    def _migrations(self, turn: Turn) -> dict[str, list[nova.Migration]]:
        """The newer moves of all instances, wherever they went from."""
        found: dict[str, list[nova.Migration]] = {}
        since = turn.now - MOVES_OF
        for move in self._compute.migrations(None, since=since, kind=None):
            found.setdefault(move.instance_uuid, []).append(move)
        return found

    def _places(self, turn: Turn, host: models.Host) -> places_.Places:
        """Where instances may go: hosts of the cluster, or any.

        A host that fell silent may have died as well: what is sent to it
        would wait in its queue. It is a target only if all are silent.
        """
        with turn.read() as session:
            hope = planner_.on_their_way_back(
                session, host, host_return.HostReturn.name
            )
        if host.cluster.targets is models.Targets.ANY:
            return places_.Places(self._compute.places, None, hope=hope)
        services = self._compute.services()
        silent = self._silent()
        with turn.read() as session:
            usable = planner_.usable_hosts(session, host, services)
        names = sorted(one.name for one in usable)
        heard = [name for name in names if name not in silent]
        return places_.Places(self._compute.places, heard or names, hope=hope)

    def _prepare(
        self,
        turn: Turn,
        row: Row,
        server: nova.Server,
        migrations: Sequence[nova.Migration],
        places: places_.Places,
        load: Counter[str],
    ) -> Call | None:
        """Collect the proofs, write the intention down."""
        # The power cycle of its destination has ended what died there.
        newer = [one.uuid for one in migrations]
        accepted = turn.recovery.was.get('accepted', {}).get(server.uuid, ())
        older = [uuid for uuid in accepted if uuid not in newer]
        known = [*row.was.get('dead', ()), *older, *newer]
        waiting = [*older, *(one.uuid for one in migrations if one.waiting)]
        pending = _may_come_late(row, migrations)
        migrations = [one for one in migrations if not _given_up(row, one)]
        late = _under_way(row, migrations)
        if late is not None:
            with turn.write() as session:
                evacuations.adopt(session, row, late.uuid)
            return None
        with turn.read() as session:
            strays = {*hosts.with_domain(session, server.uuid)} - {row.source}
        bound = self._bound(turn, migrations)
        pending = pending or bool(strays or bound)
        fresh = self._fresh(turn, row, server, places, pending)
        fresh = self._same(turn, row, fresh)
        if not fresh:
            return None
        needed = nova.must_prove(server, migrations) | strays
        proofs: dict[str, nova.Proof] = {}
        for name in sorted(needed - {row.source}):
            if name == nova.UNKNOWN_HOST:
                why = 'Nova has yet to say where an unfinished move takes it'
            elif name in strays:
                why = f'the agent of {name} sees a domain of it'
            elif name in bound:
                why = f'Nova may start it on {name}: {bound[name].status}'
            else:
                why = ''
            other = self._clear(turn, row, name, why, stray=name in strays)
            if other is None:
                return None
            proofs[name] = other
        target = None
        if fresh[0] != refusals.ANYWHERE:
            target = self._planner.target(fresh, load)
            if target is None:
                return None
            load[target] += 1
        with turn.write() as session:
            if not evacuations.request(session, row, target, known, waiting):
                return None
            # What becomes of the call is written over the row as it is now.
            asked = session.get_one(Row, row.id)
        return Call(asked, server, proofs, needed, target)

    def _bound(
        self, turn: Turn, moves: Sequence[nova.Migration]
    ) -> dict[str, nova.Migration]:
        """Hosts on which a move may start the guest at any moment."""
        bound = adoption.bound(moves)
        if not bound:
            return bound
        up = nova.usable_hosts(self._compute.services())
        idle = adoption.idle(moves, turn.now, up)
        return adoption.bound(one for one in moves if one not in idle)

    def _fresh(
        self,
        turn: Turn,
        row: Row,
        server: nova.Server,
        places: places_.Places,
        pending: bool,
    ) -> list[str]:
        """The places to try now; none: it is settled, or waits.

        :param pending: an earlier call may be carried out late
        """
        refused = refusals.Refused.read(row.was)
        order = places.of(server)
        if refused is not None:
            why = refused.given_up(
                turn.now,
                _proved_off_at(turn),
                self._budget_seconds,
                offered=order.offered,
                hope=places.hope,
            )
            if why and self._awaits(turn, row):
                return []
            if why and pending:
                settle(
                    turn,
                    row,
                    RowState.HELD,
                    f'Nova may still move it; {why}',
                    until=[until_.anew()],
                )
                return []
            if why:
                leave(turn, row, server, why)
                return []
        fresh = order.untried(refused)
        # The first time Nova may know better than Placement.
        if fresh and (order.offered or refused is None):
            return fresh
        if order.offered and refused is not None:
            why, memory = refused.why, refused.round_ended()
        else:
            why = _no_room(order)
            memory = refusals.after(
                refused, refusals.Kind.PLACE, why, turn.now, None
            )
        with turn.write() as session:
            evacuations.postpone(session, row, why, memory.to_dict())
        return []

    def _same(self, turn: Turn, row: Row, fresh: list[str]) -> list[str]:
        """The host that an unanswered call named, while that may come.

        Two calls to one host start the instance on one host.
        """
        earlier = self.may_come_to(turn, row)
        if earlier is None or not fresh:
            return fresh
        if earlier in fresh:
            return [earlier]
        self._awaits(turn, row)
        return []

    def may_come_to(self, turn: Turn, row: Row) -> str | None:
        """The host that a call named which may still be carried out.

        None: each call was answered, or has been given its time.
        """
        call = row.was.get('may_come')
        if call is None:
            return None
        left = datetime.datetime.fromisoformat(call['sent_at'])
        waited = self._hands.witness.seconds_since(turn, left)
        target: str = call['target']
        return target if waited < self._settle_seconds else None

    def _awaits(self, turn: Turn, row: Row) -> bool:
        """Whether the row stays pending for an earlier call that may come."""
        earlier = self.may_come_to(turn, row)
        if earlier is None:
            return False
        why = f'an earlier call may still take it to {earlier}'
        if row.why != why:
            note(turn, row, why)
        return True

    def _clear(
        self, turn: Turn, row: Row, name: str, why: str, *, stray: bool
    ) -> nova.Proof | None:
        """A proof that another host does not run the instance.

        None: there is none yet, and the row stays pending, or none can be
        had, and the row is held.

        :param why: what only the power of that host could refute now
        :param stray: its agent sees a domain of the instance
        """
        with turn.read() as session:
            host = hosts.by_names(session, [name]).get(name)
            story = recoveries.rescue_of_host(session, name)
        off = self._prover.prove_absent(turn, name)
        if isinstance(off, fencing.FencedHost):
            return off
        if host is not None and host.domains is not None and host.reported_at:
            if not why:
                return self._absent(turn, row, host)
        if why and turn.seconds_in_state() < PATIENCE_SECONDS:
            if row.why != why:
                note(turn, row, why)
            return None
        if why:
            until = [
                Until(Kind.DOMAIN_GONE, name, row.instance_uuid)
                if stray
                else until_.anew(),
                Until(Kind.PROVED_OFF, name),
            ]
            settle(turn, row, RowState.HELD, why, until=until)
            return None
        if story is not None or name in self._silent():
            # Its own recovery proves it off, or somebody is asked there.
            return None
        settle(
            turn,
            row,
            RowState.HELD,
            f'it may still run on {name}, which is neither proved off nor '
            'cleared by its agent',
            until=[
                Until(Kind.DOMAIN_GONE, name, row.instance_uuid),
                Until(Kind.PROVED_OFF, name),
            ],
        )
        return None

    def _silent(self) -> Collection[str]:
        """Hosts that may have died just now."""
        return self._hands.witness.ears().suspected()

    def _absent(
        self, turn: Turn, row: Row, host: models.Host
    ) -> absence.DomainAbsent | None:
        """What the agent listed, if it looked after the last attempt."""
        assert host.reported_at is not None
        ahead = (host.reported_at - turn.now).total_seconds()
        if ahead > moments.SKEW_SECONDS:
            return None  # It came before the clock was set back.
        looked_at = host.reported_at - standing.LISTED
        floors = (
            turn.recovery.was.get('off_since'),
            row.was.get('ask_again_at'),
        )
        for text in filter(None, floors):
            if looked_at <= _past(turn, text):
                return None
        age = (turn.now - looked_at).total_seconds()
        return absence.DomainAbsent(
            host.name, row.instance_uuid, turn.began - age
        )

    def _send(
        self, turn: Turn, calls: Sequence[Call], proof: fencing.FencedHost
    ) -> None:
        """Send the calls side by side, record those without effect."""
        if not calls:
            return
        with self._hands.pool(BATCH) as pool:
            sent = {
                pool.submit(
                    self._compute.evacuate,
                    call.server,
                    {proof.host: proof, **call.proofs},
                    call.needed,
                    call.target,
                    turn.deadline,
                    functools.partial(_leaves, turn, call.row),
                ): call.row
                for call in calls
            }
        for future, row in sent.items():
            error = future.exception()
            if error is None:
                _was_taken(turn, row)
            if isinstance(error, exception.NovaRefused):
                kind = refusals.of_answer(error.status, error.answer)
                refuse(turn, row, kind, str(error), row.target)
            elif isinstance(error, exception.ProofMissing):
                ask_again(turn, row, str(error), sent=False)
            elif isinstance(error, exception.HassError):
                # Unreachable or failed: it may have taken effect.
                note(turn, row, str(error))
            elif error is not None:
                raise error


def _leaves(turn: Turn, row: Row) -> None:
    """Write down that this call leaves now, before it does."""
    with turn.write() as session:
        was = evacuations.sent(session, row)
    if was is None:
        raise exception.LostClaim(turn.recovery.uuid)
    row.was = was


def _was_taken(turn: Turn, row: Row) -> None:
    with turn.write() as session:
        evacuations.answered(session, row)


def _proved_off_at(turn: Turn) -> datetime.datetime:
    """When the present try to save the host's instances began."""
    told = turn.recovery.was.get('off_since')
    return _past(turn, told) if told else turn.now


def _past(turn: Turn, text: str) -> datetime.datetime:
    """A moment that was written down, and is not in the future."""
    moment = datetime.datetime.fromisoformat(text)
    if moment > turn.now:
        # The clock was set back since, and the state began anew.
        return turn.recovery.state_since
    return moment


def _no_room(order: places_.Order) -> str:
    if not order.names:
        return 'no other host of its cluster is usable'
    return 'Placement knows no host with room for it'


def _missing(row: Row, migrations: Sequence[nova.Migration]) -> list[str]:
    """What Nova has shown of the instance, and is not in a list of its moves.

    Nova silently leaves out what is in a cell whose database is down, and a
    replica of a database may lag behind.
    """
    known = {
        row.migration_uuid,
        *row.was.get('migrations', ()),
        *row.was.get('dead', ()),
        *row.was.get('lost', ()),
    }
    return sorted(filter(None, known - {move.uuid for move in migrations}))


def _may_come_late(row: Row, migrations: Sequence[nova.Migration]) -> bool:
    """Whether a call of ours waits in a queue, for all that is known."""
    return any(
        move.type == 'evacuation'
        and move.live
        and move.uuid not in row.was.get('dead', ())
        for move in migrations
    )


def _given_up(row: Row, move: nova.Migration) -> bool:
    """Whether a record lives on by itself, without anybody at work.

    What was lost while it waited is at work again if it waits no more.
    """
    return move.uuid in row.was.get('dead', ()) or (
        move.waiting and move.uuid in row.was.get('lost', ())
    )


def _under_way(
    row: Row, migrations: Sequence[nova.Migration]
) -> nova.Migration | None:
    """What Nova made of our earlier call after we had given that up.

    It may be carried out at any moment: an agent that does not see the
    domain yet is no reason to ask again. What was there before our first
    call is another recovery's.
    """
    if 'migrations' not in row.was:
        return None
    others = {*row.was['migrations']} - {*row.was.get('lost', ())}
    return next(
        (
            move
            for move in migrations
            if move.type == 'evacuation'
            and move.live
            and move.source == row.source
            and move.uuid not in others
        ),
        None,
    )


def _leave(turn: Turn, row: Row, server: nova.Server, why: str) -> None:
    """It stays, and is started with the unprotected ones if it ran."""
    if fates.should_run(server):
        others = turn.recovery.was.get('unprotected', [])
        if server.uuid not in others:
            turn.remember(unprotected=[*others, server.uuid])
    settle(turn, row, RowState.LEFT, why)


def settle(
    turn: Turn,
    row: Row,
    state: Ended,
    why: str,
    destination: str | None = None,
    until: Sequence[Until] = (),
) -> None:
    """Write down how an evacuation ended, or why it is held.

    :param until: what ends that by itself
    """
    with turn.write() as session:
        evacuations.settle(session, row, state, why, destination, until=until)


def leave(
    turn: Turn, row: Row, server: nova.Server, why: str, stood: str = ''
) -> None:
    """It cannot go elsewhere: it is started when its host is back.

    Its last call has ended, so nothing else starts it. Until it runs, a
    page names it.

    :param stood: its vm_state as it is to be started from, if Nova errs
    """
    lost = losses.Lost(
        row.instance_uuid, row.instance_name, row.project_id, why
    )
    with turn.write() as session:
        evacuations.settle(
            session,
            row,
            RowState.LEFT,
            why,
            start_at_return=stood or server.vm_state,
        )
        losses.record(session, row.source, [lost], turn.recovery.uuid)


def refuse(
    turn: Turn,
    row: Row,
    kind: refusals.Kind,
    why: str,
    place: str | None = None,
) -> None:
    """A call was refused, or failed: remember it for the next."""
    before = refusals.Refused.read(row.was)
    memory = refusals.after(before, kind, why, turn.now, place)
    ask_again(turn, row, why, refusal=memory.to_dict())


def ask_again(
    turn: Turn,
    row: Row,
    why: str,
    *,
    refusal: Mapping[str, Any] | None = None,
    dead: str | None = None,
    lost: str | None = None,
    sent: bool = True,
    may_come: bool = False,
) -> None:
    """The last call came to nothing: it is pending again.

    :param refusal: what is remembered of all refusals up to now
    :param dead: uuid of its migration, whose destination died
    :param lost: the same, when the destination had claimed nothing
    :param sent: whether it left at all
    :param may_come: it was not answered, and may still be carried out
    """
    with turn.write() as session:
        evacuations.ask_again(
            session,
            row,
            why,
            refusal=refusal,
            dead=dead,
            lost=lost,
            sent=sent,
            may_come=may_come,
        )


def note(
    turn: Turn,
    row: Row,
    why: str,
    migration: nova.Migration | None = None,
) -> None:
    """Write down what is known of a call under way."""
    with turn.write() as session:
        evacuations.note(
            session,
            row,
            why,
            migration_uuid=migration.uuid if migration else None,
            destination=migration.destination if migration else None,
        )
