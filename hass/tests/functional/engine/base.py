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

"""A small world around real engines: Nova by HTTP, BMCs by IPMI, beats."""

import functools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import uuid

import fixtures
import sqlalchemy as sa

from hass import beats
from hass import clock
from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import migration
from hass.db import models
from hass.db import recoveries
from hass.db import services
from hass import secrets
from hass.simulation import bmc as simulation
from hass.tests import base
from hass.tests import builders
from hass.tests.functional import nova_fixture
from hass.tests.functional import servers
from tools import packages

ENGINE = os.path.join(os.path.dirname(sys.executable), 'hass-engine')
USERNAME = 'admin'
PASSWORD = 'Pw.of.the.BMC'
KEY = 'key-of-the-agents'
NETWORKS = {'management': '127.0.1.1', 'storage': '127.0.2.1'}
CONF = """
[DEFAULT]
transport_url = fake://
[database]
connection = {database}
[secrets]
keyring_file = {folder}/keyring
[engine]
name = {name}
listen = 127.0.0.1:{port}
[detection]
target_seconds = 1.0
listen_seconds = 1.5
kdump_listen = 127.0.0.1:0
[nova]
auth_type = password
auth_url = {auth_url}
username = {username}
password = {password}
project_name = {project}
user_domain_id = default
project_domain_id = default
region_name = RegionOne
"""


class Chassis(simulation.Chassis):
    """A machine whose BMC tells when it is asked for its power.

    :ivar looked: called before each answer
    """

    def looked(self):
        """Nobody listens."""

    @property
    def reads_on(self):
        self.looked()
        return super().reads_on


class Beater(threading.Thread):
    """Beats of all agents, to all engines."""

    def __init__(self, machines, ports, seconds):
        super().__init__(daemon=True)
        self._seconds = seconds
        self._machines = machines
        self._ports = ports
        self._clock = clock.SystemClock()
        self._stopping = threading.Event()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            number = 0
            while not self._stopping.wait(self._seconds):
                for machine in self._machines.values():
                    if machine.os_running:
                        number += 1
                        self._beat(sender, machine, number)

    def _beat(self, sender, machine, number):
        for network in NETWORKS:
            beat = beats.Beat(
                machine.name,
                f'boot-{machine.boots}',
                number,
                beats.wall(self._clock),
                self._clock.monotonic(),
                network,
            )
            datagram = beats.pack(beat, KEY.encode())
            for port in self._ports:
                sender.sendto(datagram, ('127.0.0.1', port))

    def stop(self):
        self._stopping.set()
        self.join()


