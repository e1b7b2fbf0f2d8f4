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

"""Whose clock is wrong is told by what most of them show."""

from hass.diagnosis import clocks
from hass.tests import base


class WrongTest(base.TestCase):
    def test_a_clock_like_those_of_others_is_right(self):
        self.assertEqual('', clocks.wrong(3600.0, [3590.0, 3610.0, 3600.0]))

    def test_a_clock_unlike_those_of_all_others_is_wrong(self):
        self.assertEqual(
            'its clock is 3600 s ahead of those of all others (3 engines and '
            'hosts)',
            clocks.wrong(3600.0, [0.0, 1.0, -1.0]),
        )
        self.assertIn('behind', clocks.wrong(-61.0, [0.0, 0.0]))

    def test_one_host_with_a_wrong_clock_says_nothing_of_ours(self):
        self.assertEqual('', clocks.wrong(0.0, [3600.0, 0.0, 0.0]))
        self.assertIn(
            '(3 engines', clocks.wrong(3600.0, [3600.0, 0.0, 0.0, 0.0])
        )

    def test_others_that_do_not_agree_tell_nothing(self):
        self.assertEqual('', clocks.wrong(0.0, [3600.0, -3600.0, 900.0]))

    def test_one_other_clock_tells_not_which_is_wrong(self):
        self.assertEqual('', clocks.wrong(3600.0, [0.0]))
