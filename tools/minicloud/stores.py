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

"""ZooKeeper, memcached and etcd as paths to see hosts alive by.

On the controller, where an operator has them. memcached is the one in which
tokens are cached; the others run only while HASS is to use them.
"""

import shutil
import signal

from tools.minicloud import backends
from tools.minicloud import hass_services
from tools.minicloud.lab import CONTROLLER
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import PORTS
from tools.minicloud.lab import write
from tools.minicloud import processes

_PLACES = {
    'zookeeper': f'zookeeper://{CONTROLLER}:{PORTS["zookeeper"]}',
    'memcached': f'memcached://{CONTROLLER}:{PORTS["memcached"]}',
    'etcd': f'etcd3+http://{CONTROLLER}:{PORTS["etcd"]}',
}
# Seconds until they miss a host, and until they count as silent.
_SETTINGS = {
    'zookeeper': 'timeout=2',
    'memcached': 'membership_timeout=3&timeout=2',
    'etcd': 'api_version=v3&timeout=2',
}
NAMES = tuple(_PLACES)


def place(name: str) -> str:
    """How HASS names a store.

    :raises LabError: there is no such store
    """
    if name not in _PLACES:
        raise LabError(f'{name!r} is not one of {", ".join(NAMES)}')
    return _PLACES[name]


def name(place: str) -> str:
    """The store that HASS names so.

    :raises LabError: none is named so
    """
    for name, known in _PLACES.items():
        if place == known:
            return name
    raise LabError(f'{place!r} is no store of the lab')


def are_up(lab: Lab) -> bool:
    return hass_services.has_config(lab, 'stores')


def up(lab: Lab) -> None:
    """Start those that do not run; restart HASS unless it has them."""
    for name in NAMES:
        start(lab, name)
    if are_up(lab):
        return
    urls = [f'{place(name)}?{_SETTINGS[name]}' for name in NAMES]
    lines = [f'membership_urls = {url}\n' for url in urls]
    text = ['[agent]\n', *lines, '[detection]\n', *lines]
    hass_services.add_config(lab, 'stores', ''.join(text))


def down(lab: Lab) -> None:
    """Restart HASS without them, if it has them, and stop them."""
    if are_up(lab):
        hass_services.add_config(lab, 'stores', '')
        start(lab, 'memcached')
    for name in ('zookeeper', 'etcd'):
        kill(lab, name)
        shutil.rmtree(lab.data / name, ignore_errors=True)


def start(lab: Lab, name: str) -> None:
    """Start a store with the data that it had; wait until it listens."""
    place(name)
    if processes.pid_of(lab, name) is not None:
        return
    match name:
        case 'zookeeper':
            _start_zookeeper(lab)
        case 'etcd':
            _start_etcd(lab)
        case 'memcached':
            backends.start_memcached(lab)
    processes.await_port(lab, 'controller', CONTROLLER, PORTS[name], name)


def kill(lab: Lab, name: str) -> None:
    """kill -9, and wait until it is gone."""
    place(name)
    if pid := processes.pid_of(lab, name):
        processes.send([pid], signal.SIGKILL)
        processes.until(lambda: processes.pid_of(lab, name) is None, 5)


def _start_zookeeper(lab: Lab) -> None:
    config = lab.etc / 'zoo.cfg'
    write(
        config,
        f'dataDir={lab.data}/zookeeper\n'
        f'clientPort={PORTS["zookeeper"]}\n'
        f'clientPortAddress={CONTROLLER}\n'
        # Twice this is the shortest time-out that it grants.
        'tickTime=500\n'
        'admin.enableServer=false\n',
    )
    jars = [f'/usr/share/java/{it}.jar' for it in ('zookeeper', 'slf4j-nop')]
    argv = ['java', '-Xmx64m', '-XX:-UsePerfData', '-cp', ':'.join(jars)]
    argv += ['org.apache.zookeeper.server.ZooKeeperServerMain', str(config)]
    processes.start(lab, 'controller', 'zookeeper', argv)


def _start_etcd(lab: Lab) -> None:
    mine = f'http://{CONTROLLER}:{PORTS["etcd"]}'
    argv = [
        'etcd',
        f'--data-dir={lab.data}/etcd',
        f'--listen-client-urls={mine}',
        f'--advertise-client-urls={mine}',
        '--listen-peer-urls=http://127.0.0.1:2380',
        '--unsafe-no-fsync',
    ]
    processes.start(lab, 'controller', 'etcd', argv)
