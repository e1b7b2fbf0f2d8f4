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

"""Detectors that ask a BMC, against our own responder."""

import dataclasses
import struct
import threading

from hass import bmc
from hass.detection import hardware_ipmi
from hass.detection import hardware_local
from hass.detection import os_watchdog
from hass.detection import os_watchdog_local
from hass.detection import power_ipmi
from hass import faults
from hass.simulation import watchdog
from hass.tests.functional.detection import ipmi_case

GET_CHASSIS_STATUS = (0x00, 0x01)
GET_SENSOR_READING = (0x04, 0x2D)
GET_WATCHDOG_TIMER = (0x06, 0x25)
GET_SDR_INFO, GET_SEL_ENTRY = (0x0A, 0x20), (0x0A, 0x43)
MEMORY, PROCESSOR, WATCHDOG, SUPPLY = 0x0C, 0x07, 0x23, 0x08
UNCORRECTABLE, SUPPLY_FAILURE = 1, 1
OS, NO_ACTION = 0x04, 0x00


class PowerIpmiTest(ipmi_case.IpmiDetectorContract):
    detector_class = power_ipmi.PowerIpmi

    def fail_layer(self):
        self.chassis.lose_power()

    def babble(self):
        for nonsense in (b'', b'\0', b'\0\0', b'\0\x80\0\0', b'\xc1'):
            self.scripted[GET_CHASSIS_STATUS] = nonsense
            yield


class HardwareIpmiTest(ipmi_case.IpmiDetectorContract):
    detector_class = hardware_ipmi.HardwareIpmi

    def fail_layer(self):
        self.chassis.sensors['CPU Temp'].value = 97

    def hide(self):
        self.watch('CPU Temp', 'Lost Temp')

    def babble(self):
        for command, nonsense in (
            (GET_SENSOR_READING, b''),
            (GET_SENSOR_READING, b'\0'),
            (GET_SENSOR_READING, b'\xc3'),
            (GET_SDR_INFO, b'\0\0'),
            (GET_SEL_ENTRY, b'\0\xff\xff'),
        ):
            self.scripted.clear()
            self.scripted[command] = nonsense
            yield

    def watch(self, *names):
        self.subject = dataclasses.replace(self.subject, watched_sensors=names)

    def found(self):
        (one,) = self.detector.probe(self.subject)
        return one.verdict, one.detail

    def assert_found(self, verdict, *details):
        seen, said = self.found()
        self.assertEqual(verdict, seen, said)
        for detail in details:
            self.assertIn(detail, said)

    def test_a_critical_sensor_is_named_with_its_value(self):
        self.fail_layer()
        self.assert_found(faults.Verdict.FAILED, 'CPU Temp 97°C is critical')

    def test_a_warning_is_told_and_is_no_failure(self):
        self.chassis.sensors['CPU Temp'].value = 86
        self.assert_found(faults.Verdict.HEALTHY, 'CPU Temp 86°C is warning')

    def test_only_the_watched_sensors_count(self):
        self.fail_layer()
        self.watch('Fan 1', '12V')
        self.assert_found(faults.Verdict.HEALTHY, '2 sensors read well')

    def test_a_watched_sensor_that_is_missing_is_named(self):
        self.watch('CPU Temp', 'Lost Temp')
        self.assert_found(
            faults.Verdict.UNKNOWN, 'there is no sensor Lost Temp'
        )

    def test_a_watched_sensor_without_reading_is_named(self):
        self.chassis.lose_power()
        self.assert_found(faults.Verdict.HEALTHY)
        self.watch('Fan 1')
        self.assert_found(
            faults.Verdict.UNKNOWN, 'sensor Fan 1 has no reading'
        )

    def test_a_discrete_sensor_counts_where_it_is_watched(self):
        self.chassis.sensors['PSU 1'].states.add(SUPPLY_FAILURE)
        self.assert_found(faults.Verdict.HEALTHY)
        self.watch('PSU 1')
        self.assert_found(
            faults.Verdict.FAILED, 'PSU 1 is critical: Present, Failure'
        )

    def test_what_was_logged_before_the_first_look_is_history(self):
        self.chassis.log_state(9, MEMORY, UNCORRECTABLE)
        self.assert_found(faults.Verdict.HEALTHY)

    def test_an_event_since_the_last_look_counts_until_it_is_taken_back(self):
        self.wait_until_healthy()
        self.chassis.log_state(9, MEMORY, UNCORRECTABLE)
        for _ in range(2):
            self.assert_found(
                faults.Verdict.FAILED, 'event: sensor 9 Uncorrectable error'
            )
        self.chassis.log_state(9, MEMORY, UNCORRECTABLE, asserted=False)
        self.assert_found(faults.Verdict.HEALTHY)

    def test_events_of_other_layers_are_no_hardware_failure(self):
        self.wait_until_healthy()
        self.chassis.log_state(0, WATCHDOG, 0)
        self.assert_found(faults.Verdict.HEALTHY)

    def test_events_of_sensors_that_nobody_watches_do_not_count(self):
        self.watch('CPU Temp')
        self.wait_until_healthy()
        self.chassis.log_state(4, SUPPLY, SUPPLY_FAILURE)
        self.assert_found(faults.Verdict.HEALTHY)
        self.watch('CPU Temp', 'PSU 1')
        self.assert_found(faults.Verdict.FAILED, 'event: PSU 1 Failure')

    def test_a_cleared_log_is_read_from_its_beginning(self):
        for _ in range(3):
            self.chassis.log_state(4, SUPPLY, 0)
        self.wait_until_healthy()
        self.chassis.events.clear()
        self.chassis.log_state(9, PROCESSOR, 0)
        self.assert_found(faults.Verdict.FAILED, 'sensor 9 Internal error')

    def test_a_log_that_cannot_be_read_leaves_the_sensors(self):
        self.scripted[GET_SEL_ENTRY] = b'\xc1'
        self.assert_found(faults.Verdict.HEALTHY, 'log cannot be read')


