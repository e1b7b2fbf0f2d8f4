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

"""MariaDB, RabbitMQ and memcached, in the controller's namespace."""

from collections.abc import Mapping
import functools
import json
import pathlib
import signal

from tools.minicloud.lab import CHECKOUT
from tools.minicloud.lab import CONTROLLER
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import secret
from tools.minicloud.lab import write
from tools.minicloud import processes

DATABASES = (
    'cinder',
    'keystone',
    'placement',
    'glance',
    'neutron',
    'nova_api',
    'nova_cell0',
    'nova',
    'hass',
)
USER = 'lab'
HASS = 'hass'
AGENTS = 'hass-agent'
RIGHTS = CHECKOUT / 'etc' / 'hass' / 'rabbitmq' / 'agents.json'


def database_url(lab: Lab, name: str) -> str:
    password = secret(lab, 'services')
    where = f'{CONTROLLER}:{PORTS["mariadb"]}'
    return f'mysql+pymysql://{USER}:{password}@{where}/{name}?charset=utf8mb4'


def transport_url(lab: Lab) -> str:
    """Of everybody but HASS."""
    where = f'{CONTROLLER}:{PORTS["rabbitmq"]}'
    return f'rabbit://{USER}:{secret(lab, "services")}@{where}/'


def hass_url(lab: Lab) -> str:
    """Of the API and the engines, in a virtual host of HASS's own."""
    return f'{transport_url(lab)}{HASS}'


def agents_url(lab: Lab) -> str:
    """Of agents: they may send reports and receive answers, no more."""
    where = f'{CONTROLLER}:{PORTS["rabbitmq"]}'
    return f'rabbit://{AGENTS}:{secret(lab, "agents")}@{where}/{HASS}'


def start(lab: Lab) -> None:
    """Start all three, and wait until they listen."""
    start_rabbitmq(lab)
    start_memcached(lab)
    start_mariadb(lab)
    for name in ('mariadb', 'rabbitmq', 'memcached'):
        processes.await_port(lab, 'controller', CONTROLLER, PORTS[name], name)


def start_mariadb(lab: Lab) -> None:
    """Durability is given up for speed: the data live for one lab."""
    folder = lab.data / 'mysql'
    if not (folder / 'mysql').exists():
        folder.mkdir(parents=True)
        processes.run(
            [
                'mariadb-install-db',
                '--no-defaults',
                f'--datadir={folder}',
                '--user=root',
                '--auth-root-authentication-method=normal',
                '--skip-test-db',
            ]
        )
    argv = [
        'mariadbd',
        '--no-defaults',
        '--user=root',
        f'--datadir={folder}',
        f'--bind-address={CONTROLLER}',
        f'--port={PORTS["mariadb"]}',
        f'--socket={socket(lab)}',
        f'--pid-file={lab.run}/mariadb.own',
        '--skip-name-resolve',
        '--skip-log-bin',
        '--max-connections=800',
        '--innodb-flush-log-at-trx-commit=0',
        '--innodb-doublewrite=0',
        '--innodb-buffer-pool-size=192M',
        '--innodb-log-file-size=24M',
        '--character-set-server=utf8mb4',
        '--collation-server=utf8mb4_general_ci',
    ]
    processes.start(lab, 'controller', 'mariadb', argv)


def socket(lab: Lab) -> pathlib.Path:
    return lab.run / 'mysql.sock'


def create_databases(lab: Lab) -> None:
    """Make the user and the empty databases of a new MariaDB."""
    password = secret(lab, 'services')
    lines = [
        f"CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{password}';",
        f"GRANT ALL ON *.* TO {USER}@'%';",
    ]
    # Nova's schemas do not fit utf8mb4's index lengths everywhere.
    for name in DATABASES:
        charset = 'utf8mb4' if name == 'hass' else 'utf8mb3'
        lines.append(
            f'CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET {charset};'
        )
    sql(lab, '\n'.join(lines))


def sql(lab: Lab, statements: str) -> str:
    """Run statements as the database's root."""
    argv = ['mariadb', '--no-defaults', '-uroot', f'--socket={socket(lab)}']
    return processes.run([*argv, '--batch'], stdin=statements)


