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

"""What happens in the simulated Nova with time: conductor and computes.

An evacuation goes accepted → pre-migrating → done, and completed when the
source's nova-compute starts (conductor/manager.py, compute/manager.py).
"""

from hass.simulation import nova_host
from hass.simulation import nova_rows as rows
from hass.simulation import nova_store

AGENT_SECONDS = 10.0
"""From one report of a network agent to the next."""
NO_VIF = 'Failure running os_vif plugin plug method.'
NO_VALID_HOST = (
    'No valid host was found. There are not enough hosts available.'
)


class Work:
    """Lets everything happen that is due."""

    def __init__(self, store: nova_store.Store) -> None:
        self._store = store

    def advance(self) -> None:
        """Let everything happen that is due."""
        with self._store.lock:
            for compute in self._store.computes.values():
                if compute.host.nova_compute_running:
                    self._run(compute)
                if compute.host.os_running:
                    self._hear_agents(compute)
            self._store.evacuations = [
                one for one in self._store.evacuations if self._goes_on(one)
            ]

    def _run(self, compute: rows.Compute) -> None:
        now = self._store.clock.monotonic()
        if compute.host.nova_compute_starts != compute.starts:
            compute.starts = compute.host.nova_compute_starts
            compute.seen_up = float('-inf')
            self._clean_up_after_start(compute.host)
            compute.provider.disable(compute.disabled)
        if now - compute.seen_up >= self._store.pace.report_interval:
            compute.seen_up = now
            compute.updated_at = self._store.clock.now()
        # At its start before its first report (compute/manager.py,
        # pre_start_hook), and periodically.
        if compute.devices.inventory != compute.host.devices:
            compute.devices.inventory = dict(compute.host.devices)
        waiting, compute.told_to_start = compute.told_to_start, []
        for server in waiting:
            if server.task_state == 'powering-on':
                self._boot(compute.host, server)
            else:
                compute.host.start_guest(server.uuid)
        doomed, compute.told_to_delete = compute.told_to_delete, []
        for server in doomed:
            # Its record goes, wherever it has come to run meanwhile.
            compute.host.remove_guest(server.uuid)
            server.deleted = True
            self._store.touch(server, vm_state='deleted', task_state=None)
        for server in self._store.servers_on(compute.host.name):
            self._go_on(compute.host, server)

    def _hear_agents(self, compute: rows.Compute) -> None:
        """Each agent of Neutron that works reports now and then."""
        now = self._store.clock.monotonic()
        for agent in compute.agents:
            if agent.works and now - agent.heard_at >= AGENT_SECONDS:
                agent.heard_at = now

    def _go_on(
        self, host: nova_host.SimulatedHost, server: rows.Server
    ) -> None:
        """Carry out what the API has asked the nova-compute for."""
        match server.task_state:
            case 'powering-off':
                host.stop_guest(server.uuid)
                self._store.runs(server, False)
            case 'deleting':
                self._store.delete(server.uuid)
            case 'rebooting_hard' if self._store.lacks(server):
                # It asks for attachments first, and the server stays active
                # (compute/manager.py, _delete_dangling_bdms).
                self._store.ended(server, failed=True)
                self._store.touch(server, task_state=None)
            case 'rebooting_hard':
                host.stop_guest(server.uuid)
                self._boot(host, server)
            case 'migrating':
                self._move_live(host, server)
            case 'resize_prep':
                self._move(host, server)
            case None:
                self._notice(host, server)

    def _boot(
        self, host: nova_host.SimulatedHost, server: rows.Server
    ) -> None:
        if host.start_guest(server.uuid):
            self._store.runs(server, True)
        else:
            self._store.ended(server, failed=True)
            self._store.touch(server, vm_state='error', task_state=None)

    def _notice(
        self, host: nova_host.SimulatedHost, server: rows.Server
    ) -> None:
        """A guest that ended by itself is stopped by its API, as it is.

        It is Nova that asks for that, and no user
        (compute/manager.py, _sync_instance_power_state).
        """
        fell = host.fallen.get(server.uuid)
        if fell is None or server.vm_state != 'active':
            return
        late = self._store.clock.monotonic() - fell
        if late >= self._store.pace.notice_lifecycle:
            self._store.acted(server, 'stop', None)
            self._store.runs(server, False)

    def _move(
        self, host: nova_host.SimulatedHost, server: rows.Server
    ) -> None:
        """Stop it here, boot it there if it was active."""
        migration = next(
            one
            for one in reversed(self._store.migrations)
            if one.instance_uuid == server.uuid
        )
        fitting = [
            one
            for one in self._store.computes.values()
            if self._takes(one, server)
            and one.host.nova_compute_running
            and migration.destination in (None, one.host.name)
        ]
        self._store.ended(server)
        if self._store.no_valid_host or not fitting:
            self._store.turn(migration, 'error')
            self._store.touch(server, task_state=None)
            return
        there = fitting[0].host
        host.remove_guest(server.uuid)
        server.host = migration.destination = there.name
        if server.vm_state == 'active':
            there.start_guest(server.uuid)
        server.stopped = server.vm_state == 'stopped'
        self._store.turn(migration, 'finished')
        self._store.touch(server, vm_state='resized', task_state=None)

    def _move_live(
        self, host: nova_host.SimulatedHost, server: rows.Server
    ) -> None:
        """The guest is there or here, and never at both."""
        running = (
            one
            for one in reversed(self._store.migrations)
            if one.instance_uuid == server.uuid
            and one.type == 'live-migration'
            and one.status == 'running'
        )
        migration = next(running, None)
        if migration is None:
            return  # A test that plays user actions moves it itself.
        there = self._store.computes[migration.destination or ''].host
        began = migration.created_at
        passed = (self._store.clock.now() - began).total_seconds()
        if not there.nova_compute_running or server.uuid not in host.guests:
            self._store.ended(server, failed=True)
            self._store.turn(migration, 'error')
            self._store.touch(server, task_state=None)
        elif passed >= self._store.pace.moving or passed < 0:
            host.remove_guest(server.uuid)
            there.start_guest(server.uuid)
            server.host = there.name
            self._store.turn(migration, 'completed')
            self._store.runs(server, True)

    def _clean_up_after_start(self, host: nova_host.SimulatedHost) -> None:
        """As init_host does: of each instance the newest record only.

        What is left stays ACTIVE without a guest: Nova looks at power
        states only every sync_power_state_interval.
        """
        newest = {
            one.instance_uuid: one
            for one in self._store.evacuations_off(host.name)
            if one.status in ('accepted', 'pre-migrating', 'done')
        }
        for migration in newest.values():
            host.remove_guest(migration.instance_uuid)
            self._store.turn(migration, 'completed')
        for server in self._store.servers_on(host.name):
            self._start_anew(server)

    def _start_anew(self, server: rows.Server) -> None:
        """What _init_instance makes of a server that is there."""
        if server.fails_at_start:
            server.fails_at_start = False
            server.fault = NO_VIF
            self._store.touch(server, vm_state='error', task_state=None)
        elif server.task_state == 'migrating':
            # The live migration did not complete: it stays here.
            self._store.touch(server, task_state=None)
            for migration in self._store.migrations:
                if (
                    migration.instance_uuid == server.uuid
                    and migration.status == 'running'
                ):
                    self._store.turn(migration, 'error')

    def _goes_on(self, evacuation: rows.Evacuation) -> bool:
        """Take one step if it is due; False: nobody works on it any more."""
        due = self._store.clock.monotonic() >= evacuation.due
        match evacuation.stage:
            case rows.Stage.SCHEDULING:
                return not due or self._schedule(evacuation)
            case rows.Stage.QUEUED:
                return self._claim(evacuation)
            case rows.Stage.SPAWNING:
                compute = self._store.computes[evacuation.destination]
                if compute.starts != evacuation.starts:
                    return False
                if not compute.host.is_on:
                    return False
                if not due or not compute.host.nova_compute_running:
                    return True
                self._spawn(evacuation, compute.host)
                return False

    def _schedule(self, evacuation: rows.Evacuation) -> bool:
        """As the conductor does: no second choice, and ERROR without one.

        It works under the oldest record of the instance that still waits,
        whichever call that was made for (conductor/manager.py,
        rebuild_instance).
        """
        asked = evacuation.migration.destination
        evacuation.migration = min(
            (
                one
                for one in self._store.migrations
                if one.instance_uuid == evacuation.server.uuid
                and one.status == 'accepted'
            ),
            key=lambda one: one.id,
            default=evacuation.migration,
        )
        fitting = [
            one
            for one in self._store.computes.values()
            if self._takes(one, evacuation.server)
            and asked in (None, one.host.name)
        ]
        if self._store.no_valid_host or not fitting:
            self._store.turn(evacuation.migration, 'error')
            evacuation.server.fault = NO_VALID_HOST
            self._store.touch(
                evacuation.server, vm_state='error', task_state=None
            )
            return False
        best = min(
            fitting, key=lambda one: len(self._store.servers_on(one.host.name))
        )
        evacuation.destination = best.host.name
        evacuation.stage = rows.Stage.QUEUED
        return True

    def _takes(self, compute: rows.Compute, server: rows.Server) -> bool:
        name = compute.host.name
        return (
            name != server.host
            and self._store.is_up(compute)
            and not compute.disabled
            and rows.DISABLED not in compute.provider.traits
            and len(self._store.servers_on(name)) < compute.capacity
        )

    def _claim(self, evacuation: rows.Evacuation) -> bool:
        compute = self._store.computes[evacuation.destination]
        if not compute.host.nova_compute_running:
            return True
        migration, server = evacuation.migration, evacuation.server
        migration.destination = compute.host.name
        migration.destination_node = compute.host.name
        if server.deleted or server.task_state != 'rebuilding':
            self._store.turn(migration, 'failed')
            return False
        self._store.turn(migration, 'pre-migrating')
        self._store.touch(server, task_state='rebuild_spawning')
        evacuation.vm_state = server.vm_state
        evacuation.starts = compute.starts
        evacuation.due = (
            self._store.clock.monotonic() + self._store.pace.spawning
        )
        evacuation.stage = rows.Stage.SPAWNING
        return True

    def _spawn(
        self, evacuation: rows.Evacuation, host: nova_host.SimulatedHost
    ) -> None:
        """Boot the guest; a stopped one is booted and then cut."""
        server = evacuation.server
        lacking = self._store.lacks(server)
        if lacking:
            server.fault = lacking
            self._store.turn(evacuation.migration, 'failed')
            self._store.touch(server, vm_state='error', task_state=None)
            return
        if not host.start_guest(server.uuid):
            return
        if server.deleted or server.task_state != 'rebuild_spawning':
            # Somebody touched it meanwhile; the guest is left behind.
            self._store.turn(evacuation.migration, 'failed')
            return
        stops = evacuation.stops or evacuation.vm_state == 'stopped'
        if stops:
            host.stop_guest(server.uuid)
        server.host = host.name
        self._store.runs(server, not stops)
        self._store.turn(evacuation.migration, 'done')
