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


"""instance_failure: an instance failed on a living host; bring it back."""

from collections.abc import Callable
from collections.abc import Sequence
from collections import Counter
import datetime

from oslo_config import cfg
from sqlalchemy import orm

from hass import clock
from hass.conf import protection as protection_options
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass.db import observations
from hass.db import orders
from hass.db import protection
from hass.db import recoveries
from hass import exception
from hass import faults
from hass import nova
from hass.recovery import conditions
from hass.recovery import control_plane
from hass.recovery import hands as hands_
from hass.recovery import instance as instance_
from hass.recovery.instance import LOOK_SECONDS
from hass.recovery.instance import Scene
from hass.recovery import planner as planner_
from hass.recovery import standing
from hass.recovery import symptoms
from hass.recovery import throng
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import minutes
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.states import WorkflowName
from hass import until
from hass.until import Kind
from hass.until import Until
from hass.workflows import Subject
from hass.workflows import Traits

RUNG_SECONDS = 150.0
"""What Nova has not done by then is given up for the next rung."""
PATIENT_LOOK_SECONDS = 1.0
NOVA_SECONDS = 5.0
"""What lasts, lasts for many at a time: a boot, a silence, storage that fails.
While only agents can tell of its end Nova is asked no more often. It has
others to answer, not least who asks about the next fault."""
STORAGE_SECONDS = 5.0
"""A look at the storage so long after the fault tells of now."""
ORDER_SECONDS = 30.0
"""Agents report every ten seconds, and are given their orders then."""
THRONG_SECONDS = 5.0
RUNGS = (State.REBOOTING, State.STOPPING, State.MIGRATING)
WORDS = {
    State.REBOOTING: 'hard reboot',
    State.STOPPING: 'stop and start',
    State.MIGRATING: 'move to another host',
}
FREES = {'rescued': 'unrescue it', 'resized': 'confirm or revert that'}
"""vm_states in which Nova has a guest run and restarts none (compute/api.py,
reboot and stop; compute/manager.py, _sync_instance_power_state), and what its
user can do."""
END = frozenset({State.GIVING_BACK, State.DISMISSED})
SAFETY = models.HeldKind.SAFETY
RESTRAINT = models.HeldKind.RESTRAINT


