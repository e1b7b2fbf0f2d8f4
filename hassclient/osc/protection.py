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

"""openstack ha … protection: whom HASS would act for"""

import argparse
from collections.abc import Iterable
from typing import Any

from hassclient.osc import command
from hassclient.osc import host
from hassclient.v1 import protection

HEADS = ('Name', 'Host', 'Status', 'Recovered', 'Unrecovered Why')
LONG = ('UUID', *HEADS, 'Project ID', 'Protected', 'Decided By')


class HostProtection(command.Lister):
    """List what is really protected on a host.

    An instance is recovered if it would be brought back on another host were
    its host to fail now; if not, it is told why.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        _add_options(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        return _table([self.client.host_protection(args.host)], args)


class ClusterProtection(command.Lister):
    """List what is really protected in a cluster.

    An instance is recovered if it would be brought back on another host were
    its host to fail now; if not, it is told why.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'cluster', metavar='<cluster>', help='Name or UUID.'
        )
        _add_options(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        return _table(self.client.cluster_protection(args.cluster), args)


def _add_options(parser: Any) -> None:
    parser.add_argument(
        '--recovered',
        action=argparse.BooleanOptionalAction,
        help='Only those that would be brought back, or that would not.',
    )
    command.add_long(parser)


def _table(
    hosts: Iterable[protection.Protection], args: argparse.Namespace
) -> command.Table:
    rows = [
        _row(one, instance, args.long)
        for one in hosts
        for instance in one.instances
        if args.recovered in (None, instance['recovered'])
    ]
    return (LONG if args.long else HEADS), rows


def _row(
    one: protection.Protection, instance: dict[str, Any], long: bool
) -> command.Row:
    row: command.Row = (
        instance['name'],
        one.name,
        instance['status'],
        instance['recovered'],
        instance['unrecovered_why'],
    )
    if long:
        row = (instance['uuid'], *row, instance['project_id'])
        row += (instance['protected'], instance['decided_by'])
    return row
