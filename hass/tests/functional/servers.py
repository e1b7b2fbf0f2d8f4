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

"""Real servers, of each kind one for a test process.

Each lives in a folder of its own, listens on loopback at a free port and
ends with the tests. They are started by the first test that asks.
"""

import abc
import atexit
from collections.abc import Callable
import contextlib
import functools
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid

from hass import clock
from tools import packages

ADDRESS = '127.0.0.1'
USER = 'hass'
PASSWORD = 'secret'
START_SECONDS = 240
STOP_SECONDS = 60
FAKETIME = '/usr/lib/*/faketime/libfaketime.so.1'


class Server(abc.ABC):
    """One program of Debian's.

    :cvar needs: the packages it is in
    :cvar user: whom it runs as
    :raises LeftOut: it cannot be started here
    """

    needs: tuple[str, ...]
    user: str = 'root'
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise packages.LeftOut(
                f'no {type(self).__name__} without root: left out'
            )
        packages.ensure(*self.needs)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='hass-server-'))
        # PostgreSQL is not root.
        self.folder.chmod(0o755)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        atexit.register(self._remove)
        self.prepare()
        self.start()

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make the files that a first start needs."""

    @abc.abstractmethod
    def command(self) -> list[str]:
        """What to run; it stays in the foreground."""

    def environment(self) -> dict[str, str]:
        """What to add to the environment."""
        return {}

    def farewell(self) -> str:
        """A shell command that ends what left the process group."""
        return 'true'

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            socket.create_connection((ADDRESS, self.port), 1).close()
        except OSError:
            return False
        return True

    def start(self, clock_seconds: int = 0) -> None:
        """Start it, or start it again with the same data and port.

        :param clock_seconds: how far its wall clock is ahead of ours
        """
        command = [
            *become(self.user),
            *shifted(clock_seconds),
            *self.command(),
        ]
        with (self.folder / 'output').open('ab') as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._guard = guard(self._process.pid, self.farewell())
        self.wait_until(self.ready, self._process)

    def wait_until(
        self,
        ready: Callable[[], bool],
        process: 'subprocess.Popen[bytes]',
    ) -> None:
        """Wait for what a process does once it has started."""
        hands = clock.SystemClock()
        end = hands.monotonic() + START_SECONDS
        pause = threading.Event()
        while not ready():
            if process.poll() is not None or hands.monotonic() > end:
                raise RuntimeError(
                    f'{type(self).__name__} did not start:\n{self.output()}'
                )
            pause.wait(0.05)

    def stop(self) -> None:
        """End it in good order."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it at once, as a power failure would."""
        self._end(signal.SIGKILL)

    def output(self) -> str:
        """The last that it said."""
        return (self.folder / 'output').read_text(errors='replace')[-2000:]

    def run(self, *command: str) -> None:
        """Run a command to its end."""
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f'{command[0]}: {done.stdout}{done.stderr}')

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class MariaDB(Server):
    """MariaDB, with a user that may do anything."""

    needs: tuple[str, ...] = ('mariadb-server', 'mariadb-client')

    def prepare(self) -> None:
        self.run(
            'mariadb-install-db',
            '--no-defaults',
            f'--datadir={self.folder}/data',
            '--user=root',
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
        )
        (self.folder / 'users.sql').write_text(
            f"CREATE USER IF NOT EXISTS {USER}@'{ADDRESS}'"
            f" IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {USER}@'{ADDRESS}';\n"
        )

    def command(self) -> list[str]:
        return [
            'mariadbd',
            '--no-defaults',
            '--user=root',
            f'--datadir={self.folder}/data',
            f'--socket={self.folder}/socket',
            f'--pid-file={self.folder}/pid',
            f'--init-file={self.folder}/users.sql',
            f'--bind-address={ADDRESS}',
            f'--port={self.port}',
            '--skip-name-resolve',
            '--skip-log-bin',
            # Survives the end of the process, not of the machine.
            '--innodb-flush-log-at-trx-commit=2',
            '--innodb-buffer-pool-size=64M',
            '--innodb-log-file-size=16M',
        ]

    def url(self, database: str) -> str:
        """The URL of a database, for [database] connection."""
        user = f'{USER}:{PASSWORD}@{ADDRESS}:{self.port}'
        return f'mysql+pymysql://{user}/{database}'


