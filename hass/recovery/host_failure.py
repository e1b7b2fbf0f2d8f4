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

"""host_failure: isolate a failed compute host, bring its instances back."""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses
import datetime
import logging
from typing import Any

from oslo_config import cfg
from sqlalchemy import orm

from hass.conf import protection
from hass.db import evacuations
from hass.db import fences
from hass.db import hosts
from hass.db import instances
from hass.db import interruptions
from hass.db import models
from hass.db import recoveries
from hass.diagnosis import diagnose
from hass import exception
from hass import faults
from hass.fencing import base as fencer_
from hass import naming
from hass import nova
from hass.nova import rolls
from hass.recovery import adoption
from hass.recovery import conditions
from hass.recovery import control_plane
from hass.recovery import cutting
from hass.recovery import evacuating
from hass.recovery import fallen
from hass.recovery import fates
from hass.recovery import hands as hands_
from hass.recovery import host as host_
from hass.recovery import host_return
from hass.recovery import planner as planner_
from hass.recovery import restraining
from hass.recovery import wishes
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import minutes
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.states import WorkflowName
from hass import until as until_
from hass.until import Kind
from hass.until import Until
from hass.workflows import Subject
from hass.workflows import Traits

LOG = logging.getLogger(__name__)
READ_OFF = 'it went on while its BMC read off'
UNCLEAR_SECONDS = 30.0
DOUBT_SECONDS = 1.0
"""What is unclear for longer keeps new instances off the host."""
LOOK_SECONDS = 0.15
DOWN_SECONDS = 60.0
"""Nova's own default of service_down_time, which forced_down hides."""
CALM_SECONDS = 3600.0
"""What an operator knows, and nobody waits for, is looked at as seldom."""
LATE_SECONDS = 20.0
"""Two reports of nova-compute are missing."""
NAMED = 20
"""So many instances are named in one sentence."""
UNDER_WAY = frozenset(
    {models.EvacuationState.PENDING, models.EvacuationState.REQUESTED}
)


@dataclasses.dataclass(frozen=True, slots=True)
class NovaSays:
    """What Nova believes while a host is suspected.

    :ivar services: all nova-computes
    :ivar servers: those on the suspected host
    """

    services: Sequence[nova.Service]
    servers: Sequence[nova.Server]

    def is_down(self, host: str, mute_seconds: float) -> bool:
        """Whether the host's nova-compute ceased to report to Nova with it.

        That somebody forced it down or disabled it tells nothing of it. Its
        age is taken from the youngest of all, not from a clock of ours. One
        that was silent while the agent still spoke tells nothing either: no
        one cause has silenced both.

        :param mute_seconds: since the agent's last report
        """
        ours = [one for one in self.services if one.host == host]
        reports = [one.updated_at for one in self.services if one.updated_at]
        if not (ours and ours[0].updated_at):
            return False
        ceased = (max(reports) - ours[0].updated_at).total_seconds()
        if ceased > mute_seconds + LATE_SECONDS:
            return False
        if ours[0].forced_down:
            return ceased > DOWN_SECONDS
        return ours[0].state == 'down' and ceased > LATE_SECONDS


