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

from hass import beats
from hass.engine import strangers
from hass import exception
from hass.tests import base
from hass.tests import clocks

ADDRESS = '192.0.2.7'


class StrangersTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.strangers = strangers.Strangers(self.clock)

    def hear(self, name='compute-1', reason=beats.Refusal.FORGED, at=ADDRESS):
        self.strangers.note(exception.MessageRefused(name, reason), at)

    def hear_long(self, *names, reason=beats.Refusal.UNKNOWN_HOST):
        """As often as it takes to be told."""
        for _each in range(2):
            for name in names:
                self.hear(name, reason)
            self.clock.turn(strangers.SURE_SECONDS)

    def told(self):
        return [(one.name, one.address) for one in self.strangers.now()]

    def test_one_that_goes_on_is_told(self):
        self.hear()
        self.clock.turn(1)
        self.hear()
        self.assertEqual([], self.told())
        self.clock.turn(1)
        self.hear()
        self.assertEqual([('compute-1', ADDRESS)], self.told())

    def test_one_that_has_ended_is_told_for_a_minute(self):
        self.hear_long('compute-1')
        self.clock.turn(50)
        self.assertEqual(1, len(self.told()))
        self.clock.turn(10)
        self.assertEqual([], self.told())

    def test_stray_messages_are_not_told(self):
        for _each in range(3):
            self.hear()
            self.clock.turn(strangers.TOLD_SECONDS + 1)
        self.hear()
        self.assertEqual([], self.told())

    def test_late_and_unreadable_messages_are_no_mistake_of_a_key(self):
        self.hear_long('compute-1', reason=beats.Refusal.REPLAYED)
        self.hear_long('', reason=beats.Refusal.UNREADABLE)
        self.assertEqual([], self.told())

    def test_the_address_is_known_when_beats_or_answers_come_too(self):
        self.hear(at=None)
        self.clock.turn(5)
        self.hear()
        self.hear(at=None)
        self.assertEqual([('compute-1', ADDRESS)], self.told())

    def test_a_flood_of_names_is_not_kept(self):
        self.hear_long('compute-9')
        self.hear_long(*(f'host-{number}' for number in range(5000)))
        told = self.told()
        self.assertEqual(strangers.MOST[False], len(told))
        self.assertIn(('compute-9', ADDRESS), told)

    def test_names_that_are_told_no_more_leave_room(self):
        self.hear_long(*(f'host-{number}' for number in range(16)))
        self.clock.turn(strangers.TOLD_SECONDS)
        self.hear_long('compute-9')
        self.assertIn(('compute-9', ADDRESS), self.told())

    def test_a_strangers_name_is_visible_and_short(self):
        self.hear_long('\x1b[2J\n\u202e', 'x' * 255, '\ud800')
        self.assertEqual(
            [
                r'\x1b[2J\n\u202e',
                f'{"x" * strangers.SHOWN_CHARACTERS}...',
                r'\ud800',
            ],
            [name for name, _address in self.told()],
        )
