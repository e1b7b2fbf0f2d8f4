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

"""The cloud of the demo: four hosts, twelve instances, Nova, Keystone."""

from collections.abc import Collection
import pathlib

from hass import clock as clock_
from hass.simulation.demo import machine
from hass.simulation import nova
from hass.simulation import nova_cloud
from hass.simulation import nova_rows
from hass_oracle import ledger as oracle

HOSTS = 4
INSTANCES = {'compute-1': 6, 'compute-2': 6}
"""Those that fail have them all, so that each instance is recovered."""
PACE = nova_rows.Pace(scheduling=0.3, spawning=2.0, service_down_time=3.0)
TICK_SECONDS = 0.05


class World:
    """What is there before HASS comes.

    :ivar machines: the hosts by name
    :ivar nova: answers on loopback from start() to stop()
    :ivar ledger: what the oracle will read
    """

    def __init__(self, folder: pathlib.Path, clock: clock_.Clock) -> None:
        self.ledger = folder / 'ledger.jsonl'
        book = oracle.Ledger(self.ledger)
        found = [
            machine.Machine(number, folder, book, clock, self)
            for number in range(1, HOSTS + 1)
        ]
        self.machines = {one.name: one for one in found}
        self._cloud = nova_cloud.Cloud(
            [one.host for one in found], book, clock, PACE
        )
        self.nova = nova.SimulatedNova(
            self._cloud, clock, tick_seconds=TICK_SECONDS
        )

    def start(self) -> None:
        """Power on, boot the instances."""
        for one in self.machines.values():
            one.start()
        self._cloud.advance()
        number = 0
        for host, count in INSTANCES.items():
            for _ in range(count):
                number += 1
                self._cloud.boot(f'vm-{number:02}', host, image_backed=True)
        self.nova.start()

    def stop(self) -> None:
        for one in self.machines.values():
            one.stop()
        self.nova.stop()

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        """Stands for ICMP: loopback would answer for a dead host too."""
        return frozenset(
            address
            for one in self.machines.values()
            if one.host.os_running
            for address in one.addresses.values()
            if address in addresses
        )

    def services(self) -> dict[str, str]:
        """The state of each nova-compute as operators read it in Nova."""
        with self._cloud.lock:
            return {
                name: self._service(compute)
                for name, compute in self._cloud.computes.items()
            }

    def instances(self) -> list[nova_rows.Server]:
        """Those of Nova's database, by name."""
        with self._cloud.lock:
            return sorted(
                self._cloud.servers.values(), key=lambda server: server.name
            )

    def _service(self, compute: nova_rows.Compute) -> str:
        if compute.forced_down:
            return 'forced down'
        if compute.disabled:
            return 'disabled'
        return 'up' if self._cloud.is_up(compute) else 'down'
