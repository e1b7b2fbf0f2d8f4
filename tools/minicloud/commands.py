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

"""The command line of the lab."""

import argparse
from collections.abc import Sequence
import dataclasses
import json
import os
import shlex
import subprocess
import sys

from tools.minicloud import bmcs
from tools.minicloud import faults
from tools.minicloud import guests
from tools.minicloud import hass_services
from tools.minicloud import hosts
from tools.minicloud import install
from tools.minicloud.lab import GUEST_HOSTS
from tools.minicloud.lab import HOST_NETWORKS
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud.lab import load
from tools.minicloud.lab import MAX_HOSTS
from tools.minicloud import lifecycle
from tools.minicloud import openstack
from tools.minicloud import processes
from tools.minicloud import volumes

# Fault verb -> what its words are: a host, an engine's number, networks …
FAULTS: dict[str, tuple[str, ...]] = {
    'power_cut': ('host',),
    'power_on': ('host',),
    'hang': ('host',),
    'unhang': ('host',),
    'kernel_panic': ('host',),
    'power_cycle': ('host',),
    'cut': ('host', 'networks'),
    'join': ('host', 'networks'),
    'lose': ('host', 'percent'),
    'delay': ('host', 'networks'),
    'undelay': ('host',),
    'agents_restart': (),
    'agents_kill9': (),
    'switch_down': (),
    'switch_up': (),
    'spawn_seconds': ('host', 'seconds'),
    'own_clock': ('name',),
    'common_clock': ('name',),
    'clock_jump': ('name', 'count'),
    'bmc_mute': ('host',),
    'bmc_unmute': ('host',),
    'bmc_lie': ('host',),
    'bmc_honest': ('host',),
    'sensor': ('host', 'value'),
    'cut_engine': ('number', 'networks'),
    'join_engine': ('number',),
    'engine_kill9': ('number',),
    'engine_start': ('number',),
    'engine_stop_signal': ('number',),
    'engine_cont': ('number',),
    'rabbit_kill9': (),
    'rabbit_start': (),
    'stores_up': (),
    'stores_down': (),
    'store_kill9': ('name',),
    'store_start': ('name',),
    'nova_api_500': ('on',),
    'nova_api_slow': ('seconds',),
    'nova_api_sigstop': (),
    'nova_api_sigcont': (),
    'nova_api_stop_at_evacuate': (),
}

# Functions of guests.py that take a guest.
GUEST_WORDS = (
    *('ask', 'boots', 'console', 'tick', 'twice'),
    *('kill', 'panic', 'hang', 'fill', 'make_room', 'unplug'),
)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='minicloud', description='A real OpenStack on one machine.'
    )
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='VERB')
    verbs.add_parser('install', help='packages, virtualenv, schemas')
    up = verbs.add_parser('up', help='bring the cloud up (installs first)')
    up.add_argument('--hosts', type=_size, default=None, metavar='N')
    up.add_argument('--no-hass', action='store_true')
    up.add_argument(
        '--guests', action='store_true', help='libvirt and real guests'
    )
    up.add_argument(
        '--volumes', action='store_true', help='guests, Ceph and Cinder'
    )
    down = verbs.add_parser('down', help='take everything down')
    down.add_argument('--purge', action='store_true')
    hass = verbs.add_parser('hass-up', help='HASS on a cloud that is up')
    for each in (up, hass):
        each.add_argument(
            '--set',
            action='append',
            default=[],
            type=_option,
            metavar='GROUP.OPTION=VALUE',
            help='an option of HASS, for all its services',
        )
    verbs.add_parser('hass-down', help='take HASS off the cloud')
    verbs.add_parser('status', help='what runs, as JSON')
    verbs.add_parser('env', help='exports for OpenStack clients')
    run = verbs.add_parser('exec', help='a command in a namespace')
    run.add_argument('where', help='controller, engine1, compute1 …')
    run.add_argument('command', nargs=argparse.REMAINDER)
    client = verbs.add_parser('openstack', help="the client, as 'admin'")
    client.add_argument('command', nargs=argparse.REMAINDER)
    ipmi = verbs.add_parser('ipmitool', help="speak to a host's BMC")
    ipmi.add_argument('host')
    ipmi.add_argument('command', nargs=argparse.REMAINDER)
    rest = verbs.add_parser('rest', help='call hass-api, as JSON')
    rest.add_argument('method')
    rest.add_argument('path', help='/v1/…')
    rest.add_argument('body', nargs='?', default='null')
    boot = verbs.add_parser('boot', help='boot servers')
    boot.add_argument('count', type=int)
    boot.add_argument('--host', default='')
    boot.add_argument(
        '--volume', action='store_true', help='with volumes as disks'
    )
    for verb in ('servers', 'delete-all'):
        verbs.add_parser(verb)
    for verb in ('force-down', 'unforce'):
        verbs.add_parser(verb).add_argument('host')
    verbs.add_parser('evacuate').add_argument('ids', nargs='+')
    guest = verbs.add_parser('guest', help='ask or break a real guest')
    guest.add_argument('word', choices=GUEST_WORDS)
    guest.add_argument('uuid')
    for verb, words in FAULTS.items():
        _add_fault(verbs.add_parser(verb), verb, words)
    return parser


