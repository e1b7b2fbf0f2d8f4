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

"""openstack ha host power, ha host sensors, ha host events"""

import argparse
from collections.abc import Iterator
import contextlib
from typing import Any

from keystoneauth1 import exceptions as ks
from openstack import exceptions as sdk
from osc_lib import exceptions

from hassclient import clock
from hassclient import errors
from hassclient.osc import command
from hassclient.osc import host
from hassclient.osc import progress

SENSOR = ('name', 'type', 'value', 'unit', 'health', 'states')
EVENT = ('record', 'at', 'sensor', 'type', 'state', 'asserted', 'health')


class ShowPower(command.ShowOne):
    """Show whether a host is powered on, as its BMC reads."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return {'host': args.host, 'power': self.client.get_power(args.host)}


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--force',
        action='store_true',
        help='Also if instances run there: their guests end at once.',
    )


class _Turn(command.ShowOne):
    """Ask for power."""

    def turn(
        self,
        name: str,
        power: str,
        wait: bool,
        timeout: float | None,
        force: bool = False,
    ) -> dict[str, Any]:
        with _doubt(name, power):
            warnings = self.client.set_power(name, power, force)
        for sentence in warnings:
            self.log.warning('%s: %s', name, sentence)
        found = self.client.get_power(name)
        if wait:
            found = progress.Wait(clock.Clock(), timeout).until(
                lambda: self.client.get_power(name),
                lambda seen: seen == power,
                lambda seen: progress.Stage(
                    f'the BMC of {name} reads {seen}, not yet {power}'
                ),
            )
        return {'host': name, 'power': found}


@contextlib.contextmanager
def _doubt(name: str, power: str) -> Iterator[None]:
    """Say that what failed on the way may have been done all the same.

    :raises osc_lib.exceptions.CommandError: instead of such an error
    """
    try:
        yield
    except sdk.HttpException as error:
        if (error.status_code or 0) < 500:
            raise
        why = errors.words(error)
    except ks.ConnectionError as error:
        why = str(error)
    else:
        return
    raise exceptions.CommandError(
        f'it is not known whether {name} is powered {power}: {why}. It may '
        f'be yet: openstack ha host power show {name} reads it back'
    )


class PowerOn(_Turn):
    """Power a host on.

    Refused while a recovery of it is open: that brings it back itself.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        progress.add_options(parser, 'until the BMC reads on')
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return self.turn(args.host, 'on', args.wait, args.timeout)


class PowerOff(_Turn):
    """Cut the power of a host at once.

    Refused while instances run there, unless it is forced, and in any case
    while its BMC is known to be another host's. Outside of a maintenance
    window HASS takes that for a fault.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        _add_force(parser)
        progress.add_options(parser, 'until the BMC reads off')
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        return self.turn(args.host, 'off', args.wait, args.timeout, args.force)


class PowerCycle(_Turn):
    """Cut the power of a host, and power it on when its BMC reads off.

    Outside of a maintenance window HASS takes that for a fault.
    """

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        _add_force(parser)
        parser.add_argument(
            '--timeout',
            metavar='<seconds>',
            type=command.seconds(0),
            default=60.0,
            help='Wait no longer for each of both (default: %(default)s).',
        )
        return parser

    def act(self, args: argparse.Namespace) -> dict[str, Any]:
        self.turn(args.host, 'off', True, args.timeout, args.force)
        return self.turn(args.host, 'on', True, args.timeout)


class HostSensors(command.Lister):
    """Read the sensors of the BMC of a host."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        parser.add_argument(
            '--type',
            metavar='<type>',
            help='Only those of this type, as Temperature, Voltage or Fan.',
        )
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        found = self.client.sensors(args.host, args.type)
        rows = [tuple(one[name] for name in SENSOR) for one in found]
        return command.heads(SENSOR), rows


class HostEvents(command.Lister):
    """Read the event log of the BMC of a host, newest first."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        host.add_host(parser)
        return parser

    def act(self, args: argparse.Namespace) -> command.Table:
        found = self.client.bmc_events(args.host)
        rows = [tuple(one[name] for name in EVENT) for one in found]
        return command.heads(EVENT), rows
