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

"""What the lab is made of: folders, names, addresses, secrets."""

import dataclasses
import json
import os
import pathlib
import secrets
import uuid

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = '/var/lib/hass-minicloud'
DEFAULT_HOSTS = 4
GUEST_HOSTS = 3
# A host's last octet is 100 + its number; the address space ends there.
MAX_HOSTS = 100

# The first three octets of each network.
NETWORKS = {
    'management': '192.0.2',
    'storage': '198.51.100',
    'tenant': '203.0.113',
    'bmc': '198.18.0',
    # Of a lab with real guests only.
    'guests': '198.18.1',
}
HOST_NETWORKS = ('management', 'storage', 'tenant')
CONTROLLER = f'{NETWORKS["management"]}.1'
PORTS = {
    'mariadb': 3306,
    'keystone': 5000,
    'rabbitmq': 5672,
    'placement': 8778,
    'nova-api': 8774,
    'ceph': 6789,
    'cinder': 8776,
    'glance': 9292,
    'neutron': 9696,
    'memcached': 11211,
    'zookeeper': 2181,
    'etcd': 2379,
    'hass-api': 15868,
}
REGION = 'RegionOne'
BMC_USER = 'hass'


class LabError(Exception):
    """The lab cannot do what it was asked for."""


def namespace(name: str) -> str:
    """The network namespace of controller, compute1, engine2 …"""
    return name if name.startswith('mc-') else f'mc-{name}'


def url(service: str) -> str:
    """Where a service of the controller answers, without a path."""
    return f'http://{CONTROLLER}:{PORTS[service]}'


def number(name: str) -> int:
    """The number of compute3 or engine2.

    :raises LabError: the name does not end in a number
    """
    digits = name.lstrip('abcdefghijklmnopqrstuvwxyz-')
    if not digits.isdigit():
        raise LabError(f'{name!r} names no host: expected compute1 …')
    return int(digits)


def address(name: str, network: str = 'management') -> str:
    """The address of a controller, engine or compute host."""
    net = NETWORKS[network]
    if name == 'controller':
        return f'{net}.1'
    base = 100 if name.startswith('compute') else 10
    return f'{net}.{base + number(name)}'


@dataclasses.dataclass(frozen=True, slots=True)
class Lab:
    """One lab: a folder and a number of compute hosts.

    :ivar guests: hosts run libvirt and real guests, not files
    """

    root: pathlib.Path
    size: int = DEFAULT_HOSTS
    guests: bool = False

    @property
    def venv(self) -> pathlib.Path:
        return self.root / 'venv'

    @property
    def etc(self) -> pathlib.Path:
        return self.root / 'etc'

    @property
    def data(self) -> pathlib.Path:
        return self.root / 'data'

    @property
    def log(self) -> pathlib.Path:
        return self.root / 'log'

    @property
    def run(self) -> pathlib.Path:
        return self.root / 'run'

    @property
    def ledger(self) -> pathlib.Path:
        """Where the oracle's events are."""
        return self.run / 'ledger'

    @property
    def requests(self) -> pathlib.Path:
        """Where nova-api counts its requests, one JSON object a line."""
        return self.run / 'nova-requests'

    @property
    def alarms(self) -> pathlib.Path:
        """What HASS paged, one JSON object a line."""
        return self.run / 'alarms'

    @property
    def instances(self) -> pathlib.Path:
        """The disks and consoles of real guests, shared by all hosts."""
        return self.run / 'instances'

    @property
    def image(self) -> pathlib.Path:
        """What real guests boot."""
        return self.root / 'image'

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(net for net in NETWORKS if net != 'guests' or self.guests)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(f'compute{n}' for n in range(1, self.size + 1))

    @property
    def engines(self) -> tuple[str, ...]:
        return ('engine1', 'engine2')

    def host(self, name: str) -> pathlib.Path:
        """The folder of a compute host.

        :raises LabError: no host has that name
        """
        if name not in self.hosts:
            raise LabError(f'{name!r} is not one of {", ".join(self.hosts)}')
        return self.run / name

    def is_up(self) -> bool:
        return (self.run / 'up').exists()


def load() -> Lab:
    """The lab of $MINICLOUD_DIR, as it was brought up last."""
    root = pathlib.Path(
        os.environ.get('MINICLOUD_DIR', DEFAULT_FOLDER)
    ).absolute()
    try:
        shape = json.loads((root / 'run' / 'shape').read_text())
    except FileNotFoundError:
        return Lab(root)
    return Lab(root, shape['size'], shape['guests'])


def keep_shape(lab: Lab) -> None:
    """Let load() find it again."""
    shape = {'size': lab.size, 'guests': lab.guests}
    write(lab.run / 'shape', json.dumps(shape))


def secret(lab: Lab, name: str) -> str:
    """A password of this lab, made when it is first asked for."""
    path = lab.root / 'secrets.json'
    known: dict[str, str] = {}
    if path.exists():
        known = json.loads(path.read_text())
    if name not in known:
        known[name] = secrets.token_hex(8)
        write(path, json.dumps(known), 0o600)
    return known[name]


def system_uuid(lab: Lab, host: str) -> uuid.UUID:
    """What the BMC says as GUID and the host reads in band."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f'{lab.root}/{host}')


def write(path: pathlib.Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole, its folder included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f'{path.name}.new')
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(os.open(fresh, flags, mode), 'w') as out:
        out.write(text)
    fresh.rename(path)