def _add_fault(
    parser: argparse.ArgumentParser, verb: str, words: tuple[str, ...]
) -> None:
    documented = getattr(faults, verb).__doc__ or verb
    parser.description = documented.splitlines()[0]
    for word in words:
        match word:
            case 'number':
                parser.add_argument(word, type=int, choices=(1, 2))
            case 'percent' | 'count':
                parser.add_argument(word, type=int)
            case 'seconds' | 'value':
                parser.add_argument(word, type=float)
            case 'networks':
                parser.add_argument(word, nargs='*', default=HOST_NETWORKS)
            case 'on':
                parser.add_argument(word, choices=('on', 'off'))
            case _:
                parser.add_argument(word)


def _size(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_HOSTS:
        raise argparse.ArgumentTypeError(f'1 to {MAX_HOSTS}, not {text!r}')
    return int(text)


def _option(text: str) -> tuple[str, str, str]:
    left, equals, value = text.partition('=')
    group, dot, name = left.partition('.')
    if not (group and dot and name and equals):
        raise argparse.ArgumentTypeError(f'GROUP.OPTION=VALUE, not {text!r}')
    return group, name, value


def _options(
    given: list[tuple[str, str, str]],
) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for group, name, value in given:
        found.setdefault(group, {})[name] = value
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(argv)
    if os.geteuid() != 0:
        print('minicloud: must run as root', file=sys.stderr)
        return 1
    try:
        return _run(load(), options)
    except LabError as error:
        print(f'minicloud: {error}', file=sys.stderr)
        return 1


def _run(lab: Lab, options: argparse.Namespace) -> int:
    say = lifecycle.progress()
    match options.verb:
        case 'install':
            install.install(lab, say)
        case 'up':
            real = options.guests or options.volumes
            size = options.hosts or (GUEST_HOSTS if real else lab.size)
            lab = dataclasses.replace(lab, size=size, guests=real)
            lifecycle.up(lab, say)
            if options.volumes:
                volumes.up(lab, say)
            if not options.no_hass:
                hass_services.up(lab, say, _options(options.set))
        case 'down':
            lifecycle.down(lab, options.purge)
        case 'status':
            print(json.dumps(lifecycle.status(lab), indent=1))
        case _ if not lab.is_up():
            raise LabError('the lab is not up')
        case verb:
            return _run_when_up(lab, verb, options)
    return 0


def _run_when_up(lab: Lab, verb: str, options: argparse.Namespace) -> int:
    say = lifecycle.progress()
    match verb:
        case 'hass-up':
            hass_services.up(lab, say, _options(options.set))
        case 'hass-down':
            hass_services.down(lab)
        case 'env':
            for name, value in openstack.client_environment(lab).items():
                print(f'export {name}={shlex.quote(value)}')
        case 'openstack':
            return _openstack(lab, options.command)
        case 'exec':
            return _exec(lab, options.where, options.command)
        case 'ipmitool':
            print(bmcs.ipmitool(lab, options.host, *options.command), end='')
        case 'rest':
            body = json.loads(options.body)
            answer = hass_services.rest(
                lab, options.method, options.path, body
            )
            print(json.dumps(answer, indent=1))
        case 'boot':
            root = 'volume' if options.volume else 'file'
            words = str(options.count), options.host, 'none', root
            print(openstack.script(lab, 'servers', 'boot', *words))
        case 'servers':
            print(openstack.script(lab, 'servers', 'list'), end='')
        case 'guest':
            print(getattr(guests, options.word)(lab, options.uuid))
        case 'delete-all':
            openstack.script(lab, 'servers', 'delete-all')
        case 'force-down' | 'unforce':
            openstack.script(lab, 'servers', verb, options.host)
        case 'evacuate':
            openstack.script(lab, 'servers', 'evacuate', *options.ids)
        case _:
            _fault(lab, verb, options)
    return 0


def _openstack(lab: Lab, command: list[str]) -> int:
    """The lab's own client knows no ``ha``: that of HASS does."""
    if command[:1] != ['ha']:
        return openstack.command(lab, command)
    client = hass_services.program('openstack')
    return openstack.command(lab, command, client)


def _fault(lab: Lab, verb: str, options: argparse.Namespace) -> None:
    words = [getattr(options, word) for word in FAULTS[verb]]
    if verb == 'nova_api_500':
        words = [options.on == 'on']
    if 'networks' in FAULTS[verb]:
        words[-1] = tuple(words[-1])
    getattr(faults, verb)(lab, *words)


def _exec(lab: Lab, where: str, command: list[str]) -> int:
    """Run a command in a namespace; inside a host, if it is one."""
    name = where.removeprefix('mc-')
    if name in lab.hosts:
        argv = [*hosts.enter(name), *command]
    else:
        argv = [str(word) for word in processes.inside(name, command)]
    return subprocess.run(argv, check=False).returncode
