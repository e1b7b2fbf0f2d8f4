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

"""openstack ha host: the compute hosts of clusters"""

import argparse
from typing import Any

from osc_lib import exceptions

from hassclient.osc import bmc
from hassclient.osc import command
from hassclient.v1 import host

SHORT = ('uuid', 'name', 'cluster', 'protected', 'fence')
SHOWN = (
    'uuid',
    'name',
    'cluster',
    'protected',
    'unprotected_why',
    'warnings',
    'fence',
    'bmc',
    'addresses',
    'labels',
    'watched_sensors',
    'availability_zone',
    'aggregates',
    'maintenance_until',
    'maintenance_why',
    'reported_at',
    'planned_until',
    'boot_id',
    'system_uuid',
    'resume_guests',
    'agent_key_rotated_at',
    'created_at',
)


USUAL_PORT = 623
FORGET = {
    '--no-label': 'Forget its labels; with --label: have only those.',
    '--no-address': 'Forget its addresses; with --address: have only those.',
    '--no-watched-sensor': 'Forget which sensors are watched: all with '
    'thresholds are again.',
    '--no-bmc': 'Forget its BMC: without one it is not fenced.',
}


class AddHost(command.ShowOne):
    """Add a compute host to a cluster.

    Its fence is tried without cutting it off. The key for its agent is
    shown this once and never again.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'cluster', metavar='<cluster>', help='Name or UUID.'
        )
        parser.add_argument(
            'host', metavar='<host>', help='Name of the host in Nova.'
        )
        _add_fields(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        fields = _given(args, {})
        added = self.client.add_host(args.cluster, name=args.host, **fields)
        return command.fields(added, SHOWN) | {'agent_key': added.agent_key}


class ListHost(command.Lister):
    """List hosts."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--cluster',
            metavar='<cluster>',
            help='Only those of this one (name or UUID).',
        )
        command.add_long(parser)
        command.add_pages(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        found = self.client.hosts(
            args.cluster,
            **command.pages(args),
        )
        heads = command.heads(SHORT)
        if args.long:
            heads += ['BMC', 'Reported At', 'Warnings', 'Unprotected Why']
        return heads, [_row(one, args.long) for one in found]


class ShowHost(command.ShowOne):
    """Show a host."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return command.fields(self.client.get_host(args.host), SHOWN)


class SetHost(command.Command):
    """Change a host.

    Labels and addresses are added to those that it has. A new BMC is tried
    without cutting the host off, and what is wrong with it is told.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        add_host(parser)
        for option, text in FORGET.items():
            parser.add_argument(option, action='store_true', help=text)
        _add_fields(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        before: dict[str, Any] = {}
        if args.label or args.address:
            found = self.client.get_host(args.host)
            before = command.fields(found, ('labels', 'addresses'))
        for name, forget, nothing in (
            ('labels', args.no_label, {}),
            ('addresses', args.no_address, {}),
            ('watched_sensors', args.no_watched_sensor, None),
            ('bmc', args.no_bmc, None),
        ):
            if forget:
                before[name] = nothing
        if args.no_bmc and bmc.given(args):
            raise exceptions.CommandError(
                '--no-bmc forgets the BMC: no other option about it may be '
                'given with it'
            )
        fields = _given(args, before)
        command.check_change(args, fields)
        changed = self.client.update_host(args.host, **fields)
        if 'bmc' in fields:
            self._tell_kept(changed, fields['bmc'])
            self._tell_fence(changed)

    def _tell_kept(
        self, changed: host.Host, given: dict[str, Any] | None
    ) -> None:
        """Another BMC has another password, as a rule."""
        if given is None or 'address' not in given:
            return
        kept = {
            'port': f'port {changed.bmc["port"]}',
            'username': f'user {changed.bmc["username"]}',
            'password': 'the password',
        }
        if changed.bmc['port'] == USUAL_PORT:
            del kept['port']
        words = [text for name, text in kept.items() if name not in given]
        if words and changed.bmc['password_set']:
            self.log.warning(
                '%s: kept as they were: %s. If its BMC is another one, '
                '--bmc-port, --bmc-username and --bmc-password-prompt tell '
                'what it wants',
                changed.name,
                ', '.join(words),
            )

    def _tell_fence(self, changed: host.Host) -> None:
        """A BMC that was asked just now, and is no fence."""
        name, fence = changed.name, changed.fence
        if fence['state'] != 'working':
            self.log.warning(
                '%s cannot be fenced now. Its fence is %s: %s. openstack ha '
                'fence test %s tries it again',
                name,
                fence['state'],
                fence['why'] or 'it was not tried',
                name,
            )


class RemoveHost(command.Command):
    """Remove hosts that run no protected instance from their clusters."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'host', metavar='<host>', nargs='+', help='Name or UUID.'
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        command.each(args.host, 'remove host', self.client.remove_host)


class RotateKey(command.ShowOne):
    """Issue a new key for the agent of a host.

    It is shown this once and never again. The key that the agent used last
    counts until it has used this one.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        issued = dict(self.client.rotate_agent_key(args.host))
        for sentence in issued.pop('warnings', ()):
            self.log.warning('%s: %s', issued['name'], sentence)
        return issued


def add_host(parser: Any) -> None:
    """The one argument of most commands about hosts."""
    parser.add_argument('host', metavar='<host>', help='Name or UUID.')


def _add_fields(parser: Any) -> None:
    parser.add_argument(
        '--label',
        metavar='<name=value>',
        type=command.pair,
        action='append',
        help='Label, as rack=r1 (repeat for several).',
    )
    parser.add_argument(
        '--address',
        metavar='<network=ip>',
        type=command.pair,
        action='append',
        help='Address on a network, as storage=192.0.2.7 (repeat for '
        'several).',
    )
    parser.add_argument(
        '--watched-sensor',
        metavar='<name>',
        action='append',
        help='Only these sensors tell of broken hardware (repeat for '
        'several).',
    )
    bmc.add_options(parser)


def _given(args: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """The fields that options name.

    :param before: what labels and addresses are added to; of other fields
        what they become without an option
    """
    fields = dict(before)
    for name, pairs in (('labels', args.label), ('addresses', args.address)):
        if pairs:
            fields[name] = fields.get(name, {}) | dict(pairs)
    if args.watched_sensor:
        fields['watched_sensors'] = args.watched_sensor
    if device := bmc.given(args):
        fields['bmc'] = device
    return fields


def _row(one: host.Host, long: bool) -> command.Row:
    row: command.Row = (one.uuid, one.name, one.cluster, one.protected)
    row += (one.fence['state'],)
    if long:
        row += (one.bmc['address'],)
        more = ('reported_at', 'warnings', 'unprotected_why')
        row += tuple(command.fields(one, more).values())
    return row
