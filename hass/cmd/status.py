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

"""hass-status: is this installation ready?"""

import sys
from typing import Any

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from hass import conf as options
from hass.conf import known
from hass.engine import readiness
from hass import exception

UNUSABLE = 255
"""By oslo.upgradecheck, what is no result of a check."""


def main() -> None:
    """``hass-status upgrade check [--json]``.

    Exits with the worst code of the checks, or with 255 when there is no
    configuration to check.
    """
    checks = readiness.Checks()

    def parsers(subparsers: Any) -> None:
        about = 'before and after an installation or an upgrade'
        upgrade = subparsers.add_parser(
            'upgrade', help=about, description=about
        )
        upgrade.add_argument(
            'check',
            choices=['check'],
            help='look at all that would keep HASS from saving instances; '
            'exits with 0 (ready), 1 (warnings), 2 (a failure) or 255 (the '
            'configuration cannot be used)',
        )
        upgrade.add_argument(
            '--json', action='store_true', help='print JSON, not a table'
        )
        upgrade.set_defaults(action_fn=checks.check)

    command = cfg.SubCommandOpt('command', title='commands', handler=parsers)
    conf = options.prepare(
        sys.argv[1:], 'hass-status', cli=[command], unusable=UNUSABLE
    )
    try:
        known.check(conf)
    except exception.ConfigError as error:
        sys.stderr.write(f'hass-status: {error}\n')
        sys.exit(UNUSABLE)
    checks.conf = upgradecheck.CONF = conf
    sys.exit(upgradecheck.run(conf))
