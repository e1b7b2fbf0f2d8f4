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

import dataclasses
import json
from typing import Any

from hass import beats
from hass import exception
from hass.tests import base

KEY = b'k' * 32
NOW = 2_000_000_000.0
ODD: list[Any] = [None, [], {}, 'x' * 300, -1, float('nan')]


def make_beat(**changes):
    made = beats.Beat(
        host='compute-1',
        boot_id='boot-1',
        sequence=7,
        sent_at=NOW,
        uptime=100.0,
        network='management',
    )
    return dataclasses.replace(made, **changes)


def keys(host):
    return [b'new' * 9, KEY] if host == 'compute-1' else []


class BeatTest(base.TestCase):
    def refused(self, datagram):
        error = self.assertRaises(
            exception.MessageRefused, beats.unpack, datagram, keys
        )
        return error.reason

    def test_what_was_packed_is_read(self):
        beat = make_beat(planned=True)
        self.assertEqual(beat, beats.unpack(beats.pack(beat, KEY), keys))

    def test_it_fits_a_datagram_with_the_longest_names(self):
        datagram = beats.pack(make_beat(host='h' * 190, network='n' * 64), KEY)
        self.assertLessEqual(len(datagram), beats.MAX_BYTES)

    def test_a_name_that_does_not_fit_is_not_sent(self):
        long = make_beat(host='h' * 500)
        self.assertRaises(exception.Invalid, beats.pack, long, KEY)

    def test_another_key_is_a_forgery(self):
        datagram = beats.pack(make_beat(), b'x' * 32)
        self.assertEqual(beats.Refusal.FORGED, self.refused(datagram))

    def test_no_byte_may_be_changed(self):
        datagram = beats.pack(make_beat(), KEY)
        for place in range(len(datagram)):
            bent = bytearray(datagram)
            bent[place] ^= 1
            self.refused(bytes(bent))

    def test_another_hosts_name_needs_that_hosts_key(self):
        datagram = beats.pack(make_beat(host='compute-2'), KEY)
        self.assertEqual(beats.Refusal.UNKNOWN_HOST, self.refused(datagram))

    def test_a_report_is_no_beat(self):
        body = beats.pack(make_beat(), KEY)[36:]
        mac = beats.sign(b'report', body, KEY)
        self.assertEqual(
            beats.Refusal.FORGED, self.refused(beats.MAGIC + mac + body)
        )

    def test_no_host_is_younger_than_its_boot(self):
        datagram = beats.pack(make_beat(uptime=-0.5), KEY)
        self.assertEqual(beats.Refusal.UNREADABLE, self.refused(datagram))
        just_born = make_beat(uptime=0.0)
        self.assertEqual(
            just_born, beats.unpack(beats.pack(just_born, KEY), keys)
        )

    def test_garbage_is_refused_whatever_it_is(self):
        good: list[Any] = ['compute-1', 'b', 1, 1.0, 1.0, 'n', False]
        bodies = [
            b'',
            b'\xff\xfe',
            b'[' * 400,
            b'{}',
            b'[1e999,1,1,1,1,1,1]',
            *(
                json.dumps(good[:place] + [odd] + good[place + 1 :]).encode()
                for place in range(len(good))
                for odd in ODD
            ),
            json.dumps([*good, 1]).encode(),
        ]
        for body in bodies:
            datagram = beats.MAGIC + beats.sign(b'beat', body, KEY) + body
            self.assertEqual(
                beats.Refusal.UNREADABLE, self.refused(datagram), repr(body)
            )
        self.assertEqual(beats.Refusal.UNREADABLE, self.refused(b'x' * 513))


class ReplayTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.guard = beats.Replay()

    def accept(self, sequence, boot='boot-1', at=NOW, channel='management'):
        return self.guard.accept('compute-1', boot, sequence, at, NOW, channel)

    def refused(self, *args, **kwargs):
        error = self.assertRaises(
            exception.MessageRefused, self.accept, *args, **kwargs
        )
        return error.reason

    def test_a_sequence_has_to_grow(self):
        self.accept(5)
        self.assertEqual(beats.Refusal.REPLAYED, self.refused(5))
        self.assertEqual(beats.Refusal.REPLAYED, self.refused(4))
        self.accept(6)

    def test_networks_may_overtake_each_other(self):
        self.accept(5)
        self.accept(4, channel='storage')

    def test_a_clock_that_jumps_is_told_and_heard(self):
        self.assertFalse(self.accept(1))
        self.assertTrue(self.accept(2, at=NOW + 3600))
        self.assertTrue(self.accept(3, at=NOW - 3600))

    def test_a_new_boot_needs_a_right_clock(self):
        self.accept(9)
        self.assertEqual(
            beats.Refusal.CLOCK, self.refused(1, boot='boot-2', at=NOW - 61)
        )
        self.accept(1, boot='boot-2', at=NOW - 59)

    def test_an_old_boot_never_comes_back(self):
        self.accept(1)
        self.accept(1, boot='boot-2')
        self.assertEqual(beats.Refusal.OLD_BOOT, self.refused(2))

    def test_networks_are_not_counted_without_end(self):
        for number in range(beats.MAX_CHANNELS):
            self.accept(1, channel=f'network-{number}')
        self.refused(1, channel='one more')
