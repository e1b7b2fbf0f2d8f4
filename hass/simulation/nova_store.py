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

"""The simulated Nova's database, and the clock that stamps it."""

from collections.abc import Iterable
import datetime
import threading
import uuid

from hass import clock as hass_clock
from hass.simulation import nova_host
from hass.simulation import nova_rows as rows


class Store:
    """Rows under one lock, which every writer holds."""

    def __init__(
        self,
        hosts: Iterable[nova_host.SimulatedHost],
        clock: hass_clock.Clock,
        pace: rows.Pace | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.pace = pace or rows.Pace()
        self.no_valid_host = False
        self.cinder_is_up = True
        self.neutron_is_up = True
        self.glance_is_up = True
        self.keystone_is_up = True
        self.computes: dict[str, rows.Compute] = {}
        self.servers: dict[str, rows.Server] = {}
        self.migrations: list[rows.Migration] = []
        self.actions: list[rows.Action] = []
        self.evacuations: list[rows.Evacuation] = []
        self.daemons = [
            rows.Daemon(binary='nova-conductor'),
            rows.Daemon(binary='nova-scheduler'),
        ]
        self.aggregates: dict[str, set[str]] = {}
        self.clock = clock
        for host in hosts:
            self.computes[host.name] = rows.Compute(
                uuid=str(uuid.uuid4()),
                host=host,
                seen_up=float('-inf'),
                updated_at=clock.now(),
            )

    def lacks(self, server: rows.Server) -> str:
        """What a hypervisor says that cannot start it; '' when it can."""
        away = {
            'network': not self.neutron_is_up,
            'block storage': server.has_volumes and not self.cinder_is_up,
            'image': server.needs_image and not self.glance_is_up,
        }
        missing = next((name for name, lost in away.items() if lost), '')
        if not missing:
            return ''
        return f'Unable to establish connection to the {missing} endpoint.'

    # What an operator of the simulation does.

    def boot(
        self, name: str, host: str, *, image_backed: bool = False
    ) -> rows.Server:
        """A new server that runs on the host at once."""
        with self.lock:
            now = self.clock.now()
            server = rows.Server(
                uuid=str(uuid.uuid4()),
                name=name,
                project_id='demo',
                host=host,
                created_at=now,
                updated_at=now,
                launched_at=now,
                image_backed=image_backed,
            )
            self.servers[server.uuid] = server
            self.computes[host].host.start_guest(server.uuid)
            return server

    def delete(self, instance: str) -> None:
        """Delete a server, as its user may do at any moment."""
        with self.lock:
            server = self.show(instance)
            if server.host:
                self.computes[server.host].host.remove_guest(instance)
            server.deleted = True
            self.touch(server, vm_state='deleted', task_state=None)

    def record(
        self,
        server: rows.Server,
        type: str,
        status: str,
        destination: str | None = None,
    ) -> rows.Migration:
        """A new migration record off the server's host."""
        with self.lock:
            migration = rows.Migration(
                uuid=str(uuid.uuid4()),
                id=len(self.migrations) + 1,
                instance_uuid=server.uuid,
                source=server.host or '',
                destination=destination,
                type=type,
                status=status,
                created_at=self.clock.now(),
            )
            self.migrations.append(migration)
            return migration

    def is_up(self, compute: rows.Compute) -> bool:
        """Whether Nova believes it up: forced_down, then the last report."""
        age = self.clock.monotonic() - compute.seen_up
        return not compute.forced_down and age <= self.pace.service_down_time

    def is_alive(self, agent: rows.NetworkAgent) -> bool:
        """Whether Neutron believes one of its agents alive."""
        age = self.clock.monotonic() - agent.heard_at
        return age <= self.pace.agent_down_time

    def show(self, instance: str) -> rows.Server:
        server = self.servers.get(instance)
        if server is None or server.deleted:
            raise rows.Refused(404, f'Instance {instance} could not be found.')
        return server

    def evacuations_off(self, host: str) -> list[rows.Migration]:
        return [
            one
            for one in self.migrations
            if one.type == 'evacuation' and one.source == host
        ]

    def with_room(self) -> list[rows.Compute]:
        """Whose provider has room for one more, by Placement's count."""
        return [
            one
            for one in self.computes.values()
            if len(self.servers_on(one.host.name)) < one.capacity
        ]

    def servers_on(self, host: str) -> list[rows.Server]:
        return [
            one
            for one in self.servers.values()
            if one.host == host and not one.deleted
        ]

    # Rows change their updated_at with everything else.

    def runs(self, server: rows.Server, runs: bool) -> None:
        server.power_state = 1 if runs else 4
        self.ended(server)
        self.touch(
            server,
            vm_state='active' if runs else 'stopped',
            task_state=None,
        )

    def touch(
        self,
        server: rows.Server,
        *,
        task_state: str | None,
        vm_state: str | None = None,
    ) -> None:
        server.task_state = task_state
        server.vm_state = vm_state or server.vm_state
        server.updated_at = self.clock.now()

    def turn(self, migration: rows.Migration, status: str) -> None:
        migration.status = status
        migration.updated_at = self.clock.now()

    def acted(
        self, server: rows.Server, name: str, user: str | None = 'demo'
    ) -> rows.Action:
        """Somebody asked for something; ``user`` None: Nova itself."""
        now = self.clock.now()
        action = rows.Action(
            instance_uuid=server.uuid,
            name=name,
            request_id=f'req-{uuid.uuid4()}',
            started_at=now,
            updated_at=now,
            user_id=user,
        )
        self.actions.append(action)
        return action

    def ended(self, server: rows.Server, *, failed: bool = False) -> None:
        """What was asked of it last is done."""
        for action in reversed(self.actions):
            if action.instance_uuid == server.uuid:
                action.updated_at = self.clock.now()
                action.failed = failed
                return

    def changed_since(
        self, moment: datetime.datetime | None
    ) -> list[rows.Server]:
        """All servers, newest first; deleted ones only with a moment."""
        found = [
            one
            for one in self.servers.values()
            if (moment is None and not one.deleted)
            or (moment is not None and one.updated_at >= moment)
        ]
        return sorted(found, key=lambda one: one.created_at, reverse=True)