class HostFailure(host_.HostWorkflow):
    """A compute host failed: isolate it, then bring its instances back."""

    name = WorkflowName.HOST_FAILURE
    initial = State.CONFIRMING
    # Every state may also go to HELD: that is where deadlines lead.
    transitions = {
        State.CONFIRMING: frozenset(
            {State.FENCING, State.DISMISSED, State.GIVING_BACK}
        ),
        # Back to CONFIRMING when it beats before it was asked to go off.
        State.FENCING: frozenset({State.FORCING_DOWN, State.CONFIRMING}),
        # Back to FENCING when the host is found powered on again.
        State.FORCING_DOWN: frozenset({State.PLANNING, State.FENCING}),
        State.PLANNING: frozenset(
            {State.EVACUATING, State.FINISHED, State.FENCING}
        ),
        State.EVACUATING: frozenset({State.VERIFYING, State.FENCING}),
        State.VERIFYING: frozenset(
            {
                State.FINISHED,
                State.EVACUATING,
                # For what another recovery had to itself.
                State.PLANNING,
                State.FENCING,
            }
        ),
        State.HELD: frozenset(
            {State.CONFIRMING, State.GIVING_BACK, State.DISMISSED}
        ),
        State.GIVING_BACK: frozenset({State.DISMISSED}),
    }
    deadlines = {
        State.CONFIRMING: minutes(2),
        State.FENCING: minutes(10),
        State.FORCING_DOWN: minutes(5),
        State.PLANNING: minutes(5),
        State.EVACUATING: minutes(60),
        State.VERIFYING: minutes(10),
        State.GIVING_BACK: minutes(15),
    }
    traits = Traits(
        subject=Subject.HOST,
        isolates=True,
        fences=True,
        silent_in=frozenset(transitions),
        services_run_in=frozenset({State.GIVING_BACK}),
        supersedes=(
            WorkflowName.HOST_RETURN,
            WorkflowName.INSTANCE_FAILURE,
            WorkflowName.SERVICE_FAILURE,
        ),
    )

    def __init__(self, hands: hands_.Hands, conf: cfg.ConfigOpts) -> None:
        super().__init__(hands, conf)
        self._planner = planner_.load(conf)
        self._rule = protection.rule(conf)
        self._cutter = cutting.Cutter(
            hands, self._prover, conf.fencing.off_seconds
        )
        self._restrainer = restraining.Restrainer(conf)
        self._evacuator = evacuating.Evacuator(
            hands,
            self._planner,
            self._rule,
            self._prover,
            parallel=conf.recovery.parallel,
            budget_seconds=conf.recovery.evacuation_seconds,
            answer_seconds=conf.nova.answer_seconds,
            settle_seconds=conf.nova.settle_seconds,
        )

    def confirming(self, turn: Turn) -> Step:
        """Believe no single voice: look from outside, ask the peers."""
        deaf = self._witness.deaf()
        if deaf:
            return self._unclear(turn, f'this engine may not judge: {deaf}')
        # They are asked beside the host.
        self._hands.control_plane.look()
        host = self.host(turn)
        with self._hands.pool(2) as pool:
            services = pool.submit(self._compute.services)
            servers = pool.submit(
                rolls.servers_on, self._compute, host.name, host.domains or ()
            )
            evidence = self._witness.testify(
                turn, host, self._hands.target(host)
            )
        try:
            nova_says = NovaSays(services.result(), servers.result())
        except exception.NovaError as error:
            trouble = self._hands.control_plane.trouble()
            if trouble:
                return self._unclear(
                    turn, f'nobody asks Nova now: {trouble}', trouble.until
                )
            return self._unclear(turn, str(error), Until(Kind.CONTROL_PLANE))
        evidence = dataclasses.replace(
            evidence,
            compute_down=nova_says.is_down(
                host.name, self._mute_seconds(turn, host)
            ),
        )
        decision = diagnose.diagnose(evidence)
        step = self._judge(turn, host, evidence, decision, nova_says)
        if isinstance(step, Hop) and step.within is None:
            record = _record(evidence, decision)
            return dataclasses.replace(
                step,
                within=lambda session: recoveries.set_fault(
                    session, turn.recovery.id, record
                ),
            )
        return step

    def _mute_seconds(self, turn: Turn, host: models.Host) -> float:
        """Since its agent's last report, whichever engine took that."""
        if host.reported_at is None:
            return self._witness.ears().silence(host.name)
        return (turn.now - host.reported_at).total_seconds()

    def _judge(
        self,
        turn: Turn,
        host: models.Host,
        evidence: diagnose.Evidence,
        decision: diagnose.Decision,
        nova_says: NovaSays,
    ) -> Step:
        match decision:
            case diagnose.Alive(why):
                return self._spare(turn, why)
            case diagnose.Unclear(why):
                if turn.seconds_in_state() > DOUBT_SECONDS:
                    self._stop_placements(turn, host)
                return self._unclear(turn, why)
            case diagnose.Doubt(why, False) if self._lies(turn, host):
                return self._spare(turn, f'{why}: it is believed no more')
            case diagnose.Doubt(why, passes) as doubt:
                self._stop_placements(turn, host)
                safety = models.HeldKind.SAFETY
                restraint = models.HeldKind.RESTRAINT
                return hold(
                    restraint if passes else safety,
                    why,
                    self._doubted(host.name, doubt, evidence.power),
                )
            case faults.Fault():
                return self._condemn(turn, host, decision, nova_says)

    def close(self, turn: Turn, hop: Hop) -> Hop:
        """A return that was superseded for nothing is taken up again."""
        if hop.to is State.DISMISSED and self._resumes(turn):
            why = f'{hop.why}; its return goes on'
            then = host_return.HostReturn
            hop = dataclasses.replace(hop, why=why, then=then)
        return super().close(turn, hop)

    def _spare(self, turn: Turn, why: str) -> Hop:
        """The host lives."""
        if self.touched(turn):
            return Hop(State.GIVING_BACK, why)
        return Hop(State.DISMISSED, why)

    def _lies(self, turn: Turn, host: models.Host) -> bool:
        """Whether its host has run on while the BMC read off.

        A BMC that was told to cut the power is another matter: whose power
        it has cut then, people have to see.
        """
        if self.acted(turn):
            return False
        seen = turn.recovery.was.get('read_off_at')
        if seen is None:
            turn.remember(read_off_at=turn.now.isoformat())
            return False
        moment = datetime.datetime.fromisoformat(seen)
        ago = self._witness.seconds_since(turn, moment)
        if not self._witness.ran_through(host.name, ago):
            return False
        with turn.write() as session:
            hosts.distrust_bmc(session, host.name, READ_OFF)
        return True

    def fencing(self, turn: Turn) -> Step:
        """Cut the host off, and believe only the device."""
        host = self.host(turn)
        was = turn.recovery.was
        if not was.get('off_sent'):
            deaf = self._witness.deaf()
            if deaf:
                # It took over, and could not have heard that the host lives.
                why = f'this engine may not judge: {deaf}'
                return Hop(State.CONFIRMING, why)
            since = turn.recovery.opened_at
            if was.get('off_since'):
                # It was off, and somebody has powered it on.
                since = turn.recovery.state_since
            hearers = self._witness.hearers_since(turn, host.name, since)
            if hearers:
                return Hop(State.CONFIRMING, f'it beats (heard by {hearers})')
        return self._cutter.turn(turn, host)

    def forcing_down(self, turn: Turn) -> Step:
        """Tell Nova that the host is fenced; only a proof allows it."""
        proof = self.proof(turn)
        if isinstance(proof, Hop):
            return proof
        service = self.service(turn)
        was = turn.recovery.was.get('service')
        if service.forced_down and (service.status == 'disabled' or was):
            if was:
                # Our own change moved it; what moves it next is a report.
                told = {'updated_at': str(service.updated_at)}
                turn.remember(service=was | told)
            return Hop(State.PLANNING, 'Nova has the service forced down')
        if 'service' not in turn.recovery.was:
            ours = nova.disabled_by(service)
            turn.remember(
                service={
                    # A recovery that was dismissed has left its mark.
                    'status': 'enabled' if ours else service.status,
                    'reason': None if ours else service.disabled_reason,
                    'updated_at': str(service.updated_at),
                }
            )
        self._compute.force_down(service, turn.recovery.uuid, turn.deadline)
        return Wait(0, 'asked Nova to force the service down')

    def planning(self, turn: Turn) -> Step:
        """Write down each instance's evacuation before anything is asked."""
        proof = self.proof(turn)
        if isinstance(proof, Hop):
            return proof
        host = self.host(turn)
        servers = rolls.servers_on(
            self._compute, host.name, host.domains or ()
        )
        with turn.read() as session:
            protected = instances.protected(
                session, self._rule, host.cluster, servers
            )
            known = evacuations.of_recovery(session, turn.recovery.id)
        ours = [server for server in servers if server.uuid in protected]
        down = list(fallen.among(turn, self._compute, host.name, ours))
        for server in down:
            # Nova boots what is stopped too, and cuts it hard.
            self._compute.reset_state(server, 'active', turn.deadline)
        if down:
            return Wait(
                0,
                f'{_plural(len(down), "instance")} stopped by nobody\'s wish',
            )
        deleted = [
            server
            for server in ours
            if fates.of(server, shared_storage=True).fate is fates.Fate.DELETE
        ]
        plan = self._planner.plan(
            ours, shared_storage=host.cluster.shared_storage
        )
        unprotected = [
            server.uuid
            for server in servers
            if server.uuid not in protected and fates.should_run(server)
        ]
        at_return = {
            wanted.instance_uuid: wanted.was['vm_state']
            for wanted in plan
            if wanted.was['fate'] == fates.Fate.START_AT_RETURN
        }
        concerned = protected | {row.instance_uuid for row in known}
        accepted = self._accepted(concerned)
        # Those of an earlier recovery too: it was cut short.
        turn.remember(
            **recoveries.united(
                recoveries.handed_on(turn.recovery),
                {'unprotected': unprotected, 'start_at_return': at_return},
            ),
            accepted=accepted,
            on_their_way=self._on_their_way(concerned),
        )
        with turn.write() as session:
            kept = [
                one.instance_uuid
                for one in plan
                if one.state is models.EvacuationState.HELD
            ]
            evacuations.reopen(session, turn.recovery.id, kept)
            evacuations.take_over(
                session,
                [server.uuid for server in ours],
                host.name,
                f'it was on {host.name} when that failed',
            )
            elsewhere = evacuations.plan(
                session, turn.recovery.id, host.name, plan
            )
            planned = evacuations.of_recovery(session, turn.recovery.id)
        for server in deleted:
            wishes.delete_anew(self._compute, server, turn.deadline)
        if elsewhere and len(planned) == len(known):
            return Wait(1, _still_elsewhere(elsewhere))
        turn.remember(elsewhere=elsewhere)
        if not planned:
            return _finished('no protected instance is left on it')
        return Hop(State.EVACUATING, _plural(len(planned), 'instance'))

    def _accepted(self, instances: Collection[str]) -> dict[str, list[str]]:
        """Migrations, of any age, that Nova may carry our calls out under."""
        found: dict[str, list[str]] = {}
        for move in self._compute.migrations(None, status='accepted'):
            if move.instance_uuid in instances:
                found.setdefault(move.instance_uuid, []).append(move.uuid)
        return found

    def _on_their_way(self, instances: Collection[str]) -> list[str]:
        """Those that a move of any age may have brought elsewhere."""
        with self._hands.pool(len(adoption.UNFINISHED)) as pool:
            lists = pool.map(
                lambda status: self._compute.migrations(
                    None, kind=None, status=status
                ),
                adoption.UNFINISHED,
            )
            found = {move.instance_uuid for moves in lists for move in moves}
        return sorted(found & set(instances))

    def evacuating(self, turn: Turn) -> Step:
        """Ask Nova for what is pending, judge what was asked."""
        proof = self.proof(turn)
        if isinstance(proof, Hop):
            return proof
        return self._evacuator.turn(turn, self.host(turn))

    def verifying(self, turn: Turn) -> Step:
        """Each instance really runs where Nova says, and only there."""
        proof = self.proof(turn)
        if isinstance(proof, Hop):
            return proof
        step = self._evacuator.verify(turn, {turn.recovery.subject})
        if step is not None:
            return step
        elsewhere = turn.recovery.was.get('elsewhere')
        if elsewhere:
            return Hop(State.PLANNING, _still_elsewhere(elsewhere))
        with turn.read() as session:
            rows = evacuations.of_recovery(session, turn.recovery.id)
        left = {
            row.instance_uuid: row.was['start_at_return']
            for row in rows
            if row.was.get('start_at_return')
        }
        at_return = turn.recovery.was.get('start_at_return', {})
        turn.remember(start_at_return=at_return | left)
        return _finished(_summary(rows))

    def overdue(self, turn: Turn) -> str:
        """Which instances have not arrived anywhere."""
        why = super().overdue(turn)
        with turn.read() as session:
            rows = evacuations.of_recovery(session, turn.recovery.id)
        names = [row.instance_name for row in rows if row.state in UNDER_WAY]
        if not names or turn.recovery.state == State.CONFIRMING:
            return why
        return f'{why}; not arrived: {naming.some(names, NAMED)}'

    def settle(self, turn: Turn) -> int:
        """Judge what was asked of Nova; how many are still under way."""
        return self._evacuator.settle(turn)

    def give_back(self, turn: Turn) -> Step | None:
        """What Nova made of instances that were not evacuated."""
        return self._evacuator.give_back(turn)

    def _resumes(self, turn: Turn) -> bool:
        """Whether a return goes on when this story ends for nothing."""
        was = turn.recovery.was
        interrupted = was.get(interruptions.INTERRUPTED)
        return bool(interrupted and not was.get('released'))

    def _give_back_service(self, turn: Turn) -> Step | None:
        """The return knows whether to enable it."""
        if self._resumes(turn):
            return None
        return super()._give_back_service(turn)

    def refused(self, turn: Turn, error: exception.NovaRefused) -> Hop:
        """Nova keeps a source of evacuations down until it has started.

        That is what the host's return waits for, and it starts what was
        left behind, unless Nova was ever asked to evacuate it.
        """
        with turn.read() as session:
            rows = evacuations.of_recovery(session, turn.recovery.id)
        left = [
            row.instance_uuid
            for row in rows
            if row.state is models.EvacuationState.LEFT
            and row.requested_at is None
            and row.was.get('vm_state') == 'active'
        ]
        others = turn.recovery.was.get('unprotected', [])
        turn.remember(unprotected=[*others, *left])
        return Hop(
            State.DISMISSED,
            f'its return gives back the rest: {error}',
            then=host_return.HostReturn,
        )

    def _condemn(
        self,
        turn: Turn,
        host: models.Host,
        fault: faults.Fault,
        nova_says: NovaSays,
    ) -> Step:
        """The host failed; may it be fenced, and does it help anybody?"""
        touched = bool(turn.recovery.was.get('off_since'))
        with turn.read() as session:
            usable = planner_.usable_hosts(session, host, nova_says.services)
            running = instances.protected(
                session, self._rule, host.cluster, nova_says.servers
            )
            receiving = evacuations.open_towards(session, host.name)
        if not touched:
            # A host that died on its way back is to come back all the same.
            if not (running or receiving or self.acted(turn)):
                return self._report(turn, host, fault)
            # While the message bus is away, Nova takes all hosts for down.
            trouble = self._hands.control_plane.trouble(
                control_plane.common_needs(
                    one for one in nova_says.servers if one.uuid in running
                )
            )
            refusal = self._refusal(turn, host, fault, bool(usable or trouble))
            if refusal is not None:
                return refusal
            if trouble and not self.acted(turn):
                return self._unclear(
                    turn,
                    f'{fault.why}; nothing is fenced now: {trouble}',
                    trouble.until,
                )
        silent = self._witness.ears().fallen()
        seen = self._witness.seen(self._hands.target(host))
        return Hop(
            State.FENCING,
            f'{fault.layer} failed: {fault.why}',
            within=lambda session: self._count(
                session, turn, fault, silent, seen
            ),
        )

    def _report(
        self, turn: Turn, host: models.Host, fault: faults.Fault
    ) -> Hop:
        """Nobody loses by it: the host is left alone.

        That a host is off which an operator has released since it failed is
        known: it is paged once, and looked at more and more seldom.
        """
        known = self._is_known(turn, host, fault)
        if known != bool(turn.recovery.was.get(recoveries.PAGED_ONCE)):
            turn.remember(**{recoveries.PAGED_ONCE: known})
        if not known:
            return hold(
                models.HeldKind.RESTRAINT,
                f'{fault.why}; it runs no protected instance, so it is '
                'reported and not fenced',
                self._passing(host.name),
            )
        return hold(
            models.HeldKind.RESTRAINT,
            f'{fault.why}; it runs no protected instance, and its last '
            'recovery was released: it is paged once and not fenced',
            (
                Until(Kind.HOST_HEARD, host.name),
                Until(Kind.BMC_READS_ON, host.name),
                until_.anew(self._conf.recovery.held_seconds, CALM_SECONDS),
            ),
        )

    def _is_known(
        self, turn: Turn, host: models.Host, fault: faults.Fault
    ) -> bool:
        """Whether it is off, and was when an operator released it."""
        if fault.layer is not faults.Layer.POWER:
            return False
        with turn.read() as session:
            last = recoveries.last_ended(session, host.name)
        if last is None or last.ended_at is None:
            return False
        return bool(last.was.get('released')) and not (
            self._witness.hearers_since(turn, host.name, last.ended_at)
        )

    def _unclear(self, turn: Turn, why: str, *until: Until) -> Hop | Wait:
        """Look again soon, and tell somebody when that goes on."""
        if turn.seconds_in_state() > UNCLEAR_SECONDS:
            return hold(
                models.HeldKind.RESTRAINT,
                why,
                [*until, *self._passing(turn.recovery.subject)],
            )
        return Wait(LOOK_SECONDS, why)

    def _passing(self, host: str) -> tuple[Until, ...]:
        """What ends a hold whose reason no single reading has."""
        return (
            Until(Kind.HOST_HEARD, host),
            until_.every(self._conf.recovery.held_seconds),
        )

    def _doubted(
        self, host: str, decision: diagnose.Doubt, power: diagnose.Power
    ) -> tuple[Until, ...]:
        """What has to be read before a doubt about a host is over."""
        if not decision.passes:
            # Nothing that is silent now clears a BMC that was seen to lie.
            return (
                Until(Kind.BMC_READS_ON, host),
                Until(Kind.HOST_HEARD, host),
            )
        if power is diagnose.Power.UNKNOWN:
            return (
                Until(Kind.BMC_ANSWERS, host),
                Until(Kind.HOST_HEARD, host),
            )
        return (Until(Kind.BMC_READS_OFF, host), *self._passing(host))

    def looks(self) -> dict[Kind, conditions.Look]:
        """Restraint is asked as it is asked before a fencing."""
        return {Kind.RESTRAINT: self._unrestrained}

    def _unrestrained(self, turn: Turn, one: Until) -> str:
        with turn.read() as session:
            held = self._restrainer.ahead(session, [one.host])
        return '' if held else 'restraint allows it now'

    def _stop_placements(self, turn: Turn, host: models.Host) -> None:
        """No new instance goes to a host in doubt, as far as Nova lets us.

        It is tried once, and hinders nothing when it fails.
        """
        if host.cluster.mode is not models.Mode.ACT:
            return
        if 'placements' in turn.recovery.was:
            return
        try:
            providers = self._compute.open_providers(host.name)
            turn.remember(placements=providers)
            for provider in providers:
                self._compute.stop_placements(provider, turn.deadline)
        except exception.NovaError as error:
            LOG.warning('%s: placements go on: %s', host.name, error)
            turn.remember(placements=turn.recovery.was.get('placements', []))

    def _refusal(
        self, turn: Turn, host: models.Host, fault: faults.Fault, usable: bool
    ) -> Hop | None:
        """Why the host must not be fenced now, or None."""
        heard = Until(Kind.HOST_HEARD, host.name)
        unfenceable = (Until(Kind.FENCE_WORKS, host.name), heard)
        unallowed = (Until(Kind.CLUSTER_CHANGED, host.name), heard)
        if not usable and host.cluster.targets is models.Targets.CLUSTER:
            return hold(
                models.HeldKind.CAPACITY,
                f'{fault.why}; cluster {host.cluster.name} is unprotected: '
                'no other host of it is usable, so nothing is fenced',
                [
                    Until(Kind.ROOM, host.name),
                    Until(Kind.HOST_HEARD, host.name),
                ],
            )
        doubt = self._prover.doubt(turn, host)
        if doubt is not None:
            return hold(
                models.HeldKind.SAFETY,
                f'{fault.why}; {doubt.why}',
                unfenceable,
            )
        if host.cluster.mode is models.Mode.OBSERVE:
            return hold(
                models.HeldKind.RESTRAINT,
                f'{fault.why}; the cluster only observes: HASS would fence '
                'the host and evacuate it',
                unallowed,
            )
        if host.cluster.mode is models.Mode.ASK:
            if not turn.recovery.was.get('consent'):
                return hold(
                    models.HeldKind.SAFETY,
                    f'{fault.why}; the cluster asks before it acts: retry '
                    'the recovery to fence and evacuate the host',
                    unallowed,
                )
        return None

    def _count(
        self,
        session: orm.Session,
        turn: Turn,
        fault: faults.Fault,
        silent: Collection[str] = (),
        seen: fencer_.Look | None = None,
    ) -> Hop | None:
        """Count the fencing under the clusters' locks; hold one too many.

        Restraint is about what may be a fault of our own: deaf ears. What a
        BMC reads off, surely the host's own, is none, and its power is not
        cut by us: it is not counted, for itself or for others.
        """
        recovery = turn.recovery
        recoveries.set_fault(session, recovery.id, fault.to_dict())
        # One that was fenced before has been counted.
        if recovery.was.get('off_since'):
            return None
        host = hosts.by_names(session, [recovery.subject]).get(
            recovery.subject
        )
        off = (
            fault.layer is faults.Layer.POWER
            and host is not None
            and seen is not None
            and seen.power is fencer_.PowerState.OFF
            and fences.is_own(
                host,
                fences.known(session, self._hands.place_of),
                seen.reading.guid,
                seen.reading.mac,
            )
        )
        recoveries.remember(session, recovery, {recoveries.READS_OFF: off})
        if off:
            return None
        why = self._restrainer.why(session, recovery, silent)
        if why is None:
            return None
        return hold(
            models.HeldKind.RESTRAINT,
            f'{fault.why}; {why}',
            [
                Until(Kind.RESTRAINT, recovery.subject),
                *self._passing(recovery.subject),
            ],
        )


def _record(
    evidence: diagnose.Evidence, decision: diagnose.Decision
) -> dict[str, Any]:
    """A fault's JSON; its layer is null when none was found to fail."""
    if isinstance(decision, faults.Fault):
        return decision.to_dict()
    return {
        'host': evidence.host,
        'layer': None,
        'why': decision.why,
        'evidence': [seen.to_dict() for seen in evidence.record],
    }


def _finished(why: str) -> Hop:
    """End, and open the host's return with it."""
    return Hop(State.FINISHED, why, then=host_return.HostReturn)


def _still_elsewhere(instances: Sequence[str]) -> str:
    count = _plural(len(instances), 'instance')
    return f'{count} still in another recovery'


def _plural(count: int, noun: str) -> str:
    return f'{count} {noun}' if count == 1 else f'{count} {noun}s'


def _summary(rows: Sequence[models.Evacuation]) -> str:
    done = sum(row.state is models.EvacuationState.DONE for row in rows)
    left = [row for row in rows if row.state is models.EvacuationState.LEFT]
    text = f'{_plural(done, "instance")} run elsewhere'
    for row in left:
        text += f'; {row.instance_name} was left: {row.why}'
    return text
