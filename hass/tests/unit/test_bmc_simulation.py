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

"""The simulated machine and its watchdog, in time that we turn."""

import uuid

from hass.simulation import chassis
from hass.simulation import commands
from hass.simulation import rmcp
from hass.tests import base
from hass.tests import clocks

APP, STORAGE = 0x06, 0x0A
NONE, RESET, POWER_DOWN, CYCLE = range(4)


class MachineTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.changes: list[tuple[bool, str]] = []
        self.chassis = chassis.Chassis(
            self.clock,
            uuid.uuid4(),
            hook=lambda is_on, cause: self.changes.append((is_on, cause)),
        )
        self.commands = commands.Commands(self.clock, self.chassis)
        self.watchdog = self.commands.watchdog

    def ask(self, netfn, command, *data):
        session = rmcp.Session(rmcp.SUITES[0], 1, 1, 0.0, privilege=4)
        request = rmcp.Request(netfn, command, bytes(data), session)
        return list(self.commands.execute(request) or b'')

    def turn(self, seconds):
        self.clock.turn(seconds)
        self.chassis.settle()
        self.watchdog.settle()


class ChassisTest(MachineTest):
    def test_power_off_takes_its_time_and_tells_when_it_is_real(self):
        self.chassis.latency_seconds = 2
        self.chassis.power_off()
        self.turn(1.9)
        self.assertTrue(self.chassis.is_on)
        self.assertEqual([], self.changes)
        self.turn(0.1)
        self.assertEqual([(False, 'power off')], self.changes)

    def test_only_real_changes_are_told(self):
        for _ in range(2):
            self.chassis.power_off()
        for _ in range(2):
            self.chassis.power_on()
        self.assertEqual([False, True], [is_on for is_on, _ in self.changes])

    def test_on_after_a_slow_off_comes_after_it(self):
        self.chassis.latency_seconds = 2
        self.chassis.power_off()
        self.chassis.power_on()
        self.turn(2)
        self.assertEqual([False, True], [is_on for is_on, _ in self.changes])

    def test_a_reset_ends_the_boot_and_begins_another(self):
        self.chassis.reset()
        self.assertEqual([False, True], [is_on for is_on, _ in self.changes])

    def test_a_reset_of_a_machine_that_is_off_does_nothing(self):
        self.chassis.lose_power()
        self.chassis.reset()
        self.assertEqual([(False, 'power loss')], self.changes)

    def test_a_liar_reads_off_while_it_is_on(self):
        self.chassis.lying = True
        self.assertEqual([0, 0, 0, 0, 0], self.ask(0, 1))
        self.assertTrue(self.chassis.is_on)

    def test_an_ill_sensor_shows_it(self):
        sensor = self.chassis.sensors['CPU Temp']
        sensor.value = 96
        answer = self.ask(0x04, 0x2D, sensor.number)
        self.assertEqual([0, 96, 0xC0, 0xC0 | 0x08 | 0x10], answer)


class WatchdogTest(MachineTest):
    def arm(self, action, countdown=50):
        answer = self.ask(APP, 0x24, 0x04, action, 0, 0, countdown, 0)
        self.assertEqual([0], answer)
        self.assertEqual([0], self.ask(APP, 0x22))

    def left(self):
        *_, low, high = self.ask(APP, 0x25)
        return low + 256 * high

    def test_it_counts_down(self):
        self.arm(NONE)
        self.assertEqual(50, self.left())
        self.turn(1.5)
        self.assertEqual(35, self.left())

    def test_feeding_it_begins_anew(self):
        self.arm(POWER_DOWN)
        for _ in range(3):
            self.turn(4.9)
            self.assertEqual([0], self.ask(APP, 0x22))
        self.assertEqual([], self.changes)
        self.turn(5)
        self.assertEqual([(False, 'watchdog')], self.changes)

    def test_it_must_be_set_before_it_is_started(self):
        self.assertEqual([0x80], self.ask(APP, 0x22))

    def test_reset_and_cycle_bring_the_machine_back(self):
        for action in (RESET, CYCLE):
            self.changes.clear()
            self.arm(action)
            self.turn(5)
            self.turn(chassis.CYCLE_SECONDS)
            self.assertEqual([False, True], [on for on, _ in self.changes])

    def test_expiry_without_action_is_flagged_and_logged(self):
        self.arm(NONE)
        self.turn(5)
        self.assertEqual([], self.changes)
        self.assertEqual(1 << 4, self.ask(APP, 0x25)[4])
        self.assertEqual(1, self.ask(STORAGE, 0x40)[2])
        self.assertFalse(self.watchdog.running)

    def test_power_off_stops_it(self):
        self.arm(RESET)
        self.chassis.lose_power()
        self.turn(6)
        self.assertEqual([(False, 'power loss')], self.changes)

    def test_a_short_request_is_refused(self):
        self.assertEqual([0xC7], self.ask(APP, 0x24, 0x04))
