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

"""openstack ha host fence"""

import argparse
from collections.abc import Mapping
from typing import Any

from hassclient.osc import command
from hassclient.osc import host


NO_WIRING = (
    'nothing is known: no mark was tried at the address of its BMC yet, or '
    'nobody answered. It is tried again within the hour, unless [fencing] '
    'wiring_seconds is 0'
)


class ShowFence(command.ShowOne):
    """Show what is known of the fence of a host, and what is doubted."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return _shown(self.client.get_fence(args.host))


class WaiveFence(command.ShowOne):
    """Vouch that the BMC of a host is its own, where nothing proves it.

    If it is the one of another host, instances run twice. What contradicts
    it cannot be waived. It is shown as a warning until it is ended.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        parser.add_argument(
            '--reason',
            metavar='<reason>',
            required=True,
            help='How it was seen that the BMC is the one in this host.',
        )
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return _shown(self.client.waive_fence(args.host, args.reason))


class UnwaiveFence(command.Command):
    """Vouch for the BMC of a host no more."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        self.client.unwaive_fence(args.host)


def _shown(fence: Mapping[str, Any]) -> dict[str, Any]:
    """The fields; a table says what an empty wiring means."""
    found = command.sentences(fence)
    if fence.get('wiring', '') is None:
        found['wiring'] = command.Told(None, [NO_WIRING])
    return found