class GaleraNode(MariaDB):
    """One node of a MariaDB Galera cluster, which rsync gives its data.

    :param first: a node of the cluster that it joins; None: it begins one
    """

    needs = (*MariaDB.needs, 'galera-4', 'rsync')
    # rsync's daemon would drop the rights of root, and could write nothing.
    user = 'mysql'

    def __init__(self, first: 'GaleraNode | None' = None) -> None:
        self._first = first
        self.ports = [free_port() for _ in range(3)]
        super().__init__()

    def prepare(self) -> None:
        shutil.chown(self.folder, self.user)
        (self.folder / 'data').mkdir()
        shutil.chown(self.folder / 'data', self.user)
        if self._first is not None:
            return
        super().prepare()
        self.run('chown', '-R', self.user, str(self.folder / 'data'))

    def command(self) -> list[str]:
        group, transfer, increment = self.ports
        provider = {
            'base_host': ADDRESS,
            'base_port': group,
            'gmcast.listen_addr': f'tcp://{ADDRESS}:{group}',
            'ist.recv_addr': f'{ADDRESS}:{increment}',
            'ist.recv_bind': f'{ADDRESS}:{increment}',
            'gcache.size': '8M',
        }
        options = ';'.join(f'{key}={value}' for key, value in provider.items())
        cluster, begins = 'gcomm://', ['--wsrep-new-cluster']
        if self._first is not None:
            cluster, begins = f'gcomm://{ADDRESS}:{self._first.ports[0]}', []
        users = f'--init-file={self.folder}/users.sql'
        own = [
            one
            for one in super().command()
            if one != '--user=root' and not (one == users and self._first)
        ]
        return [
            *own,
            '--binlog-format=ROW',
            '--innodb-autoinc-lock-mode=2',
            '--wsrep-on=ON',
            '--wsrep-provider=/usr/lib/galera/libgalera_smm.so',
            f'--wsrep-cluster-address={cluster}',
            f'--wsrep-node-address={ADDRESS}',
            f'--wsrep-node-name=node-{group}',
            f'--wsrep-sst-receive-address={ADDRESS}:{transfer}',
            '--wsrep-sst-method=rsync',
            f'--wsrep-provider-options={options}',
            *begins,
        ]


class PostgreSQL(Server):
    """PostgreSQL; it refuses to be root."""

    needs = ('postgresql',)
    user = 'postgres'
    # Ends sessions too; after SIGTERM it would wait for them.
    stop_signal = signal.SIGINT

    def prepare(self) -> None:
        home = self.folder / 'home'
        home.mkdir()
        shutil.chown(home, 'postgres', 'postgres')
        password = self.folder / 'password'
        password.write_text(PASSWORD)
        self.run(
            *become(self.user),
            self._program('initdb'),
            f'--pgdata={home}/data',
            f'--username={USER}',
            f'--pwfile={password}',
            '--auth=scram-sha-256',
            '--encoding=UTF8',
            '--locale=C.UTF-8',
            '--no-sync',
        )

    def command(self) -> list[str]:
        settings = {
            'listen_addresses': ADDRESS,
            'port': self.port,
            'unix_socket_directories': self.folder / 'home',
            # Survives the end of the process, not of the machine.
            'fsync': 'off',
            'shared_buffers': '32MB',
        }
        return [
            self._program('postgres'),
            f'-D{self.folder}/home/data',
            *(f'-c{name}={value}' for name, value in settings.items()),
        ]

    def ready(self) -> bool:
        asked = subprocess.run(
            [self._program('pg_isready'), '-qh', ADDRESS, f'-p{self.port}']
        )
        return asked.returncode == 0

    def url(self, database: str) -> str:
        """The URL of a database, for [database] connection."""
        user = f'{USER}:{PASSWORD}@{ADDRESS}:{self.port}'
        return f'postgresql+psycopg://{user}/{database}'

    def _program(self, name: str) -> str:
        return sorted(glob.glob(f'/usr/lib/postgresql/*/bin/{name}'))[-1]


class RabbitMQ(Server):
    """RabbitMQ with its own Erlang port mapper."""

    needs = ('rabbitmq-server',)

    def prepare(self) -> None:
        self.mapper_port = free_port()
        (self.folder / 'plugins').write_text('[].\n')
        (self.folder / 'rabbitmq.conf').write_text(
            f'listeners.tcp.1 = {ADDRESS}:{self.port}\n'
            f'default_user = {USER}\n'
            f'default_pass = {PASSWORD}\n'
            'loopback_users = none\n'
            'vm_memory_high_watermark.absolute = 512MB\n'
            'disk_free_limit.absolute = 50MB\n'
        )

    def command(self) -> list[str]:
        # Debian's wrapper insists on a user of its own.
        found = glob.glob('/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server')
        return [sorted(found)[-1]]

    def environment(self) -> dict[str, str]:
        return {
            'HOME': str(self.folder),
            'ERL_EPMD_ADDRESS': ADDRESS,
            'ERL_EPMD_PORT': str(self.mapper_port),
            'RABBITMQ_NODENAME': f'hass{self.port}@localhost',
            'RABBITMQ_DIST_PORT': str(free_port()),
            'RABBITMQ_MNESIA_BASE': str(self.folder / 'data'),
            'RABBITMQ_LOG_BASE': str(self.folder / 'log'),
            'RABBITMQ_CONFIG_FILE': str(self.folder / 'rabbitmq'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(self.folder / 'plugins'),
            'RABBITMQ_PID_FILE': str(self.folder / 'pid'),
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': (
                '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none '
                '-kernel inet_dist_use_interface {127,0,0,1}'
            ),
        }

    def ready(self) -> bool:
        """It answers the protocol's greeting."""
        try:
            with socket.create_connection((ADDRESS, self.port), 1) as line:
                line.settimeout(1)
                line.sendall(b'AMQP\0\0\x09\x01')
                return bool(line.recv(1))
        except OSError:
            return False

    def url(self) -> str:
        """The URL for transport_url."""
        return f'rabbit://{USER}:{PASSWORD}@{ADDRESS}:{self.port}/'

    def virtual_host(self) -> str:
        """The URL of a new part of the broker, without any queue."""
        name = f'host-{uuid.uuid4().hex[:12]}'
        self.control('add_vhost', name)
        self.control('set_permissions', '-p', name, USER, '.*', '.*', '.*')
        return f'{self.url()}{name}'

    def control(self, *command: str) -> None:
        """Run rabbitmqctl."""
        self.run(*self.controller(), *command)

    def controller(self) -> list[str]:
        """How rabbitmqctl of this broker is run."""
        found = glob.glob('/usr/lib/rabbitmq/lib/*/sbin/rabbitmqctl')
        settings = [f'{k}={v}' for k, v in self.environment().items()]
        return ['env', *settings, sorted(found)[-1]]

    def farewell(self) -> str:
        # The port mapper answers to this once its node is no more.
        mapper = glob.glob('/usr/lib/erlang/erts-*/bin/epmd')[0]
        return f'sleep 0.2; {mapper} -port {self.mapper_port} -kill'

    def _remove(self) -> None:
        super()._remove()
        subprocess.run(['sh', '-c', self.farewell()], capture_output=True)


