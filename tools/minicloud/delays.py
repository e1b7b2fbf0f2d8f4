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

"""Late packets: a relay between a host's cable and the bridge.

The kernel needs no netem for this.
"""

import pathlib

from tools.minicloud import fabric
from tools.minicloud.lab import Lab
from tools.minicloud.lab import namespace
from tools.minicloud.lab import NETWORKS
from tools.minicloud.lab import number
from tools.minicloud import processes

SECONDS = (0.1, 0.9)
_RELAY = pathlib.Path(__file__).with_name('relay.py')


def lay(lab: Lab, host: str, networks: tuple[str, ...]) -> None:
    """Lead these networks of a host through a relay."""
    take(lab, host)
    lines = []
    pairs = []
    for network in networks:
        cable, plug = fabric.port(host, network), _plug(host, network)
        lines += [
            f'link add {plug} type veth peer name {plug}-b',
            f'link set {plug} up',
            f'link set {plug}-b master {fabric.bridge(network)}',
            f'link set {plug}-b up',
            f'link set {cable} nomaster',
        ]
        pairs.append(f'{cable}:{plug}')
    fabric.batch(lines, 'fabric')
    argv: list[processes.Argument] = ['python3', '-SE', _RELAY]
    argv += [str(seconds) for seconds in SECONDS]
    processes.start(lab, 'fabric', _daemon(host), [*argv, *pairs])


def take(lab: Lab, host: str) -> None:
    """Plug the host into the bridges again."""
    processes.stop(lab, _daemon(host))
    lines = []
    for network in NETWORKS:
        plug = _plug(host, network)
        if _exists(plug):
            cable = fabric.port(host, network)
            lines += [
                f'link del {plug}',
                f'link set {cable} master {fabric.bridge(network)}',
            ]
    fabric.batch(lines, 'fabric')


def _exists(device: str) -> bool:
    argv = ['ip', '-n', namespace('fabric'), 'link', 'show', device]
    return bool(processes.run(argv, check=False))


def _daemon(host: str) -> str:
    return f'relay-{host}'


def _plug(host: str, network: str) -> str:
    """The relay's own end of a cable to the bridge; 15 letters at most."""
    return fabric.port(f'r{number(host)}', network)
