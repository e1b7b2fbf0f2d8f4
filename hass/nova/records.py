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

"""What Nova answers, as frozen nouns. A garbled answer is an error.

Fields are those of the compute API at microversion 2.73. Moments are
Nova's own clock, as naive UTC.
"""

from collections.abc import Mapping
import dataclasses
import datetime
import re
from typing import Any, Self, TypeVar

from hass import exception

T = TypeVar('T')


class Record:
    """One JSON object of an answer, read with the types it must have."""

    def __init__(self, call: str, record: object) -> None:
        if not isinstance(record, Mapping):
            raise exception.NovaFailed(call, 'the answer holds no object')
        self._call = call
        self._record = record

    def _take(self, key: str, kind: type[T]) -> T:
        value = self.anything(key)
        if not isinstance(value, kind):
            raise self._garbled(key)
        return value

    def anything(self, key: str) -> Any:
        if key not in self._record:
            raise self._garbled(key)
        return self._record[key]

    def text(self, key: str) -> str:
        return self._take(key, str)

    def maybe_text(self, key: str) -> str | None:
        """Null and '' both mean that Nova has nothing to say."""
        return None if self.anything(key) in (None, '') else self.text(key)

    def flag(self, key: str) -> bool:
        return self._take(key, bool)

    def texts(self, key: str) -> dict[str, str]:
        """An object whose values are texts."""
        found = self._take(key, dict)
        if not all(isinstance(one, str) for one in found.values()):
            raise self._garbled(key)
        return found

    def number(self, key: str) -> int:
        return self._take(key, int)

    def moment(self, key: str) -> datetime.datetime:
        try:
            moment = datetime.datetime.fromisoformat(self.text(key))
        except ValueError:
            raise self._garbled(key) from None
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
        return moment

    def maybe_moment(self, key: str) -> datetime.datetime | None:
        return self.moment(key) if self.maybe_text(key) else None

    def _garbled(self, key: str) -> exception.NovaFailed:
        return exception.NovaFailed(
            self._call, f'the answer holds no usable field {key!r}'
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A nova-compute service (API reference: os-services).

    :ivar status: what an operator wants, 'enabled' or 'disabled'
    :ivar state: what Nova believes, 'up' or 'down'
    """

    uuid: str
    host: str
    status: str
    state: str
    forced_down: bool
    disabled_reason: str | None
    updated_at: datetime.datetime | None
    zone: str | None = None
    """Its availability zone; Nova makes one up where none is set."""

    @property
    def usable(self) -> bool:
        """Whether the scheduler may put instances there."""
        return (
            self.status == 'enabled'
            and self.state == 'up'
            and not self.forced_down
        )

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            uuid=fields.text('id'),
            host=fields.text('host'),
            status=fields.text('status'),
            state=fields.text('state'),
            forced_down=fields.flag('forced_down'),
            disabled_reason=fields.maybe_text('disabled_reason'),
            updated_at=fields.maybe_moment('updated_at'),
            zone=fields.maybe_text('zone'),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Daemon:
    """A nova-conductor or nova-scheduler (API reference: os-services)."""

    binary: str
    host: str
    state: str

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            binary=fields.text('binary'),
            host=fields.text('host'),
            state=fields.text('state'),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Aggregate:
    """Hosts that an operator grouped (API reference: os-aggregates)."""

    name: str
    hosts: tuple[str, ...]

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            name=fields.text('name'),
            hosts=tuple(str(host) for host in fields.anything('hosts') or ()),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """How much an instance takes of its host (embedded from 2.47 on).

    :ivar ram: MiB
    :ivar disk: GiB of its root disk
    :ivar ephemeral: GiB
    :ivar swap: MiB
    """

    vcpus: int
    ram: int
    disk: int
    ephemeral: int = 0
    swap: int = 0

    def resources(self, *, local_root: bool) -> dict[str, int]:
        """What Placement counts for it, as Nova asks (scheduler/utils.py)."""
        disk = self.disk if local_root else 0
        wanted = {
            'VCPU': self.vcpus,
            'MEMORY_MB': self.ram,
            'DISK_GB': disk + self.ephemeral + -(-self.swap // 1024),
        }
        return {name: count for name, count in wanted.items() if count}

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            vcpus=fields.number('vcpus'),
            ram=fields.number('ram'),
            disk=fields.number('disk'),
            ephemeral=fields.number('ephemeral'),
            swap=fields.number('swap'),
        )


def _has_volumes(record: object) -> bool:
    """What does not say so has some if it has no image."""
    if not isinstance(record, Mapping):
        return False
    told = record.get('os-extended-volumes:volumes_attached')
    return bool(not record.get('image') if told is None else told)


GONE = frozenset({'deleted', 'soft-delete'})
RESTING = GONE | {'stopped', 'shelved', 'shelved_offloaded'}
"""Servers of these vm_states have no guest, unless a task is under way."""
FAULT_LENGTH = 300
"""More of a fault than this is no sentence."""


def _fault(record: object) -> str:
    """Nova's own words of what went wrong, without passwords in URLs."""
    told = record.get('fault') if isinstance(record, Mapping) else None
    if not isinstance(told, Mapping):
        return ''
    words = ' '.join(str(told.get('message') or '').split())
    return re.sub(r'(://)[^/@\s]*@', r'\1', words)[:FAULT_LENGTH]


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """An instance as Nova knows it (API reference: servers, details).

    :ivar host: where Nova believes it to be, None before scheduling
    :ivar power_state: 1 running, 4 shut down, 0 no state …
    :ivar image_backed: its root disk is made from an image: an
        evacuation without shared storage makes that disk anew
    :ivar launched: it ran at least once; Nova evacuates no other
    :ivar ephemeral_gb: size of its ephemeral disk, which is made anew like
        a root disk of an image
    """

    uuid: str
    name: str
    project_id: str
    host: str | None
    status: str
    vm_state: str
    task_state: str | None
    power_state: int
    locked: bool
    locked_reason: str | None
    image_backed: bool
    launched: bool
    metadata: Mapping[str, str] = dataclasses.field(
        default_factory=dict, hash=False
    )
    """What its user has written on it."""
    ephemeral_gb: int = 0
    flavor: Flavor | None = None
    fault: str = ''
    """Why it is in ERROR, in Nova's words."""
    has_volumes: bool = False
    """Cinder has to let go of them, and to attach them elsewhere."""

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted, for good or for the time being."""
        return self.vm_state in GONE

    @property
    def may_run(self) -> bool:
        """Whether it has a guest, or is about to, for all Nova knows."""
        return self.vm_state not in RESTING or bool(self.task_state)

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            uuid=fields.text('id'),
            name=fields.text('name'),
            project_id=fields.text('tenant_id'),
            host=fields.maybe_text('OS-EXT-SRV-ATTR:host'),
            status=fields.text('status'),
            vm_state=fields.text('OS-EXT-STS:vm_state'),
            task_state=fields.maybe_text('OS-EXT-STS:task_state'),
            power_state=fields.number('OS-EXT-STS:power_state'),
            locked=fields.flag('locked'),
            locked_reason=fields.maybe_text('locked_reason'),
            image_backed=bool(fields.anything('image')),
            launched=bool(fields.anything('OS-SRV-USG:launched_at')),
            metadata=fields.texts('metadata'),
            ephemeral_gb=Record(call, fields.anything('flavor')).number(
                'ephemeral'
            ),
            flavor=Flavor.read(call, fields.anything('flavor')),
            fault=_fault(record),
            has_volumes=_has_volumes(record),
        )


# All that Nova writes when it will not touch a migration again. What is
# unknown counts as unfinished.
FAILED = frozenset({'error', 'failed', 'cancelled'})
SUCCEEDED = frozenset({'completed', 'confirmed'})
ENDED = FAILED | SUCCEEDED | {'done', 'reverted'}


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """A migration record: the only truth about an evacuation.

    An evacuation goes accepted → pre-migrating → done → completed, the
    last when nova-compute of the source has started again; or to error
    (nothing was sent to a destination) or failed (the destination gave
    up).

    :ivar type: evacuation, live-migration, migration or resize
    :ivar destination: the host that was asked for or chosen
    :ivar destination_node: set when the destination claimed resources,
        which comes before it touches the guest
    :ivar quiet: seconds since Nova last wrote to it, by Nova's own clock
    """

    uuid: str
    id: int
    instance_uuid: str
    source: str | None
    destination: str | None
    destination_node: str | None
    status: str
    type: str
    created_at: datetime.datetime
    updated_at: datetime.datetime | None
    quiet: float = 0.0

    @property
    def live(self) -> bool:
        """Nova, or a queue of Nova, may still act on it."""
        return self.status not in ENDED

    @property
    def waiting(self) -> bool:
        """No destination has claimed anything for it yet."""
        return self.live and self.destination_node is None

    @property
    def done(self) -> bool:
        """The instance runs (or is stopped, as it was) elsewhere now."""
        return self.status == 'done' or self.status in SUCCEEDED

    @property
    def failed(self) -> bool:
        return self.status in FAILED

    @classmethod
    def read(cls, call: str, record: object, now: datetime.datetime) -> Self:
        """At 2.59 or later.

        :param now: Nova's time when it answered
        """
        fields = Record(call, record)
        created_at = fields.moment('created_at')
        updated_at = fields.maybe_moment('updated_at')
        return cls(
            uuid=fields.text('uuid'),
            id=fields.number('id'),
            instance_uuid=fields.text('instance_uuid'),
            source=fields.maybe_text('source_compute'),
            destination=fields.maybe_text('dest_compute'),
            destination_node=fields.maybe_text('dest_node'),
            status=fields.text('status'),
            type=fields.text('migration_type'),
            created_at=created_at,
            updated_at=updated_at,
            quiet=(now - (updated_at or created_at)).total_seconds(),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """Something that was asked of an instance (os-instance-actions).

    :ivar user_id: who asked; None: Nova itself, as when it finds a guest
        that does not run
    :ivar quiet: seconds since Nova last wrote to it, by Nova's own clock
    :ivar failed: a part of it has ended in an error (db/main/api.py,
        action_event_finish); Nova writes that before the task is over
    """

    name: str
    request_id: str
    started_at: datetime.datetime
    user_id: str | None = None
    quiet: float = 0.0
    failed: bool = False

    @classmethod
    def read(cls, call: str, record: object, now: datetime.datetime) -> Self:
        """At 2.58 or later.

        :param now: Nova's time when it answered
        """
        fields = Record(call, record)
        started_at = fields.moment('start_time')
        written_at = fields.maybe_moment('updated_at') or started_at
        return cls(
            name=fields.text('action'),
            request_id=fields.text('request_id'),
            started_at=started_at,
            user_id=fields.maybe_text('user_id'),
            quiet=(now - written_at).total_seconds(),
            failed=fields.maybe_text('message') == 'Error',
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """A port of an instance, as Neutron tells Nova (os-interface)."""

    uuid: str
    state: str

    @property
    def is_active(self) -> bool:
        return self.state == 'ACTIVE'

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            uuid=fields.text('port_id'), state=fields.text('port_state')
        )


@dataclasses.dataclass(frozen=True, slots=True)
class NetworkAgent:
    """An agent of Neutron on a host.

    :ivar alive: Neutron has heard it lately, and somebody wants it to work
    :ivar heartbeat: when Neutron last heard it, by its own clock
    """

    type: str
    alive: bool
    heartbeat: str

    @classmethod
    def read(cls, call: str, record: object) -> Self:
        fields = Record(call, record)
        return cls(
            type=fields.text('agent_type'),
            alive=fields.flag('alive') and fields.flag('admin_state_up'),
            heartbeat=str(fields.anything('heartbeat_timestamp')),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Versions:
    """The microversions that Nova offers, as (major, minor)."""

    lowest: tuple[int, int]
    highest: tuple[int, int]
