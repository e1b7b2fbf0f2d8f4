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

"""What a BMC does to its host: chassis.py HOST set power 0|1 …

Called by ipmi_sim with pairs of a parameter and a value (see OpenIPMI's
lan.conf, chassis_control).
"""

import pathlib
import subprocess
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])

from tools.minicloud import hosts  # noqa: E402
from tools.minicloud.lab import Lab  # noqa: E402
from tools.minicloud.lab import load  # noqa: E402

KNOWN = ('power', 'reset', 'shutdown', 'boot', 'identify')


def change(lab: Lab, host: str, parameter: str, value: str) -> None:
    """Carry out one order.

    A BMC that lies is wired to another machine: its orders do nothing.
    """
    if (lab.host(host) / 'lie').exists():
        return
    match parameter, value:
        case 'power', '0':
            hosts.power_off(lab, host)
        case 'power', _:
            hosts.power_on(lab, host)
        case 'reset', _ if hosts.is_on(lab, host):
            hosts.power_off(lab, host)
            hosts.power_on(lab, host)
        case 'shutdown', 'now':
            hosts.shut_down(lab, host)
        case 'shutdown', _:
            # The host takes its time, and the BMC must not.
            subprocess.Popen(
                ['python3', '-SE', __file__, host, 'set', parameter, 'now'],
                start_new_session=True,
            )


def main(argv: list[str]) -> int:
    """Check or carry out what ipmi_sim asks for; 1 for the unknown."""
    host, verb, *words = argv
    if verb == 'check':
        return 0 if set(words) <= set(KNOWN) else 1
    if verb == 'get':
        print(''.join(f'{word}:default\n' for word in words), end='')
        return 0
    lab = load()
    for parameter, value in zip(words[::2], words[1::2], strict=True):
        if parameter not in KNOWN:
            return 1
        change(lab, host, parameter, value)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