class Memcached(Server):
    """memcached: it forgets everything when it ends."""

    needs = ('memcached',)
    user = 'memcache'

    def prepare(self) -> None:
        """Nothing."""

    def command(self) -> list[str]:
        return ['memcached', f'-l{ADDRESS}', f'-p{self.port}', '-U0', '-m16']

    def url(self) -> str:
        """The URL for tooz."""
        place = f'{ADDRESS}:{self.port}'
        return f'memcached://{place}?membership_timeout=2&timeout=2'


class ZooKeeper(Server):
    """ZooKeeper, alone."""

    needs = ('zookeeper',)

    def prepare(self) -> None:
        (self.folder / 'zoo.cfg').write_text(
            f'dataDir={self.folder}/data\n'
            f'clientPort={self.port}\n'
            f'clientPortAddress={ADDRESS}\n'
            'tickTime=200\n'
            'admin.enableServer=false\n'
        )

    def command(self) -> list[str]:
        return [
            'java',
            '-Xmx128m',
            '-cp',
            '/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-nop.jar',
            'org.apache.zookeeper.server.ZooKeeperServerMain',
            f'{self.folder}/zoo.cfg',
        ]

    def url(self) -> str:
        """The URL for tooz."""
        return f'zookeeper://{ADDRESS}:{self.port}?timeout=2'


class Etcd(Server):
    """etcd, alone."""

    needs = ('etcd-server',)

    def prepare(self) -> None:
        """It makes its files itself."""

    def command(self) -> list[str]:
        mine = f'http://{ADDRESS}:{self.port}'
        peer = f'http://{ADDRESS}:{free_port()}'
        return [
            'etcd',
            f'--data-dir={self.folder}/data',
            f'--listen-client-urls={mine}',
            f'--advertise-client-urls={mine}',
            f'--listen-peer-urls={peer}',
            '--unsafe-no-fsync',
        ]

    def url(self) -> str:
        """The URL for tooz."""
        place = f'{ADDRESS}:{self.port}'
        return f'etcd3+http://{place}?api_version=v3&timeout=2'


def become(user: str) -> list[str]:
    """Before a command: whom it runs as."""
    if user == 'root':
        return []
    return ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups']


def guard(group: int, farewell: str) -> 'subprocess.Popen[bytes]':
    """Ends a process group when this process is no more, however it ended."""
    return subprocess.Popen(
        ['sh', '-c', f'cat > /dev/null; kill -KILL -{group}; {farewell}'],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def shifted(seconds: int) -> list[str]:
    """Before a command: its wall clock is so far ahead of ours."""
    if not seconds:
        return []
    packages.ensure('libfaketime')
    return [
        'env',
        f'LD_PRELOAD={glob.glob(FAKETIME)[0]}',
        f'FAKETIME={seconds:+d}',
        'FAKETIME_DONT_FAKE_MONOTONIC=1',
    ]


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port: int = free.getsockname()[1]
        return port


@functools.cache
def mariadb() -> MariaDB:
    """The MariaDB of this process."""
    return MariaDB()


@functools.cache
def galera() -> tuple[GaleraNode, GaleraNode]:
    """Two nodes of one cluster, of this process."""
    first = GaleraNode()
    return first, GaleraNode(first)


@functools.cache
def postgresql() -> PostgreSQL:
    """The PostgreSQL of this process."""
    return PostgreSQL()


@functools.cache
def rabbitmq() -> RabbitMQ:
    """The RabbitMQ of this process."""
    return RabbitMQ()


@functools.cache
def memcached() -> Memcached:
    """The memcached of this process."""
    return Memcached()


@functools.cache
def zookeeper() -> ZooKeeper:
    """The ZooKeeper of this process."""
    return ZooKeeper()


@functools.cache
def etcd() -> Etcd:
    """The etcd of this process."""
    return Etcd()
