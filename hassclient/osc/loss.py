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

"""openstack ha loss: instances that should run and do not"""

import argparse
from typing import Any

from hassclient.osc import command
from hassclient.osc import names

SHORT = (
    'uuid',
    'instance_name',
    'host',
    'since',
    'acknowledged_at',
    'ended_at',
)
LONG = SHORT + ('instance', 'project_id', 'why', 'ended_how')
SHOWN = (
    'uuid',
    'instance',
    'instance_name',
    'project_id',
    'host',
    'recovery',
    'why',
    'since',
    'acknowledged_at',
    'ended_at',
    'ended_how',
    'ended_why',
)
REF = 'UUID; or an instance (name or UUID): its newest loss.'


class ListLoss(command.Lister):
    """List losses, newest first: instances that should run and do not."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--host',
            metavar='<host>',
            help='Only those that ran on this host (name or UUID).',
        )
        parser.add_argument(
            '--instance',
            metavar='<instance>',
            help='Only those of this instance (name or UUID).',
        )
        parser.add_argument(
            '--project',
            metavar='<project>',
            help='Only those of this project (name or id).',
        )
        parser.add_argument(
            '--recovery',
            metavar='<recovery>',
            help='Only those that this recovery left (UUID; or a host or an '
            'instance: its newest recovery).',
        )
        command.add_history(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        columns = LONG if args.long else SHORT
        manager = self.app.client_manager
        found = self.client.losses(
            host=args.host and names.host(manager, args.host),
            instance=args.instance and names.instance(manager, args.instance),
            project_id=args.project and names.project(manager, args.project),
            recovery=args.recovery
            and names.recovery(manager, args.recovery).uuid,
            open=args.open,
            **command.pages(args),
        )
        return command.heads(columns), command.rows(found, columns)


class ShowLoss(command.ShowOne):
    """Show a loss, and how it ended."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument('loss', metavar='<loss>', help=REF)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        found = names.loss(self.app.client_manager, args.loss)
        return command.fields(found, SHOWN)


class AcknowledgeLoss(command.Command):
    """Stop the paging for losses; each stays open until its instance runs."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument('losses', metavar='<loss>', nargs='+', help=REF)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        command.each(args.losses, 'acknowledge loss', self._acknowledge)

    def _acknowledge(self, ref: str) -> None:
        found = names.loss(self.app.client_manager, ref)
        self.client.acknowledge_loss(found.uuid)
