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

"""service_failure: nova-compute or libvirtd dies on a living host.

Its instances go on running, and are left alone. The service is restarted, and
when that does not help its host gets no new instances until somebody comes.
"""

import datetime

from oslo_config import cfg
from sqlalchemy import orm

from hass.db import models
from hass.db import observations
from hass.db import orders
from hass.db import recoveries
from hass.diagnosis import services
from hass import exception
from hass import faults
from hass import nova
from hass.recovery import conditions
from hass.recovery import hands as hands_
from hass.recovery import host as host_
from hass.recovery import restraining
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

LOOK_SECONDS = 1.0
ORDER_SECONDS = 30.0
"""Agents ask for orders each second while a service of theirs has failed, and
every ten seconds else."""
UNCLEAR_SECONDS = 30.0
BEATEN_SECONDS = 5.0
"""A host that has not beaten for so long is not living beyond doubt."""
UP_SECONDS = 120.0
"""Nova notices a dead nova-compute within service_down_time, 60 s. One that
starts again and again may be up for ever."""


class ServiceFailure(host_.HostWorkflow):
    """A service died on a living host: restart it, or use the host no more."""

    name = WorkflowName.SERVICE_FAILURE
    initial = State.CONFIRMING
    transitions = {
        State.CONFIRMING: frozenset(
            {
                State.RESTARTING,
                State.DISABLING,
                State.ENABLING,
                State.FINISHED,
                State.GIVING_BACK,
                State.DISMISSED,
            }
        ),
        # Back to CONFIRMING when the host's agent does not do it.
        State.RESTARTING: frozenset({State.VERIFYING, State.CONFIRMING}),
        # And when it did not help.
        State.VERIFYING: frozenset(
            {State.FINISHED, State.ENABLING, State.CONFIRMING}
        ),
        State.DISABLING: frozenset({State.CONFIRMING}),
        State.ENABLING: frozenset({State.FINISHED}),
        State.HELD: frozenset(
            {State.CONFIRMING, State.GIVING_BACK, State.DISMISSED}
        ),
        State.GIVING_BACK: frozenset({State.DISMISSED}),
    }
    deadlines = {
        State.CONFIRMING: minutes(5),
        State.RESTARTING: minutes(2),
        State.VERIFYING: minutes(15),
        State.DISABLING: minutes(10),
        State.ENABLING: minutes(10),
        State.GIVING_BACK: minutes(15),
    }
    traits = Traits(
        subject=Subject.HOST, orders_in=frozenset({State.RESTARTING})
    )

    def __init__(self, hands: hands_.Hands, conf: cfg.ConfigOpts) -> None:
        super().__init__(hands, conf)
        self._options = conf.services
        self._held_seconds: float = conf.recovery.held_seconds
        self._restrainer = restraining.Restrainer(conf)

    def confirming(self, turn: Turn) -> Step:
        """Look anew: does the host live, and is its service still dead?"""
        if not self._witness.hearers_since(
            turn, turn.recovery.subject, turn.recovery.state_since
        ):
            return self._unclear(turn, 'its host has not beaten since')
        try:
            service = self.service(turn)
        except exception.NovaError as error:
            return self._unclear(turn, str(error))
        standing = self._look(turn, service)
        if standing.looked_at and (
            standing.looked_at < turn.recovery.state_since
        ):
            return Wait(LOOK_SECONDS, 'its agent has not looked since')
        if service.forced_down:
            return self._let_go(
                turn, 'somebody has forced it down in Nova: it is theirs'
            )
        match standing.verdict:
            case faults.Verdict.FAILED:
                self._note_unwell(turn)
                return self._condemn(turn, standing, service)
            case faults.Verdict.HEALTHY:
                if self._is_stable(turn):
                    return self._works_again(turn, standing)
                return Wait(LOOK_SECONDS, f'for how long? {standing.why}')
        self._note_unwell(turn)
        if turn.seconds_in_state() > UNCLEAR_SECONDS:
            return self._let_go(
                turn, f'it is started or was stopped: {standing.why}'
            )
        return Wait(LOOK_SECONDS, f'unclear: {standing.why}')

    def restarting(self, turn: Turn) -> Step:
        """The host's agent is ordered to restart it, and tells."""
        order = orders.Order.of(turn.recovery.was)
        if order is None:
            return Hop(State.CONFIRMING, 'there is no order: looked at anew')
        if order.done:
            return Hop(State.VERIFYING, order.detail)
        if order.done is False:
            return Hop(State.CONFIRMING, f'not restarted: {order.detail}')
        if turn.now > order.until:
            return Hop(
                State.CONFIRMING,
                f'not restarted: its agent took no order for '
                f'{ORDER_SECONDS:.0f} s',
            )
        return Wait(
            LOOK_SECONDS, f'ordered the agent to restart {order.subject}'
        )

    def verifying(self, turn: Turn) -> Step:
        """systemd, libvirt and Nova see it work, and go on to."""
        service = self.service(turn)
        standing = self._look(turn, service)
        looked_at, since = standing.looked_at, turn.recovery.state_since
        if looked_at and looked_at < since:
            return Wait(LOOK_SECONDS, 'its agent has not looked since')
        seconds = turn.seconds_in_state()
        match standing.verdict:
            case faults.Verdict.HEALTHY if self._reports_again(turn, service):
                if self._is_stable(turn):
                    return self._works_again(turn, standing)
            case faults.Verdict.HEALTHY:
                pass
            case _:
                self._note_unwell(turn)
        dead = standing.unit is faults.Verdict.FAILED
        if dead and seconds > self._options.stable_seconds:
            return Hop(State.CONFIRMING, f'it died again: {standing.why}')
        if seconds > self._options.verify_seconds:
            return Hop(
                State.CONFIRMING,
                f'it did not work within {seconds:.0f} s: {standing.why}',
            )
        return Wait(LOOK_SECONDS, f'restarted: {standing.why}')

    def disabling(self, turn: Turn) -> Step:
        """No new instances: disable it in Nova, once Nova sees it down."""
        service = self.service(turn)
        standing = self._look(turn, service)
        if standing.verdict is faults.Verdict.HEALTHY:
            return Hop(State.CONFIRMING, f'it works: {standing.why}')
        if service.status == 'disabled':
            reason = service.disabled_reason or 'no reason'
            whose = 'is disabled'
            if not self._is_ours(turn, service):
                whose = f'was disabled already ({reason})'
            return hold(
                models.HeldKind.RESTRAINT,
                f'{self._given_up(turn)}; nova-compute {whose} in Nova, and '
                'what runs on the host is left alone',
                Until(Kind.SERVICE_CHANGED, turn.recovery.subject),
            )
        if (
            service.state == 'up'
            and standing.path is faults.SidePath.COMPUTE
            and turn.seconds_in_state() < UP_SECONDS
        ):
            # Nova would ask it, and wait for its answer.
            return Wait(LOOK_SECONDS, 'Nova does not see it down yet')
        turn.remember(disabled=True)
        self._compute.disable(service, turn.recovery.uuid, turn.deadline)
        return Wait(0, 'asked Nova to disable nova-compute')

    def enabling(self, turn: Turn) -> Step:
        """Enable what this recovery disabled, and nothing else."""
        service = self.service(turn)
        if not self._is_ours(turn, service):
            return Hop(State.FINISHED, f'it works again{_despite(service)}')
        if service.state != 'up' and not service.forced_down:
            return Wait(LOOK_SECONDS, 'Nova does not see it up yet')
        self._compute.enable(service, turn.recovery.uuid, turn.deadline)
        return Wait(0, 'asked Nova to enable nova-compute')

    def held(self, turn: Turn) -> Step:
        """Look whether it works again, or may be restarted again."""
        if turn.recovery.wish is models.Wish.RETRY:
            turn.remember(counted_from=turn.now.isoformat())
        if turn.recovery.wish is not None:
            return super().held(turn)
        return super().held(turn)

    def looks(self) -> dict[Kind, conditions.Look]:
        """Whether it works again, or may be restarted again."""
        return {Kind.SERVICE_CHANGED: self._changed}

    def _changed(self, turn: Turn, one: Until) -> str:
        standing = self._look(turn, self.service(turn))
        if standing.verdict is faults.Verdict.HEALTHY:
            return f'it works: {standing.why}'
        if not (standing.is_failed or turn.recovery.was.get('disabled')):
            return f'it is neither dead nor well: {standing.why}'
        if turn.recovery.held_kind is models.HeldKind.RESTRAINT:
            if turn.seconds_in_state() < self._held_seconds:
                return ''
            host = self.host(turn)
            if not (self._forbidden(turn, host) or self._used_up(turn)):
                return f'it may be restarted now: {turn.recovery.why}'
        return ''

    # Looking.

    def _look(self, turn: Turn, service: nova.Service) -> services.Standing:
        """What the agent saw last, and what Nova says now."""
        with turn.read() as session:
            seen = observations.of_host(session, turn.recovery.subject)
        look = services.LOOKS[faults.SidePath.COMPUTE]
        told = [one for one in seen if one.detector != look]
        up = service.state == 'up'
        told.append(
            faults.Observation(
                turn.recovery.subject,
                faults.SidePath.COMPUTE,
                look,
                faults.Verdict.HEALTHY if up else faults.Verdict.FAILED,
                turn.now,
                detail=f'Nova says {service.state}',
            )
        )
        return services.judge_all(told, turn.now)

    def _is_stable(self, turn: Turn) -> bool:
        """Whether it has worked for long enough, without a break."""
        since = turn.recovery.was.get('well_since')
        began = turn.recovery.state_since
        if since is not None:
            began = max(began, datetime.datetime.fromisoformat(since))
        else:
            turn.remember(well_since=turn.now.isoformat())
            began = turn.now
        seconds = (turn.now - began).total_seconds()
        return seconds >= float(self._options.stable_seconds)

    def _note_unwell(self, turn: Turn) -> None:
        if turn.recovery.was.get('well_since'):
            turn.remember(well_since=None)

    def _reports_again(self, turn: Turn, service: nova.Service) -> bool:
        """Nova goes on to take for up what died a moment ago."""
        before = turn.recovery.was.get('reported_at')
        return before is None or str(service.updated_at) != before

    def _is_ours(self, turn: Turn, service: nova.Service) -> bool:
        return service.status == 'disabled' and (
            service.disabled_reason == nova.mark(turn.recovery.uuid)
        )

    # Judging.

    def _works_again(self, turn: Turn, standing: services.Standing) -> Hop:
        if turn.recovery.was.get('disabled'):
            return Hop(State.ENABLING, f'it works again: {standing.why}')
        if turn.recovery.was.get(orders.KEY):
            return Hop(State.FINISHED, f'it works again: {standing.why}')
        return Hop(State.DISMISSED, f'it works by itself: {standing.why}')

    def _unclear(self, turn: Turn, why: str) -> Step:
        """Look again soon, and tell somebody when that goes on."""
        if turn.seconds_in_state() > UNCLEAR_SECONDS:
            return hold(
                models.HeldKind.RESTRAINT,
                why,
                until.every(self._held_seconds),
            )
        return Wait(LOOK_SECONDS, why)

    def _let_go(self, turn: Turn, why: str) -> Hop:
        if self.touched(turn):
            return Hop(State.GIVING_BACK, why)
        return Hop(State.DISMISSED, why)

    def _condemn(
        self, turn: Turn, standing: services.Standing, service: nova.Service
    ) -> Step:
        """It is dead; may it be restarted, and does that help anybody?"""
        host, why = self.host(turn), standing.why
        changed = Until(Kind.SERVICE_CHANGED, host.name)
        forbidden = self._forbidden(turn, host)
        if forbidden:
            return hold(
                models.HeldKind.RESTRAINT,
                f'{why}; {forbidden}',
                [Until(Kind.CLUSTER_CHANGED, host.name), changed],
            )
        used_up = self._used_up(turn)
        if used_up:
            turn.remember(given_up=f'{why}; {used_up}')
            return Hop(State.DISABLING, f'{why}; {used_up}')
        if standing.by_nova_alone:
            trouble = self._hands.control_plane.trouble()
            if trouble:
                return hold(
                    models.HeldKind.RESTRAINT,
                    f'{why}; nothing is restarted now: {trouble}',
                    [trouble.until, changed],
                )
        reported_at = str(service.updated_at)
        return Hop(
            State.RESTARTING,
            why,
            within=lambda session: self._order(
                session, turn, standing, reported_at
            ),
        )

    def _forbidden(self, turn: Turn, host: models.Host) -> str:
        """What the cluster's mode says against a restart, '' for nothing."""
        if host.cluster.mode is models.Mode.OBSERVE:
            return 'the cluster only observes: HASS would restart it'
        if host.cluster.mode is models.Mode.ASK:
            if not turn.recovery.was.get('consent'):
                return (
                    'the cluster asks before it acts: retry the recovery to '
                    'restart it'
                )
        return ''

    def _used_up(self, turn: Turn) -> str:
        """That it was restarted often enough, '' when it was not."""
        seconds: int = self._options.window_seconds
        most: int = self._options.max_restarts
        since = turn.now - datetime.timedelta(seconds=seconds)
        counted_from = turn.recovery.was.get('counted_from')
        if counted_from:
            # An operator asked for more.
            asked = datetime.datetime.fromisoformat(counted_from)
            since = max(since, asked)
        with turn.read() as session:
            done = recoveries.restarts_since(
                session, turn.recovery.subject, since, self.name
            )
        if done < most:
            return ''
        order = orders.Order.of(turn.recovery.was)
        refused = ''
        if order is not None and order.done is False:
            refused = f'; the last was not done: {order.detail}'
        return (
            f'its restart was ordered {done} times within {seconds} s, and '
            f'[services] max_restarts is {most}'
            f'{refused}'
        )

    def _failing(self, session: orm.Session, turn: Turn) -> list[str]:
        """Hosts that live while a service of theirs is dead."""
        seen = observations.of_hosts_failing(session, services.PATHS)
        ears = self._witness.ears()
        return [
            name
            for name, told in seen.items()
            if services.judge_all(told, turn.now).is_failed
            and name not in ears.excused
            and self._witness.lives(session, name, BEATEN_SECONDS)
        ]

    def _order(
        self,
        session: orm.Session,
        turn: Turn,
        standing: services.Standing,
        reported_at: str,
    ) -> Hop | None:
        """Order it in the transaction that counts it, or hold it.

        Services that die on many hosts together have one cause, and die
        again.
        """
        recovery = turn.recovery
        crowd = self._restrainer.crowd_of_services(
            session, recovery, self._failing(session, turn)
        )
        if crowd is not None:
            recoveries.remember(session, recovery, {'restrained': True})
            return hold(
                models.HeldKind.RESTRAINT,
                f'{standing.why}; not restarted, for what they share has '
                f'failed, or an upgrade has: {crowd}',
                Until(Kind.SERVICE_CHANGED, recovery.subject),
            )
        order = orders.Order.make(
            'restart',
            recovery.subject,
            self._witness.boot_id(recovery.subject) or '',
            standing.path,
            turn.now + datetime.timedelta(seconds=ORDER_SECONDS),
        )
        recoveries.remember(
            session,
            recovery,
            {
                orders.KEY: order.to_dict(),
                'reported_at': reported_at,
                'well_since': None,
            },
        )
        return None

    def _given_up(self, turn: Turn) -> str:
        return str(turn.recovery.was.get('given_up') or turn.recovery.why)


def _despite(service: nova.Service) -> str:
    if service.status == 'disabled':
        return f', still disabled: {service.disabled_reason}'
    return ''