class HardwareLocalTest(HardwareIpmiTest):
    """In place of /dev/ipmi0 the same BMC, over the network."""

    detector_class = hardware_local.HardwareLocal
    detector: hardware_local.HardwareLocal

    def prepare(self):
        super().prepare()
        self.detector.device = self.address(self.responder)

    def test_it_lacks_nothing_here(self):
        self.detector.device = bmc.LocalDevice('/dev/null')
        self.assertEqual('', self.detector.lacks(self.subject))
        self.detector.device = bmc.LocalDevice('/dev/no-ipmi')
        self.assertIn('/dev/no-ipmi', self.detector.lacks(self.subject))


class OsWatchdogTest(ipmi_case.IpmiDetectorContract):
    detector_class = os_watchdog.OsWatchdog

    def prepare(self):
        super().prepare()
        self.timer = self.responder.commands.watchdog
        self.arm(seconds=30)
        self.stopping = threading.Event()
        feeder = threading.Thread(target=self.feed, daemon=True)
        feeder.start()
        self.addCleanup(feeder.join)
        self.addCleanup(self.stopping.set)

    def arm(self, seconds):
        countdown = round(seconds * watchdog.TICKS)
        self.timer.set(struct.pack('<BBBBH', OS, NO_ACTION, 0, 0, countdown))
        self.timer.reset(b'')

    def feed(self):
        while not self.stopping.wait(0.2):
            self.timer.reset(b'')

    def hang(self):
        self.stopping.set()

    def fail_layer(self):
        self.hang()
        self.arm(seconds=0.1)

    def hide(self):
        self.hang()
        self.timer.set(struct.pack('<BBBBH', OS, NO_ACTION, 0, 0, 300))

    def babble(self):
        for nonsense in (
            b'',
            b'\0',
            b'\0' * 8,
            b'\xc1',
            b'\0\x47\0\0\0\x64\0\x32\0',
            b'\0\x44\x07\0\0\x64\0\x32\0',
            b'\0\x44\0\0\0\x32\0\x64\0',
        ):
            self.scripted[GET_WATCHDOG_TIMER] = nonsense
            yield

    def test_a_watchdog_that_is_fed_no_more_is_soon_not_healthy(self):
        self.wait_until_healthy()
        self.hang()
        self.wait_for(
            lambda: self.look() == {faults.Verdict.UNKNOWN},
            why='the last feeding to be too long ago',
        )


class OsWatchdogLocalTest(OsWatchdogTest):
    """In place of /dev/ipmi0 the same BMC, over the network."""

    detector_class = os_watchdog_local.OsWatchdogLocal
    detector: os_watchdog_local.OsWatchdogLocal

    def prepare(self):
        super().prepare()
        self.detector.device = self.address(self.responder)

    def test_it_lacks_nothing_here(self):
        self.detector.device = bmc.LocalDevice('/dev/null')
        self.assertEqual('', self.detector.lacks(self.subject))
