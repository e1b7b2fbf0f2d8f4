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


"""Run by test_guest_network.py, in namespaces of its own.

It reads a line of JSON for each thing to do and answers with one: a shell
script, or guests to be looked at.
"""

import json
import subprocess
import sys

from hass.agent.guests import description
from hass.agent.guests import network
from hass import clock


def main() -> None:
    looker = network.HostNetwork(clock.SystemClock())
    for line in sys.stdin:
        wanted = json.loads(line)
        if 'sh' in wanted:
            subprocess.run(['sh', '-ec', wanted['sh']], check=True)
            answer: object = None
        else:
            guests = {
                name: [description.Port(*port) for port in ports]
                for name, ports in wanted['look'].items()
            }
            try:
                answer = dict(looker.answering(guests, guests))
            except OSError as error:
                answer = str(error)
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
