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

"""openstack ha notification: faults as somebody alleges them"""

import argparse
from typing import Any

from osc_lib import exceptions

from hassclient import clock
from hassclient.osc import cluster
from hassclient.osc import command
from hassclient.osc import names
from hassclient.osc import progress

STATES = ('new', 'opened', 'ignored')
SHORT = ('uuid', 'host', 'layer', 'source', 'state', 'received_at')
LONG = SHORT + ('generated_at', 'why')
SHOWN = LONG + ('payload',)


class CreateNotification(command.ShowOne):
    """Tell HASS of a fault: it will look, and believe what it sees itself."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'host', metavar='<host>', help='Host at fault (name or UUID).'
        )
        parser.add_argument(
            'layer',
            metavar='<layer>',
            choices=cluster.LAYERS,
            help=f'Layer that has failed: {", ".join(cluster.LAYERS)}.',
        )
        parser.add_argument(
            '--source',
            metavar='<name>',
            default='operator',
            help='Who says so (default: %(default)s).',
        )
        parser.add_argument(
            '--generated-at',
            metavar='<moment>',
            help='When it was seen, in ISO 8601 (default: now).',
        )
        parser.add_argument(
            '--payload',
            metavar='<object>',
            type=command.document,
            default={},
            help='More about it, as JSON, YAML or @FILE.',
        )
        progress.add_options(parser, 'until an engine has judged it')
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        now = clock.Clock()
        made = self.client.create_notification(
            host=names.host(self.app.client_manager, args.host),
            layer=args.layer,
            source=args.source,
            generated_at=args.generated_at or now.now().isoformat(),
            payload=args.payload,
        )
        if args.wait:
            made = progress.Wait(now, args.timeout).until(
                lambda: self.client.get_notification(made.uuid),
                lambda found: found.state != 'new',
                lambda found: progress.Stage(f'notification {found.state}'),
            )
        return command.fields(made, SHOWN)


class ListNotification(command.Lister):
    """List notifications."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--host',
            metavar='<host>',
            help='Only those about this host (name or UUID).',
        )
        parser.add_argument(
            '--state', choices=STATES, help='Only those in this state.'
        )
        parser.add_argument(
            '--source', metavar='<name>', help='Only those of this one.'
        )
        command.add_long(parser)
        command.add_pages(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        columns = LONG if args.long else SHORT
        host = args.host and names.host(self.app.client_manager, args.host)
        found = self.client.notifications(
            host=host,
            state=args.state,
            source=args.source,
            **command.pages(args),
        )
        return command.heads(columns), command.rows(found, columns)


class ShowNotification(command.ShowOne):
    """Show a notification, and what became of it."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'notification', metavar='<notification>', help='UUID.'
        )
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        if not command.is_uuid(args.notification):
            raise exceptions.CommandError(
                f'{args.notification!r} is no UUID: openstack ha notification '
                'list tells which there are'
            )
        found = self.client.get_notification(args.notification)
        return command.fields(found, SHOWN)
