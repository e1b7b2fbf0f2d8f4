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

"""The door to BMCs, against a BMC that others have written."""

import pathlib
import signal
import socket
import subprocess
import uuid

from hass import bmc
from hass.detection import base as detection
from hass.detection import hardware_ipmi
from hass import exception
from hass.simulation import sensors
from hass.tests.functional import bmc_base

ON, OFF = bmc.PowerState.ON, bmc.PowerState.OFF
GUID = uuid.UUID('a1234567-89ab-cdef-a123-456789abcdef')

LAN = """name "bmc"
set_working_mc 0x20
 startlan 1
  addr 127.0.0.1 {port}
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid {guid}
 endlan
 chassis_control "{folder}/chassis"
 user 1 true "" "test" user 10 none md2 md5 straight
 user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""

EMULATOR = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
sensor_add 0x20 0 1 0x01 0x01 poll 500 file "{folder}/temperature"
sensor_set_threshold 0x20 0 1 settable 111111 100 95 85 0 2 5
sensor_set_event_support 0x20 0 1 enable scanning per-state {events}
main_sdr_add 0x20 {record}
mc_enable 0x20
"""

# Called as: get power | set power 0|1 | set reset 1 | check power …
CHASSIS = """#!/bin/sh
cd {folder}
case "$1 $2" in
'get power') [ -e on ] && echo power:1 || echo power:0;;
'set power') [ "$3" = 0 ] && rm -f on || touch on;;
esac
"""


