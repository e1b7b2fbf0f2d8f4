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

import datetime

from hass import clock
from hass.tests import base

NOON = datetime.datetime(2030, 1, 1, 12)


def seconds(count):
    return datetime.timedelta(seconds=count)


class AlmanacTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.almanac = clock.Almanac()

    def note_each_second(self, *, at, moment, count=10):
        for second in range(count):
            self.almanac.note(at + second, moment + seconds(second))

    def test_moments_of_one_time_are_converted_both_ways(self):
        self.note_each_second(at=100, moment=NOON)
        self.assertEqual(103, self.almanac.monotonic_of(NOON + seconds(3)))
        self.assertEqual(NOON + seconds(3), self.almanac.moment_of(103))

    def test_moments_before_the_first_note_are_converted_by_it(self):
        self.note_each_second(at=100, moment=NOON)
        self.assertEqual(40, self.almanac.monotonic_of(NOON - seconds(60)))
        self.assertEqual(NOON - seconds(60), self.almanac.moment_of(40))

    def test_a_jump_forward_moves_nothing_that_was_before_it(self):
        self.note_each_second(at=100, moment=NOON)
        self.note_each_second(at=110, moment=NOON + seconds(3610))
        self.assertEqual(103, self.almanac.monotonic_of(NOON + seconds(3)))
        self.assertEqual(NOON + seconds(3), self.almanac.moment_of(103))
        later = NOON + seconds(3615)
        self.assertEqual(115, self.almanac.monotonic_of(later))
        self.assertEqual(later, self.almanac.moment_of(115))

    def test_a_moment_within_a_jump_is_that_of_the_jump(self):
        self.note_each_second(at=100, moment=NOON)
        self.note_each_second(at=110, moment=NOON + seconds(3610))
        self.assertEqual(110, self.almanac.monotonic_of(NOON + seconds(99)))

    def test_a_jump_back_moves_nothing_that_was_before_it(self):
        self.note_each_second(at=100, moment=NOON)
        self.note_each_second(at=110, moment=NOON - seconds(3590))
        self.assertEqual(103, self.almanac.monotonic_of(NOON + seconds(3)))
        self.assertEqual(115, self.almanac.monotonic_of(NOON - seconds(3585)))

    def test_moments_before_the_first_note_and_within_a_jump_are_unknown(self):
        self.note_each_second(at=100, moment=NOON)
        self.note_each_second(at=110, moment=NOON + seconds(3610))
        self.assertFalse(self.almanac.knows(NOON - seconds(1)))
        self.assertTrue(self.almanac.knows(NOON + seconds(3)))
        self.assertFalse(self.almanac.knows(NOON + seconds(99)))
        self.assertTrue(self.almanac.knows(NOON + seconds(3615)))

    def test_a_clock_that_drifts_is_followed(self):
        for hour in range(48):
            self.almanac.note(hour * 3600, NOON + seconds(hour * 3600.5))
        newest = NOON + seconds(47 * 3600.5)
        self.assertEqual(47 * 3600, self.almanac.monotonic_of(newest))

    def test_a_note_that_comes_late_is_not_taken(self):
        self.note_each_second(at=100, moment=NOON)
        self.almanac.note(105, NOON + seconds(50))
        self.assertEqual(109, self.almanac.monotonic_of(NOON + seconds(9)))
