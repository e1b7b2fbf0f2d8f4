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

"""The simulated Nova's judgement: what it accepts and what it refuses.

The rules are those of Nova 34 (compute/api.py, api/openstack/compute,
servicegroup/api.py); nova_work.py lets what was accepted happen.
"""

from collections.abc import Iterable

from hass import clock as hass_clock
from hass.simulation import nova_host
from hass.simulation import nova_rows as rows
from hass.simulation import nova_store
from hass.simulation import nova_work
from hass_oracle import ledger as oracle

EVACUABLE = ('active', 'stopped', 'error')
REBOOTABLE = ('active', 'stopped', 'paused', 'suspended', 'error')


class Cloud(nova_store.Store):
    """Hosts, their services, servers and migrations, and Nova's rules.

    Nothing moves by itself: advance() is called by the API for each
    request and by its ticker, or by a test that turns the clock.
    """

    def __init__(
        self,
        hosts: Iterable[nova_host.SimulatedHost],
        ledger: oracle.Ledger,
        clock: hass_clock.Clock,
        pace: rows.Pace | None = None,
    ) -> None:
        super().__init__(hosts, clock, pace)
        self._ledger = ledger
        self._work = nova_work.Work(self)

    def advance(self) -> None:
        """Let everything happen that is due."""
        self._work.advance()

    # What the API asks. All raise Refused as Nova would answer.

    def update_service(self, service: str, change: dict[str, object]) -> bool:
        """PUT /os-services/{uuid}.

        :returns: whether Nova calls the nova-compute by RPC now, and
            nobody there takes the call
        """
        compute = self.compute(service)
        if change.get('forced_down') is False:
            self._check_for_evacuations(compute.host.name)
        before = (compute.disabled, compute.disabled_reason)
        forced = compute.forced_down
        if 'status' in change:
            compute.disabled = change['status'] == 'disabled'
            reason = change.get('disabled_reason')
            compute.disabled_reason = str(reason) if reason else None
        if 'forced_down' in change:
            compute.forced_down = bool(change['forced_down'])
        after = (compute.disabled, compute.disabled_reason)
        if before == after and forced == compute.forced_down:
            raise rows.Refused(
                400,
                "No updates were requested. Fields 'status' or "
                "'forced_down' should be specified.",
            )
        compute.updated_at = self.clock.now()
        if before[0] != compute.disabled and compute.host.nova_compute_running:
            compute.provider.disable(compute.disabled)
        return (
            before[0] != after[0]
            and self.is_up(compute)
            and not compute.host.nova_compute_running
        )

    def delete(self, instance: str) -> None:
        """As its user may do at any moment.

        While Nova believes the host up it is the host that deletes: the
        message waits in its queue (compute/api.py, _delete).
        """
        server = self.show(instance)
        host = server.host or ''
        self._ledger.append(oracle.Kind.DELETE, host, server.uuid)
        compute = self.computes.get(host)
        if compute is None or compute.host.nova_compute_running:
            super().delete(instance)
        elif self.is_up(compute):
            self.acted(server, 'delete')
            self.touch(server, task_state='deleting')
            compute.told_to_delete.append(server)
        else:
            super().delete(instance)

    def compute(self, service: str) -> rows.Compute:
        for compute in self.computes.values():
            if compute.uuid == service:
                return compute
        raise rows.Refused(404, f'Service {service} could not be found.')

    def _check_for_evacuations(self, host: str) -> None:
        if any(one.status == 'done' for one in self.evacuations_off(host)):
            raise rows.Refused(
                400,
                f'Unable to force up host {host} as `done` evacuation '
                'migration records remain associated with the host.',
            )

    def evacuate(self, instance: str, target: str | None, stops: bool) -> None:
        """Accept an evacuation, or refuse it as Nova does.

        :param stops: from 2.95 on: leave it stopped afterwards
        """
        self.check_evacuation(instance, target)
        self.take_evacuation(instance, target, stops)

    def check_evacuation(self, instance: str, target: str | None) -> None:
        """What nova-api looks at before it writes anything."""
        server = self.show(instance)
        if target is not None and target not in self.computes:
            raise rows.Refused(404, f'Compute host {target} not found.')
        if server.host == target:
            raise rows.Refused(400, "The target host can't be the same one.")
        self._must_be(server, EVACUABLE, 'evacuate')
        if server.launched_at is None:
            raise rows.Refused(
                409, f"Cannot 'evacuate' instance {instance}: never launched"
            )
        source = self.computes[server.host or '']
        if self.is_up(source):
            raise rows.Refused(
                400, f'Compute service of {server.host} is still in use.'
            )
        self._ledger.append(
            oracle.Kind.EVACUATE, source.host.name, server.uuid
        )

    def take_evacuation(
        self, instance: str, target: str | None, stops: bool
    ) -> None:
        """What it writes then, whatever has become of the instance since.

        Its save expects no task_state, and reads the host that the instance
        is on now (compute/api.py, evacuate).
        """
        server = self.show(instance)
        self.touch(server, task_state='rebuilding')
        self.acted(server, 'evacuate')
        self.evacuations.append(
            rows.Evacuation(
                server=server,
                migration=self.record(
                    server, 'evacuation', 'accepted', target
                ),
                stops=stops and server.vm_state != 'error',
                due=self.clock.monotonic() + self.pace.scheduling,
            )
        )

    def start(self, instance: str) -> None:
        """os-start; a nova-compute that does not run takes it later.

        It boots what it was told to, whatever became of that meanwhile
        (compute/manager.py, start_instance).
        """
        server = self.show(instance)
        self._must_be(server, ('stopped',), 'start')
        self.acted(server, 'start')
        self.touch(server, task_state='powering-on')
        self.computes[server.host or ''].told_to_start.append(server)

    def stop(self, instance: str) -> None:
        """os-stop; likewise."""
        server = self.show(instance)
        self._must_be(server, ('active', 'error'), 'stop')
        self.acted(server, 'stop')
        self.touch(server, task_state='powering-off')

    def hard_reboot(self, instance: str) -> None:
        """reboot of type HARD; likewise."""
        server = self.show(instance)
        self._must_be(server, REBOOTABLE, 'reboot')
        if server.task_state != 'rebooting_hard':
            self._must_be_idle(server, 'reboot')
        self.acted(server, 'reboot')
        self.touch(server, task_state='rebooting_hard')

    def migrate(self, instance: str, target: str | None) -> None:
        """migrate: a move to another host, its guest stopped meanwhile."""
        server = self.show(instance)
        self._must_be(server, ('active', 'stopped'), 'migrate')
        self._must_be_idle(server, 'migrate')
        if target is not None and target not in self.computes:
            raise rows.Refused(400, f'Compute host {target} not found.')
        if not self.is_up(self.computes[server.host or '']):
            raise rows.Refused(409, 'Service is unavailable at this time.')
        self.acted(server, 'migrate')
        self.record(server, 'migration', 'migrating', target)
        self.touch(server, task_state='resize_prep')

    def live_migrate(self, instance: str, target: str) -> None:
        """os-migrateLive, by an operator."""
        server = self.show(instance)
        self._must_be(server, ('active',), 'os-migrateLive')
        self._must_be_idle(server, 'os-migrateLive')
        if not self.is_up(self.computes[server.host or '']):
            raise rows.Refused(400, 'Compute service is unavailable now.')
        there = self.computes.get(target)
        if there is None or target == server.host or not self.is_up(there):
            raise rows.Refused(400, 'No valid host was found.')
        self.acted(server, 'live-migration')
        self.record(server, 'live-migration', 'running', target)
        self.touch(server, task_state='migrating')

    def confirm_resize(self, instance: str) -> None:
        """confirmResize."""
        server = self.show(instance)
        self._must_be(server, ('resized',), 'confirmResize')
        self.acted(server, 'confirmResize')
        for migration in self.migrations:
            if migration.instance_uuid == instance:
                if migration.status == 'finished':
                    self.turn(migration, 'confirmed')
        state = 'stopped' if server.stopped else 'active'
        self.touch(server, vm_state=state, task_state=None)

    def ask_to_delete(self, instance: str) -> None:
        """DELETE: by the nova-compute, or without one that is down.

        What Nova believes up is told, and takes it when it runs again.
        """
        server = self.show(instance)
        compute = self.computes.get(server.host or '')
        if compute is None or not self.is_up(compute):
            self.acted(server, 'delete')
            server.deleted = True
            self.touch(server, vm_state='deleted', task_state=None)
        elif server.task_state != 'deleting':
            self.acted(server, 'delete')
            self.touch(server, task_state='deleting')

    def pause(self, instance: str) -> None:
        """pause."""
        server = self.show(instance)
        self._must_be(server, ('active',), 'pause')
        self._must_be_idle(server, 'pause')
        self.acted(server, 'pause')
        self.touch(server, vm_state='paused', task_state=None)

    def unpause(self, instance: str) -> None:
        """unpause."""
        server = self.show(instance)
        self._must_be(server, ('paused',), 'unpause')
        self.acted(server, 'unpause')
        self.touch(server, vm_state='active', task_state=None)

    def _must_be_idle(self, server: rows.Server, verb: str) -> None:
        if server.task_state is not None:
            raise rows.Refused(
                409,
                f"Cannot '{verb}' instance {server.uuid} while it is in "
                f'task_state {server.task_state}',
            )

    def reset_state(self, instance: str, state: object) -> None:
        """os-resetState."""
        if state not in ('active', 'error'):
            raise rows.Refused(400, f'Invalid input for field state: {state}')
        self.touch(self.show(instance), vm_state=str(state), task_state=None)

    def _must_be(
        self, server: rows.Server, states: tuple[str, ...], verb: str
    ) -> None:
        if server.vm_state not in states:
            raise rows.Refused(
                409,
                f"Cannot '{verb}' instance {server.uuid} while it is in "
                f'vm_state {server.vm_state}',
            )
