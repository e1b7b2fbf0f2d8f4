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

"""Reads the conditions that end holds: one function for each kind.

Each says what it has seen, or '' while its condition does not hold.
Nothing here acts: a recovery that goes on reads everything anew.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
import logging
from typing import Any

from hass.db import holds
from hass.db import hosts
from hass.db import models
from hass import exception
from hass.fencing import base as fencing
from hass.nova import rolls
from hass.recovery import fates
from hass.recovery import hands as hands_
from hass.recovery import planner
from hass.recovery import proving
from hass.recovery import workflow
from hass import until

LOG = logging.getLogger(__name__)
Turn = workflow.Turn
Look = Callable[[Turn, until.Until], str]
AGAIN = 'held_again'
"""How often the same hold ended by itself and came back."""


class Conditions:
    """What one kind of recovery can read.

    :param more: looks of that kind, in addition to those of all
    """

    def __init__(
        self,
        hands: hands_.Hands,
        more: Mapping[until.Kind, Look] | None = None,
    ) -> None:
        self._hands = hands
        self._prover = proving.Prover(hands)
        common: dict[until.Kind, Look] = {
            until.Kind.ANEW: _time,
            until.Kind.BMC_ANSWERS: self._bmc_answers,
            until.Kind.BMC_READS_OFF: self._bmc_reads_off,
            until.Kind.BMC_READS_ON: self._bmc_reads_on,
            until.Kind.PROVED_OFF: self._proved_off,
            until.Kind.FENCE_WORKS: self._fence_works,
            until.Kind.HOST_HEARD: self._host_heard,
            until.Kind.HOST_EMPTY: self._host_empty,
            until.Kind.DOMAIN_GONE: self._domain_gone,
            until.Kind.INSTANCE_SETTLED: self._instance_settled,
            until.Kind.EVACUABLE: self._evacuable,
            until.Kind.MOVES_ENDED: self._moves_ended,
            until.Kind.ROOM: self._room,
            until.Kind.CONTROL_PLANE: self._control_plane,
            until.Kind.CLUSTER_CHANGED: _cluster_changed,
        }
        self._looks = common | dict(more or {})

    @property
    def kinds(self) -> frozenset[until.Kind]:
        """What can be read here."""
        return frozenset(self._looks)

    def look(self, turn: Turn) -> str:
        """What was seen that ends the hold; '' while it goes on.

        What cannot be read is not seen, and hides nothing else.
        """
        seconds = turn.seconds_in_state()
        asks = until.is_asked(turn.recovery.attempt, seconds)
        for one in holds.ends_of(turn.recovery):
            if one.kind not in self._looks:
                continue
            if one.kind in until.ASKED and not asks:
                continue
            try:
                seen = self._looks[one.kind](turn, one)
            except (exception.LostClaim, exception.ClaimExpired):
                raise
            except exception.HassError as error:
                LOG.debug('%s: %s: %s', turn.recovery.subject, one, error)
                continue
            if seen and one.kind is until.Kind.ANEW:
                return seen
            if seen:
                return f'goes on by itself: {seen}'
        return ''

    def go_on(self, turn: Turn, to: workflow.State) -> workflow.Step:
        """Go on when something is seen that ends the hold, else wait."""
        seen = self.look(turn)
        if not seen:
            return self._wait(turn)
        ends = holds.ends_of(turn.recovery)
        times = again(turn.recovery.was, ends) + 1
        turn.remember(**{AGAIN: {'of': until.subject(ends), 'times': times}})
        return workflow.Hop(to, seen)

    def _wait(self, turn: Turn) -> workflow.Wait:
        """Look again later, and less and less often; its reason stays."""
        return workflow.Wait(
            until.pause(
                holds.ends_of(turn.recovery),
                max(turn.seconds_in_state(), 0.0),
                again(turn.recovery.was, holds.ends_of(turn.recovery)),
            ),
            turn.recovery.why,
        )

    def _power(self, turn: Turn, host: str) -> fencing.PowerState:
        row = _host(turn, host)
        return self._hands.fencer.status(self._hands.target(row))

    def _bmc_answers(self, turn: Turn, one: until.Until) -> str:
        return f'its BMC reads {self._power(turn, one.host)}'

    def _bmc_reads_off(self, turn: Turn, one: until.Until) -> str:
        off = self._power(turn, one.host) is fencing.PowerState.OFF
        return f'the BMC of {one.host} reads off' if off else ''

    def _bmc_reads_on(self, turn: Turn, one: until.Until) -> str:
        on = self._power(turn, one.host) is fencing.PowerState.ON
        return f'the BMC of {one.host} reads on' if on else ''

    def _proved_off(self, turn: Turn, one: until.Until) -> str:
        proof = self._prover.prove_absent(turn, one.host)
        if isinstance(proof, proving.Unproved):
            return ''
        return f'{one.host} is proved off'

    def _fence_works(self, turn: Turn, one: until.Until) -> str:
        look = self._prover.look(turn, _host(turn, one.host))
        if isinstance(look, proving.Unproved):
            return ''
        return f'the fence of {one.host} works'

    def _host_heard(self, turn: Turn, one: until.Until) -> str:
        hearers = self._hands.witness.hearers_since(
            turn, one.host, turn.recovery.state_since
        )
        return f'{one.host} is heard by {hearers}' if hearers else ''

    def _host_empty(self, turn: Turn, one: until.Until) -> str:
        """What Nova does not list may run there all the same."""
        seen = _host(turn, one.host).domains or ()
        if seen or rolls.servers_on(self._hands.compute, one.host, seen):
            return ''
        return f'nothing is on {one.host}, as Nova and its agent see it'

    def _domain_gone(self, turn: Turn, one: until.Until) -> str:
        """A report that was written since."""
        host = _host(turn, one.host)
        since = turn.recovery.state_since
        if host.domains is not None and one.instance not in host.domains:
            if host.reported_at is not None and host.reported_at > since:
                return f'the agent of {one.host} no longer lists it'
        return ''

    def _instance_settled(self, turn: Turn, one: until.Until) -> str:
        server = self._hands.compute.server(one.instance)
        if server is None or server.is_gone:
            return f'{one.instance} was deleted'
        if server.host == turn.recovery.subject or server.task_state:
            return ''
        if server.vm_state == 'active':
            return f'{server.name} runs on {server.host}'
        return ''

    def _evacuable(self, turn: Turn, one: until.Until) -> str:
        """Judged by the same table that refused it."""
        server = self._hands.compute.server(one.instance)
        if server is None:
            return ''
        cluster = _host(turn, one.host).cluster
        verdict = fates.of(server, shared_storage=cluster.shared_storage)
        if verdict.fate is fates.Fate.REFUSE:
            return ''
        return f'nothing refuses an evacuation of {server.name} any more'

    def _moves_ended(self, turn: Turn, one: until.Until) -> str:
        moves = self._hands.compute.migrations_of(one.instance)
        live = [m for m in moves if m.type == 'evacuation' and m.live]
        return '' if len(live) > 1 else 'Nova has ended one of its moves'

    def _room(self, turn: Turn, one: until.Until) -> str:
        services = self._hands.compute.services()
        host = _host(turn, one.host)
        with turn.read() as session:
            usable = planner.usable_hosts(session, host, services)
        return f'{usable[0].name} is usable' if usable else ''

    def _control_plane(self, turn: Turn, one: until.Until) -> str:
        if self._hands.control_plane.trouble(one.services):
            return ''
        return until.answering(one.services)


def again(was: Mapping[str, Any], ends: Collection[until.Until]) -> int:
    """How often the same hold ended by itself and came back.

    :param was: what its recovery remembers
    """
    last = was.get(AGAIN)
    same = last and last['of'] == until.subject(ends)
    return int(last['times']) if last and same else 0


def _host(turn: Turn, name: str) -> models.Host:
    with turn.read() as session:
        return hosts.get(session, name)


def _time(turn: Turn, one: until.Until) -> str:
    seconds = turn.seconds_in_state()
    times = again(turn.recovery.was, holds.ends_of(turn.recovery))
    if not until.is_over(one, seconds, times):
        return ''
    return f'looked at anew: {turn.recovery.why}'


def _cluster_changed(turn: Turn, one: until.Until) -> str:
    cluster = _host(turn, one.host).cluster
    if cluster.mode is models.Mode.ACT:
        # It may have been changed right before the hold was written down.
        return f'cluster {cluster.name} acts by itself now'
    changed = cluster.updated_at
    if changed is None or changed <= turn.recovery.state_since:
        return ''
    return f'the settings of cluster {cluster.name} were changed'
