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

"""Our responder, judged by the tool that operators use."""

import os
import subprocess

from hass.tests.functional import bmc_base


class IpmitoolTest(bmc_base.BmcTest):
    def setUp(self):
        super().setUp()
        self.need('ipmitool')
        self.responder = self.make_responder()
        self.chassis = self.responder.chassis

    def ipmitool(self, *command, suite=3, password=bmc_base.PASSWORD):
        return subprocess.run(
            ['ipmitool', '-I', 'lanplus', '-C', str(suite), '-R', '1']
            + ['-N', '1', '-H', '127.0.0.1', '-p', str(self.responder.port)]
            + ['-U', bmc_base.USERNAME, '-E', *command],
            env=os.environ | {'IPMI_PASSWORD': password},
            capture_output=True,
            text=True,
        )

    def says(self, *command, **how):
        done = self.ipmitool(*command, **how)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_both_cipher_suites_are_accepted(self):
        for suite in (3, 17):
            said = self.says('power', 'status', suite=suite)
            self.assertEqual('Chassis Power is on\n', said)

    def test_power_commands_change_the_power(self):
        self.says('power', 'off')
        self.assertFalse(self.chassis.is_on)
        self.says('power', 'on')
        self.assertTrue(self.chassis.is_on)
        self.says('power', 'cycle')
        self.assertFalse(self.chassis.is_on)
        self.wait_for(lambda: self.chassis.is_on, why='the cycle to end')
        self.says('power', 'reset')
        self.assertTrue(self.chassis.is_on)

    def test_the_restore_policy_is_set_and_told(self):
        self.says('chassis', 'policy', 'always-on')
        self.assertIn(
            'Power Restore Policy : always-on', self.says('chassis', 'status')
        )

    def test_a_wrong_password_is_refused(self):
        done = self.ipmitool('power', 'off', password='wrong')
        self.assertNotEqual(0, done.returncode)
        self.assertIn('Unable to establish IPMI v2', done.stderr)
        self.assertTrue(self.chassis.is_on)

    def test_guid_and_sensors_are_understood(self):
        self.assertIn(str(self.chassis.guid), self.says('mc', 'guid'))
        self.chassis.sensors['12V'].value = 10.9
        rows = self.says('sensor', 'list').splitlines()
        voltage = [row for row in rows if row.startswith('12V')][0]
        self.assertIn('10.900', voltage)
        self.assertIn('nc', voltage)

    def test_the_mac_address_is_told(self):
        said = self.says('raw', '0x0c', '2', '0x0e', '5', '0', '0')
        self.assertEqual(b'\x11' + self.chassis.mac, bytes.fromhex(said))

    def test_the_watchdog_counts_acts_and_is_logged(self):
        self.says('raw', '6', '0x24', '4', '2', '0', '0', '3', '0')
        self.says('raw', '6', '0x22')
        self.wait_for(lambda: not self.chassis.is_on, why='the watchdog')
        self.assertIn('Power down', self.says('sel', 'list', '-v'))
        self.assertIn('SMS/OS', self.says('mc', 'watchdog', 'get'))

    def test_an_event_can_be_added_and_the_log_cleared(self):
        event = '0 0 2 0 0 0 0 0x20 0 4 1 1 1 0x57 0 0'
        self.says('raw', '0x0a', '0x44', *event.split())
        self.assertIn('Temperature', self.says('sel', 'list'))
        self.says('sel', 'clear')
        self.assertEqual([], self.chassis.events)
