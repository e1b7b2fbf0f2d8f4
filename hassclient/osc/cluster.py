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

"""openstack ha cluster"""

import argparse
from typing import Any

from hassclient.osc import command

LAYERS = command.LAYERS
MODES = ('observe', 'ask', 'act')
PROTECTS = ('chosen', 'tagged', 'all')
TARGETS = ('cluster', 'any')
SHORT = ('uuid', 'name', 'mode', 'layers')
LONG = SHORT + ('protects', 'targets', 'shared_storage', 'maintenance_until')
SHOWN = (
    'uuid',
    'name',
    'mode',
    'layers',
    'protects',
    'targets',
    'shared_storage',
    'isolation',
    'maintenance_until',
    'maintenance_why',
    'created_at',
    'updated_at',
)


class CreateCluster(command.ShowOne):
    """Create a cluster of hosts that may take over from each other.

    The agent key of each host is shown this once and never again.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument('name', metavar='<name>', help='New name.')
        parser.add_argument(
            '--host',
            metavar='<host>',
            action='append',
            default=[],
            help='Compute host that Nova knows (repeat for several); '
            'openstack ha host add can give it a BMC as well.',
        )
        _add_fields(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        fields = _given(args)
        hosts = [{'name': host} for host in args.host]
        made = self.client.create_cluster(
            name=args.name, hosts=hosts, **fields
        )
        keys = {one['name']: one['agent_key'] for one in made.hosts or ()}
        return command.fields(made, SHOWN) | {'agent_keys': keys}


class ListCluster(command.Lister):
    """List clusters."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--mode', choices=MODES, help='Only those of this mode.'
        )
        command.add_long(parser)
        command.add_pages(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        names = LONG if args.long else SHORT
        found = self.client.clusters(
            mode=args.mode,
            **command.pages(args),
        )
        return command.heads(names), command.rows(found, names)


class ShowCluster(command.ShowOne):
    """Show a cluster."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_cluster(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        found = self.client.get_cluster(args.cluster)
        return command.fields(found, SHOWN)


class SetCluster(command.Command):
    """Change a cluster."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_cluster(parser)
        parser.add_argument('--name', metavar='<name>', help='New name.')
        parser.add_argument(
            '--no-layer',
            action='store_true',
            help='Forget the layers before; with --layer: only those.',
        )
        _add_fields(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        fields = _given(args)
        if args.name is not None:
            fields['name'] = args.name
        if args.layer or args.no_layer:
            before = [] if args.no_layer else self._layers(args.cluster)
            fields['layers'] = _in_order(before + (args.layer or []))
        command.check_change(args, fields)
        self.client.update_cluster(args.cluster, **fields)

    def _layers(self, cluster: str) -> list[str]:
        return list(self.client.get_cluster(cluster).layers)


class UnsetCluster(command.Command):
    """Take something away from a cluster."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_cluster(parser)
        parser.add_argument(
            '--layer',
            metavar='<layer>',
            choices=LAYERS,
            action='append',
            default=[],
            help='Layer to protect no longer (repeat for several): '
            + ', '.join(LAYERS)
            + '.',
        )
        parser.add_argument(
            '--isolation',
            action='store_true',
            help='All rules about lost networks.',
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        fields: dict[str, Any] = {}
        if args.layer:
            before = self.client.get_cluster(args.cluster).layers
            fields['layers'] = [it for it in before if it not in args.layer]
        if args.isolation:
            fields['isolation'] = []
        command.check_change(args, fields)
        self.client.update_cluster(args.cluster, **fields)


class DeleteCluster(command.Command):
    """Delete clusters that have no hosts any more."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'cluster',
            metavar='<cluster>',
            nargs='+',
            help='Name or UUID.',
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        command.each(
            args.cluster, 'delete cluster', self.client.delete_cluster
        )


def _add_cluster(parser: Any) -> None:
    parser.add_argument('cluster', metavar='<cluster>', help='Name or UUID.')


def _add_fields(parser: Any) -> None:
    parser.add_argument(
        '--mode',
        choices=MODES,
        help='What a fault leads to: observe (tell, and touch nothing), ask '
        '(hold for an operator) or act.',
    )
    parser.add_argument(
        '--layer',
        metavar='<layer>',
        choices=LAYERS,
        action='append',
        help=f'Layer to protect (repeat for several): {", ".join(LAYERS)}.',
    )
    parser.add_argument(
        '--shared-storage',
        action=argparse.BooleanOptionalAction,
        help='All root disks are on storage that all hosts share.',
    )
    parser.add_argument(
        '--targets',
        choices=TARGETS,
        help='Where instances may go: to hosts of the cluster or to any.',
    )
    parser.add_argument(
        '--protects',
        choices=PROTECTS,
        help='Who is protected: those chosen, also those tagged, or all.',
    )
    parser.add_argument(
        '--isolation',
        metavar='<rules>',
        type=command.document,
        help='Rules about lost networks, as JSON, YAML or @FILE: a list of '
        '{lost: [networks], alive: [networks], action: fence or report}.',
    )


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say, by the name of the field."""
    options = {
        'mode': args.mode,
        'layers': args.layer,
        'shared_storage': args.shared_storage,
        'targets': args.targets,
        'protects': args.protects,
        'isolation': args.isolation,
    }
    return {k: v for k, v in options.items() if v is not None}


def _in_order(layers: list[str]) -> list[str]:
    return [layer for layer in LAYERS if layer in layers]
