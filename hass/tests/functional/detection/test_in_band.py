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

"""Detectors inside a host: a guest of QEMU with a BMC behind /dev/ipmi0.

Linux's own drivers talk to the BMC, and feed its watchdog; the BMC at the
far end of ipmi-bmc-extern is our simulated one.
"""

import os
import pathlib
import sys
import uuid

from testtools import content

from hass import clock
from hass.simulation import chassis
from hass.tests import base
from hass.tests.functional.detection import extern_bmc
from hass.tests.functional.detection import guest
from tools import packages

RESET_WATCHDOG = (0x06, 0x22)
MEMORY, UNCORRECTABLE = 0x0C, 1
HARDWARE, SYSTEM = 'HardwareLocal', 'OsWatchdogLocal'


class InBandTest(base.TestCase):
    seconds = 500

    def setUp(self):
        super().setUp()
        hands = clock.SystemClock()
        self.chassis = chassis.Chassis(hands, uuid.uuid4())
        self.bmc = extern_bmc.ExternBmc(self.chassis, hands)
        self.addCleanup(self.bmc.close)
        try:
            folder = pathlib.Path(self.make_folder())
            self.guest = guest.Guest(folder, self.bmc.port)
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            sys.stderr.write(f'{self.id()}: {why}\n')
            self.skipTest(str(why))
        self.addCleanup(self.guest.end)
        self.addOnException(self.tell)

    def tell(self, exc_info):
        told = ''.join(self.guest.console) + str(self.guest.seen)
        self.addDetail('guest', content.text_content(told))

    def becomes(self, name, verdict, detail):
        def there():
            seen = self.guest.seen.get(name, {})
            return verdict == seen.get('verdict') and detail in seen['detail']

        self.wait_for(there, why=f'{name} to say {detail}')

    def test_sensors_events_and_watchdog_are_read_from_inside(self):
        self.becomes(HARDWARE, 'healthy', '3 sensors read well')
        self.becomes(SYSTEM, 'healthy', 'was fed')
        self.assertEqual('', self.guest.seen[HARDWARE]['lacks'])

        self.chassis.sensors['CPU Temp'].value = 97
        self.becomes(HARDWARE, 'failed', 'CPU Temp 97°C is critical')
        self.chassis.sensors['CPU Temp'].value = 45
        self.becomes(HARDWARE, 'healthy', '3 sensors read well')

        self.chassis.log_state(9, MEMORY, UNCORRECTABLE)
        self.becomes(HARDWARE, 'failed', 'Uncorrectable error')

        # What the kernel sends to feed it gets lost.
        self.bmc.commands.scripted[RESET_WATCHDOG] = b'\0'
        self.becomes(SYSTEM, 'failed', 'the watchdog ran out')
