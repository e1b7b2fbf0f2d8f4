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

"""host_return: bring a fenced host back into service."""

from collections.abc import Iterable
import dataclasses
import datetime

from oslo_config import cfg

from hass.db import evacuations
from hass.db import interruptions
from hass.db import models
from hass.db import recoveries
from hass import exception
from hass import faults
from hass.fencing import base as fencing
from hass import nova
from hass.nova import rolls
from hass.recovery import closing
from hass.recovery import conditions
from hass.recovery import control_plane
from hass.recovery import fitness
from hass.recovery import hands as hands_
from hass.recovery import host as host_
from hass.recovery import intent
from hass.recovery import mending
from hass.recovery import occupancy
from hass.recovery import proving
from hass.recovery import workflow
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import minutes
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.states import WorkflowName
from hass.until import anew
from hass.until import Kind
from hass.until import Until
from hass import workflows
from hass.workflows import Subject
from hass.workflows import Traits

BOOT_SECONDS = 600.0
"""A host that boots for longer than this has hung."""
RESTART_ATTEMPTS = 300
RESTART_SECONDS = 1.0
RECEIVING_SECONDS = 30.0
"""How long a host stays off for those that died on their way to it."""
BOOTED_ANEW = frozenset({'paused', 'error'})
"""vm_states that only a hard reboot leaves."""
BATCH = 20
"""Instances that are looked at in one turn."""
PATIENT_SECONDS = 240.0
"""How long the evacuations of others are waited for before it is told."""
POWER_SECONDS = 5.0
"""Pause between two looks at the power of a host that is waited for."""
REPORTS_SECONDS = 30.0
"""An agent that reports for so long, and is not heard, beats in vain."""
LOST_SECONDS = 10.0
"""How long the patrol has to suspect a host that was heard and is off."""
MOST_LOSSES, LOSSES_SECONDS = 2, 3600.0
"""Somebody who switches it off more often within so long wants it off."""
MUTE, CLEANING = 'mute', 'cleaning'
CYCLES = {
    MUTE: 'its agent never came',
    CLEANING: 'nova-compute must start once more to clean up',
    # Written by an older engine.
    True: 'it is to be started once more',
}
"""Why a host is powered off and on."""
AWAITED = frozenset(
    {
        State.AWAITING_AGENT,
        State.SETTLING,
        State.UNFORCING,
        State.ENABLING,
        State.RESTARTING,
    }
)
"""States in which the host is waited for, and should be on."""


