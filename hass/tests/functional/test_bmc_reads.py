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

"""Watchdog, discrete sensors and event log of a BMC, against our own."""

import struct

from hass.bmc import reads
from hass import exception
from hass.simulation import sensors
from hass.tests.functional import bmc_base

GET_SDR, GET_SEL_ENTRY = (0x0A, 0x23), (0x0A, 0x43)
SUPPLY, FAILURE = 0x08, 1
NOT_FOUND = b'\xcb'


class ReadsTest(bmc_base.BmcTest):
    def setUp(self):
        super().setUp()
        self.responder = self.make_responder()
        self.chassis = self.responder.chassis
        self.at = self.address(self.responder)

    def test_the_watchdog_is_read_in_seconds(self):
        timer = self.responder.commands.watchdog
        self.assertFalse(self.bmcs.watchdog(self.at).running)
        timer.set(struct.pack('<BBBBH', 4, 1, 0, 0, 600))
        timer.reset(b'')
        seen = self.bmcs.watchdog(self.at)
        self.assertTrue(seen.running)
        self.assertEqual(('os', 'reset', ()), (
            seen.use, seen.action, seen.expired
        ))  # fmt: skip
        self.assertEqual(60, seen.initial_seconds)
        self.assertTrue(50 < seen.present_seconds <= 60)

    def test_a_discrete_sensor_has_states_and_no_value(self):
        self.chassis.sensors['PSU 1'].states.add(FAILURE)
        seen = {one.name: one for one in self.bmcs.sensors(self.at)}['PSU 1']
        self.assertEqual(('Present', 'Failure'), seen.states)
        self.assertEqual(('critical', None), (seen.health, seen.value))
        self.assertFalse(seen.limited)

    def test_hosts_of_one_model_may_have_different_sensors(self):
        other = self.make_responder()
        commands = other.commands
        extra = sensors.Discrete(9, 'DIMM 1', 0x0C, set())
        commands._by_number[9] = extra
        for _ in range(2):
            names = [one.name for one in self.bmcs.sensors(self.at)]
            self.assertNotIn('DIMM 1', names)
            found = self.bmcs.sensors(self.address(other))
            self.assertIn('DIMM 1', [one.name for one in found])

    def test_unchanged_sensor_records_are_read_once(self):
        self.bmcs.sensors(self.at)
        asked = self.responder.commands.asked
        before = asked[GET_SDR]
        self.bmcs.sensors(self.at)
        self.assertEqual(before, asked[GET_SDR])


class EventsTest(bmc_base.BmcTest):
    def setUp(self):
        super().setUp()
        self.responder = self.make_responder()
        self.chassis = self.responder.chassis
        self.at = self.address(self.responder)
        self.mark = None

    def happen(self, count=1):
        for _ in range(count):
            self.chassis.log_state(4, SUPPLY, FAILURE)

    def new(self):
        """Numbers of the records since the last look."""
        self.mark, events = self.bmcs.events(self.at, self.mark)
        return [one.record for one in events]

    def test_an_event_tells_sensor_state_and_time(self):
        self.new()
        self.happen()
        _, (event,) = self.bmcs.events(self.at, self.mark)
        self.assertEqual(
            (1, 'PSU 1', 'Power Supply', 'Failure', True, 'critical'),
            (
                event.record,
                event.sensor,
                event.kind,
                event.text,
                event.asserted,
                event.health,
            ),
        )
        self.assertEqual(
            self.clock.now().date().year, (event.at or self.clock.now()).year
        )

    def test_the_first_look_only_finds_the_end(self):
        self.happen(3)
        self.assertEqual([], self.new())
        self.assertEqual([], self.new())

    def newest(self):
        return [one.record for one in self.bmcs.newest_events(self.at)]

    def test_the_end_of_a_log_is_read_newest_first(self):
        self.assertEqual([], self.newest())
        self.happen(3)
        self.assertEqual([3, 2, 1], self.newest())
        self.happen(reads.EVENTS_AT_ONCE)
        last = 3 + reads.EVENTS_AT_ONCE
        self.assertEqual(list(range(last, 3, -1)), self.newest())

    def test_a_bmc_that_tells_another_record_is_not_believed(self):
        self.happen(3)
        self.chassis.events[1] = self.chassis.events[0]
        self.assertEqual([3, 1], self.newest())

    def test_where_many_records_are_missing_nothing_older_is_asked_for(self):
        self.happen(reads.GAP + 3)
        self.chassis.events[1:-1] = self.chassis.events[:1] * (reads.GAP + 1)
        self.assertEqual([reads.GAP + 3], self.newest())

    def test_each_event_is_read_once(self):
        self.assertEqual([], self.new())
        self.happen(2)
        self.assertEqual([1, 2], self.new())
        self.happen()
        self.assertEqual([3], self.new())
        self.assertEqual([], self.new())

    def test_a_cleared_log_is_new_from_its_beginning(self):
        self.happen(5)
        self.new()
        self.chassis.events.clear()
        self.assertEqual([], self.new())
        self.happen(2)
        self.assertEqual([1, 2], self.new())

    def test_a_log_that_was_cleared_and_filled_again_is_all_new(self):
        self.happen(2)
        self.new()
        self.chassis.events.clear()
        for _ in range(3):
            self.chassis.log_state(4, SUPPLY, 0)
        self.assertEqual([1, 2, 3], self.new())

    def test_a_log_that_overwrote_what_was_read_is_all_new(self):
        self.happen(3)
        self.new()
        for number in range(3):
            event = bytes((2, 0, 0, 0, 0, 0x20, 0, 4, 8, 4, 0x6F, number))
            event = struct.pack('<H', number + 1) + event + b'\xff\xff'
            self.chassis.events[number] = event
        self.assertEqual([1, 2, 3], self.new())

    def test_a_long_log_comes_in_parts(self):
        self.new()
        self.happen(300)
        numbers = [self.new() for _ in range(4)]
        self.assertEqual(list(range(1, 301)), sum(numbers, []))
        self.assertEqual([], numbers[3])

    def test_records_of_makers_are_passed_over(self):
        self.new()
        self.chassis.log_event(bytes([0xC0]) + bytes(13))
        self.chassis.log_event(bytes([0xE0]) + bytes(13))
        _, events = self.bmcs.events(self.at, self.mark)
        self.assertEqual(['OEM'] * 2, [one.kind for one in events])

    def test_nonsense_is_named(self):
        scripted = self.responder.commands.scripted
        for nonsense, said in (
            (b'\0\1\0', '2 bytes where 18 are due'),
            (b'\0\0\0' + bytes(16), 'goes round in circles'),
        ):
            scripted[GET_SEL_ENTRY] = NOT_FOUND
            self.mark = None
            self.new()
            scripted[GET_SEL_ENTRY] = nonsense
            error = self.assertRaises(
                exception.BmcBadAnswer, self.bmcs.events, self.at, self.mark
            )
            self.assertIn(said, str(error))