def start_memcached(lab: Lab) -> None:
    port = str(PORTS['memcached'])
    argv = ['memcached', '-l', CONTROLLER, '-p', port, '-m', '64']
    processes.start(lab, 'controller', 'memcached', [*argv, '-u', 'root'])


def start_rabbitmq(lab: Lab) -> None:
    """Debian's wrapper wants systemd and a user of its own: go past it."""
    write(lab.etc / 'rabbit_plugins', '[].\n')
    write(
        lab.etc / 'rabbitmq.conf',
        f'listeners.tcp.1 = {CONTROLLER}:{PORTS["rabbitmq"]}\n'
        f'load_definitions = {lab.etc}/rabbit.json\n'
        'loopback_users = none\n'
        'vm_memory_high_watermark.relative = 0.2\n'
        'disk_free_limit.absolute = 50MB\n',
        0o600,
    )
    passwords = {USER: secret(lab, 'services'), AGENTS: secret(lab, 'agents')}
    write(lab.etc / 'rabbit.json', json.dumps(definitions(passwords)), 0o600)
    for folder in ('data', 'log'):
        (lab.root / folder / 'rabbit').mkdir(parents=True, exist_ok=True)
    argv = [_rabbit_server()]
    processes.start(
        lab, 'controller', 'rabbitmq', argv, _rabbit_environment(lab)
    )


def definitions(passwords: Mapping[str, str]) -> dict[str, object]:
    """Accounts and rights, which RabbitMQ reads when it starts.

    :param passwords: by account
    """
    everything = {'configure': '.*', 'write': '.*', 'read': '.*'}
    rights = json.loads(RIGHTS.read_text())
    return {
        'users': [
            {'name': name, 'password': password, 'tags': ''}
            for name, password in passwords.items()
        ],
        'vhosts': [{'name': name} for name in ('/', HASS)],
        'permissions': [
            {'user': USER, 'vhost': '/', **everything},
            {'user': USER, 'vhost': HASS, **everything},
            *rights['permissions'],
        ],
        'topic_permissions': rights['topic_permissions'],
    }


@functools.cache
def _rabbit_server() -> pathlib.Path:
    lib = pathlib.Path('/usr/lib/rabbitmq/lib')
    found = sorted(lib.glob('rabbitmq_server-*/sbin/rabbitmq-server'))
    if not found:
        raise LabError(f'no RabbitMQ in {lib}')
    return found[-1]


def _rabbit_environment(lab: Lab) -> dict[str, str]:
    return {
        'ERL_EPMD_ADDRESS': '127.0.0.1',
        'RABBITMQ_NODENAME': 'lab@localhost',
        'RABBITMQ_NODE_IP_ADDRESS': CONTROLLER,
        'RABBITMQ_NODE_PORT': str(PORTS['rabbitmq']),
        'RABBITMQ_MNESIA_BASE': str(lab.data / 'rabbit'),
        'RABBITMQ_LOG_BASE': str(lab.log / 'rabbit'),
        'RABBITMQ_CONFIG_FILE': str(lab.etc / 'rabbitmq'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(lab.etc / 'rabbit_plugins'),
        'RABBITMQ_PID_FILE': str(lab.run / 'rabbitmq.own'),
        # Do not spin while there is nothing to do.
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': (
            '+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none '
            '-kernel inet_dist_use_interface {127,0,0,1}'
        ),
    }


def kill_rabbitmq(lab: Lab) -> None:
    """kill -9 RabbitMQ itself and the script around it."""
    if pid := processes.pid_of(lab, 'rabbitmq'):
        pids = processes.family(pid, processes.members('controller'))
        processes.send(pids, signal.SIGKILL)
        processes.until(
            lambda: not any(processes.state(pid) for pid in pids), 5
        )


def stop(lab: Lab) -> None:
    """End MariaDB in good order; the others hold nothing of worth."""
    processes.stop(lab, 'mariadb')
    processes.stop(lab, 'memcached')
    kill_rabbitmq(lab)
