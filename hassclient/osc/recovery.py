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

"""openstack ha recovery: recoveries of hosts and instances"""

import argparse
from typing import Any

from osc_lib import exceptions

from hassclient import clock
from hassclient.osc import cluster
from hassclient.osc import command
from hassclient.osc import names
from hassclient.osc import progress
from hassclient.osc import timeline
from hassclient.v1 import proxy
from hassclient.v1 import recovery as recoveries

SHORT = ('uuid', 'workflow', 'subject', 'state', 'opened_at', 'ended_at')
LONG = SHORT + ('cluster', 'held_kind', 'state_since', 'why')
SHOWN = (
    'uuid',
    'workflow',
    'subject',
    'cluster',
    'state',
    'why',
    'held_kind',
    'goes_on_when',
    'looked_at',
    'wish',
    'attempt',
    'opened_at',
    'state_since',
    'turned_at',
    'deadline_at',
    'ended_at',
    'acknowledged_at',
    'claimed_by',
    'history',
    'evacuations',
    'fault',
)
JUDGING_SECONDS = 60.0
"""An engine that works reads what it is told within a few."""
REF = 'UUID; or a host or an instance (name or UUID): its newest recovery.'


class ListRecovery(command.Lister):
    """List recoveries, newest first."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--cluster',
            metavar='<cluster>',
            help='Only those in this one (name or UUID).',
        )
        subject = parser.add_mutually_exclusive_group()
        subject.add_argument(
            '--host',
            metavar='<host>',
            help='Only those of this host (name or UUID).',
        )
        subject.add_argument(
            '--instance',
            metavar='<instance>',
            help='Only those of this instance (name or UUID).',
        )
        parser.add_argument(
            '--state', metavar='<state>', help='Only those in this state.'
        )
        parser.add_argument(
            '--workflow',
            metavar='<workflow>',
            help='Only those of this kind, as host_failure.',
        )
        command.add_history(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        columns = LONG if args.long else SHORT
        found = self.client.recoveries(
            cluster=args.cluster,
            **self._subject(args),
            state=args.state,
            workflow=args.workflow,
            open=args.open,
            **command.pages(args),
        )
        return command.heads(columns), command.rows(found, columns)

    def _subject(self, args: argparse.Namespace) -> dict[str, str]:
        manager = self.app.client_manager
        if args.host is not None:
            return {'host': names.host(manager, args.host)}
        if args.instance is not None:
            return {'subject': names.instance(manager, args.instance)}
        return {}


class ShowRecovery(command.ShowOne):
    """Show a recovery with its history, its evacuations and its evidence.

    Tables have a line for each step and shorten what is long; all of it is
    in -f json.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_recovery(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        found = names.recovery(self.app.client_manager, args.recovery)
        told = {
            'history': timeline.steps(found),
            'evacuations': timeline.moves(found),
            'fault': timeline.evidence(found),
            'why': [found.why or ''],
            'goes_on_when': [found.goes_on_when or ''],
        }
        return command.fields(found, SHOWN) | {
            name: command.Told(getattr(found, name), lines)
            for name, lines in told.items()
        }


class StartRecovery(command.ShowOne):
    """Tell that a host has failed, and show the recovery that this starts.

    HASS looks for itself before it does anything: a host that works is left
    alone, and the recovery ends as dismissed.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument('host', metavar='<host>', help='Name or UUID.')
        parser.add_argument(
            '--layer',
            choices=cluster.LAYERS[:4],
            default='power',
            help='What has failed there (default: %(default)s).',
        )
        progress.add_options(parser, 'until it has ended, or is held')
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        now = clock.Clock()
        host = self.client.get_host(args.host).name
        told = self.client.create_notification(
            host=host,
            layer=args.layer,
            source='operator',
            generated_at=now.now().isoformat(),
            payload={},
        )
        judged = progress.Wait(now, JUDGING_SECONDS).until(
            lambda: self.client.get_notification(told.uuid),
            lambda seen: seen.state != 'new',
            lambda seen: progress.Stage('no engine has read it yet'),
        )
        if judged.state != 'opened':
            raise exceptions.CommandError(
                f'no recovery of {host} was started: {judged.why}; '
                f'openstack ha host explain {host} tells more'
            )
        found = names.recovery(self.app.client_manager, host)
        if args.wait:
            found = wait_for(self.client, found.uuid, args.timeout)
        return command.fields(found, SHOWN[:-3])


class ReturnHost(command.ShowOne):
    """Bring a host that is off, and was mended, back into service.

    It is powered on, waited for, and given back to Nova.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument('host', metavar='<host>', help='Name or UUID.')
        progress.add_options(parser, 'until it has returned, or is held')
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        found = self.client.bring_host_back(args.host)
        if args.wait:
            found = wait_for(self.client, found.uuid, args.timeout)
        return command.fields(found, SHOWN[:-3])


class _Wish(command.ShowOne):
    """What an operator wishes of a held recovery."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_recovery(parser)
        progress.add_options(parser, 'until it has ended, or is held again')
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        found = names.recovery(self.app.client_manager, args.recovery)
        wished = self.wish(found.uuid)
        if args.wait:
            wished = wait_for(self.client, wished.uuid, args.timeout)
        elif wished.wish:
            self.log.warning(
                'What is shown is from before: no engine has read the wish '
                'yet. openstack ha recovery watch %s shows what follows',
                wished.uuid,
            )
        return command.fields(wished, SHOWN[:-3])

    def wish(self, uuid: str) -> recoveries.Recovery:
        raise NotImplementedError


class RetryRecovery(_Wish):
    """Let a held recovery look again.

    In a cluster of mode ask this is also the consent to what it does.
    """

    def wish(self, uuid: str) -> recoveries.Recovery:
        return self.client.retry_recovery(uuid)


class ReleaseRecovery(_Wish):
    """Let a held recovery give back what it touched, and end."""

    def wish(self, uuid: str) -> recoveries.Recovery:
        return self.client.release_recovery(uuid)


class AcknowledgeRecovery(command.Command):
    """Stop the paging for a held recovery."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_recovery(parser)
        return parser

    def act(self, args: argparse.Namespace) -> None:
        found = names.recovery(self.app.client_manager, args.recovery)
        self.client.acknowledge_recovery(found.uuid)


class WatchRecovery(command.Command):
    """Watch a recovery live, until it has ended or is held.

    Ends with 0 when it has ended and with 1 when it is held. Given a host,
    goes on with what follows: its return.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        _add_recovery(parser)
        parser.add_argument(
            '--interval',
            metavar='<seconds>',
            type=command.seconds(0.1, 3600),
            default=1.0,
            help='Look so often (default: %(default)s, 0.1 to 3600).',
        )
        return parser

    def act(self, args: argparse.Namespace) -> None:
        found = names.recovery(self.app.client_manager, args.recovery)
        one = timeline.Timeline(
            self.client, clock.Clock(), args.interval, self.app.stdout
        )
        follow = args.recovery != found.uuid
        one.watch(found, follow)


def wait_for(
    client: proxy.Proxy, uuid: str, timeout: float | None
) -> recoveries.Recovery:
    """The recovery when it has ended.

    :param timeout: seconds; None: as long as it takes
    :raises osc_lib.exceptions.CommandError: it is held, or has not ended
        in time
    """
    found = progress.Wait(clock.Clock(), timeout).until(
        lambda: client.get_recovery(uuid),
        lambda seen: bool(seen.ended_at) or _held(seen),
        timeline.stage,
    )
    if not found.ended_at:
        raise exceptions.CommandError(timeline.held(found))
    return found


def _add_recovery(parser: Any) -> None:
    parser.add_argument('recovery', metavar='<recovery>', help=REF)


def _held(seen: recoveries.Recovery) -> bool:
    """Held, and not only because nobody has read the wish yet."""
    return seen.state == 'held' and not seen.wish