class World(fixtures.Fixture):
    """Hosts that run, one cluster that acts, engines to be started.

    :param url: the database's; it is empty
    :param beat_seconds: from one beat of a host to the next
    :param nova: as nova_fixture.SimulatedNova has it
    """

    def __init__(
        self, url=None, engines=('engine-1',), beat_seconds=0.2, **nova
    ):
        self._url = url
        self._beat_seconds = beat_seconds
        self._engines = engines
        self._nova = nova

    def _setUp(self):
        self.clock = clock.SystemClock()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.url = self._url or f'sqlite:///{self.folder}/hass.sqlite'
        self.nova = self.useFixture(nova_fixture.SimulatedNova(**self._nova))
        secrets.create(f'{self.folder}/keyring')
        self.keyring = secrets.Keyring(f'{self.folder}/keyring')
        self.database = builders.open_database(self.url)
        self.addCleanup(self.database.close)
        self.chassis = {}
        self.bmcs = {}
        self.guids = {}
        for machine in self.nova.machines.values():
            self._connect_bmc(machine)
        self.ports = {name: free_port() for name in self._engines}
        for name in self._engines:
            self.configure(name)
        self.processes = {}
        beater = Beater(
            self.nova.machines, self.ports.values(), self._beat_seconds
        )
        beater.start()
        self.addCleanup(beater.stop)

    def _connect_bmc(self, machine):
        def switch(is_on, cause):
            (machine.power_on if is_on else machine.power_off)()
            self._answer_pings(machine.name, is_on)

        guid = uuid.uuid4()
        chassis = Chassis(self.clock, guid, hook=switch)
        responder = simulation.Responder(
            chassis, self.clock, USERNAME, PASSWORD
        )
        responder.start()
        self.addCleanup(responder.stop)
        self.chassis[machine.name] = chassis
        self.bmcs[machine.name] = responder
        self.guids[machine.name] = str(guid)

    def _answer_pings(self, name, is_on):
        """Loopback always answers; what is no address does not."""
        addresses = NETWORKS if is_on else dict.fromkeys(NETWORKS, 'nowhere')
        with self.database.writer() as session:
            session.execute(
                sa.update(models.Host)
                .where(models.Host.name == name)
                .values(addresses=addresses)
            )

    def migrate(self, password=PASSWORD):
        """Tables, a cluster, hosts whose BMCs have that password."""
        migration.sync(self.database)
        with self.database.writer() as session:
            self.cluster = clusters.create(
                session, 'racks', mode=models.Mode.ACT, shared_storage=True
            )
            for name, responder in self.bmcs.items():
                row = hosts.add(
                    session,
                    self.cluster,
                    name,
                    agent_key=self.keyring.encrypt(KEY),
                    addresses=NETWORKS,
                    bmc_address='127.0.0.1',
                    bmc_port=responder.port,
                    bmc_username=USERNAME,
                    bmc_password=self.keyring.encrypt(password),
                )
                # As the host's agent reads it in band.
                row.system_uuid = self.guids[name]

    def protect(self, host, count):
        """Boot instances on a host, and protect them."""
        found = [self.nova.boot(f'vm-{n}', host) for n in range(count)]
        with self.database.writer() as session:
            for number, instance in enumerate(found):
                instances.protect(
                    session, self.cluster, instance, f'vm-{number}', 'demo'
                )
        return found

    def configure(self, name='engine-1', **changes):
        """Write an engine's file; changes as group__option=value."""
        server = self.nova.server
        text = CONF.format(
            database=self.url,
            folder=self.folder,
            name=name,
            port=self.ports[name],
            auth_url=server.auth_url,
            username=server.user.name,
            password=server.user.password,
            project=server.user.project,
        )
        for option, value in changes.items():
            group, _, option = option.partition('__')
            lines = [
                line
                for line in text.splitlines()
                if not line.startswith(f'{option} = ')
            ]
            if f'[{group}]' not in lines:
                lines.append(f'[{group}]')
            at = lines.index(f'[{group}]') + 1
            if value is not None:
                lines.insert(at, f'{option} = {value}')
            text = '\n'.join(lines)
        path = pathlib.Path(self.folder, f'{name}.conf')
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def start(self, name='engine-1'):
        """The real process; what it says goes into a file."""
        with open(f'{self.folder}/{name}.log', 'ab') as log:
            process = subprocess.Popen(
                [ENGINE, '--config-file', f'{self.folder}/{name}.conf'],
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()

    def said(self, name='engine-1'):
        return pathlib.Path(self.folder, f'{name}.log').read_text()

    def hears_all(self, name='engine-1'):
        """Whether the engine patrols and may judge."""
        with self.database.reader() as session:
            return any(
                row.name == name and not row.deaf and not row.silent
                for row in services.all(session)
            )

    def story(self, host='a'):
        """The host's newest recovery."""
        with self.database.reader() as session:
            found = recoveries.all(session, subject=host, limit=1)
            return found[0] if found else None

    def power_commands(self, host='a'):
        """How many commands to switch the power came in (28.3)."""
        return self.bmcs[host].commands.asked[0x00, 0x02]


class EngineTest(base.TestCase):
    """Real engines in processes of their own."""

    def make_world(self, **settings):
        return self.useFixture(World(**settings))

    def need(self, start):
        """A real server, or the test is left out; not in CI."""
        try:
            return start()
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))

    def make_url(self, server: servers.MariaDB) -> str:
        """A new database in the server."""
        name = f'hass_{uuid.uuid4().hex[:12]}'
        server.run(
            'mariadb',
            f'--socket={server.folder}/socket',
            '-e',
            f'CREATE DATABASE {name}',
        )
        return server.url(name)

    def wait_said(self, world, words):
        """What stands in a row may be logged a moment later."""
        self.wait_for(
            lambda: words in world.said(), why=f'the engine logs: {words}'
        )

    def wait_ready(self, world, *names):
        for name in names or ('engine-1',):
            self.wait_for(
                functools.partial(world.hears_all, name),
                why=f'{name} hears all hosts',
            )


def free_port() -> int:
    """A UDP port that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(('127.0.0.1', 0))
        port: int = free.getsockname()[1]
        return port
