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

"""Users of the fake cloud, and agents that call every end a murder.

What Nova does takes a while: a guest ends somewhere between the request and
its end, and it is told of at any time after that.
"""

from collections.abc import Callable
import dataclasses
import random

from hass.faults import Incident
from hass.simulation import nova_rows as rows
from hass.tests import fake_cloud
from hass.tests.user_actions import Kind
from hass_oracle import ledger

SETTLE_SECONDS = 60
LATE_SECONDS = 1.0
"""Until an agent has told of an end, at most."""


@dataclasses.dataclass(frozen=True, slots=True)
class Deed:
    """One request to Nova.

    :ivar name: of the instance action
    :ivar state: vm_state when it is done
    :ivar task: task_state meanwhile
    :ivar ends: the guest that runs is ended
    :ivar runs: a guest runs afterwards
    :ivar moves: on another host
    """

    name: str
    task: str
    state: str = 'active'
    ends: bool = True
    runs: bool = True
    moves: bool = False


STOP = Deed('stop', 'stopping', 'stopped', runs=False)
START = Deed('start', 'starting', ends=False)
RESIZE = Deed('resize', 'resize_migrating', 'resized', moves=True)
MIGRATE = dataclasses.replace(RESIZE, name='migrate')
CONFIRM = Deed('confirmResize', '', ends=False)
DEEDS: dict[Kind, tuple[Deed, ...]] = {
    Kind.STOP: (STOP, START),
    Kind.LOCK: (STOP, START),
    Kind.HARD_REBOOT: (Deed('reboot', 'reboot_started_hard'),),
    Kind.SOFT_REBOOT: (Deed('reboot', 'reboot_started'),),
    Kind.REBUILD: (Deed('rebuild', 'rebuilding_disk'),),
    Kind.RESIZE: (RESIZE, CONFIRM),
    Kind.REVERT: (
        RESIZE,
        Deed('revertResize', 'resize_reverting', moves=True),
    ),
    Kind.MIGRATE: (MIGRATE, CONFIRM),
    Kind.LIVE_MIGRATE: (Deed('live-migration', 'migrating', moves=True),),
    Kind.PAUSE: (
        Deed('pause', 'pausing', 'paused', ends=False),
        Deed('unpause', 'unpausing', ends=False),
    ),
    Kind.SUSPEND: (
        Deed('suspend', 'suspending', 'suspended', runs=False),
        Deed('resume', 'resuming', ends=False),
    ),
    Kind.SHELVE: (
        Deed('shelve', 'shelving', 'shelved', runs=False),
        Deed('unshelve', 'unshelving', ends=False, moves=True),
    ),
    Kind.RESCUE: (
        Deed('rescue', 'rescuing', 'rescued'),
        Deed('unrescue', 'unrescuing'),
    ),
}


class Users:
    """Does to instances what their users may do.

    :ivar told: ends of guests that were told of as kills
    """

    def __init__(self, cloud: fake_cloud.FakeCloud, dice: random.Random):
        self._cloud = cloud
        self._dice = dice
        self._seen = len(cloud.ledger.events)
        self._late: list[tuple[float, ledger.Event]] = []
        self.told = 0

    def do(self, kind: Kind, uuid: str, create: Callable[[str], str]) -> str:
        """Do it, and take it back.

        :param create: makes a new instance on a host, and tells its uuid
        :returns: the instance that is there afterwards, active
        """
        server = self._cloud.nova.servers[uuid]
        if kind is Kind.DELETE:
            host = server.host or ''
            self._cloud.nova.delete(uuid)
            self.rest(self._dice.uniform(0, LATE_SECONDS))
            return create(host)
        server.locked = kind is Kind.LOCK
        for deed in DEEDS[kind]:
            self._carry_out(deed, server)
            self.rest(self._dice.uniform(0, LATE_SECONDS))
        server.locked = False
        return uuid

    def rest(self, seconds: float) -> None:
        """Let time pass, while agents tell of what ends."""
        clock = self._cloud.clock
        until = clock.monotonic() + seconds
        while True:
            self._tell()
            if clock.monotonic() >= until:
                return
            self._cloud.tick()

    def _carry_out(self, deed: Deed, server: rows.Server) -> None:
        cloud = self._cloud
        cloud.nova.acted(server, deed.name)
        # A resize is confirmed while its state says resized, and no task.
        cloud.nova.touch(server, task_state=deed.task or None)
        self.rest(self._dice.uniform(0, LATE_SECONDS))
        source = cloud.nova.computes[server.host or ''].host
        if deed.ends:
            if deed.moves:
                source.remove_guest(server.uuid)
            else:
                source.stop_guest(server.uuid)
            self.rest(self._dice.uniform(0, LATE_SECONDS))
        if deed.moves:
            others = [name for name in cloud.hosts if name != server.host]
            server.host = self._dice.choice(others)
        if deed.runs:
            there = cloud.nova.computes[server.host or ''].host
            there.start_guest(server.uuid)
        cloud.nova.ended(server)
        cloud.nova.touch(server, vm_state=deed.state, task_state=None)
        server.power_state = 1 if deed.runs else 4

    def _tell(self) -> None:
        """Each end of a guest, some time later."""
        cloud = self._cloud
        now = cloud.clock.monotonic()
        events = cloud.ledger.events
        for event in events[self._seen :]:
            if event.event is ledger.Kind.STOP:
                late = now + self._dice.uniform(0, LATE_SECONDS)
                self._late.append((late, event))
        self._seen = len(events)
        for due, event in [one for one in self._late if one[0] <= now]:
            self._late.remove((due, event))
            self.told += 1
            host = cloud.hosts[event.host]
            cloud.guests.tell(host, event.instance or '', Incident.KILLED)
