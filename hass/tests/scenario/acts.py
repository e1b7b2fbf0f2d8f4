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

"""What people do while HASS works, and the ways into each of its states."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import enum

from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import exception
from hass import faults
from hass.faults import Incident
from hass.recovery import host_failure
from hass.recovery import host_return
from hass.recovery import instance_failure
from hass.recovery import service_failure
from hass.recovery import workflow
from hass.recovery.workflow import State
from hass.simulation import nova_rows
from hass.simulation.virtual import units
from hass.tests import fake_cloud

HOST = 'compute-1'
BY_HAND = 'by an operator'
WORKFLOWS: tuple[type[workflow.Workflow], ...] = (
    host_failure.HostFailure,
    host_return.HostReturn,
    instance_failure.InstanceFailure,
    service_failure.ServiceFailure,
)


class Act(enum.StrEnum):
    """What a person does, as the table of the docs calls it."""

    POWER_ON = 'power on'
    POWER_OFF = 'power off'
    ENABLE = 'enable service'
    DISABLE = 'disable service'
    UNFORCE = 'un-force down'
    FORCE = 'force down'
    START = 'start'
    STOP = 'stop'
    DELETE = 'delete'
    MOVE = 'evacuate'
    RESET = 'reset-state'
    REMOVE = 'remove host'
    MAINTAIN = 'maintenance'
    BMC = 'BMC unplugged'


class Does(enum.StrEnum):
    """What HASS does then, as the table of the docs calls it."""

    NOTHING = '—'
    """It is so already, or Nova refuses it in this state."""
    GOES_ON = 'goes on'
    """It looks anew, and brings everything back."""
    ADOPTS = 'adopts'
    """It waits for what was begun as if it had asked for that itself."""
    WAITS = 'waits'
    """It goes on by itself when the reason has gone; a page says so."""
    LEAVES = 'leaves it'
    """What the person wants stays so, and everything else goes on."""
    HANDS_ON = 'hands on'
    """The story ends: that of the host takes its place."""
    REFUSES = 'refuses'
    """409, and nothing changes."""


def states() -> Iterator[tuple[type[workflow.Workflow], State]]:
    """Every state of every workflow that is not an end."""
    for story in WORKFLOWS:
        known = {*story.transitions}
        yield from ((story, one) for one in State if one in known)


class People:
    """Acts on one host and one instance of a simulated cloud."""

    def __init__(self, cloud: fake_cloud.FakeCloud, instance: str) -> None:
        self.cloud = cloud
        self.nova = cloud.nova
        self.host = cloud.hosts[HOST]
        self.instance = instance
        self.wants_run = True
        self.refused = False

    def do(self, act: Act) -> bool:
        """Whether it changed anything, or HASS had to refuse it."""
        before = self._sight()
        with contextlib.suppress(nova_rows.Refused):
            self._deeds()[act]()
        return self.refused or self._sight() != before

    def _sight(self) -> tuple[object, ...]:
        """All that acts change."""
        service = self.nova.computes[HOST]
        server = self.nova.servers[self.instance]
        with self.cloud.database.reader() as session:
            found = hosts.by_names(session, [HOST])
            window = found[HOST].maintenance_until if found else 'removed'
        return (
            self.host.host.is_on,
            self.host.bmc_mute,
            service.disabled,
            service.forced_down,
            server.vm_state,
            server.task_state,
            server.deleted,
            window,
        )

    def mend(self) -> None:
        """What a person mends an hour later, here a minute."""
        self.host.bmc_mute = False
        with self.cloud.database.writer() as session:
            for row in hosts.all(session):
                row.maintenance_until = None

    def _deeds(self) -> dict[Act, Callable[[], None]]:
        return {
            Act.POWER_ON: self.host.host.power_on,
            Act.POWER_OFF: self.host.host.power_off,
            Act.ENABLE: lambda: self._service(status='enabled'),
            Act.DISABLE: lambda: self._service(
                status='disabled', disabled_reason=BY_HAND
            ),
            Act.UNFORCE: lambda: self._service(forced_down=False),
            Act.FORCE: lambda: self._service(forced_down=True),
            Act.START: lambda: self.nova.start(self.instance),
            Act.STOP: self._stop,
            Act.DELETE: self._delete,
            Act.MOVE: self._move,
            Act.RESET: lambda: self.nova.reset_state(self.instance, 'active'),
            Act.REMOVE: self._remove,
            Act.MAINTAIN: self._maintain,
            Act.BMC: self._unplug,
        }

    def _service(self, **change: object) -> None:
        self.nova.update_service(self.nova.computes[HOST].uuid, change)

    def _stop(self) -> None:
        self.nova.stop(self.instance)
        self.wants_run = False

    def _delete(self) -> None:
        self.nova.delete(self.instance)
        self.wants_run = False

    def _move(self) -> None:
        """By hand, and only off a host that is off."""
        if not self.host.host.is_on:
            self.nova.evacuate(self.instance, None, False)

    def _remove(self) -> None:
        try:
            with self.cloud.database.writer() as session:
                hosts.remove(session, HOST)
        except exception.Conflict:
            self.refused = True

    def _maintain(self) -> None:
        with self.cloud.database.writer() as session:
            row = hosts.get(session, HOST)
            now = moments.read_now(session)
            row.maintenance_until = now + workflow.minutes(10)
            row.maintenance_why = 'planned'

    def _unplug(self) -> None:
        self.host.bmc_mute = True


class Stories:
    """Begins each workflow in a way that leads through a state."""

    def __init__(self, cloud: fake_cloud.FakeCloud, instance: str) -> None:
        self.cloud = cloud
        self.host = cloud.hosts[HOST]
        self.instance = instance

    def begin(self, story: type[workflow.Workflow], state: State) -> None:
        """The fault, and what it takes for this state."""
        begins: dict[str, Callable[[State], None]] = {
            'host_failure': self._host,
            'host_return': self._host,
            'instance_failure': self._guest,
            'service_failure': self._service,
        }
        begins[story.name](state)

    def _host(self, state: State) -> None:
        self.host.lose_power_supply()

    def _service(self, state: State) -> None:
        for_good = state in (
            State.DISABLING,
            State.ENABLING,
            State.GIVING_BACK,
        )
        self.host.units.set(
            faults.SidePath.COMPUTE, units.Run.FAILED, sticks=for_good
        )

    def _guest(self, state: State) -> None:
        server = self.cloud.nova.servers[self.instance]
        if state in (State.STOPPING, State.STARTING):
            server.needs_image = True
            self.cloud.nova.glance_is_up = False
        if state is State.MIGRATING:
            self.host.host.unstartable.add(self.instance)
        if state is State.RESUMING:
            self.host.host.halted.add(self.instance)
            self._tell(Incident.PAUSED_BY_STORAGE)
            return
        self.host.host.kill_guest(self.instance)
        self._tell(Incident.KILLED)

    def _tell(self, incident: Incident) -> None:
        self.cloud.guests.tell(self.host, self.instance, incident)

    def hold(self) -> None:
        """Everything is held, as after a database was restored."""
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')

    def wish(self, story: str, state: State) -> None:
        """Somebody lets a held story go on, or releases it."""
        release = state is State.GIVING_BACK
        wanted = models.Wish.RELEASE if release else models.Wish.RETRY
        with self.cloud.database.writer() as session:
            for row in recoveries.all(session, workflow=story):
                if row.state == State.HELD and row.wish is None:
                    recoveries.wish(session, row.uuid, wanted)
