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

"""openstack ha host layers, explain; ha fence test"""

import argparse
from collections.abc import Mapping
from typing import Any

from osc_lib import exceptions

from hassclient.osc import command
from hassclient.osc import host

STANDING = (
    'layer',
    'state',
    'age_seconds',
    'detector',
    'seen_by',
    'certainty',
    'network',
    'detail',
    'conflict',
)
COUNTED = ('layer', 'healthy', 'failed', 'unknown')
OBSERVATION = (
    'layer',
    'verdict',
    'age_seconds',
    'stale',
    'detector',
    'seen_by',
    'certainty',
    'network',
    'detail',
)


class HostLayers(command.Lister):
    """Show what is known of each layer of a host, lowest first."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        parser.add_argument(
            '--observations',
            action='store_true',
            help='List the newest word of each detector instead.',
        )
        parser.add_argument(
            '--instances',
            action='store_true',
            help='Count the instances on it by what was seen of them instead.',
        )
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        known = self.client.layers(args.host)
        names: tuple[str, ...] = STANDING
        found = known['layers'] + known['side_paths']
        if args.observations:
            names, found = OBSERVATION, known['observations']
        if args.instances:
            names, found = COUNTED, _counted(known)
        rows = [tuple(one[name] for name in names) for one in found]
        for sentence in known['degraded']:
            self.log.warning('%s: %s', known['host'], sentence)
        return command.heads(names), rows


def _counted(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """:raises osc_lib.exceptions.CommandError: the API does not count"""
    if 'instances' not in known:
        raise exceptions.CommandError(
            '--instances needs version 1.3 of the API'
        )
    return [
        {'layer': layer, **counts}
        for layer, counts in known['instances'].items()
    ]


class HostExplain(command.ShowOne):
    """Show why HASS does or does not act on a host now."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return command.sentences(self.client.explain(args.host))


class ClusterStrategy(command.ShowOne):
    """Show how the lowest failed layer of a host would be looked for now."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'cluster', metavar='<cluster>', help='Name or UUID.'
        )
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return dict(self.client.strategy(args.cluster))


class FenceTest(command.ShowOne):
    """Try the fence of a host without cutting the host off."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        tried = self.client.test_fence(args.host)
        return command.sentences({'host': tried.name, **tried.fence})
