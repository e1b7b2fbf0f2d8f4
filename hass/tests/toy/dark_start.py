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

"""dark_start, a toy: all hosts of a cluster are off, and are powered on."""

from hass.db import hosts
from hass.db import models
from hass.fencing import base as fencing
from hass.recovery import workflow
from hass.recovery.workflow import Hop
from hass.recovery.workflow import minutes
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.workflows import Subject
from hass.workflows import Traits


class DarkStart(workflow.Workflow):
    """The power of a whole cluster failed: bring its hosts up again."""

    name = 'dark_start'
    initial = State.CONFIRMING
    transitions = {
        State.CONFIRMING: frozenset({State.POWERING_ON, State.DISMISSED}),
        State.POWERING_ON: frozenset({State.FINISHED}),
        State.HELD: frozenset({State.CONFIRMING, State.DISMISSED}),
    }
    deadlines = {
        State.CONFIRMING: minutes(2),
        State.POWERING_ON: minutes(10),
    }
    traits = Traits(subject=Subject.CLUSTER)

    def confirming(self, turn: Turn) -> Step:
        """Every host of the cluster reads off."""
        dark, known = self._dark(turn), self._hosts(turn)
        if len(dark) < len(known):
            return Hop(State.DISMISSED, f'{len(dark)} of {len(known)} are off')
        return Hop(State.POWERING_ON, f'all {len(known)} hosts are off')

    def powering_on(self, turn: Turn) -> Step:
        """Ask the BMCs of those that are off for power on."""
        dark = self._dark(turn)
        if not dark:
            return Hop(State.FINISHED, 'all hosts are on')
        for host in dark:
            target = self._hands.target(host)
            self._hands.fencer.on(target, turn.deadline)
        return Wait(1, f'asked {len(dark)} BMCs for power on')

    def held(self, turn: Turn) -> Step:
        """An operator releases it, or it looks again."""
        if turn.recovery.wish is models.Wish.RELEASE:
            return Hop(State.DISMISSED, 'released by an operator')
        return Hop(State.CONFIRMING, 'looked at anew')

    def _dark(self, turn: Turn) -> list[models.Host]:
        return [
            host
            for host in self._hosts(turn)
            if self._hands.fencer.status(self._hands.target(host))
            is fencing.PowerState.OFF
        ]

    def _hosts(self, turn: Turn) -> list[models.Host]:
        cluster = turn.recovery.cluster_id
        assert cluster is not None
        with turn.read() as session:
            return list(hosts.of_cluster(session, cluster))
