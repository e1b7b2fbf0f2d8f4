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

"""What people may do to a cloud at random, and what befalls instances.

Operators here know what they do: they evacuate by hand only off a host that
is off, and believe no BMC that lies. What then goes wrong is HASS's.
"""

from collections.abc import Callable
import contextlib
import random

from hass.faults import Incident
from hass.simulation import nova_rows
from hass.tests import fake_cloud

BY_HAND = 'by an operator'

Deed = Callable[[], str]


class People:
    """Operators and users of one cloud; a deed returns what it was done to.

    :param meant: instances whose user wants them to run
    :ivar touched: an operator has changed a service in Nova
    """

    def __init__(
        self,
        chances: random.Random,
        cloud: fake_cloud.FakeCloud,
        meant: set[str],
    ) -> None:
        self.random = chances
        self.cloud = cloud
        self.meant = meant
        self.touched = False

    def deeds(self) -> list[Deed]:
        return [
            self.power_on_by_hand,
            self.power_off_by_hand,
            self.evacuate_by_hand,
            self.move_live,
            self.move_cold,
            self.confirm_move,
            self.force_down,
            self.unforce,
            self.disable,
            self.enable,
            self.stop_instance,
            self.start_instance,
            self.delete_instance,
            self.kill_guest,
            self.lose_ports,
            self.fail_at_start,
        ]

    def _host(self) -> fake_cloud.FakeHost:
        return self.random.choice(list(self.cloud.hosts.values()))

    # Operators. An act that Nova refuses changes nothing.

    def power_on_by_hand(self) -> str:
        host = self._host()
        if host.bmc_reads is None:
            host.host.power_on()
        return host.name

    def power_off_by_hand(self) -> str:
        """In order: its agent is stopped first."""
        host = self._host()
        if host.host.os_running and not host.agent_killed:
            self.cloud.say_goodbye(host)
        host.host.power_off()
        return host.name

    def evacuate_by_hand(self) -> str:
        """To wherever Nova's scheduler likes."""
        off = [one for one in self.cloud.hosts.values() if not one.host.is_on]
        if not off:
            return 'no host is off'
        host = self.random.choice(off)
        for server in self.cloud.nova.servers_on(host.name):
            if server.task_state is None:
                with contextlib.suppress(nova_rows.Refused):
                    self.cloud.nova.evacuate(server.uuid, None, False)
        return host.name

    def move_live(self) -> str:
        target = self._host().name
        return self._by_operator(
            lambda uuid: self.cloud.nova.live_migrate(uuid, target)
        )

    def move_cold(self) -> str:
        return self._by_operator(
            lambda uuid: self.cloud.nova.migrate(uuid, None)
        )

    def confirm_move(self) -> str:
        return self._by_operator(self.cloud.nova.confirm_resize)

    def _by_operator(self, act: Callable[[str], None]) -> str:
        server = self._server()
        with contextlib.suppress(nova_rows.Refused):
            act(server.uuid)
            return server.name
        return f'{server.name} refused'

    def force_down(self) -> str:
        return self._update_service({'forced_down': True})

    def unforce(self) -> str:
        return self._update_service({'forced_down': False})

    def disable(self) -> str:
        return self._update_service(
            {'status': 'disabled', 'disabled_reason': BY_HAND}
        )

    def enable(self) -> str:
        return self._update_service({'status': 'enabled'})

    def _update_service(self, change: dict[str, object]) -> str:
        host = self._host()
        self.update_service(host.name, change)
        self.touched = True
        return host.name

    def update_service(self, host: str, change: dict[str, object]) -> None:
        row = self.cloud.nova.computes[host]
        with contextlib.suppress(nova_rows.Refused):
            self.cloud.nova.update_service(row.uuid, change)

    # Users. What they have touched need not run any more.

    def _server(self) -> nova_rows.Server:
        found = [
            one for one in self.cloud.nova.servers.values() if not one.deleted
        ]
        return self.random.choice(found)

    def stop_instance(self) -> str:
        return self._ask(self.cloud.nova.stop)

    def start_instance(self) -> str:
        return self._ask(self.cloud.nova.start)

    def delete_instance(self) -> str:
        return self._ask(self.cloud.nova.delete)

    def _ask(self, act: Callable[[str], None]) -> str:
        server = self._server()
        try:
            act(server.uuid)
        except nova_rows.Refused:
            return f'{server.name} refused'
        self.meant.discard(server.uuid)
        return server.name

    # What befalls single instances.

    def kill_guest(self) -> str:
        server = self._server()
        host = self.cloud.hosts[server.host or '']
        if not host.host.kill_guest(server.uuid):
            return f'{server.name} does not run'
        self.cloud.guests.tell(host, server.uuid, Incident.KILLED)
        return server.name

    def lose_ports(self) -> str:
        """They stay down wherever it goes."""
        server = self._server()
        server.port_state = 'DOWN'
        return server.name

    def fail_at_start(self) -> str:
        """The next start of its nova-compute puts it into ERROR."""
        server = self._server()
        server.fails_at_start = True
        return server.name