class IpmiSimCase(bmc_base.BmcTest):
    lan = LAN

    def setUp(self):
        super().setUp()
        self.need('openipmi')
        self.folder = pathlib.Path(self.make_folder())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self.at = bmc.Address(
            '127.0.0.1', self.port, 'hass', bmc_base.PASSWORD
        )
        self.write_files()
        self.start()
        self.wait_for(self.answers, why='ipmi_sim')

    def write_files(self):
        record = sensors.standard()[0].record()
        values = {
            'port': self.port,
            'folder': self.folder,
            'guid': GUID.hex,
            'user': self.at.username,
            'password': self.at.password,
            'events': ' '.join(['000101010010101'] * 4),
            'record': ' '.join(f'0x{byte:02x}' for byte in record),
        }
        for name, text in (
            ('lan.conf', self.lan),
            ('bmc.emu', EMULATOR),
            ('chassis', CHASSIS),
        ):
            (self.folder / name).write_text(text.format(**values))
        (self.folder / 'chassis').chmod(0o755)
        (self.folder / 'temperature').write_text('45\n')
        (self.folder / 'on').touch()
        (self.folder / 'state').mkdir()

    def start(self):
        where = self.folder
        with (where / 'output').open('w') as output:
            self.process = subprocess.Popen(
                ['ipmi_sim', '-n', '-c', f'{where}/lan.conf']
                + ['-f', f'{where}/bmc.emu', '-s', f'{where}/state'],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.addCleanup(self.end, self.process)

    def end(self, process):
        process.kill()
        process.wait()

    def answers(self):
        try:
            return self.bmcs.power(self.at)
        except exception.BmcError as error:
            self.assertIsNone(
                self.process.poll(), (self.folder / 'output').read_text()
            )
            self.last = error
            return None


class IpmiSimTest(IpmiSimCase):
    def is_on(self):
        return (self.folder / 'on').exists()

    def test_power_goes_off_and_on(self):
        self.assertEqual(ON, self.bmcs.power(self.at))
        self.bmcs.power_off(self.at, self.deadline())
        self.wait_for(lambda: self.bmcs.power(self.at) == OFF, why='power off')
        self.assertFalse(self.is_on())
        self.bmcs.power_off(self.at, self.deadline())
        self.bmcs.power_on(self.at, self.deadline())
        self.wait_for(lambda: self.bmcs.power(self.at) == ON, why='power on')
        self.assertTrue(self.is_on())

    def test_its_guid_is_told_from_others(self):
        identity = self.bmcs.identity(self.at)
        self.assertTrue(bmc.same_guid(identity.guid, GUID))
        self.assertFalse(bmc.same_guid(identity.guid, uuid.uuid4()))

    def test_a_sensor_that_becomes_ill_is_seen(self):
        self.assertEqual(('ok', 45.0), self.temperature())
        (self.folder / 'temperature').write_text('96\n')
        self.wait_for(
            lambda: self.temperature() == ('critical', 96.0),
            why='the sensor to be polled',
        )

    def test_the_event_of_a_critical_sensor_is_in_its_log(self):
        mark, events = self.bmcs.events(self.at, None)
        self.assertEqual([], events)
        self.assertEqual('ok', self.temperature()[0])
        (self.folder / 'temperature').write_text('96\n')
        told = self.wait_for(
            lambda: self.critical(mark), why='the event to be logged'
        )
        self.assertEqual(('CPU Temp', 'Temperature'), (told.sensor, told.kind))
        self.assertTrue(told.asserted)
        self.assertIn(told, self.bmcs.newest_events(self.at))

    def critical(self, mark):
        _, events = self.bmcs.events(self.at, mark)
        return next((one for one in events if one.health == 'critical'), None)

    def test_a_detector_sees_the_sensor_turn_critical_and_back(self):
        seen = hardware_ipmi.HardwareIpmi(
            detection.Tools(None, self.clock, self.bmcs)
        )
        subject = detection.Subject('compute-1', self.at)

        def verdict():
            return seen.probe(subject)[0].verdict

        self.wait_for(lambda: verdict() == 'healthy', why='a first reading')
        (self.folder / 'temperature').write_text('96\n')
        self.wait_for(lambda: verdict() == 'failed', why='the heat')
        (self.folder / 'temperature').write_text('45\n')
        self.wait_for(lambda: verdict() == 'healthy', why='the cool')

    def test_its_watchdog_tells_no_countdown_and_is_not_believed(self):
        error = self.assertRaises(
            exception.BmcBadAnswer, self.bmcs.watchdog, self.at
        )
        self.assertIn('6 bytes where 8 are due', str(error))

    def temperature(self):
        readings = {one.name: one for one in self.bmcs.sensors(self.at)}
        return readings['CPU Temp'].health, readings['CPU Temp'].value

    def test_a_wrong_password_is_refused(self):
        wrong = bmc.Address('127.0.0.1', self.port, 'hass', 'wrong')
        self.assertRaises(exception.BmcRefused, self.bmcs.power, wrong)
        self.assertRaises(
            exception.BmcRefused,
            self.bmcs.power_off,
            wrong,
            self.deadline(),
        )
        self.assertTrue(self.is_on())

    def test_frozen_in_mid_session_it_is_unreachable_in_time(self):
        self.process.send_signal(signal.SIGSTOP)
        start = self.clock.monotonic()
        self.assertRaises(exception.BmcUnreachable, self.bmcs.power, self.at)
        self.assertLess(self.clock.monotonic() - start, 3 * self.call_seconds)
        self.process.send_signal(signal.SIGCONT)
        self.assertEqual(ON, self.bmcs.power(self.at))

    def test_killed_and_started_anew_it_is_heard_again(self):
        self.end(self.process)
        self.assertRaises(exception.BmcUnreachable, self.bmcs.power, self.at)
        self.start()
        self.wait_for(self.answers, why='ipmi_sim')


class NamelessTest(IpmiSimCase):
    """Its GUID was never set."""

    lan = LAN.replace('{guid}', '0' * 32)

    def test_it_tells_no_mac_address_either_and_is_read(self):
        told = self.bmcs.identity(self.at)
        self.assertEqual((ON, uuid.UUID(int=0)), (told.power, told.guid))
        self.assertEqual('', told.mac)
