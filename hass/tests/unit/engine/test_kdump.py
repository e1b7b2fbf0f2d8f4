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

import socket
import struct

import hypothesis
from hypothesis import strategies

from hass.detection import base as detection
from hass.detection import os_kdump
from hass.engine import kdump
from hass import exception
from hass import faults
from hass.tests import base
from hass.tests import clocks

PANIC = struct.pack('=II', 0x1B302A40, 1)
HOSTS = {
    '192.0.2.1': 'compute-1',
    '2001:db8::1': 'compute-2',
    '127.0.0.1': 'compute-3',
}


class KdumpCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.told = []
        self.alive_at = 0.0
        self.kdump = self.make()

    def make(self, *addresses):
        made = kdump.Kdump(
            self.clock,
            addresses,
            HOSTS.get,
            lambda host, moment: self.alive_at > moment,
            lambda host, at: self.told.append((host, at)),
        )
        self.addCleanup(made.stop)
        return made


class KdumpTest(KdumpCase):
    def test_a_panic_is_told_at_once(self):
        self.kdump.take(PANIC, '192.0.2.1')
        self.assertEqual([('compute-1', 1000.0)], self.told)
        self.assertEqual(1000.0, self.kdump.panicked_at('compute-1'))

    def test_either_byte_order_is_read(self):
        for order in '<>':
            self.clock.turn(60)
            self.kdump.take(
                struct.pack(f'{order}II', 0x1B302A40, 1), '192.0.2.1'
            )
        self.assertEqual(2, len(self.told))

    def test_addresses_are_known_however_they_are_written(self):
        self.kdump.take(PANIC, '::ffff:192.0.2.1')
        self.kdump.take(PANIC, '2001:db8::1%eth0')
        self.assertEqual(
            ['compute-1', 'compute-2'], [host for host, _at in self.told]
        )

    def test_a_flood_is_told_once_and_remembered_to_its_end(self):
        for _datagram in range(1000):
            self.clock.turn(0.004)
            self.kdump.take(PANIC, '192.0.2.1')
        self.assertEqual(1, len(self.told))
        self.assertEqual(
            self.clock.monotonic(), self.kdump.panicked_at('compute-1')
        )

    def test_a_later_sign_of_life_takes_it_back(self):
        self.kdump.take(PANIC, '192.0.2.1')
        self.alive_at = 1001.0
        self.assertIsNone(self.kdump.panicked_at('compute-1'))

    def test_what_cannot_be_believed_is_counted(self):
        self.kdump.take(b'HB1\nxxxx', '192.0.2.1')
        self.kdump.take(PANIC, '203.0.113.9')
        self.kdump.take(PANIC, '203.0.113.9')
        self.assertEqual([1, 2], sorted(self.kdump.refusals().values()))
        self.assertEqual([], self.told)

    @hypothesis.given(strategies.binary(max_size=64))
    def test_garbage_is_no_panic(self, garbage):
        self.assertRaises(
            exception.MessageRefused, os_kdump.check, garbage + b'\0'
        )


class SocketTest(KdumpCase):
    def test_it_listens_and_ends(self):
        hears = self.make(('127.0.0.1', 0))
        hears.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(PANIC, ('127.0.0.1', hears.ports()[0]))
        self.wait_for(lambda: self.told, why='the panic')
        hears.stop()
        self.assertEqual([], hears.ports())

    def test_a_port_that_is_taken_is_a_configuration_error(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(('127.0.0.1', 0))
            error = self.assertRaises(
                exception.ConfigError, self.make(taken.getsockname()).start
            )
        self.assertEqual('[detection] kdump_listen', error.option)

    def test_without_an_address_it_does_not_listen(self):
        silent = self.make()
        silent.start()
        self.assertEqual([], silent.ports())


class OsKdumpTest(KdumpCase):
    def setUp(self):
        super().setUp()
        self.host = detection.Subject(
            'compute-1', networks={'management': '192.0.2.1'}
        )
        self.detector = self.detect(self.kdump.panicked_at)
        self.mute = True

    def detect(self, panics):
        return os_kdump.OsKdump(
            detection.Tools(
                None, self.clock, panics=panics, mute=lambda host: self.mute
            )
        )

    def look(self):
        (found,) = self.detector.probe(self.host)
        return found

    def test_a_panic_is_believed_when_the_agent_is_mute(self):
        self.kdump.take(PANIC, '192.0.2.1')
        self.clock.turn(2)
        found = self.look()
        self.assertEqual(
            (faults.Verdict.FAILED, faults.Certainty.INFERRED),
            (found.verdict, found.certainty),
        )
        self.assertIn('2.0 s ago', found.detail)

    def test_a_panic_that_the_agent_may_deny_is_unknown(self):
        """Anybody may send that datagram."""
        self.mute = False
        self.kdump.take(PANIC, '192.0.2.1')
        self.assertEqual(faults.Verdict.UNKNOWN, self.look().verdict)

    def test_that_none_was_told_is_no_sign_of_health(self):
        self.assertEqual(faults.Verdict.UNKNOWN, self.look().verdict)

    def test_an_old_panic_is_none(self):
        self.kdump.take(PANIC, '192.0.2.1')
        self.clock.turn(os_kdump.FRESH_SECONDS + 1)
        self.assertEqual(faults.Verdict.UNKNOWN, self.look().verdict)

    def test_it_needs_somebody_who_listens(self):
        self.assertEqual('', self.detector.lacks(self.host))
        self.assertIn('listens', self.detect(None).lacks(self.host))
        self.assertIn(
            'address', self.detector.lacks(detection.Subject('compute-9'))
        )