class InstanceFailure(instance_.InstanceWorkflow):
    """An instance failed on a living host: bring it back, maybe elsewhere."""

    name = WorkflowName.INSTANCE_FAILURE
    initial = State.CONFIRMING
    transitions = {
        State.CONFIRMING: END
        | {State.RESUMING, State.REBOOTING, State.VERIFYING},
        State.RESUMING: END | {State.REBOOTING, State.VERIFYING},
        # A rung of the ladder that came to nothing leads to the next one.
        State.REBOOTING: END | {State.VERIFYING, State.STOPPING},
        State.VERIFYING: END
        | {State.FINISHED, State.REBOOTING, State.STOPPING, State.MIGRATING},
        State.STOPPING: END | {State.STARTING, State.MIGRATING},
        State.STARTING: END | {State.VERIFYING, State.MIGRATING},
        State.MIGRATING: END | {State.STARTING, State.VERIFYING},
        State.HELD: END | {State.CONFIRMING},
        State.GIVING_BACK: frozenset({State.DISMISSED}),
    }
    deadlines = {
        # One of many waits here for its turn, or for Nova's own work.
        State.CONFIRMING: minutes(120),
        # An outage of storage may last.
        State.RESUMING: minutes(720),
        State.REBOOTING: minutes(10),
        State.VERIFYING: minutes(15),
        State.STOPPING: minutes(10),
        State.STARTING: minutes(10),
        State.MIGRATING: minutes(60),
        State.GIVING_BACK: minutes(15),
    }
    traits = Traits(
        subject=Subject.INSTANCE, orders_in=frozenset({State.RESUMING})
    )

    def __init__(self, hands: hands_.Hands, conf: cfg.ConfigOpts) -> None:
        super().__init__(hands, conf)
        self._planner = planner_.load(conf)
        self._rule = protection_options.rule(conf)
        self._options = conf.recovery
        self._throng = throng.Throng(conf)
        self._conditions = conditions.Conditions(
            hands, {Kind.INSTANCE_CHANGED: self._changed}
        )

    def confirming(self, turn: Turn) -> Step:
        """Nobody asked for it, and it has not come back by itself."""
        opinion = self._opinion(turn, self.looks(turn))
        waits = opinion.course is symptoms.Course.WAIT
        if waits and not _is_novas_turn(turn):
            return Wait(LOOK_SECONDS, opinion.why)
        scene = self.scene(turn)
        if not isinstance(scene, Scene):
            return scene
        if turn.recovery.was.get('asked'):
            turn.remember(asked={}, tried=[])
        if scene.busy:
            return Wait(LOOK_SECONDS, scene.busy)
        told_at = instance_.told_at(turn)
        opinion = self._opinion(turn, scene.looks)
        match opinion.course:
            case symptoms.Course.OVER:
                return self.leave(turn, opinion.why)
            case symptoms.Course.WAIT:
                return Wait(LOOK_SECONDS, opinion.why)
            case symptoms.Course.STORAGE:
                return _remembering(
                    turn, Hop(State.RESUMING, opinion.why), order=None
                )
            case symptoms.Course.WATCH:
                return self._watch(turn, told_at.isoformat(), opinion.why)
            case symptoms.Course.RESTART:
                return self._climb(turn, scene, opinion.why)

    def resuming(self, turn: Turn) -> Step:
        """Its storage failed: when that answers, have it go on.

        Its guest loses nothing by that. One that does not go on is restarted.
        """
        told_at = instance_.told_at(turn)
        order = orders.Order.of(turn.recovery.was)
        waits = order is None and not symptoms.runs(self.looks(turn), told_at)
        if waits and not _is_novas_turn(turn):
            fails = self._storage(turn)
            if fails:
                return fails
        scene = self.scene(turn)
        if not isinstance(scene, Scene):
            return scene
        if scene.busy:
            return Wait(LOOK_SECONDS, scene.busy)
        if order is not None and order.done:
            return self._watch(turn, told_at.isoformat(), order.detail)
        if symptoms.runs(scene.looks, told_at):
            return self._watch(turn, told_at.isoformat(), 'it runs again')
        if order is None:
            return self._storage(turn) or self._order(turn, scene)
        if order.done is None and turn.now <= order.until:
            return Wait(LOOK_SECONDS, 'its agent is ordered to resume it')
        why = order.detail or (
            f'its agent took no order for {ORDER_SECONDS:.0f} s'
        )
        return self._climb(turn, scene, f'not resumed: {why}')

    def rebooting(self, turn: Turn) -> Step:
        """Ask Nova for a hard reboot, once."""
        return self._run(turn, 'reboot', self._compute.hard_reboot)

    def verifying(self, turn: Turn) -> Step:
        """It runs, its ports are up, and its guest answers as before."""
        since, told_at = _since(turn), instance_.told_at(turn)
        late = turn.seconds_in_state() > self._options.verify_seconds
        looks, began = self.looks(turn), turn.recovery.state_since
        missing = standing.unseen(looks, told_at, since)
        urgent = late or not missing or standing.fell(looks, began)
        if not urgent and not _is_novas_turn(turn):
            return Wait(PATIENT_LOOK_SECONDS, '; '.join(missing))
        scene = self.scene(turn)
        if not isinstance(scene, Scene):
            return scene
        if scene.busy:
            return Wait(LOOK_SECONDS, scene.busy)
        missing = standing.lacks(scene.server, scene.looks, told_at, since)
        if not missing and standing.lacks_port(
            self._ports(turn.recovery.subject),
            turn.recovery.was.get('ports', ()),
        ):
            missing.append('a port of it is not ACTIVE')
        if not missing:
            return Hop(
                State.FINISHED,
                f'it runs on {scene.server.host}, by the word of '
                f'{standing.told(scene.looks, since)}',
            )
        if late or standing.fell(scene.looks, began):
            return self._next(turn, scene, '; '.join(missing))
        return Wait(PATIENT_LOOK_SECONDS, '; '.join(missing))

    def stopping(self, turn: Turn) -> Step:
        """Stop it: a start makes anew what a reboot leaves as it is."""
        scene = self.scene(turn)
        if not isinstance(scene, Scene):
            return scene
        if scene.server.vm_state != 'stopped':
            step = self.ask(
                turn,
                scene,
                'stop',
                lambda: self._compute.stop(scene.server, turn.deadline),
            )
            if step is None and scene.failed:
                return self._next(turn, scene, 'Nova could not stop it')
            return self._patient(
                turn, scene, step or Wait(1, 'Nova has not stopped it')
            )
        if scene.busy:
            return self._patient(turn, scene, Wait(LOOK_SECONDS, scene.busy))
        return Hop(State.STARTING, 'it is stopped')

    def starting(self, turn: Turn) -> Step:
        """Start it."""
        return self._run(turn, 'start', self._compute.start)

    def migrating(self, turn: Turn) -> Step:
        """Move it to another host, and let go of what stays behind."""
        scene = self.scene(turn)
        if not isinstance(scene, Scene):
            return scene
        moved = scene.server.host != instance_.host_of(turn)
        if moved or instance_.asked(turn) == 'confirmResize':
            return self._arrive(turn, scene)
        target: str | None = None
        if instance_.asked(turn) != 'migrate':
            if scene.server.vm_state == 'error':
                # Its boot failed here. Nova moves nothing that is in ERROR.
                self._compute.reset_state(
                    scene.server, 'active', turn.deadline
                )
                return Wait(0.5, 'it is set active, so that Nova moves it')
            found = self._target(turn)
            if isinstance(found, Hop):
                return found
            target = found
        step = self.ask(
            turn,
            scene,
            'migrate',
            lambda: self._compute.migrate(scene.server, target, turn.deadline),
        )
        if step is not None:
            return self._patient(turn, scene, step)
        return self._next(turn, scene, 'Nova did not move it')

    def held(self, turn: Turn) -> Step:
        """Go on by a wish, or when what ends the hold is seen."""
        wish = turn.recovery.wish
        if wish is models.Wish.RELEASE:
            return self.leave(turn, 'released by an operator')
        if wish is models.Wish.RETRY:
            turn.remember(consent=True, **{conditions.AGAIN: None})
            return Hop(self.initial, 'an operator asks to look again')
        leaving = turn.recovery.was.get('given_back')
        to = State.GIVING_BACK if leaving else self.initial
        return self._conditions.go_on(turn, to)

    def _passing(self, turn: Turn) -> tuple[Until, ...]:
        return (
            self.changed_by_others(turn),
            until.every(self._options.held_seconds),
        )

    def _changed(self, turn: Turn, one: Until) -> str:
        """It runs again, or it is nothing for this recovery any more."""
        scene = self.scene(turn)
        if isinstance(scene, Hop):
            return scene.why
        if not isinstance(scene, Scene):
            return ''
        opinion = self._opinion(turn, scene.looks)
        if opinion.course is not symptoms.Course.OVER:
            return ''
        # It may run and lack what it was restarted for.
        missing = standing.lacks(
            scene.server, scene.looks, instance_.told_at(turn), None
        ) or standing.lacks_port(
            self._ports(turn.recovery.subject),
            turn.recovery.was.get('ports', ()),
        )
        return '' if missing else opinion.why

    def giving_back(self, turn: Turn) -> Step:
        """What HASS stopped or moved is not left like that."""
        was = turn.recovery.was
        why = was.get('given_back') or turn.recovery.why
        if 'given_back' not in was:
            turn.remember(given_back=why)
        server = self._compute.server(turn.recovery.subject)
        if server is None or was.get('theirs'):
            return Hop(State.DISMISSED, why)
        if server.task_state:
            return Wait(1, f'Nova is at work on it: {server.task_state}')
        silent = self.silent(turn, server.host or '')
        if silent:
            return Wait(1, silent)
        tried = was.get('tried', ())
        try:
            if server.vm_state == 'resized' and State.MIGRATING in tried:
                self._compute.confirm_resize(server, turn.deadline)
                return Wait(1, 'asked Nova to confirm its move')
            if server.vm_state == 'stopped' and State.STOPPING in tried:
                self._compute.start(server, turn.deadline)
                return Wait(1, 'asked Nova to start it')
        except exception.NovaRefused as error:
            return Hop(
                State.DISMISSED, f'{why}; given back but for this: {error}'
            )
        return Hop(State.DISMISSED, f'{why}; all is given back')

    # Before the first touch.

    def _opinion(
        self, turn: Turn, looks: Sequence[models.InstanceObservation]
    ) -> symptoms.Opinion:
        if instance_.was_missed(turn):
            return symptoms.of_missed(*self.since_missed(turn))
        return symptoms.judge(
            instance_.incident_of(turn),
            instance_.told_at(turn),
            looks,
            turn.now,
            self._options.guest_seconds,
            foreign=turn.recovery.fault.get('source') != 'agent',
        )

    def _order(self, turn: Turn, scene: Scene) -> Step:
        """Order the agent of its host to resume it, if it may be touched."""
        step = self._left(turn, scene) or self._allowed(
            turn, 'its storage answers'
        )
        if step is not None:
            return step
        host = instance_.host_of(turn)
        order = orders.Order.make(
            'resume',
            host,
            self._witness.boot_id(host) or '',
            turn.recovery.subject,
            turn.now + datetime.timedelta(seconds=ORDER_SECONDS),
        )
        turn.remember(**{orders.KEY: order.to_dict()})
        return Wait(
            LOOK_SECONDS, 'its storage answers: its agent is to resume it'
        )

    def _climb(self, turn: Turn, scene: Scene, why: str) -> Step:
        """The first rung, if the instance may be restarted now."""
        return (
            self._left(turn, scene)
            or self._stuck(turn, scene, why)
            or self._allowed(turn, why)
            or self._crowd(turn)
            or self._first(turn, why)
        )

    def _left(self, turn: Turn, scene: Scene) -> Step | None:
        """Why nobody touches the instance now; None: it is HASS's to mend."""
        with turn.read() as session:
            host = hosts.get(session, instance_.host_of(turn))
            word = instances.entitlements(
                session, self._rule, host.cluster, [scene.server]
            )[turn.recovery.subject]
        window = protection.window(host, turn.now)
        if window:
            until, reason = window
            return self.leave(turn, f'in maintenance until {until}: {reason}')
        if not word.protected:
            return self.leave(turn, f'not protected now: {word.why}')
        silent = self.silent(turn, host.name)
        return Wait(LOOK_SECONDS, silent) if silent else None

    def _stuck(self, turn: Turn, scene: Scene, why: str) -> Step | None:
        """Why only its user can have it restarted; None: HASS can.

        What does not run is named as this ends, what hangs by a hold.
        """
        state = scene.server.vm_state
        if state not in FREES:
            return None
        told_at = instance_.told_at(turn)
        if symptoms.awaits(scene.looks, told_at, turn.now):
            return Wait(
                PATIENT_LOOK_SECONDS, 'its agent has not looked at it since'
            )
        frees = FREES[state]
        held = hold(
            SAFETY,
            f'{why}; Nova restarts none that is {state}: its user has to '
            f'{frees} first',
            self.changed_by_others(turn),
        )
        runs = symptoms.runs(scene.looks, told_at)
        return held if runs else self.leave(turn, held.why)

    def _allowed(self, turn: Turn, why: str) -> Step | None:
        """Why it is not restarted now, or by HASS alone; None: it is."""
        with turn.read() as session:
            host = hosts.get(session, instance_.host_of(turn))
            earlier = [
                one
                for one in recoveries.of_subject_within(
                    session,
                    turn.recovery.subject,
                    self.name,
                    self._options.crash_loop_seconds,
                )
                if one.state == State.FINISHED
            ]
        return self._loop(turn, len(earlier)) or self._mode(turn, host, why)

    def _loop(self, turn: Turn, earlier: int) -> Step | None:
        """Who fails again and again is restarted later and later."""
        if not earlier or turn.recovery.was.get('consent'):
            return None
        if earlier >= self._options.crash_loop_count:
            return hold(
                SAFETY,
                f'it has failed {earlier + 1} times within '
                f'{self._options.crash_loop_seconds:.0f} s, and was brought '
                f'back {earlier} times: it does not last',
                [self.changed_by_others(turn), until.anew()],
            )
        pause = self._options.backoff_seconds * 2.0 ** (earlier - 1)
        passed = (turn.now - turn.recovery.opened_at).total_seconds()
        if passed >= pause:
            return None
        return Wait(
            min(pause - passed, THRONG_SECONDS),
            f'it was brought back {earlier} times lately: the next time is '
            f'{pause:.0f} s after its failure',
        )

    def _mode(self, turn: Turn, host: models.Host, why: str) -> Hop | None:
        unallowed = (
            Until(Kind.CLUSTER_CHANGED, host.name),
            self.changed_by_others(turn),
        )
        match host.cluster.mode:
            case models.Mode.OBSERVE:
                return hold(
                    RESTRAINT,
                    f'{why}; the cluster only observes: HASS would hard '
                    'reboot it',
                    unallowed,
                )
            case models.Mode.ASK if not turn.recovery.was.get('consent'):
                return hold(
                    SAFETY,
                    f'{why}; the cluster asks before it acts: retry the '
                    'recovery to hard reboot it',
                    unallowed,
                )
        return None

    def _crowd(self, turn: Turn) -> Step | None:
        """Many have one cause: one of them tells, the others wait."""
        if turn.recovery.was.get('consent'):
            return None
        with turn.read() as session:
            why = self._throng.why(session, turn.recovery)
            told = recoveries.is_restrained(
                session, self.name, turn.recovery.cluster_id
            )
        if why is None:
            return None
        if told or turn.recovery.state != State.CONFIRMING:
            return Wait(THRONG_SECONDS, why)
        return hold(RESTRAINT, why, self._passing(turn))

    def _first(self, turn: Turn, why: str) -> Step:
        # Nova asks Neutron for the ports.
        hindered = self.hindered(turn, {nova.Beside.NEUTRON})
        if hindered is not None:
            return hindered
        ports = [
            one.uuid
            for one in self._ports(turn.recovery.subject)
            if one.is_active
        ]

        def count(session: orm.Session) -> Hop | None:
            crowd = self._throng.count(session, turn.recovery)
            if crowd is not None and not turn.recovery.was.get('consent'):
                return hold(RESTRAINT, crowd, self._passing(turn))
            recoveries.remember(
                session,
                turn.recovery,
                {'tried': [State.REBOOTING], 'asked': {}, 'ports': ports},
            )
            return None

        return Hop(State.REBOOTING, why, within=count)

    # From rung to rung.

    def _run(
        self,
        turn: Turn,
        name: str,
        act: Callable[[nova.Server, clock.Deadline], None],
    ) -> Step:
        """Have Nova make it run, once; then see whether it does.

        :param name: of the instance action
        """
        scene = self.scene(turn)
        if not isinstance(scene, Scene):
            return scene
        step = self.ask(
            turn, scene, name, lambda: act(scene.server, turn.deadline)
        )
        if step is not None:
            return self._patient(turn, scene, step)
        if scene.failed or scene.server.vm_state != 'active':
            return self._next(turn, scene, f'Nova could not {name} it')
        return self._watch(turn, None, f'Nova has {name}ed it')

    def _patient(self, turn: Turn, scene: Scene, step: Step) -> Step:
        """Up to a limit: what Nova does not do, another way may.

        Another way needs what is away, too.
        """
        if isinstance(step, Hop) or control_plane.waits(turn):
            return step
        asked = instance_.asked_seconds(turn)
        if min(turn.seconds_in_state(), asked) > RUNG_SECONDS:
            return self._next(turn, scene, step.why)
        return step

    def _next(self, turn: Turn, scene: Scene, why: str) -> Step:
        """The next way to bring it back, or nobody knows one."""
        tried = list(turn.recovery.was.get('tried', ()))
        if not tried:
            return self._climb(turn, scene, why)
        left = [rung for rung in RUNGS if rung not in tried]
        if not left:
            ways = ', '.join(WORDS[State(rung)] for rung in tried)
            return hold(
                SAFETY,
                f'{ways}: none brought it back: {why}',
                self.changed_by_others(turn),
            )
        return _remembering(
            turn, Hop(left[0], why), tried=[*tried, left[0]], asked={}
        )

    def _watch(self, turn: Turn, since: str | None, why: str) -> Hop:
        """See whether it runs; what was seen before that moment is old."""
        hop = Hop(State.VERIFYING, why)
        return _remembering(turn, hop, since=since) if since else hop

    def _target(self, turn: Turn) -> str | Hop | None:
        """The host to move it to; None leaves the choice to Nova."""
        services = self._compute.services()
        silent = self._witness.ears().suspected()
        with turn.read() as session:
            host = hosts.get(session, instance_.host_of(turn))
            # Nova's state is down as well when somebody has forced it.
            if not any(
                one.host == host.name and one.state == 'up' for one in services
            ):
                return hold(
                    SAFETY,
                    'neither a hard reboot nor stop and start brought it '
                    'back, and its nova-compute is down or forced down: Nova '
                    'moves nothing off it',
                    [until.anew(), self.changed_by_others(turn)],
                )
            if host.cluster.targets is models.Targets.ANY:
                return None
            usable = planner_.usable_hosts(session, host, services)
        names = [one.name for one in usable if one.name not in silent]
        target = self._planner.target(names, Counter())
        if target is None:
            return hold(
                SAFETY,
                'neither a hard reboot nor stop and start brought it back, '
                f'and cluster {host.cluster.name} has no other usable host',
                [
                    Until(Kind.ROOM, host.name),
                    self.changed_by_others(turn),
                ],
            )
        return target

    def _arrive(self, turn: Turn, scene: Scene) -> Step:
        """It is on its new host: confirm that, and go on there."""
        server = scene.server
        if server.vm_state == 'resized' or scene.busy:
            step = self.ask(
                turn,
                scene,
                'confirmResize',
                lambda: self._compute.confirm_resize(server, turn.deadline),
            )
            return step or Wait(1, 'Nova has not confirmed its move')
        to = (
            State.STARTING if server.vm_state == 'stopped' else State.VERIFYING
        )
        hop = Hop(to, f'Nova has moved it to {server.host}')
        return _remembering(turn, hop, host=server.host, asked={})

    def _storage(self, turn: Turn) -> Wait | None:
        """Why its host's storage cannot be used yet, or None.

        Where nobody looks at that, it is tried after a while.
        """
        host = instance_.host_of(turn)
        with turn.read() as session:
            seen = observations.of_host(session, host, faults.SidePath.STORAGE)
        bad = [one for one in seen if one.verdict is faults.Verdict.FAILED]
        if bad:
            return Wait(
                PATIENT_LOOK_SECONDS,
                f'the storage of {host} fails: {bad[0].detail}',
            )
        after = instance_.told_at(turn) + datetime.timedelta(
            seconds=STORAGE_SECONDS
        )
        well = [
            one
            for one in seen
            if one.verdict is faults.Verdict.HEALTHY and one.seen_at > after
        ]
        late = turn.seconds_in_state() > self._options.storage_seconds
        if well or late:
            return None
        return Wait(
            PATIENT_LOOK_SECONDS,
            f'nobody has told yet how the storage of {host} is',
        )

    def _ports(self, uuid: str) -> list[nova.Port]:
        """Its ports; none where Nova cannot tell."""
        try:
            return self._compute.ports(uuid)
        except exception.NovaRefused:
            return []


def _since(turn: Turn) -> datetime.datetime | None:
    """When it was started; None: it was not, and has been looked at since."""
    since = datetime.datetime.fromisoformat(turn.recovery.was['since'])
    age = (turn.now - since).total_seconds()
    if turn.recovery.was.get('tried') or age < symptoms.LOOK_SECONDS:
        return since
    return None


def _is_novas_turn(turn: Turn) -> bool:
    """Once in NOVA_SECONDS, first when half of them have passed."""
    passed = turn.seconds_in_state() + NOVA_SECONDS / 2
    return passed % NOVA_SECONDS < PATIENT_LOOK_SECONDS


def _remembering(turn: Turn, hop: Hop, **was: object) -> Hop:
    """Write something down in the transaction that records the hop."""

    def within(session: orm.Session) -> None:
        recoveries.remember(session, turn.recovery, was)

    return Hop(hop.to, hop.why, within=within)
