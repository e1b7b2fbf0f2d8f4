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

"""How quickly nova-api answers is told by what was asked of it."""

import math

from hass.nova import answering
from hass.simulation import clock as virtual
from hass.tests import base


class AnsweringTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = virtual.VirtualClock()
        self.answering = answering.Answering(self.clock)

    def ask(self, seconds):
        with self.answering.request():
            self.clock.advance(seconds)

    def test_the_longest_answer_is_told(self):
        for seconds in (1, 3, 2):
            self.ask(seconds)
        self.assertEqual(
            answering.Answers(number=3, seconds=6, longest=3),
            self.answering.since(6),
        )

    def test_what_left_earlier_is_not(self):
        self.ask(5)
        self.clock.advance(1)
        self.ask(2)
        self.assertEqual(
            answering.Answers(number=1, seconds=2, longest=2),
            self.answering.since(2.5),
        )

    def test_an_error_is_no_answer(self):
        try:
            with self.answering.request():
                raise OSError
        except OSError:
            self.assertEqual(math.inf, self.answering.since(1).longest)

    def test_what_is_waited_for_counts_as_long_as_it_is(self):
        with self.answering.request():
            self.clock.advance(7)
            self.assertEqual(7, self.answering.since(10).longest)

    def test_nothing_asked_is_no_answer_at_all(self):
        self.assertEqual(
            answering.Answers(number=0, seconds=0, longest=0),
            self.answering.since(10),
        )
