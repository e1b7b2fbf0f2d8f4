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

"""openstack ha instance: who is protected"""

import argparse
from typing import Any

from hassclient.osc import command
from hassclient.osc import names

SHORT = ('uuid', 'name', 'cluster')
LONG = SHORT + ('project_id', 'created_at')
SHOWN = (
    'uuid',
    'name',
    'project_id',
    'cluster',
    'protected',
    'decided_by',
    'why',
    'guest_layers',
    'guest_layers_why',
    'observations',
    'created_at',
)


class ProtectInstance(command.Command):
    """Choose instances to be protected: they come back when a host fails."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_instances(parser)
        parser.add_argument(
            '--cluster',
            metavar='<cluster>',
            help='Refuse unless they run in this one (name or UUID).',
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        more = {} if args.cluster is None else {'cluster': args.cluster}

        def protect(ref: str) -> None:
            uuid = names.instance(self.app.client_manager, ref)
            self.client.protect_instance(uuid=uuid, **more)

        command.each(args.instance, 'protect instance', protect)


class UnprotectInstance(command.Command):
    """Take the choice back: from then on their cluster decides."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_instances(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        def unprotect(ref: str) -> None:
            uuid = names.instance(self.app.client_manager, ref)
            self.client.unprotect_instance(uuid)

        command.each(args.instance, 'unprotect instance', unprotect)


class ListInstance(command.Lister):
    """List the instances that were chosen.

    Those that are protected by a tag or by their cluster are not among them:
    openstack ha cluster protection lists all.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--cluster',
            metavar='<cluster>',
            help='Only those of this one (name or UUID).',
        )
        parser.add_argument(
            '--project',
            metavar='<project>',
            help='Only those of this one (name or ID; operators only).',
        )
        parser.add_argument(
            '--host',
            metavar='<host>',
            help='Only those on this host now (name or UUID; operators only).',
        )
        parser.add_argument(
            '--name', metavar='<name>', help='Only those of this name.'
        )
        command.add_long(parser)
        command.add_pages(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        columns = LONG if args.long else SHORT
        project = args.project and names.project(
            self.app.client_manager, args.project
        )
        found = self.client.instances(
            cluster=args.cluster,
            project_id=project,
            host=args.host and names.host(self.app.client_manager, args.host),
            name=args.name,
            **command.pages(args),
        )
        return command.heads(columns), command.rows(found, columns)


class ShowInstance(command.ShowOne):
    """Show whether an instance is protected, and by whose word."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'instance', metavar='<instance>', help='Name or UUID.'
        )
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        uuid = names.instance(self.app.client_manager, args.instance)
        found = self.client.get_instance(uuid)
        return command.fields(found, SHOWN)


def _add_instances(parser: Any) -> None:
    parser.add_argument(
        'instance', metavar='<instance>', nargs='+', help='Name or UUID.'
    )
