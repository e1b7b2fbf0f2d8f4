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

"""What the stories of a host share: its row, its fence, its Nova service."""

import datetime
import logging

from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass import exception
from hass.fencing import base as fencing
from hass import nova
from hass.recovery import conditions
from hass.recovery import hands as hands_
from hass.recovery import occupancy
from hass.recovery import workflow
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.until import Kind
from hass.until import Until

LOG = logging.getLogger(__name__)
LEAVING_SECONDS = 2.0
"""Pause between two looks at what Nova still evacuates."""


class HostWorkflow(workflow.Workflow):
    """Common ground of the stories of a host."""

    def __init__(self, hands: hands_.Hands) -> None:
        self._hands = hands
        self._fencer = hands.fencer
        self._compute = hands.compute
        self._witness = hands.witness
        self._clock = hands.clock
        self._conditions = conditions.Conditions(hands, self.looks())

    def looks(self) -> dict[Kind, conditions.Look]:
        """Conditions that only this story can read."""
        return {}

    def host(self, turn: Turn, name: str | None = None) -> models.Host:
        """The row of the recovery's host, or of another.

        :raises hass.exception.NotFound: it was removed from its cluster
        """
        with turn.read() as session:
            return hosts.get(session, name or turn.recovery.subject)

    def proof(self, turn: Turn) -> fencing.FencedHost | Hop:
        """Prove again that the host is off, or go back.

        Whoever powered the host on meanwhile, or a beat that was sent
        after the BMC read off, ends the trust in the earlier proof.
        """
        host = self.host(turn)
        proof = fencing.prove(
            self._fencer, self._hands.target(host), self._clock
        )
        if proof is None:
            return Hop(State.FENCING, 'the host was found powered on again')
        off_since = turn.recovery.was.get('off_since')
        if off_since is None:
            return Hop(State.FENCING, 'it was not fenced in this recovery')
        hearers = self._witness.hearers_since(
            turn, host.name, datetime.datetime.fromisoformat(off_since)
        )
        if hearers:
            return hold(
                models.HeldKind.SAFETY,
                f'beats although its BMC reads off (heard by {hearers}): '
                'the BMC belongs to another host, or lies',
                Until(Kind.BMC_READS_ON, host.name),
            )
        return proof

    def service(self, turn: Turn) -> nova.Service:
        """The nova-compute of the recovery's host.

        :raises hass.exception.NotFound: Nova knows none
        """
        service = self._compute.service(turn.recovery.subject)
        if service is None:
            raise exception.NotFound('nova-compute', turn.recovery.subject)
        return service

    def touched(self, turn: Turn) -> bool:
        """Whether anything outside was changed, or is about to be."""
        was = turn.recovery.was
        return self.acted(turn) or bool(
            was.get('placements') or was.get('disabled')
        )

    def acted(self, turn: Turn) -> bool:
        """Whether the host was fenced or is on its way to be, or back."""
        was = turn.recovery.was
        return bool(was.get('off_sent') or was.get('service'))

    def settle(self, turn: Turn) -> int:
        """How many evacuations of this story are under way in Nova."""
        return 0

    def give_back(self, turn: Turn) -> Step | None:
        """What this story alone has to give back; None: nothing more."""
        return None

    # Giving back, the only way from a touched recovery to dismissed.

    def held(self, turn: Turn) -> Step:
        """Go on by a wish, or when what ends the hold is seen."""
        wish = turn.recovery.wish
        if wish is models.Wish.RELEASE:
            turn.remember(released=True)
            if self.touched(turn):
                return Hop(State.GIVING_BACK, 'released by an operator')
            return Hop(State.DISMISSED, 'released by an operator')
        if wish is models.Wish.RETRY:
            # Whoever knows that there are many may let this one go on.
            seen = bool(turn.recovery.was.get('restrained'))
            turn.remember(
                consent=True,
                unrestrained=seen,
                given_back=None,
                **{conditions.AGAIN: None},
            )
            return Hop(self.initial, 'an operator asks to look again')
        # What was to be given back still is.
        leaving = turn.recovery.was.get('given_back')
        to = State.GIVING_BACK if leaving else self.initial
        return self._conditions.go_on(turn, to)

    def giving_back(self, turn: Turn) -> Step:
        """Undo, one thing a turn: evacuations, power, forced_down, status."""
        why = turn.recovery.was.get('given_back')
        if why is None:
            why = turn.recovery.why
            turn.remember(given_back=why)
        with turn.write() as session:
            evacuations.withdraw(
                session, turn.recovery.id, 'the recovery is given back'
            )
        waiting = self.settle(turn)
        if waiting:
            return Wait(1, f'{waiting} evacuations are still running')
        try:
            return (
                self.give_back(turn)
                or self._give_back_power(turn)
                or self._give_back_service(turn)
                or self._give_back_placements(turn)
                or Hop(State.DISMISSED, f'{why}; all is given back')
            )
        except exception.NovaRefused as error:
            return self.refused(turn, error)

    def refused(self, turn: Turn, error: exception.NovaRefused) -> Hop:
        """Nova does not take everything back."""
        return Hop(State.DISMISSED, f'given back but for this: {error}')

    def _give_back_power(self, turn: Turn) -> Step | None:
        if not turn.recovery.was.get('off_sent'):
            return None
        host = self.host(turn)
        target = self._hands.target(host)
        if self._fencer.status(target) is fencing.PowerState.ON:
            return None
        leaving = self.leaving(turn, host.name)
        if leaving:
            return Wait(LEAVING_SECONDS, f'it is not powered on: {leaving}')
        self._fencer.on(target, turn.deadline)
        return Wait(1, 'asked the BMC for power on')

    def leaving(self, turn: Turn, host: str) -> str:
        """What is being evacuated from a host by Nova; '' when nothing is.

        A host that comes on meanwhile would boot its guests a second time.
        """
        names = occupancy.leaving(turn, self._compute, host)
        if not names:
            return ''
        return f'Nova still evacuates {", ".join(sorted(names)[:3])}' + (
            f' and {len(names) - 3} more' if len(names) > 3 else ''
        )

    def _give_back_placements(self, turn: Turn) -> Step | None:
        """Let new instances come again; nova-compute does so as well."""
        providers = turn.recovery.was.get('placements')
        if not providers:
            return None
        try:
            for provider in providers:
                self._compute.allow_placements(provider, turn.deadline)
        except exception.NovaRefused as error:
            LOG.warning('%s: %s', turn.recovery.subject, error)
        turn.remember(placements=[])
        return None

    def _give_back_service(self, turn: Turn) -> Step | None:
        was = turn.recovery.was
        if 'service' not in was:
            # What the story of a service left behind, if there was one.
            disabled = was.get('disabled')
            return self.enable(turn, self.service(turn)) if disabled else None
        service = self.service(turn)
        if service.forced_down:
            self._compute.unforce(service, turn.deadline)
            return Wait(0, 'asked Nova to lift forced_down')
        return self.enable(turn, service)

    def enable(self, turn: Turn, service: nova.Service) -> Step | None:
        """Enable the service if a recovery of ours disabled it.

        None: there is nothing to do, an operator's own word stands.
        """
        if service.status == 'enabled' or not disabled_by(service):
            return None
        if turn.recovery.was.get('service', {}).get('status') == 'disabled':
            return None
        self._compute.enable(service, disabled_by(service), turn.deadline)
        return Wait(0, 'asked Nova to enable the service')


def disabled_by(service: nova.Service) -> str:
    """The recovery that disabled the service, '' when it was an operator."""
    reason = service.disabled_reason or ''
    uuid = reason.removeprefix(nova.mark(''))
    return '' if uuid == reason else uuid