class HostReturn(host_.HostWorkflow):
    """A fenced host is empty: power it on and let Nova use it again."""

    name = WorkflowName.HOST_RETURN
    initial = State.POWERING_ON
    transitions = {
        State.POWERING_ON: frozenset({State.AWAITING_AGENT}),
        # Back to POWERING_ON when it has hung while it booted.
        State.AWAITING_AGENT: frozenset({State.SETTLING, State.POWERING_ON}),
        # And when nova-compute has to start once more.
        State.SETTLING: frozenset({State.UNFORCING, State.POWERING_ON}),
        State.UNFORCING: frozenset({State.ENABLING}),
        State.ENABLING: frozenset({State.RESTARTING, State.RETURNED}),
        State.RESTARTING: frozenset({State.RETURNED}),
        State.HELD: frozenset(
            {State.POWERING_ON, State.GIVING_BACK, State.DISMISSED}
        ),
        State.GIVING_BACK: frozenset({State.DISMISSED}),
    }
    deadlines = {
        State.POWERING_ON: minutes(5),
        State.AWAITING_AGENT: minutes(15),
        State.SETTLING: minutes(10),
        State.UNFORCING: minutes(10),
        State.ENABLING: minutes(5),
        State.RESTARTING: minutes(15),
        State.GIVING_BACK: minutes(15),
    }
    traits = Traits(
        subject=Subject.HOST,
        isolates=True,
        silent_in=frozenset({State.POWERING_ON, State.AWAITING_AGENT}),
        # Its host is back until somebody has it go on.
        spares_in=frozenset({State.HELD}),
        services_run_in=AWAITED | {State.GIVING_BACK},
    )

    def __init__(self, hands: hands_.Hands, conf: cfg.ConfigOpts) -> None:
        super().__init__(hands, conf)
        self._ailing = hands.ailing
        self._restart_unprotected = conf.recovery.restart_unprotected
        self._fencing = conf.fencing
        self._settle_seconds: float = conf.nova.settle_seconds
        self._mender = mending.Mender(hands.compute)
        self._fitness = fitness.Check(hands, conf.recovery.fit_seconds)

    def step(self, turn: Turn) -> Step:
        """Whatever waits for the host reads its power now and then."""
        if turn.recovery.state in AWAITED:
            lost = self._lost_power(turn)
            if lost is not None:
                return lost
        return super().step(turn)

    def off_at(self, turn: Turn) -> datetime.datetime | None:
        """When this return began, or the earlier return that it continues."""
        resumed = turn.recovery.was.get(interruptions.RESUMED, {})
        off_at = interruptions.moment(resumed.get('off_at'))
        return off_at or turn.recovery.opened_at

    def stopped(self, turn: Turn) -> list[str]:
        """None of them when operators want it so."""
        return super().stopped(turn) if self._restart_unprotected else []

    def powering_on(self, turn: Turn) -> Step:
        """Only when no evacuation from the host is open any more."""
        host = self.host(turn)
        with turn.read() as session:
            waiting = evacuations.open_from(session, host.name)
        if waiting:
            return Wait(1, f'{len(waiting)} evacuations have not ended')
        if turn.recovery.fault.get('layer') == faults.Layer.HARDWARE:
            ailing = self._ailing(host)
            if ailing:
                return hold(
                    models.HeldKind.SAFETY,
                    f'its hardware is not healthy: {", ".join(ailing[:5])}',
                    Until(Kind.HARDWARE_HEALTHY, host.name),
                )
        target = self._hands.target(host)
        on = self._fencer.status(target) is fencing.PowerState.ON
        if self._note_actions(turn, is_off=not on):
            return Wait(0, 'noted what was asked of its instances')
        if on:
            if turn.recovery.was.get('cycle'):
                return self._cycle(turn, host)
            if not turn.recovery.was.get('on_since'):
                turn.remember(on_since=turn.now.isoformat())
            return Hop(State.AWAITING_AGENT, 'the BMC reads on')
        if turn.recovery.was.get('cycle') or turn.recovery.was.get('on_since'):
            turn.remember(cycle=False, on_since=None, reports_since=None)
        if turn.seconds_in_state() < RECEIVING_SECONDS:
            receiving = self._receiving(turn, host.name)
            if receiving:
                return Wait(0.5, f'{receiving} died on their way to it')
        return self._power_on(turn, host, target)

    def _power_on(
        self, turn: Turn, host: models.Host, target: fencing.Target
    ) -> Step:
        """Not while Nova moves its instances, nor against somebody's will."""
        leaving = self.leaving(turn, host.name)
        if leaving and turn.seconds_in_state() < PATIENT_SECONDS:
            return Wait(1, leaving)
        if leaving:
            return hold(
                models.HeldKind.RESTRAINT,
                f'it is not powered on: {leaving}',
                Until(Kind.EVACUATIONS_ENDED, host.name),
            )
        losses = self._losses(turn)
        if losses - turn.recovery.was.get('pardoned', 0) >= MOST_LOSSES:
            return hold(
                models.HeldKind.RESTRAINT,
                f'it failed or went off {losses} times while it was brought '
                'back: somebody wants it off, or it is broken',
                Until(Kind.BMC_READS_ON, host.name),
            )
        self._fencer.on(target, turn.deadline)
        return Wait(0.5, 'asked the BMC for power on')

    def _losses(self, turn: Turn) -> int:
        """How often it failed lately on its way back.

        Each return but this one that ended so was followed by a failure.
        """
        with turn.read() as session:
            returns = recoveries.of_subject_within(
                session, turn.recovery.subject, self.name, LOSSES_SECONDS
            )
        ended = sum(
            one.state == State.DISMISSED and not one.was.get('released')
            for one in returns
        )
        lost: int = turn.recovery.was.get('losses', 0)
        return lost + ended

    def _cycle(self, turn: Turn, host: models.Host) -> Step:
        """Off and on again, unless a guest may run on it meanwhile."""
        was = turn.recovery.was
        since = _moment(was.get('on_since'))
        mute = was['cycle'] == MUTE
        recent = turn.now - datetime.timedelta(seconds=REPORTS_SECONDS)
        if mute and self._is_heard(turn, host, max(recent, since or recent)):
            turn.remember(cycle=False)
            return Hop(State.AWAITING_AGENT, 'its agent is heard after all')
        memory = occupancy.Memory(
            was.get('asked', {}),
            # It was read anew since, when nova-compute had to start again.
            was.get('service', {}).get('updated_at') if mute else None,
            since,
        )
        occupied = occupancy.guests(self._compute, host, memory)
        if occupied:
            # What nova-compute has cleaned up is listed until the next report.
            if not mute and turn.seconds_in_state() < REPORTS_SECONDS:
                return Wait(1, f'its power is not cut yet: {occupied}')
            return hold(
                models.HeldKind.RESTRAINT,
                f'its power is not cut, though {CYCLES[was["cycle"]]}: '
                f'{occupied}',
                (
                    Until(Kind.HOST_HEARD, host.name),
                    Until(Kind.BMC_READS_OFF, host.name),
                    anew(),
                ),
            )
        # Its address may lead to the BMC of another host by now.
        look = self._prover.look(turn, host)
        if isinstance(look, proving.Unproved):
            return hold(
                models.HeldKind.SAFETY,
                'its power is not cut by this BMC, though '
                f'{CYCLES[was["cycle"]]}: {look.why}',
                look.until,
            )
        self._fencer.off(look.target, turn.deadline)
        return Wait(0.5, 'asked the BMC for power off')

    def _is_heard(
        self, turn: Turn, host: models.Host, since: datetime.datetime
    ) -> bool:
        """Whether its agent spoke since then, to anybody, in any way."""
        if host.reported_at is not None and host.reported_at > since:
            return True
        return bool(self._witness.hearers_since(turn, host.name, since))

    def _receiving(self, turn: Turn, host: str) -> int:
        """Evacuations to be asked for anew while the host is proved off.

        What it had claimed when it died leaves a domain there, maybe.
        """
        with turn.read() as session:
            rows = evacuations.open_towards(session, host)
        asked = [
            r for r in rows if r.state is models.EvacuationState.REQUESTED
        ]
        claimed = {
            move.instance_uuid
            for source in {row.source for row in asked}
            for move in self._compute.migrations(source)
            if move.live and move.destination == host and move.destination_node
        }
        return sum(
            bool(row.was.get('dead'))
            if row.state is models.EvacuationState.PENDING
            else row.instance_uuid in claimed
            for row in rows
        )

    def awaiting_agent(self, turn: Turn) -> Step:
        """A beat of the new boot shows that the host is up."""
        host = self.host(turn)
        if self._witness.heard_since(
            turn, host.name, turn.recovery.state_since
        ):
            return Hop(
                State.SETTLING, f'its agent beats, boot {self._boot(host)}'
            )
        if self._reports(turn, host):
            return Hop(
                State.SETTLING,
                f'its agent reports, boot {host.boot_id}, though no beat of '
                'it arrives here',
            )
        return self._await(turn)

    def _reports(self, turn: Turn, host: models.Host) -> bool:
        """Whether it reports for so long that its beats must be lost."""
        was = turn.recovery.was
        since = _moment(was.get('reports_since') or was.get('on_since'))
        if since is None or host.reported_at is None:
            return False
        since = max(since, turn.recovery.state_since)
        if host.reported_at <= since:
            return False
        if not was.get('reports_since'):
            turn.remember(reports_since=host.reported_at.isoformat())
            return False
        return (host.reported_at - since).total_seconds() > REPORTS_SECONDS

    def _await(self, turn: Turn) -> Step:
        """Wait; a host that never spoke is powered off and on, once.

        Not if anything may run on it: that is looked at before.
        """
        if turn.seconds_in_state() < BOOT_SECONDS or self._was_reset(turn):
            return Wait(0.5, 'its agent has not been heard yet')
        turn.remember(reset=True, cycle=MUTE)
        return Hop(State.POWERING_ON, f'{CYCLES[MUTE]}: off and on again')

    def _was_reset(self, turn: Turn) -> bool:
        return bool(turn.recovery.was.get('reset'))

    def _lost_power(self, turn: Turn) -> Step | None:
        """What to do if the host that is waited for is off; None: it is not.

        A reading is believed when a second one agrees and nobody has heard
        the host since the first.
        """
        first = _moment(turn.recovery.was.get('read_off'))
        if first is None and not _is_due(turn, POWER_SECONDS):
            return None
        host = self.host(turn)
        try:
            state = self._fencer.status(self._hands.target(host))
        except (exception.BmcError, exception.FencingFailed):
            return None  # What it waits for is more than the BMC.
        if state is not fencing.PowerState.OFF:
            if first is not None:
                turn.remember(read_off=None)
            return None
        if first is None:
            turn.remember(read_off=turn.now.isoformat())
            return Wait(0.5, 'its BMC reads off: it is read once more')
        if self._is_heard(turn, host, first):
            return None
        if turn.recovery.state == State.AWAITING_AGENT:
            losses = turn.recovery.was.get('losses', 0) + 1
            turn.remember(losses=losses, read_off=None)
            return Hop(
                State.POWERING_ON, 'it lost its power again while it booted'
            )
        off = (turn.now - first).total_seconds()
        if off < LOST_SECONDS:
            return Wait(1, f'its BMC reads off since {off:.0f} s')
        self._supersede(turn, host, f'it is off again since {off:.0f} s')
        raise exception.LostClaim(turn.recovery.uuid)

    def _supersede(self, turn: Turn, host: models.Host, why: str) -> None:
        """Open the story of its failure, as a patrol that heard it would."""
        story = workflow.named(WorkflowName.HOST_FAILURE)
        with turn.write() as session:
            recoveries.open_one(
                session,
                workflow=story.name,
                host=host.name,
                cluster_id=host.cluster_id,
                state=story.initial,
                deadline_seconds=story.deadline_seconds(story.initial),
                engine=turn.recovery.claimed_by or '',
                why=why,
                supersede=workflows.superseded_by(story.name),
            )

    def held(self, turn: Turn) -> Step:
        """An operator's retry includes another try to boot it.

        And what people were told that it lacks is accepted by either wish.
        """
        wish = turn.recovery.wish
        without = '' if wish is None else self._fitness.accept(turn)
        if wish is models.Wish.RETRY:
            turn.remember(reset=False, pardoned=self._losses(turn), kept=None)
        step = super().held(turn)
        if without and isinstance(step, Hop):
            why = f'{step.why}, and accepts that {without}'
            return dataclasses.replace(step, why=why)
        return step

    def looks(self) -> dict[Kind, conditions.Look]:
        """Sensors are read as they are before it is powered on."""
        return {
            Kind.HARDWARE_HEALTHY: self._healthy,
            Kind.EVACUATIONS_ENDED: self._ended,
            Kind.SERVICE_ENABLED: self._enabled,
            Kind.HOST_FIT: self._fit,
        }

    def _fit(self, turn: Turn, one: Until) -> str:
        return self._fitness.ended(turn, self.host(turn, one.host))

    def _enabled(self, turn: Turn, one: Until) -> str:
        is_enabled = self.service(turn).status == 'enabled'
        return 'somebody has enabled it in Nova' if is_enabled else ''

    def _ended(self, turn: Turn, one: Until) -> str:
        if self.leaving(turn, one.host):
            return ''
        return f'Nova evacuates nothing from {one.host}'

    def _healthy(self, turn: Turn, one: Until) -> str:
        ailing = self._ailing(self.host(turn, one.host))
        return '' if ailing else 'its sensors read healthy'

    def settling(self, turn: Turn) -> Step:
        """nova-compute must report, and finish its evacuation records."""
        service = self.service(turn)
        before = turn.recovery.was.get('service', {})
        if str(service.updated_at) == before.get('updated_at'):
            return Wait(1, 'nova-compute has not reported yet')
        moves = self._compute.migrations(turn.recovery.subject)
        unfinished = [move for move in moves if move.status == 'done']
        if not unfinished:
            return Hop(State.UNFORCING, 'nova-compute runs and has cleaned up')
        if all(_outranked(move, moves) for move in unfinished):
            return self._start_again(turn, service)
        return Wait(
            1,
            f'nova-compute has {len(unfinished)} evacuated instances to '
            'clean up',
        )

    def _start_again(self, turn: Turn, service: nova.Service) -> Step:
        """Have nova-compute started once more, by a power cycle.

        At each start it cleans up the newest record of each instance, and
        Nova refuses to lift forced_down while older ones are done.
        """
        host = self.host(turn)
        listed = self._compute.servers_on(host.name)
        left = {one.uuid for one in listed} | {*(host.domains or ())}
        if left and not listed and turn.seconds_in_state() < REPORTS_SECONDS:
            # What nova-compute has cleaned up is seen until the next report.
            return Wait(1, f'its agent sees {len(left)} domains there')
        if left:
            return hold(
                models.HeldKind.RESTRAINT,
                'nova-compute must start once more to clean up, and '
                f'{len(left)} instances may run on it: restart nova-compute '
                'there',
                (Until(Kind.HOST_EMPTY, turn.recovery.subject), anew()),
            )
        now = str(service.updated_at)
        turn.remember(
            cycle=CLEANING,
            service=turn.recovery.was.get('service', {}) | {'updated_at': now},
        )
        return Hop(State.POWERING_ON, f'{CYCLES[CLEANING]}: off and on again')

    def unforcing(self, turn: Turn) -> Step:
        """Only forced_down is lifted; whether to enable comes after."""
        service = self.service(turn)
        if not service.forced_down:
            return Hop(State.ENABLING, 'Nova believes its reports again')
        try:
            self._compute.unforce(service, turn.deadline)
        except exception.NovaRefused as error:
            return Wait(1, str(error))
        return Wait(0, 'asked Nova to lift forced_down')

    def enabling(self, turn: Turn) -> Step:
        """Enable what we disabled, if the host has again what it had.

        An operator's own word stands.
        """
        service = self.service(turn)
        if service.state != 'up':
            # Nova tells Placement through a nova-compute that is up, else
            # the scheduler avoids the host until the next periodic update.
            return Wait(0.5, 'Nova does not see nova-compute up yet')
        step = self._quarantine(turn, service) or self._compare(turn, service)
        if step is not None:
            return step
        was = turn.recovery.was
        step = None if was.get(fitness.LACKS) else self.enable(turn, service)
        if step is not None:
            return step
        why = was.get(fitness.WITHOUT) or _in_service(service)
        if self._wanted(turn) and not was.get(fitness.STARTS_WAIT):
            return Hop(State.RESTARTING, why)
        return self._end(turn, why)

    def _compare(self, turn: Turn, service: nova.Service) -> Step | None:
        """Wait for what the host lacks, while it is ours to enable it."""
        before = turn.recovery.was.get('service', {}).get('status')
        ours = nova.disabled_by(service) and before != 'disabled'
        kept = turn.recovery.was.get('kept') and service.status == 'disabled'
        if ours or kept:
            return self._fitness.wait(turn, self.host(turn))
        self._fitness.forget(turn)
        return None

    def _quarantine(self, turn: Turn, service: nova.Service) -> Step | None:
        """Leave a host disabled that fails again and again."""
        ours = nova.disabled_by(service)
        before = turn.recovery.was.get('service', {}).get('status')
        kept = nova.kept_for(service)
        if kept and turn.recovery.was.get('kept') != kept:
            # An earlier return of it has left it so.
            turn.remember(kept=kept)
        if not self._fencing.strikes or not ours or before == 'disabled':
            return None
        seconds = self._fencing.strike_seconds
        with turn.read() as session:
            strikes = recoveries.strikes(
                session, turn.recovery.subject, seconds
            )
        if strikes < self._fencing.strikes:
            return None
        why = f'fenced {strikes} times within {seconds / 3600:.0f} h'
        turn.remember(kept=why)
        self._compute.keep_disabled(
            service, ours, f'{nova.KEPT}{why}', turn.deadline
        )
        return Wait(0, f'asked Nova to leave it disabled: {why}')

    def _end(self, turn: Turn, why: str) -> Step:
        """Look at what its start has done; a host in doubt is left to people.

        All that was to start on it has been started.
        """
        step = self._mender.mend(turn)
        if step is not None:
            return step
        kept = self._out_of_service(turn)
        # Nobody knows for how long: what does not run is named now.
        return self.close(turn, kept) if kept else Hop(State.RETURNED, why)

    def _out_of_service(self, turn: Turn) -> Hop | None:
        """Why it is back and stays disabled; None: it need not."""
        was, host = turn.recovery.was, turn.recovery.subject
        kept: str = was.get('kept') or ''
        without: str = was.get(fitness.WITHOUT) or ''
        if not (kept or without) or self.service(turn).status != 'disabled':
            return None
        enabled = Until(Kind.SERVICE_ENABLED, host)
        if kept:
            kept += f', and {without}' if without else ''
            return hold(
                models.HeldKind.RESTRAINT,
                f'it was {kept}: it is back and stays disabled until '
                'somebody enables its nova-compute in Nova',
                enabled,
            )
        if was.get(fitness.STARTS_WAIT) and (count := len(self._wanted(turn))):
            without += f'; {count} to be started there wait for that'
        return hold(
            models.HeldKind.RESTRAINT,
            f'{without}: it stays disabled until it has that, or an operator '
            'retries its recovery',
            (Until(Kind.HOST_FIT, host), enabled),
        )

    def restarting(self, turn: Turn) -> Step:
        """Start what ran here before and was not evacuated."""
        was = turn.recovery.was
        wanted = self._wanted(turn) - set(was.get('running', ()))
        down = [
            server
            for server in rolls.servers_on(
                self._compute, turn.recovery.subject, wanted
            )
            if server.uuid in wanted
        ]
        if not down:
            return self._end(turn, 'what was left on it runs again')
        startable = [one for one in down if one.task_state or _can_start(one)]
        if turn.recovery.attempt >= RESTART_ATTEMPTS or not startable:
            names = ', '.join(f'{one.name} ({one.vm_state})' for one in down)
            return self._end(turn, f'in service, but {names} do not run')
        idle = [server for server in down if not server.task_state]
        resting = [
            server.uuid
            for server in idle[:BATCH]
            if self._is_at_rest(turn, server)
        ]
        if resting:
            self._forget(turn, resting)
            return Wait(0, f'users stopped {len(resting)} of its instances')
        able = self._able(turn, idle[:BATCH])
        if not isinstance(able, list):
            return able
        running = [
            server.uuid for server in able if self._restart(turn, server)
        ]
        if running:
            turn.remember(running=[*was.get('running', ()), *running])
        return Wait(RESTART_SECONDS, f'{len(down)} instances are to start')

    def _able(
        self, turn: Turn, servers: list[nova.Server]
    ) -> list[nova.Server] | Step:
        """Those that lack nothing which is away now."""
        needs = {one.uuid: control_plane.needs_of(one) for one in servers}
        trouble = self._hands.control_plane.trouble(
            frozenset[str]().union(*needs.values())
        )
        able = [one for one in servers if not trouble.hinders(needs[one.uuid])]
        if servers and not able:
            return control_plane.wait_for(turn, trouble)
        control_plane.is_back(turn)
        return able

    def _restart(self, turn: Turn, server: nova.Server) -> bool:
        """Whether it runs; else it is brought one call nearer to that.

        Nova says ACTIVE until its own look at power states, and refuses to
        start what is ACTIVE. So a guest runs only if something was asked
        of it since its host was off: by us, by Nova's look, by its user.
        """
        if server.vm_state == 'stopped':
            self._compute.start(server, turn.deadline)
        elif server.vm_state in BOOTED_ANEW:
            self._compute.hard_reboot(server, turn.deadline)
        elif server.vm_state == 'active':
            was = turn.recovery.was
            stood = was.get('start_at_return', {}).get(server.uuid, 'active')
            if stood != 'active':
                return True  # What it was told while its host was off.
            before = was.get('asked', {}).get(server.uuid, [])
            if set(self._asked_of(server.uuid)) - set(before):
                return True
            if self._may_be_stopped_yet(turn, server.uuid):
                return False
            stopped = was.get('stopped', ())
            asked_at = was.get('stop_asked_at', {})
            turn.remember(
                stopped=sorted({*stopped, server.uuid}),
                stop_asked_at=asked_at | {server.uuid: turn.now.isoformat()},
            )
            try:
                self._compute.stop(server, turn.deadline)
            except exception.NovaRefused:
                turn.remember(stop_asked_at=asked_at)
                raise
        return False

    def _may_be_stopped_yet(self, turn: Turn, uuid: str) -> bool:
        """Whether Nova may still carry out a stop that it shows nothing of.

        Were it asked for once more, the first one would stop what runs again.
        """
        asked_at: dict[str, str] = turn.recovery.was.get('stop_asked_at', {})
        at = asked_at.get(uuid)
        if at is None:
            return False
        asked = datetime.datetime.fromisoformat(at)
        waited = self._witness.seconds_since(turn, asked)
        return 0 <= waited < self._settle_seconds

    def _is_at_rest(self, turn: Turn, server: nova.Server) -> bool:
        """Whether its user, and not this story, has stopped it."""
        if server.vm_state != 'stopped':
            return False
        if server.uuid in turn.recovery.was.get('stopped', ()):
            return False
        with turn.read() as session:
            memories = closing.memories(session, server.uuid)
        try:
            actions = self._compute.actions_of(server.uuid)
        except exception.NovaRefused:
            return True  # It was deleted at this moment.
        ours = intent.ours_of(memories, actions)
        return intent.stopped_last(actions, ours)

    def _forget(self, turn: Turn, uuids: Iterable[str]) -> None:
        """These are not to run again."""
        was, gone = turn.recovery.was, set(uuids)
        starts = was.get('start_at_return', {})
        turn.remember(
            unprotected=[
                one for one in was.get('unprotected', ()) if one not in gone
            ],
            start_at_return={
                uuid: state
                for uuid, state in starts.items()
                if uuid not in gone
            },
        )

    def _wanted(self, turn: Turn) -> set[str]:
        """UUIDs of what is to run here again."""
        was = turn.recovery.was
        wanted = set(was.get('start_at_return', ()))
        if self._restart_unprotected:
            wanted |= set(was.get('unprotected', ()))
        return wanted

    def _note_actions(self, turn: Turn, *, is_off: bool) -> bool:
        """Write down what was asked of its instances up to now.

        By that later actions are told apart, without comparing clocks. What
        is on a host that is off has no guest.
        """
        was = turn.recovery.was
        asked = was.get('asked', {})
        wanted = self._wanted(turn)
        if is_off and not was.get('noted'):
            servers = self._compute.servers_on(turn.recovery.subject)
            wanted |= {server.uuid for server in servers}
        missing = sorted(wanted - asked.keys())
        if missing:
            new = {uuid: self._asked_of(uuid) for uuid in missing[:BATCH]}
            turn.remember(asked=asked | new)
        elif is_off and not was.get('noted'):
            turn.remember(
                noted=True,
                in_error=self._mender.in_error(turn),
                **{fitness.HEARTBEATS: self._fitness.note(self.host(turn))},
            )
        return bool(missing)

    def _asked_of(self, uuid: str) -> list[str]:
        try:
            actions = self._compute.actions_of(uuid)
        except exception.NovaRefused:
            return []  # It was deleted, and is on no host any more.
        return [action.request_id for action in actions]

    def _boot(self, host: models.Host) -> str:
        return self._witness.boot_id(host.name) or 'unknown'


def _moment(text: str | None) -> datetime.datetime | None:
    return None if text is None else datetime.datetime.fromisoformat(text)


def _is_due(turn: Turn, seconds: float) -> bool:
    """Whether so much time of the state has gone by since the last turn.

    Whichever engine took that.
    """
    last = turn.recovery.turned_at - turn.recovery.state_since
    return int(turn.seconds_in_state() / seconds) > int(
        last.total_seconds() / seconds
    )


def _outranked(move: nova.Migration, moves: Iterable[nova.Migration]) -> bool:
    """Whether a newer record of its instance was cleaned up in its place."""
    return any(
        other.instance_uuid == move.instance_uuid
        and other.id > move.id
        and other.status == 'completed'
        for other in moves
    )


def _can_start(server: nova.Server) -> bool:
    """Whether anything makes it run that its user may still undo."""
    return server.vm_state in {'active', 'stopped', *BOOTED_ANEW}


def _in_service(service: nova.Service) -> str:
    if service.status == 'disabled':
        return f'back, still disabled: {service.disabled_reason}'
    return 'back in service'
