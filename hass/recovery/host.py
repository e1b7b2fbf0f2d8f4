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

"""What recoveries of a host share: its row, its fence, its Nova service."""

from collections.abc import Sequence
import dataclasses
import datetime
import logging

from oslo_config import cfg
from sqlalchemy import orm

from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass import exception
from hass.fencing import base as fencing
from hass import naming
from hass import nova
from hass.recovery import closing
from hass.recovery import conditions
from hass.recovery import hands as hands_
from hass.recovery import occupancy
from hass.recovery import proving
from hass.recovery import rescue
from hass.recovery import standing
from hass.recovery import workflow
from hass.recovery.workflow import hold
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.until import Kind

SKEW = datetime.timedelta(minutes=5)
"""By how much Nova's clock may be off the database's."""
LOG = logging.getLogger(__name__)
LEAVING_SECONDS = 2.0
"""Pause between two looks at what Nova still evacuates."""


class HostWorkflow(workflow.Workflow):
    """Common ground of the recoveries of a host."""

    def __init__(self, hands: hands_.Hands, conf: cfg.ConfigOpts) -> None:
        super().__init__(hands, conf)
        self._fencer = hands.fencer
        self._compute = hands.compute
        self._witness = hands.witness
        self._clock = hands.clock
        self._conditions = conditions.Conditions(hands, self.looks())
        self._prover = proving.Prover(hands)

    def looks(self) -> dict[Kind, conditions.Look]:
        """Conditions that only this recovery can read."""
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
        proof = self._prover.prove(turn, host, turn.recovery.was)
        if isinstance(proof, fencing.FencedHost):
            return proof
        if proof.lacks is proving.Lacks.TRUST:
            return hold(models.HeldKind.SAFETY, proof.why, proof.until)
        if proof.lacks is proving.Lacks.POWER:
            return Hop(State.FENCING, 'the host was found powered on again')
        return Hop(State.FENCING, proof.why)

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
        """How many evacuations of this recovery are under way in Nova."""
        return 0

    def give_back(self, turn: Turn) -> Step | None:
        """What this recovery alone has to give back; None: nothing more."""
        return None

    # Closing.

    def owes(self, turn: Turn) -> bool:
        """Whether instances may have suffered by what it recovers from."""
        was = turn.recovery.was
        return bool(self.acted(turn) or was.get('released') or was.get('owed'))

    def off_at(self, turn: Turn) -> datetime.datetime | None:
        """When the host was seen off; None: it was not, as far as known."""
        seen = turn.recovery.was.get('off_since')
        return datetime.datetime.fromisoformat(seen) if seen else None

    def stopped(self, turn: Turn) -> list[str]:
        """Unprotected instances that were cut off, and are to run again."""
        found: list[str] = turn.recovery.was.get('unprotected', [])
        return found

    def close(self, turn: Turn, hop: Hop) -> Hop:
        """Name what does not run, or hand it on to the next recovery."""
        if not self.owes(turn):
            return hop
        name = turn.recovery.subject
        with turn.read() as session:
            host = hosts.by_names(session, [name]).get(name)
            rows = evacuations.of_recovery(session, turn.recovery.id)
        if host is None:
            # It was removed from its cluster, with all it had.
            return dataclasses.replace(hop, then=None)
        # A boot that comes while this is looked at is another one.
        boot = self._witness.boot_id(name)
        scene = self._scene(turn, host)
        found = self._find(turn, host, rows, scene)
        lost = closing.lost(found)
        # By a boot that came before anybody saw the host off, guests ended
        # that old looks have running: engine/reboots.py accounts for those.
        if scene.off_at is None and host.settled_boot_id not in (None, boot):
            boot = None
        if turn.recovery.was.get(recoveries.CLOSED) not in (None, boot):
            boot = None  # It booted anew while its return was held.
        here = [
            one
            for one in lost
            if hop.then and one.server and one.server.host == name
        ]
        named = [one for one in lost if one not in here]
        with turn.read() as session:
            helped = rescue.able(
                session, self._hands.rule, named, scene.trouble
            )

        def within(session: orm.Session) -> Hop | None:
            instead = hop.within(session) if hop.within else None
            if instead is not None and instead.to not in workflow.ENDED:
                return instead
            rescue.name(
                session,
                name,
                named,
                helped,
                recovery_uuid=turn.recovery.uuid,
                off_at=scene.off_at,
            )
            if hop.then:
                earlier = {'owed': turn.recovery.was.get('owed', [])}
                owed = {'owed': [one.uuid for one in here]}
                both = recoveries.united(earlier, owed)
                recoveries.remember(session, turn.recovery, both)
            elif boot and hop.to is State.HELD:
                was = {recoveries.CLOSED: boot}
                recoveries.remember(session, turn.recovery, was)
            elif boot:
                hosts.settle_boot(session, name, boot)
            return instead

        return dataclasses.replace(
            hop, why=hop.why + closing.told(named, helped), within=within
        )

    def _scene(self, turn: Turn, host: models.Host) -> closing.Scene:
        off_at = self.off_at(turn)
        boot = self._witness.boot_id(host.name)
        if boot and boot == host.settled_boot_id:
            off_at = None  # Whatever its BMC said.
        with turn.read() as session:
            trouble = self._witness.unheard(session)
        since = off_at or turn.recovery.opened_at
        if not self._witness.hearers_since(turn, host.name, since):
            trouble[host.name] = f'{host.name} was not heard since it failed'
        return closing.Scene(
            host.name,
            turn.recovery.opened_at,
            off_at,
            trouble,
            turn.recovery.uuid,
        )

    def _find(
        self,
        turn: Turn,
        host: models.Host,
        rows: Sequence[models.Evacuation],
        scene: closing.Scene,
    ) -> list[closing.Finding]:
        """All that were protected on it, and those that were cut off."""
        changed = self._compute.servers_changed_since(
            turn.recovery.opened_at - SKEW
        )
        protected = self._hands.closer.protected_on(
            turn.read, host, [one for one in changed if one.host != host.name]
        )
        moved = changed if rows else []
        cut = set(self.stopped(turn))
        owed = {
            row.instance_uuid
            for row in rows
            if row.was.get('vm_state') in standing.OWED
        }
        owed |= set(turn.recovery.was.get('owed', ()))
        present = {one.uuid for one in protected}
        owed |= {
            one.uuid for one in protected if one.vm_state in standing.OWED
        }
        return self._hands.closer.find(
            turn.read,
            [
                closing.Owed(
                    uuid, stopped_by_us=uuid in cut, unsure=uuid not in owed
                )
                for uuid in sorted(owed | cut | present)
            ],
            scene,
            [*protected, *moved],
        )

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
            # An operator who knows that there are many may let it go on.
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
        return f'Nova still evacuates {naming.some(sorted(names), 3)}'

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
            # What a recovery of a service left behind, if there was one.
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
        if service.status == 'enabled' or not nova.disabled_by(service):
            return None
        if turn.recovery.was.get('service', {}).get('status') == 'disabled':
            return None
        self._compute.enable(service, nova.disabled_by(service), turn.deadline)
        return Wait(0, 'asked Nova to enable the service')
