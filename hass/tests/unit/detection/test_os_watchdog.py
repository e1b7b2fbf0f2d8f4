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

"""The watchdog of a host, looked at in time that we turn."""

import struct
import uuid

from hass import bmc
from hass.bmc import doors
from hass.bmc import reads
from hass.detection import base as detection
from hass.detection import os_watchdog
from hass import faults
from hass.simulation import chassis
from hass.simulation import commands
from hass.simulation import rmcp
from hass.tests import base
from hass.tests import clocks

HEALTHY = faults.Verdict.HEALTHY
FAILED = faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN
HOST = detection.Subject('compute-1', bmc.Address('192.0.2.1'))
FRB2, OS = 0x01, 0x04
SECONDS = 10


class Door(doors.Door):
    """Asks a simulated BMC without a network."""

    open = True

    def __init__(self, asked):
        self.asked = asked
        self.session = rmcp.Session(rmcp.SUITES[0], 1, 1, 0.0, privilege=4)

    def ask(self, netfn, command, *data, retry=True):
        request = rmcp.Request(netfn, command, bytes(data), self.session)
        answer = self.asked.execute(request)
        return answer[0], answer[1:]

    def close(self):
        """Nothing is open."""


class Bmcs(bmc.Bmc):
    """Without processes; one BMC answers for all."""

    def __init__(self, clock, asked):
        super().__init__(clock, call_seconds=2, workers=1)
        self._door = Door(asked)

    def watchdog(self, address):
        return bmc.Watchdog(**reads.watchdog(self._door))


class OsWatchdogTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.chassis = chassis.Chassis(self.clock, uuid.uuid4())
        answers = commands.Commands(self.clock, self.chassis)
        self.timer = answers.watchdog
        self.detector = os_watchdog.OsWatchdog(
            detection.Tools(None, self.clock, Bmcs(self.clock, answers))
        )

    def arm(self, use=OS, action=0):
        ticks = SECONDS * 10
        self.timer.set(struct.pack('<BBBBH', use, action, 0, 0, ticks))
        self.timer.reset(b'')

    def turn(self, seconds):
        self.clock.turn(seconds)
        self.chassis.settle()
        self.timer.settle()

    def feed(self):
        self.timer.reset(b'')

    def look(self):
        (found,) = self.detector.probe(HOST)
        return found.verdict

    def said(self):
        (found,) = self.detector.probe(HOST)
        return found.detail

    def test_one_look_tells_how_long_ago_it_was_fed(self):
        self.arm()
        self.turn(1.5)
        self.assertEqual(HEALTHY, self.look())
        self.assertIn('fed 1.5 s ago', self.said())

    def test_fed_after_the_last_look_is_healthy_for_longer(self):
        self.arm()
        self.turn(1)
        self.look()
        self.turn(5)
        self.feed()
        self.turn(4)
        self.assertEqual(HEALTHY, self.look())
        self.turn(0.5)
        self.assertEqual(UNKNOWN, self.look())

    def test_not_fed_for_a_while_is_unknown_and_no_failure(self):
        self.arm()
        self.turn(1)
        self.look()
        self.turn(8)
        self.assertEqual(UNKNOWN, self.look())
        self.assertIn('1.0 of 10.0 s left', self.said())

    def test_a_countdown_that_never_falls_tells_nothing(self):
        self.arm()
        for _ in range(3):
            self.assertEqual(UNKNOWN, self.look())
            self.turn(1)
            self.feed()

    def test_running_out_is_a_failure(self):
        self.arm()
        self.turn(1)
        self.look()
        self.turn(10)
        self.assertEqual([FAILED, FAILED], [self.look(), self.look()])

    def test_an_old_expiry_of_a_host_that_runs_again_is_none(self):
        self.arm()
        self.turn(11)
        self.assertEqual(UNKNOWN, self.look())
        self.arm()
        self.turn(1)
        self.assertEqual(HEALTHY, self.look())

    def test_an_expiry_counts_for_a_while_only(self):
        self.arm()
        self.turn(1)
        self.look()
        self.turn(10)
        self.assertEqual(FAILED, self.look())
        self.turn(os_watchdog.EXPIRED_SECONDS + 1)
        self.assertEqual(UNKNOWN, self.look())

    def test_stopped_on_purpose_after_an_old_expiry_is_no_failure(self):
        self.arm()
        self.turn(11)
        self.arm()
        self.turn(1)
        self.assertEqual(HEALTHY, self.look())
        self.timer.set(struct.pack('<BBBBH', OS, 0, 0, 0, 100))
        self.assertEqual(UNKNOWN, self.look())

    def test_a_second_expiry_is_a_failure_too(self):
        self.arm()
        self.turn(11)
        self.arm()
        self.turn(1)
        self.look()
        self.turn(10)
        self.assertEqual(FAILED, self.look())

    def test_the_watchdog_of_the_firmware_says_nothing_of_the_system(self):
        self.arm(use=FRB2)
        self.turn(1)
        self.assertEqual(UNKNOWN, self.look())
        self.assertIn('bios-frb2', self.said())

    def test_a_host_that_is_off_has_no_watchdog(self):
        self.arm()
        self.turn(1)
        self.look()
        self.chassis.lose_power()
        self.turn(1)
        self.assertEqual(UNKNOWN, self.look())
