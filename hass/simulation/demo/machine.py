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

"""A compute host of the demo: power, BMC, guests, and a real agent."""

from collections.abc import Mapping, Sequence
import pathlib
import secrets
import threading
import uuid

from oslo_config import cfg

from hass.agent import answers
from hass.agent import gate
from hass.agent import identity
from hass.agent import marks
from hass.agent import service
from hass import bmc as bmc_
from hass import clock as clock_
from hass.detection import guests
from hass.rpc import api
from hass.rpc import transport
from hass.simulation import bmc
from hass.simulation.demo import configuration
from hass.simulation import nova_host
from hass_oracle import ledger as oracle

BOOT_SECONDS = 3.0
NETWORKS = {'management': '127.0.10', 'storage': '127.0.20'}
BMC_NETWORK = '127.0.30'
BMC_USER = 'operator'
DRIVER = bmc_.LocalDevice('/dev/null')
"""Simulated hosts reach their BMCs without one."""

AGENT = """\
[DEFAULT]
transport_url = fake://
[agent]
host = {name}
key_file = {folder}/agent.key
engines = {engines}
beat_networks = {networks}
boot_id_file = {folder}/boot_id
system_uuid_file = {folder}/product_uuid
nova_conf = {folder}/nova.conf
"""


class Host(nova_host.Host):
    """After a boot its nova-compute waits for the gate to open."""

    gate_open = True

    @property
    def nova_compute_running(self) -> bool:
        return self.gate_open and super().nova_compute_running


class SeenGuests(guests.Guests):
    """What libvirt of that host would list."""

    def __init__(self, host: nova_host.Host) -> None:
        self._host = host

    def domains(self) -> list[str] | None:
        return sorted(self._host.domains)


class Machine:
    """A host that can be told to lose its power or to hang.

    :param number: the last part of its addresses
    :param folder: where its files are, a folder for each host
    :param pinger: what its agent reaches other hosts with
    """

    def __init__(
        self,
        number: int,
        folder: pathlib.Path,
        ledger: oracle.Ledger,
        clock: clock_.Clock,
        pinger: answers.Pinger,
    ) -> None:
        self.name = f'compute-{number}'
        self.addresses = {
            network: f'{prefix}.{10 + number}'
            for network, prefix in NETWORKS.items()
        }
        self.host = Host(self.name, ledger, clock)
        self._folder = folder / self.name
        self._ledger = ledger
        self._clock = clock
        self._pinger = pinger
        self._guid = uuid.uuid4()
        self._password = secrets.token_hex(8)
        self._bmc_address = f'{BMC_NETWORK}.{10 + number}'
        self._bmc = bmc.Responder(
            bmc.Chassis(clock, self._guid, hook=self._power_changed),
            clock,
            BMC_USER,
            self._password,
            host=self._bmc_address,
        )
        self._agent: service.Agent | None = None
        self._installed = False
        self._hung = False
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @property
    def bmc_login(self) -> dict[str, str | int]:
        """What an operator tells HASS of the BMC."""
        return {
            'address': self._bmc_address,
            'port': self._bmc.port,
            'username': BMC_USER,
            'password': self._password,
        }

    @property
    def agent_state(self) -> str:
        """not installed, beats, hangs, dead or, during a boot, starts."""
        if self._hung:
            return 'hangs'
        if self._agent is not None:
            return 'beats'
        if not self.host.is_on:
            return 'dead'
        return 'starts' if self._installed else 'not installed'

    def start(self) -> None:
        """It runs already when the demo begins."""
        self._folder.mkdir()
        self.host.power_on()
        self._bmc.start()

    def stop(self) -> None:
        """Everything of it ends, silently."""
        self._stopped.set()
        self._kill_agent()
        self._bmc.stop()

    def install_agent(self, key: str, engines: Sequence[str]) -> None:
        """Configure hass-agent as an operator does, and start it."""
        key_file = self._folder / 'agent.key'
        key_file.touch(mode=0o600)
        key_file.write_text(key)
        (self._folder / 'product_uuid').write_text(str(self._guid))
        (self._folder / 'nova.conf').write_text(
            '[DEFAULT]\nresume_guests_state_on_host_boot = false\n'
        )
        (self._folder / 'agent.conf').write_text(
            AGENT.format(
                name=self.name,
                folder=self._folder,
                engines=','.join(engines),
                networks=_pairs(self.addresses),
            )
        )
        self._installed = True
        self._start_agent()

    def lose_power(self) -> None:
        """Its power supply dies: no goodbye, the BMC lives on."""
        self._ledger.append(oracle.Kind.FAULT, self.name, None, 'power loss')
        self._bmc.chassis.lose_power()

    def hang(self) -> None:
        """The kernel stands still, the guests run on, the power is on."""
        self._ledger.append(oracle.Kind.FAULT, self.name, None, 'hang')
        with self._lock:
            self._hung = True
            self.host.hang()
            if self._agent is not None:
                self._agent.pause()

    def _power_changed(self, is_on: bool, cause: str) -> None:
        if not is_on:
            self.host.power_off()
            self._kill_agent()
            return
        self.host.gate_open = False
        self.host.power_on()
        threading.Thread(
            target=self._boot,
            args=(self.host.boots,),
            name=f'boot-{self.name}',
            daemon=True,
        ).start()

    def _boot(self, number: int) -> None:
        """What systemd does: the agent, and nova-compute after the gate."""
        if self._stopped.wait(BOOT_SECONDS) or self.host.boots != number:
            return
        conf = self._start_agent()
        gate.Gate(
            identity.read(self._clock, conf.agent),
            _engine(conf),
            lambda why: None,
            poll_seconds=conf.agent.gate_poll_seconds,
            call_seconds=conf.agent.call_seconds,
        ).wait_open()
        self.host.gate_open = self.host.boots == number

    def _start_agent(self) -> cfg.ConfigOpts:
        """As cmd/agent.py does, with a boot id of this boot."""
        (self._folder / 'boot_id').write_text(str(uuid.uuid4()))
        conf = configuration.read(self._folder / 'agent.conf')
        agent = service.Agent(
            conf.agent,
            self._clock,
            _engine(conf),
            identity.read(self._clock, conf.agent),
            SeenGuests(self.host),
            self._pinger,
            doers={'mark': marks.Marker(self._bmc.inside, DRIVER)},
        )
        with self._lock:
            if self.host.is_on and not self._stopped.is_set():
                self._agent = agent
                agent.start()
        return conf

    def _kill_agent(self) -> None:
        with self._lock:
            if self._agent is not None:
                self._agent.kill()
            self._agent = None
            self._hung = False


def _engine(conf: cfg.ConfigOpts) -> api.EngineAPI:
    return api.EngineAPI(transport.connect(conf), conf.agent.call_seconds)


def _pairs(addresses: Mapping[str, str]) -> str:
    return ','.join('='.join(pair) for pair in addresses.items())
