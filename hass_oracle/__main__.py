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

"""python -m hass_oracle LEDGER: print the verdict as JSON.

Exits 0 when all is well, 1 when something happened that must not, 2 when
the ledger cannot be read.
"""

import argparse
from collections.abc import Sequence
import dataclasses
import json
import sys

from hass_oracle import checker
from hass_oracle import ledger


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the ledger named on the command line."""
    parser = argparse.ArgumentParser(prog='hass_oracle')
    parser.add_argument('ledger', help='the file of events')
    parser.add_argument(
        '--expect',
        nargs='*',
        metavar='UUID',
        help='instances that must run exactly once at the end (default: '
        'all that a power off ended and nobody stopped on purpose)',
    )
    parser.add_argument(
        '--expect-on',
        nargs='*',
        metavar='HOST',
        default=[],
        help='hosts that must be on at the end',
    )
    arguments = parser.parse_args(argv)
    try:
        events = ledger.read(arguments.ledger)
    except (OSError, ledger.LedgerUnreadable) as error:
        print(f'hass_oracle: {error}', file=sys.stderr)
        return 2
    result = checker.check(events, arguments.expect, arguments.expect_on)
    print(json.dumps(dataclasses.asdict(result), indent=2))
    return 0 if result.ok else 1


if __name__ == '__main__':
    sys.exit(main())
