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

"""Options about the BMC of a host.

A password never stands on a command line: others on the machine read it
there, and shells remember it.
"""

import argparse
import getpass
import sys
from typing import Any

from osc_lib import exceptions

from hassclient.osc import command


def add_options(parser: Any) -> None:
    parser.add_argument(
        '--bmc-address',
        metavar='<address>',
        help='IP address or host name of its BMC.',
    )
    parser.add_argument(
        '--bmc-port',
        metavar='<port>',
        type=command.number(1, 65535),
        help='UDP port of its BMC (623 at first).',
    )
    parser.add_argument(
        '--bmc-username', metavar='<name>', help='User of its BMC.'
    )
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        '--bmc-password-prompt',
        action='store_true',
        help='Ask for the password on the terminal.',
    )
    password.add_argument(
        '--bmc-password-file',
        metavar='<file>',
        help='Read the password from the first line of a file; - is the '
        'standard input.',
    )


def given(args: argparse.Namespace) -> dict[str, Any]:
    """The fields that the options name.

    :raises osc_lib.exceptions.CommandError: the password cannot be read
    """
    options = {
        'address': args.bmc_address,
        'port': args.bmc_port,
        'username': args.bmc_username,
        'password': _password(args),
    }
    return {k: v for k, v in options.items() if v is not None}


def _password(args: argparse.Namespace) -> str | None:
    if args.bmc_password_prompt:
        return getpass.getpass('Password of the BMC: ')
    if args.bmc_password_file is None:
        return None
    file_name = args.bmc_password_file
    if file_name == '-':
        return sys.stdin.readline().rstrip('\r\n')
    try:
        with open(file_name, encoding='utf-8') as file:
            return file.readline().rstrip('\r\n')
    except (OSError, UnicodeError) as error:
        raise exceptions.CommandError(
            f'--bmc-password-file: {error}'
        ) from None
