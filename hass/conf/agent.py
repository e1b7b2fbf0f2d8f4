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

"""[agent]: what runs on every compute host."""

import dataclasses
import ipaddress
import socket
from typing import Any

from oslo_config import cfg
from oslo_config import types


@dataclasses.dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where an engine hears beats on one network; '' means on each."""

    network: str
    address: str
    port: int


class EngineAddressType(types.ConfigType):
    """network=address:port, or address:port for every network."""

    def __init__(self) -> None:
        super().__init__(type_name='engine address')

    def __call__(self, value: Any) -> EngineAddress:
        if isinstance(value, EngineAddress):
            return value
        network, _equals, place = str(value).strip().rpartition('=')
        address, _colon, port = place.rpartition(':')
        address = address.removeprefix('[').removesuffix(']')
        if not address or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f'{value!r} is not [network=]address:port')
        return EngineAddress(network, address, int(port))

    def __repr__(self) -> str:
        return 'address:port or network=address:port'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EngineAddressType)

    def __hash__(self) -> int:
        return hash(type(self))

    def _formatter(self, value: EngineAddress) -> str:
        return f'{value.network}={value.address}:{value.port}'


class LocalAddressType(types.ConfigType):
    """network=address, an IP address of this host there."""

    def __init__(self) -> None:
        super().__init__(type_name='local address')

    def __call__(self, value: Any) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        network, equals, address = str(value).strip().partition('=')
        if not network or not equals:
            raise ValueError(f'{value!r} is not network=address')
        return network, str(ipaddress.ip_address(address))

    def __repr__(self) -> str:
        return 'network=address, with an IP address'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalAddressType)

    def __hash__(self) -> int:
        return hash(type(self))

    def _formatter(self, value: tuple[str, str]) -> str:
        return '='.join(value)


OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'host',
        default=socket.gethostname(),
        sample_default='compute-1',
        max_length=190,
        help='Name of this host, exactly as Nova names it ([DEFAULT] host in '
        'nova.conf) and as it was added to its cluster.',
    ),
    cfg.StrOpt(
        'key_file',
        default='/etc/hass/agent.key',
        help='File with the key that was issued when this host was added. '
        'It must be readable by its owner only. Without it the agent does '
        'not start: engines believe nothing that is not signed.',
    ),
    cfg.ListOpt(
        'engines',
        default=[],
        item_type=EngineAddressType(),
        sample_default='management=192.0.2.11:15869,'
        'management=192.0.2.12:15869,storage=198.51.100.11:15869',
        help='Where the engines hear beats: network=address:port for each '
        'engine on each network, or address:port for all networks. Each is '
        'sent its own beat. They must be what [engine] listen of the '
        'controllers names; an engine left out takes this host for silent.',
    ),
    cfg.ListOpt(
        'beat_networks',
        default=[],
        item_type=LocalAddressType(),
        sample_default='management=192.0.2.21,storage=198.51.100.21',
        help='Networks to beat on, each with the address of this host there '
        '(network=address). Two or more are wanted: with one alone, a dead '
        'switch looks like dead hosts. When empty, the networks named in '
        'engines are used and the routing table chooses the address.',
    ),
    cfg.FloatOpt(
        'beat_seconds',
        default=1.0,
        min=0.05,
        max=10.0,
        help='Seconds between two beats. A host is suspected after three of '
        'them at the earliest: see [detection] target_seconds of the engines.',
    ),
    cfg.FloatOpt(
        'bus_beat_seconds',
        default=3.0,
        min=0.0,
        max=50.0,
        help='Seconds between two short signs of life over the message bus. '
        'One engine keeps each of them in memory, nothing is written. They '
        'show that the host lives while its beats and pings are filtered. '
        '0: none are sent, and only the reports show it. More than twice '
        'this time must fit into [detection] bus_seconds of the engines.',
    ),
    cfg.FloatOpt(
        'report_seconds',
        default=10.0,
        min=1.0,
        max=300.0,
        help='Seconds between two full reports over the message bus; what '
        'has changed is reported at once.',
    ),
    cfg.FloatOpt(
        'call_seconds',
        default=5.0,
        min=0.5,
        max=60.0,
        help='How long an engine may take to answer over the message bus '
        'before the call counts as lost and is repeated.',
    ),
    cfg.IntOpt(
        'backlog',
        default=10000,
        min=1,
        max=100000,
        help='Alleged faults, and events of instances, that are kept while '
        'no engine can be reached. When there are more of either, the oldest '
        'are dropped and counted.',
    ),
    cfg.FloatOpt(
        'gate_poll_seconds',
        default=1.0,
        min=0.1,
        max=60.0,
        help='Pause between two questions of hass-agent gate, which keeps '
        'the compute services from starting while a recovery of this host '
        'is open.',
    ),
    cfg.StrOpt(
        'guests',
        default='none',
        choices=[
            ('none', 'do not look: a living host cannot be cleared'),
            ('libvirt', 'ask libvirt at guests_uri'),
            ('folder', 'each file name in guests_folder is a UUID'),
        ],
        help='How the agent sees which guests are defined on this host. '
        'Engines use it to tell that a guest is not on a living host before '
        'they evacuate it. With libvirt, what befalls an instance (its '
        'process is killed, its kernel panics, its watchdog fires) is '
        'reported at once; this needs hass[agent].',
    ),
    cfg.StrOpt(
        'guests_uri',
        default='qemu:///system',
        help='libvirt connection for guests = libvirt. It is opened to read '
        'only; guest_looks = agent opens it once more to write as well.',
    ),
    cfg.ListOpt(
        'guest_looks',
        default=['agent', 'network'],
        item_type=types.String(choices=['agent', 'network']),
        help='With guests = libvirt, what of each running instance is looked '
        'at besides its process. agent: whether its guest agent answers a '
        'ping; libvirt wants a connection that may write for that, and marks '
        'the domain as tainted by a custom command. network: whether it '
        'answers ARP at its own device here, or pings from its network. Who '
        'has answered twice, and answers no more, is reported as failed; who '
        'never did is unknown.',
    ),
    cfg.FloatOpt(
        'guest_look_seconds',
        default=2.0,
        min=0.5,
        max=60.0,
        help='Pause between two looks at the networks of the instances. '
        'After three without an answer a network counts as lost: too large, '
        'and that is seen late; too small, and looking costs more than a '
        'hundredth of a processor where there are many instances.',
    ),
    cfg.StrOpt(
        'guests_folder',
        default='/var/lib/hass/guests',
        help='Folder for guests = folder.',
    ),
    cfg.StrOpt(
        'nova_conf',
        default='/etc/nova/nova.conf',
        help='Configuration of the compute service here. It is read to see '
        'that resume_guests_state_on_host_boot is false: otherwise this '
        'host would start evacuated guests a second time when it boots.',
    ),
    cfg.ListOpt(
        'detectors',
        default=[],
        sample_default='compute_systemd,libvirt_keepalive,storage_file',
        help='Detectors that look at this host from inside, by their names '
        'in hass.detectors. When empty, all those that find what they need '
        'here. One that is named and finds no systemd, no libvirt or no '
        '/dev/ipmi0 is shown as an ailment of the agent.',
    ),
    cfg.FloatOpt(
        'look_seconds',
        default=1.0,
        min=0.2,
        max=60.0,
        help='Pause between two looks of a detector. It adds to the time '
        'that a failure takes to be seen; too small, and looking costs more '
        'than a hundredth of a processor.',
    ),
    cfg.StrOpt(
        'compute_unit',
        default='nova-compute.service',
        sample_default='nova-compute.service',
        help='systemd unit of the compute service here; '
        'openstack-nova-compute.service on some distributions.',
    ),
    cfg.StrOpt(
        'libvirt_unit',
        default='libvirtd.service',
        help='systemd unit of libvirt here; virtqemud.service where libvirt '
        'runs as several daemons.',
    ),
    cfg.BoolOpt(
        'obey_orders',
        default=True,
        help='Let engines order what this agent knows how to do, and nothing '
        'else: restart compute_unit or libvirt_unit, resume an instance '
        'that an error of its storage has paused, and write a mark into the '
        'BMC of this host, which proves its wiring. In a cluster that only '
        'observes, which is how each begins, they order marks alone. Off: a '
        'service that died stays dead until somebody comes, such an '
        'instance is rebooted, and no wiring is proven.',
    ),
    cfg.IntOpt(
        'max_orders',
        default=5,
        min=1,
        help='Orders of one kind at one unit or instance that are carried '
        'out within orders_seconds, by the count of this agent. It should be '
        'more than [services] max_restarts of the engines, which count for '
        'themselves: this is what a confused one can do at most.',
    ),
    cfg.IntOpt(
        'orders_seconds',
        default=3600,
        min=1,
        help='See max_orders.',
    ),
    cfg.StrOpt(
        'instances_path',
        default='/var/lib/nova/instances',
        help='Where instances_path of nova.conf is. A file .hass-agent-HOST '
        'is written there and read back, to see whether the storage works.',
    ),
    cfg.FloatOpt(
        'storage_seconds',
        default=10.0,
        min=0.5,
        max=300.0,
        help='How long that may take before the storage counts as failed. '
        'Too small, and a file server that is taken over by its partner, or '
        'a burst of writes, looks like a failure.',
    ),
    cfg.MultiStrOpt(
        'membership_urls',
        default=[],
        secret=True,
        sample_default=[
            'zookeeper://192.0.2.31:2181,192.0.2.32:2181?timeout=5',
            'etcd3+http://192.0.2.34:2379?api_version=v3&timeout=5',
            'memcached://192.0.2.33:11211?membership_timeout=5&timeout=5',
        ],
        help='Coordination services, as URLs of tooz, in whose group '
        'hass-hosts this agent beats: one more path to be seen alive by. It '
        'needs hass[membership]. The same URLs belong into [detection] '
        'membership_urls of the engines. Their time-outs say how long it '
        'takes until the service misses a host.',
    ),
    cfg.StrOpt(
        'boot_id_file',
        default='/proc/sys/kernel/random/boot_id',
        advanced=True,
        help='Where the id of this boot is read.',
    ),
    cfg.StrOpt(
        'system_uuid_file',
        default='/sys/class/dmi/id/product_uuid',
        advanced=True,
        help='Where the UUID of this machine is read. It must equal the '
        'GUID that its BMC tells, or the engines do not trust the wiring.',
    ),
    cfg.StrOpt(
        'watchdog_device',
        default='',
        sample_default='/dev/watchdog0',
        help='Watchdog to feed. Empty: off. A watchdog resets this host '
        'when the agent hangs; leave it off unless that is wanted.',
    ),
    cfg.IntOpt(
        'watchdog_seconds',
        default=30,
        min=5,
        max=600,
        help='Time-out that is set on the watchdog; it is fed every second. '
        'Too small, and a busy host is reset.',
    ),
    cfg.BoolOpt(
        'allow_softdog',
        default=False,
        help='Feed a watchdog that is only software (softdog). It dies with '
        'the kernel that it should watch, so it is refused by default.',
    ),
]
