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

"""The simulated Nova without HTTP."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import datetime

from hass import clock as clock_
from hass import exception
from hass import nova
from hass.nova import answering
from hass.nova import compute as nova_compute
from hass.nova import proofs
from hass.nova import records
from hass.simulation import nova_cloud
from hass.simulation import nova_rows


class Compute(nova.Compute):
    """The simulated Nova without HTTP; it may answer 500 or time out.

    :ivar failing: what is raised instead of an answer
    :ivar placement_failing: the same for Placement alone
    :ivar loses_answers: an evacuation takes effect, its answer is lost
    :ivar drops_evacuations: how many more calls never reach Nova
    :ivar keeps_evacuations: how many more calls stay in a worker of nova-api
        that stands still, and for how many seconds
    :ivar stalls_evacuations: how many more stay in a worker that has seen
        that the source is down, and has not written anything
    :ivar stalled: the rest of each such call
    """

    def __init__(self, cloud: nova_cloud.Cloud, clock: clock_.Clock) -> None:
        self._cloud = cloud
        self._clock = clock
        self._answering = answering.Answering(clock)
        self.failing: exception.NovaError | None = None
        self.placement_failing: exception.NovaError | None = None
        self.loses_answers = False
        self.drops_evacuations = 0
        self.keeps_evacuations: tuple[int, float] = (0, 0.0)
        self._kept: list[tuple[float, str, str | None]] = []
        self.stalls_evacuations = 0
        self.stalled: list[Callable[[], None]] = []
        self.calls: list[str] = []

    @contextlib.contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        with self._answering.request():
            if self.failing is not None:
                raise self.failing
            if not self._cloud.keystone_is_up:
                raise exception.NovaFailed(name, '503')
        self._cloud.advance()
        try:
            yield
        except nova_rows.Refused as refused:
            raise exception.NovaRefused(
                name, refused.status, refused.message
            ) from None

    def answers_since(self, seconds: float) -> answering.Answers:
        return self._answering.since(seconds)

    def check_versions(self) -> records.Versions:
        return records.Versions((2, 1), (2, 100))

    def services(self) -> list[records.Service]:
        with self._call('list services'):
            return [
                self._service(one) for one in self._cloud.computes.values()
            ]

    def service(self, host: str) -> records.Service | None:
        with self._call('show service'):
            return self._service(self._cloud.computes[host])

    def _service(self, row: nova_rows.Compute) -> records.Service:
        return records.Service(
            uuid=row.uuid,
            host=row.host.name,
            status='disabled' if row.disabled else 'enabled',
            state='up' if self._cloud.is_up(row) else 'down',
            forced_down=row.forced_down,
            disabled_reason=row.disabled_reason,
            updated_at=row.updated_at,
            zone=row.zone,
        )

    def daemons(self) -> list[records.Daemon]:
        with self._call('list daemons'):
            return [
                records.Daemon(
                    one.binary, one.host, 'up' if one.up else 'down'
                )
                for one in self._cloud.daemons
            ]

    def aggregates(self) -> list[records.Aggregate]:
        with self._call('list aggregates'):
            return [
                records.Aggregate(name, tuple(sorted(hosts)))
                for name, hosts in self._cloud.aggregates.items()
            ]

    def check_placement(self) -> None:
        with self._call('ask Placement'):
            if self.placement_failing is not None:
                raise self.placement_failing

    def check_beside(self, service: nova.Beside) -> None:
        is_up = {
            nova.Beside.KEYSTONE: self._cloud.keystone_is_up,
            nova.Beside.NEUTRON: self._cloud.neutron_is_up,
            nova.Beside.CINDER: self._cloud.cinder_is_up,
            nova.Beside.GLANCE: self._cloud.glance_is_up,
        }[service]
        self.calls.append(f'ask {service}')
        if not is_up:
            raise exception.NovaFailed(f'ask {service}', '503')

    def open_providers(self, host: str) -> list[str]:
        self.check_placement()
        provider = self._cloud.computes[host].provider
        closed = nova_rows.DISABLED in provider.traits
        return [] if closed else [provider.uuid]

    def inventory(self, host: str) -> dict[str, int]:
        self.check_placement()
        row = self._cloud.computes[host]
        return row.provider.inventory | row.devices.inventory

    def network_agents(self, host: str) -> list[records.NetworkAgent]:
        with self._call('list network agents'):
            if not self._cloud.neutron_is_up:
                raise exception.NovaFailed('ask Neutron', '500')
            return [
                records.NetworkAgent(
                    one.type, self._cloud.is_alive(one), str(one.heard_at)
                )
                for one in self._cloud.computes[host].agents
            ]

    def places(self, server: records.Server) -> list[str]:
        self.check_placement()
        return [one.host.name for one in self._cloud.with_room()]

    def stop_placements(
        self, provider: str, deadline: clock_.Deadline
    ) -> None:
        self._place(provider, True, deadline)

    def allow_placements(
        self, provider: str, deadline: clock_.Deadline
    ) -> None:
        self._place(provider, False, deadline)

    def _place(
        self, provider: str, disabled: bool, deadline: clock_.Deadline
    ) -> None:
        deadline.check()
        self.check_placement()
        for compute in self._cloud.computes.values():
            if compute.provider.uuid == provider:
                compute.provider.disable(disabled)

    def _update(
        self,
        service: records.Service,
        change: dict[str, object],
        deadline: clock_.Deadline,
    ) -> records.Service:
        deadline.check()
        with self._call('update service'):
            if change:
                self._cloud.update_service(service.uuid, change)
        return self._service(self._cloud.computes[service.host])

    def force_down(
        self,
        service: records.Service,
        recovery: str,
        deadline: clock_.Deadline,
    ) -> records.Service:
        change: dict[str, object] = {}
        if service.status == 'enabled':
            change['status'] = 'disabled'
            change['disabled_reason'] = nova.mark(recovery)
        if not service.forced_down:
            change['forced_down'] = True
        return self._update(service, change, deadline)

    def unforce(
        self, service: records.Service, deadline: clock_.Deadline
    ) -> records.Service:
        return self._update(service, {'forced_down': False}, deadline)

    def disable(
        self,
        service: records.Service,
        recovery: str,
        deadline: clock_.Deadline,
    ) -> records.Service:
        change: dict[str, object] = {}
        if service.status == 'enabled':
            change = {
                'status': 'disabled',
                'disabled_reason': nova.mark(recovery),
            }
        return self._update(service, change, deadline)

    def enable(
        self,
        service: records.Service,
        recovery: str,
        deadline: clock_.Deadline,
    ) -> records.Service:
        ours = service.disabled_reason == nova.mark(recovery)
        change: dict[str, object] = {'status': 'enabled'} if ours else {}
        return self._update(service, change, deadline)

    def keep_disabled(
        self,
        service: records.Service,
        recovery: str,
        reason: str,
        deadline: clock_.Deadline,
    ) -> records.Service:
        now = self.service(service.host)
        if now is None or now.disabled_reason != nova.mark(recovery):
            return now or service
        return self._update(
            now, {'status': 'disabled', 'disabled_reason': reason}, deadline
        )

    def _servers(
        self, wanted: Callable[[nova_rows.Server], bool]
    ) -> list[records.Server]:
        return [
            records.Server(
                uuid=row.uuid,
                name=row.name,
                project_id=row.project_id,
                host=row.host,
                status=row.vm_state.upper(),
                vm_state=row.vm_state,
                task_state=row.task_state,
                power_state=row.power_state,
                locked=row.locked,
                locked_reason=None,
                image_backed=row.image_backed,
                launched=row.launched_at is not None,
                metadata=dict(row.metadata),
                ephemeral_gb=row.ephemeral_gb,
                flavor=records.Flavor(vcpus=1, ram=2048, disk=20),
                fault=row.fault if row.vm_state == 'error' else '',
                has_volumes=row.has_volumes,
            )
            for row in self._cloud.servers.values()
            if wanted(row)
        ]

    def servers_on(self, host: str) -> list[records.Server]:
        with self._call('list servers'):
            return self._servers(
                lambda row: row.host == host and not row.deleted
            )

    def servers_changed_since(self, moment: object) -> list[records.Server]:
        with self._call('list servers'):
            return self._servers(lambda row: True)

    def server(self, uuid: str) -> records.Server | None:
        with self._call('show server'):
            return next(
                iter(self._servers(lambda row: row.uuid == uuid)), None
            )

    def _migrations(
        self, wanted: Callable[[nova_rows.Migration], bool]
    ) -> list[records.Migration]:
        return [
            records.Migration(
                uuid=row.uuid,
                id=row.id,
                instance_uuid=row.instance_uuid,
                source=row.source,
                destination=row.destination,
                destination_node=row.destination_node,
                status=row.status,
                type=row.type,
                created_at=row.created_at,
                updated_at=row.updated_at,
                quiet=(
                    self._clock.now() - (row.updated_at or row.created_at)
                ).total_seconds(),
            )
            for row in reversed(self._cloud.migrations)
            if wanted(row)
        ]

    def migrations(
        self,
        source: str | None = None,
        since: datetime.datetime | None = None,
        kind: str | None = 'evacuation',
        status: str | None = None,
    ) -> list[records.Migration]:
        with self._call('list migrations'):
            return self._migrations(
                lambda row: (
                    source in (None, row.source)
                    and kind in (None, row.type)
                    and status in (None, row.status)
                    and (since is None or row.created_at >= since)
                )
            )

    def migrations_of(self, instance: str) -> list[records.Migration]:
        with self._call('list migrations'):
            return self._migrations(lambda row: row.instance_uuid == instance)

    def actions_of(
        self, instance: str, since: datetime.datetime | None = None
    ) -> list[records.Action]:
        with self._call('list actions'):
            return [
                records.Action(
                    row.name,
                    row.request_id,
                    row.started_at,
                    row.user_id,
                    (self._clock.now() - row.updated_at).total_seconds(),
                    row.failed,
                )
                for row in reversed(self._cloud.actions)
                if row.instance_uuid == instance
                and (since is None or row.started_at >= since)
            ]

    def evacuate(
        self,
        server: records.Server,
        proven: Mapping[str, nova.Proof],
        needed: frozenset[str],
        target: str | None,
        deadline: clock_.Deadline,
        sending: Callable[[], None] = nova_compute.nothing,
    ) -> None:
        deadline.check()
        proofs.check(
            server,
            needed | {server.host or ''},
            proven,
            self._clock.monotonic(),
        )
        sending()
        if self.drops_evacuations:
            self.drops_evacuations -= 1
            raise exception.NovaUnreachable('evacuate', 'read timed out')
        number, seconds = self.keeps_evacuations
        if number:
            self.keeps_evacuations = (number - 1, seconds)
            due = self._clock.monotonic() + seconds
            self._kept.append((due, server.uuid, target))
            raise exception.NovaUnreachable('evacuate', 'read timed out')
        if self.stalls_evacuations:
            self.stalls_evacuations -= 1
            with self._call('evacuate'):
                self._cloud.check_evacuation(server.uuid, target)
            self.stalled.append(
                lambda: self._cloud.take_evacuation(server.uuid, target, False)
            )
            raise exception.NovaUnreachable('evacuate', 'read timed out')
        with self._call('evacuate'):
            self._cloud.evacuate(server.uuid, target, False)
        if self.loses_answers:
            raise exception.NovaUnreachable('evacuate', 'read timed out')

    def carry_out_late(self) -> None:
        """Let the worker go on with what it has kept for long enough."""
        for call in list(self._kept):
            due, instance, target = call
            if due <= self._clock.monotonic():
                self._kept.remove(call)
                with contextlib.suppress(nova_rows.Refused):
                    self._cloud.evacuate(instance, target, False)

    def _act(self, deadline: clock_.Deadline, act: Callable[[], None]) -> None:
        deadline.check()
        with self._call('act'):
            act()

    def start(self, server: records.Server, deadline: clock_.Deadline) -> None:
        self._act(deadline, lambda: self._cloud.start(server.uuid))

    def stop(self, server: records.Server, deadline: clock_.Deadline) -> None:
        self._act(deadline, lambda: self._cloud.stop(server.uuid))

    def hard_reboot(
        self, server: records.Server, deadline: clock_.Deadline
    ) -> None:
        self._act(deadline, lambda: self._cloud.hard_reboot(server.uuid))

    def migrate(
        self,
        server: records.Server,
        target: str | None,
        deadline: clock_.Deadline,
    ) -> None:
        self._act(deadline, lambda: self._cloud.migrate(server.uuid, target))

    def confirm_resize(
        self, server: records.Server, deadline: clock_.Deadline
    ) -> None:
        self._act(deadline, lambda: self._cloud.confirm_resize(server.uuid))

    def delete(
        self, server: records.Server, deadline: clock_.Deadline
    ) -> None:
        self._act(deadline, lambda: self._cloud.ask_to_delete(server.uuid))

    def ports(self, instance: str) -> list[records.Port]:
        with self._call('list ports'):
            row = self._cloud.show(instance)
            if not self._cloud.neutron_is_up:
                raise exception.NovaFailed('ask Neutron', '500')
            return [records.Port(f'port-of-{row.uuid}', row.port_state)]

    def reset_state(
        self, server: records.Server, state: str, deadline: clock_.Deadline
    ) -> None:
        self._act(
            deadline, lambda: self._cloud.reset_state(server.uuid, state)
        )
