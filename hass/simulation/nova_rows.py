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

"""The rows of the simulated Nova's database."""

import dataclasses
import datetime
import enum
import uuid

from hass.simulation import nova_host


class Refused(Exception):
    """What Nova answers with a 4xx and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How fast things go, in seconds; the names are Nova's options.

    :ivar scheduling: from accepted to a destination
    :ivar spawning: from pre-migrating to done
    :ivar moving: a live migration, from its call to the switch
    :ivar notice_lifecycle: until a guest's end is believed (libvirt driver)
    """

    scheduling: float = 0.05
    spawning: float = 0.3
    report_interval: float = 1.0
    service_down_time: float = 6.0
    rpc_response_timeout: float = 60.0
    notice_lifecycle: float = 15.0
    agent_down_time: float = 75.0
    moving: float = 5.0


DISABLED = 'COMPUTE_STATUS_DISABLED'


@dataclasses.dataclass(slots=True)
class Provider:
    """A resource provider of Placement, that of one hypervisor."""

    uuid: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    traits: set[str] = dataclasses.field(default_factory=set)
    generation: int = 1
    inventory: dict[str, int] = dataclasses.field(default_factory=dict)

    def set_traits(self, traits: set[str]) -> None:
        self.traits = set(traits)
        self.generation += 1

    def disable(self, disabled: bool) -> None:
        """As nova-compute and the API do it (compute/manager.py)."""
        wanted = self.traits - {DISABLED} | ({DISABLED} if disabled else set())
        if wanted != self.traits:
            self.set_traits(wanted)


def _hypervisor() -> Provider:
    return Provider(
        inventory={'VCPU': 64, 'MEMORY_MB': 262144, 'DISK_GB': 4000}
    )


@dataclasses.dataclass(slots=True, kw_only=True)
class NetworkAgent:
    """An agent of Neutron; it reports while its host's system runs."""

    type: str
    works: bool = True
    heard_at: float = float('-inf')


@dataclasses.dataclass(slots=True, kw_only=True)
class Daemon:
    """A nova-conductor or nova-scheduler."""

    binary: str
    host: str = 'controller'
    up: bool = True


@dataclasses.dataclass(slots=True, kw_only=True)
class Compute:
    """A nova-compute's service record, and the queue of its messages.

    :ivar seen_up: CLOCK_BOOTTIME of its last report
    :ivar starts: which start of the process Nova has seen
    :ivar capacity: how many servers fit
    :ivar devices: the provider of its devices, below that of the host
    :ivar agents: of Neutron, on the same host
    :ivar in_down_cell: the database of its cell is down
    :ivar told_to_start: messages that wait until it runs
    :ivar told_to_delete: likewise
    """

    uuid: str
    host: nova_host.SimulatedHost
    seen_up: float
    updated_at: datetime.datetime
    starts: int = 0
    capacity: int = 100
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    in_down_cell: bool = False
    zone: str = 'nova'
    provider: Provider = dataclasses.field(default_factory=_hypervisor)
    devices: Provider = dataclasses.field(default_factory=Provider)
    agents: list[NetworkAgent] = dataclasses.field(default_factory=list)
    told_to_start: list['Server'] = dataclasses.field(default_factory=list)
    told_to_delete: list['Server'] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True, kw_only=True)
class Server:
    """An instance; vm_state and task_state in Nova's own spelling.

    :ivar stopped: it was, before it was moved
    :ivar needs_image: hypervisors keep no copy of its image
    :ivar fails_at_start: the next start of nova-compute on its host puts it
        into ERROR: it could not plug its ports, say
    """

    uuid: str
    name: str
    project_id: str
    host: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    vm_state: str = 'active'
    task_state: str | None = None
    power_state: int = 1
    locked: bool = False
    locked_reason: str | None = None
    image_backed: bool = False
    has_volumes: bool = True
    needs_image: bool = False
    ephemeral_gb: int = 0
    launched_at: datetime.datetime | None = None
    deleted: bool = False
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)
    port_state: str = 'ACTIVE'
    stopped: bool = False
    fault: str = ''
    fails_at_start: bool = False


@dataclasses.dataclass(slots=True, kw_only=True)
class Migration:
    """A migration; updated_at is empty until its first change."""

    uuid: str
    id: int
    instance_uuid: str
    source: str
    destination: str | None
    type: str
    status: str
    created_at: datetime.datetime
    destination_node: str | None = None
    updated_at: datetime.datetime | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Action:
    """An instance action; updated_at moves on with it."""

    instance_uuid: str
    name: str
    request_id: str
    started_at: datetime.datetime
    updated_at: datetime.datetime
    user_id: str | None
    failed: bool = False


class Stage(enum.StrEnum):
    """Where an accepted evacuation waits."""

    SCHEDULING = 'scheduling'
    QUEUED = 'queued'
    """In the message queue of the destination's nova-compute."""
    SPAWNING = 'spawning'


@dataclasses.dataclass(slots=True, kw_only=True)
class Evacuation:
    """The work behind a migration record.

    :ivar due: CLOCK_BOOTTIME of the end of this stage
    :ivar starts: the start of the destination's nova-compute that holds
        it: a restarted one has forgotten it
    """

    server: Server
    migration: Migration
    stops: bool
    due: float
    stage: Stage = Stage.SCHEDULING
    destination: str = ''
    starts: int = 0
    vm_state: str = 'active'
