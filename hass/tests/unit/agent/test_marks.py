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

"""What an agent writes into the BMC of its host, and takes back."""

import uuid

from hass.agent import marks
from hass import bmc
from hass.db import wirings
from hass import exception
from hass.simulation import bmc as simulation
from hass.simulation import commands
from hass.tests import base
from hass.tests import clocks

SET, GET = (0x06, 0x58), (0x06, 0x59)
MARK, NEWER = 'hass-0123abcde', 'hass-edcba3210'
BEFORE = b'\0\x05Linux'.ljust(16, b'\0')
AT = 4, 0


class MarksTest(base.TestCase):
    def setUp(self):
        super().setUp()
        clock = clocks.HandClock()
        self.chassis = simulation.Chassis(clock, uuid.uuid4())
        self.chassis.system_info[AT] = BEFORE
        self.commands = commands.Commands(clock, self.chassis)
        self.later = []
        self.mark = self.make('/dev/null')

    def make(self, device):
        return marks.Marker(
            simulation.Inside(self.commands),
            bmc.LocalDevice(device),
            lambda seconds, work: self.later.append(work),
        )

    def assert_refused(self, words, mark=MARK):
        error = self.assertRaises(exception.OrderRefused, self.mark, mark)
        self.assertIn(words, str(error))

    def test_a_mark_is_the_first_block_of_a_text(self):
        self.mark(MARK)
        self.assertEqual(b'\0\x0ehass-0123abcde', self.chassis.system_info[AT])

    def test_what_was_there_is_put_back(self):
        self.mark(MARK)
        self.later.pop()()
        self.assertEqual(BEFORE, self.chassis.system_info[AT])

    def test_a_newer_mark_stays_its_time_and_then_the_first_is_back(self):
        self.mark(MARK)
        self.mark(NEWER)
        old, new = self.later
        old()
        self.assertIn(NEWER.encode(), self.chassis.system_info[AT])
        new()
        self.assertEqual(BEFORE, self.chassis.system_info[AT])

    def test_a_mark_that_was_left_behind_is_not_put_back(self):
        self.mark(MARK)
        self.mark = self.make('/dev/null')
        self.mark(NEWER)
        self.later.pop()()
        self.assertEqual(bytes(16), self.chassis.system_info[AT])

    def test_agents_take_what_engines_make(self):
        self.assertEqual(wirings.KEPT_SECONDS, marks.KEPT_SECONDS)
        for _ in range(9):
            self.assertIsNotNone(marks.MARK.fullmatch(wirings.new_mark()))

    def test_nothing_else_is_written(self):
        for text in ('Linux', 'hass-0123abcdeF', 'hass-0123abcde\n', ''):
            self.assert_refused('no mark', text)
        self.assertEqual(BEFORE, self.chassis.system_info[AT])

    def test_a_system_without_a_driver_says_so(self):
        self.mark = self.make('/dev/no-ipmi')
        self.assert_refused('there is no /dev/no-ipmi')

    def test_a_bmc_without_the_command_says_so(self):
        for code in (b'\xc1', b'\x80'):
            self.commands.scripted[GET] = code
            self.assert_refused('takes no marks')

    def test_a_bmc_that_refuses_to_be_written_says_so(self):
        self.commands.scripted[SET] = b'\x82'
        self.assert_refused('code 82')

    def test_a_bmc_that_forgets_at_once_is_no_witness(self):
        self.commands.scripted[SET] = b'\0'
        self.assert_refused('does not show it')
