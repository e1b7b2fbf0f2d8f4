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

"""Looks at what a host has, and compares it when the host is back."""

from collections.abc import Callable
from collections.abc import Collection
import contextlib
import datetime

from sqlalchemy import orm

from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import observations
from hass.db import recoveries
from hass.diagnosis import fitness
from hass.diagnosis.fitness import Item
from hass.diagnosis.fitness import Kind
from hass import exception
from hass import faults
from hass.recovery import hands as hands_
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait

Read = Callable[[], contextlib.AbstractContextManager[orm.Session]]
FRESH = datetime.timedelta(minutes=2)
"""A look at the storage so long ago tells nothing of now."""
LONGEST_SECONDS = 10.0
LACKS, WITHOUT, STARTS_WAIT = 'lacks', 'without', 'starts_wait'
"""What a return remembers: items with how much is there, the sentence for
people, and whether no instance is started meanwhile."""
HEARTBEATS = 'heartbeats'


class Look:
    """Sees what a host has now."""

    def __init__(self, hands: hands_.Hands) -> None:
        self._hands = hands

    def at(
        self,
        read: Read,
        host: models.Host,
        since: datetime.datetime | None = None,
        heartbeats: Collection[str] = (),
    ) -> fitness.Sight:
        """What it has, as far as it can be read.

        :param since: the host was powered on; what was seen before is old
        :param heartbeats: of network agents, from before it was
        """
        has: dict[Item, int] = {}
        unread: dict[Kind, str] = {}
        for network in self._networks(host):
            has[Item(Kind.NETWORK, network)] = 1
        for detector in _storage(read, host, since):
            has[Item(Kind.STORAGE, detector)] = 1
        try:
            found = self._hands.compute.inventory(host.name)
        except exception.NovaError as error:
            unread[Kind.RESOURCE] = str(error)
        else:
            for name, number in found.items():
                if number > 0:
                    has[Item(Kind.RESOURCE, name)] = number
        try:
            agents = self._hands.compute.network_agents(host.name)
        except exception.NovaError as error:
            unread[Kind.AGENT] = str(error)
        else:
            for one in agents:
                if one.alive and one.heartbeat not in heartbeats:
                    item = Item(Kind.AGENT, one.type)
                    has[item] = has.get(item, 0) + 1
        return fitness.Sight(has, unread)

    def heartbeats(self, host: str) -> list[str]:
        """Those of its network agents; none where Neutron does not tell."""
        try:
            agents = self._hands.compute.network_agents(host)
        except exception.NovaError:
            return []
        return [one.heartbeat for one in agents]

    def _networks(self, host: models.Host) -> set[str]:
        """Where it beats; and of what it should have, where it answers.

        Not every engine is on every network.
        """
        beating = set(self._hands.witness.networks_of(host.name))
        wanted = {
            one.name
            for one in fitness.Baseline.of(host.baseline).has
            if one.kind is Kind.NETWORK
        }
        silent = {
            host.networks[name]: name
            for name in sorted(wanted - beating)
            if name in host.networks
        }
        if not silent:
            return beating
        answering = self._hands.glance(list(silent)).result()
        return beating | {silent[one] for one in answering if one in silent}


class Check:
    """Compares a host that is back with its baseline.

    :param seconds: so long it may take until it has everything
    """

    def __init__(self, hands: hands_.Hands, seconds: float) -> None:
        self._look = Look(hands)
        self._seconds = seconds

    def note(self, host: models.Host) -> list[str]:
        """Heartbeats from before the host is powered on.

        Neutron believes an agent alive for a while after its host died.
        """
        expected = fitness.Baseline.of(host.baseline).has
        if not any(one.kind is Kind.AGENT for one in expected):
            return []
        return self._look.heartbeats(host.name)

    def compare(
        self, turn: Turn, host: models.Host
    ) -> tuple[tuple[fitness.Lack, ...], fitness.Sight]:
        """What it lacks, and what was seen."""
        baseline = fitness.Baseline.of(host.baseline)
        if not baseline.has:
            return (), fitness.Sight({})
        was = turn.recovery.was
        on_since = was.get('on_since')
        sight = self._look.at(
            turn.read,
            host,
            datetime.datetime.fromisoformat(on_since)
            if on_since
            else turn.recovery.opened_at,
            was.get(HEARTBEATS) or (),
        )
        return fitness.lacks(baseline, sight), sight

    def wait(self, turn: Turn, host: models.Host) -> Wait | None:
        """Wait for what is missing; None: it is remembered by now."""
        lacks, sight = self.compare(turn, host)
        if not lacks:
            self.forget(turn)
            return None
        without = fitness.sentence(host.name, lacks)
        seconds = turn.seconds_in_state()
        if seconds < self._seconds:
            return Wait(min(max(seconds / 10, 1.0), LONGEST_SECONDS), without)
        turn.remember(
            **{
                LACKS: {
                    str(one.item): 0 if one.why else one.now for one in lacks
                },
                WITHOUT: without,
                STARTS_WAIT: fitness.keeps_from_starting(lacks, sight),
            }
        )
        return None

    def forget(self, turn: Turn) -> None:
        """Nothing is missing, or nobody asks any more."""
        if turn.recovery.was.get(LACKS):
            turn.remember(**_nothing())

    def ended(self, turn: Turn, host: models.Host) -> str:
        """Why there is no reason to wait any more; '': there is."""
        lacks, sight = self.compare(turn, host)
        if not lacks:
            return f'{host.name} has again what it had'
        waits = turn.recovery.was.get(STARTS_WAIT)
        if waits and not fitness.keeps_from_starting(lacks, sight):
            return f'what is to be started on {host.name} need not wait'
        return ''

    def accept(self, turn: Turn) -> str:
        """An operator takes the host as it was told of; '': it is whole.

        What has come back since is demanded as before.

        :returns: the sentence that named what it lacks
        """
        was = turn.recovery.was
        if not was.get(LACKS):
            return ''
        without: str = was[WITHOUT]
        told = fitness.read_items(was[LACKS])
        with turn.read() as session:
            host = hosts.get(session, turn.recovery.subject)
        lacks, _ = self.compare(turn, host)
        items = {one.item: told[one.item] for one in lacks if one.item in told}
        with turn.write() as session:
            row = hosts.get(session, turn.recovery.subject)
            baseline = fitness.accepted(
                fitness.Baseline.of(row.baseline), items
            )
            hosts.set_baseline(session, row.name, baseline.to_dict())
            turn.recovery.was = recoveries.remember(
                session, turn.recovery, _nothing()
            )
        return without


def _nothing() -> dict[str, object]:
    return {LACKS: {}, WITHOUT: '', STARTS_WAIT: False}


def _storage(
    read: Read, host: models.Host, since: datetime.datetime | None
) -> list[str]:
    """Detectors that see its storage work, and looked lately."""
    with read() as session:
        oldest = moments.read_now(session) - FRESH
        seen = observations.of_host(
            session, host.name, faults.SidePath.STORAGE
        )
    if since is not None:
        oldest = max(oldest, since)
    return [
        one.detector.removeprefix('agent:')
        for one in seen
        if one.verdict is faults.Verdict.HEALTHY and one.seen_at > oldest
    ]
