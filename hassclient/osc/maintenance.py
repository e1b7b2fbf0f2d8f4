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

"""openstack ha host maintenance, ha cluster maintenance"""

import argparse
from typing import Any

from hassclient.osc import command
from hassclient.osc import host


class _Begin(command.Command):
    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--seconds',
            metavar='<number>',
            type=command.number(1, 604800),
            default=3600,
            help='It ends by itself after so long, a week at most (default: '
            '%(default)s).',
        )
        parser.add_argument(
            '--reason',
            metavar='<text>',
            required=True,
            help='What is done meanwhile; others read it.',
        )
        return parser


class BeginHost(_Begin):
    """Begin a maintenance window: no recovery of the host begins in it."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        self.client.begin_maintenance(
            'hosts', args.host, args.seconds, args.reason
        )


class EndHost(command.Command):
    """End the maintenance window of a host."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        self.client.end_maintenance('hosts', args.host)


class BeginCluster(_Begin):
    """Begin a maintenance window of all hosts of a cluster."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'cluster', metavar='<cluster>', help='Name or UUID.'
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        self.client.begin_maintenance(
            'clusters', args.cluster, args.seconds, args.reason
        )


class EndCluster(command.Command):
    """End the maintenance window of a cluster."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'cluster', metavar='<cluster>', help='Name or UUID.'
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        self.client.end_maintenance('clusters', args.cluster)
