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

"""Network namespaces, bridges and cables; nothing in the root namespace."""

from collections.abc import Iterable
import contextlib
import json
import pathlib
import re
import signal

from tools.minicloud.lab import address
from tools.minicloud.lab import HOST_NETWORKS
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import namespace
from tools.minicloud.lab import NETWORKS
from tools.minicloud import processes

_OURS = re.compile(r'mc-(fabric|controller|bmc|engine\d+|compute\d+)$')
GUEST_BRIDGE = 'br-guests'
_SHORT = {
    'management': 'mgmt',
    'storage': 'stor',
    'tenant': 'tent',
    'bmc': 'bmc',
    'guests': 'gues',
}


def port(name: str, network: str) -> str:
    """The bridge's end of a cable; 15 letters at most."""
    return f'{name}-{_SHORT[network]}'


def bridge(network: str) -> str:
    return f'br-{_SHORT[network]}'


def up(lab: Lab) -> None:
    """Make all namespaces and lay all cables."""
    names = ['controller', *lab.engines, *lab.hosts]
    cables = {name: list(lab.networks) for name in names}
    cables |= {host: list(HOST_NETWORKS) for host in lab.hosts}
    _make_namespaces(['fabric', 'bmc', *names])
    _make_bridges(lab.networks)
    for name, networks in cables.items():
        _connect(name, {net: [address(name, net)] for net in networks})
    if lab.guests:
        for host in lab.hosts:
            _connect(host, {'guests': []})
            _bridge_guests(host)
    bmcs = [address(host, 'bmc') for host in lab.hosts]
    _connect('bmc', {'bmc': bmcs})


def batch(lines: list[str], name: str | None = None) -> None:
    """Configure the network of a namespace."""
    where = ['-n', namespace(name)] if name else []
    processes.run(['ip', *where, '-batch', '-'], stdin='\n'.join(lines))


def _make_namespaces(names: list[str]) -> None:
    batch([f'netns add {namespace(name)}' for name in names])
    for name in names:
        # IPv6 would only add noise and address detection delays.
        quiet = 'net.ipv6.conf.all.disable_ipv6=1'
        processes.run(
            processes.inside(name, ['sysctl', '-q', '-w', quiet]),
            check=False,
        )
        batch(['link set lo up'], name)


def _make_bridges(networks: Iterable[str]) -> None:
    lines = []
    for network in networks:
        lines += [
            f'link add {bridge(network)} type bridge',
            f'link set {bridge(network)} up',
        ]
    batch(lines, 'fabric')


def _connect(name: str, networks: dict[str, list[str]]) -> None:
    """Lay a cable from a namespace to each bridge."""
    fabric = namespace('fabric')
    for network, addresses in networks.items():
        ours = port(name, network)
        batch(
            [
                f'link add {ours} netns {fabric} type veth '
                f'peer name {network} netns {namespace(name)}'
            ]
        )
        batch(
            [
                f'link set {ours} master {bridge(network)}',
                f'link set {ours} up',
            ],
            'fabric',
        )
        lines = [f'addr add {each}/24 dev {network}' for each in addresses]
        batch([*lines, f'link set {network} up'], name)


def _bridge_guests(host: str) -> None:
    """A bridge in the host, for its guests' and its own way out."""
    ours = f'{address(host, "guests")}/24'
    batch(
        [
            f'link add {GUEST_BRIDGE} type bridge',
            f'link set guests master {GUEST_BRIDGE}',
            f'addr add {ours} dev {GUEST_BRIDGE}',
            f'link set {GUEST_BRIDGE} up',
        ],
        host,
    )


def forget_taps(host: str) -> None:
    """The taps of the guests of an earlier boot are still there."""
    said = processes.run(
        ['ip', '-n', namespace(host), '-j', 'link', 'show', 'type', 'tun']
    )
    taps = [each['ifname'] for each in json.loads(said or '[]')]
    batch([f'link del {tap}' for tap in taps], host)


def set_link_of(host: str, device: str, state: str) -> None:
    """Take a device within a host 'down' or 'up'."""
    batch([f'link set {device} {state}'], host)


def ours() -> list[str]:
    """The namespaces that labs make, whoever made them."""
    said = processes.run(['ip', 'netns', 'list'], check=False)
    names = [line.split()[0] for line in said.splitlines() if line]
    return [name for name in names if _OURS.match(name)]


def down() -> None:
    """Kill everything in our namespaces, and remove them.

    Sweeps until nothing is left: a host that boots meanwhile leaves new
    processes behind.

    :raises LabError: a process cannot be killed
    """

    def empty() -> bool:
        pids = [pid for name in ours() for pid in processes.members(name)]
        processes.send(pids, signal.SIGKILL)
        return not pids

    if not processes.until(empty, processes.END_SECONDS):
        raise LabError('some processes in the namespaces do not die')
    for name in ours():
        processes.run(['ip', 'netns', 'del', name])
    _forget_netns_folder()


def _forget_netns_folder() -> None:
    """iproute2 leaves a mount behind after the last namespace."""
    folder = pathlib.Path('/run/netns')
    if folder.is_dir() and not any(folder.iterdir()):
        while str(folder) in _mount_points():
            processes.run(['umount', folder])
        with contextlib.suppress(OSError):
            folder.rmdir()


def _mount_points() -> list[str]:
    lines = pathlib.Path('/proc/self/mounts').read_text().splitlines()
    return [line.split()[1] for line in lines]


def set_links(name: str, networks: tuple[str, ...], state: str) -> None:
    """Pull ('down') or plug in ('up') cables at the switch.

    :raises LabError: a network has another name
    """
    for network in networks:
        if network not in NETWORKS:
            raise LabError(f'{network!r} is not one of {", ".join(NETWORKS)}')
    lines = [f'link set {port(name, net)} {state}' for net in networks]
    batch(lines, 'fabric')


def set_mute(name: str, mute: bool) -> None:
    """Drop whatever comes in or goes out, as a hung kernel would."""
    rules = [
        line
        for family in ('inet', 'arp')
        for hook in ('input', 'output')
        for line in (
            f'add table {family} mute',
            f'add chain {family} mute {hook} '
            f'{{ type filter hook {hook} priority -300; policy drop; }}',
        )
    ]
    _nft(name, rules if mute else [])


def set_deaf_bmcs(hosts: list[str]) -> None:
    """Let the BMCs of these hosts, and no others, hear nothing."""
    rules = [
        'add table inet mute',
        'add chain inet mute input { type filter hook input priority 0; }',
    ]
    for host in hosts:
        to = address(host, 'bmc')
        rules.append(f'add rule inet mute input ip daddr {to} drop')
    _nft('bmc', rules)


def set_loss(name: str, percent: int) -> None:
    """Lose so many of the packets that come in, and of those that go."""
    rules = []
    for family in ('inet', 'arp'):
        rules.append(f'add table {family} loss')
        for hook, way in (('input', 'iifname'), ('output', 'oifname')):
            rules += [
                f'add chain {family} loss {hook} '
                f'{{ type filter hook {hook} priority -300; }}',
                f'add rule {family} loss {hook} {way} != "lo" '
                f'numgen random mod 100 < {percent} drop',
            ]
    _nft(name, rules if percent else [], 'loss')


def _nft(name: str, rules: list[str], table: str = 'mute') -> None:
    """Replace a table, in one transaction."""
    fresh = []
    for family in ('inet', 'arp'):
        fresh += [
            f'add table {family} {table}',
            f'delete table {family} {table}',
        ]
    argv = processes.inside(name, ['nft', '-f', '-'])
    processes.run(argv, stdin='\n'.join([*fresh, *rules]) + '\n')
