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

import json
from typing import Any

import hypothesis
from hypothesis import strategies

from hass import asks
from hass import beats
from hass import exception
from hass.tests import base

KEY = b'k' * 32
NONCE = '0123456789abcdef' * 2
POKE = asks.Poke('compute-1', 'boot-1', NONCE)
REACH = asks.Reach('compute-1', '', NONCE, ('192.0.2.1', '2001:db8::1'))
REACHED = asks.Reached('compute-1', 'boot-1', NONCE, (True, False))
GOOD: list[list[Any]] = [
    ['poke', 'compute-1', 'boot-1', NONCE],
    ['reach', 'compute-1', 'boot-1', NONCE, ['192.0.2.1']],
    ['reached', 'compute-1', 'boot-1', NONCE, [True]],
]
ODD: list[Any] = [
    None,
    1,
    [],
    {},
    '',
    'x' * 300,
    [[]],
    [None],
    ['name'],
    [1.5],
    [2**70],
]


def keys(host):
    return [b'new' * 9, KEY] if host == 'compute-1' else []


def signed(kind, body):
    return asks.MAGIC + beats.sign(kind.encode(), body, KEY) + body


class AskTest(base.TestCase):
    def refused(self, datagram):
        error = self.assertRaises(
            exception.MessageRefused, asks.unpack, datagram, keys
        )
        return error.reason

    def test_what_was_packed_is_read(self):
        for ask in (POKE, REACH, REACHED):
            self.assertEqual(ask, asks.unpack(asks.pack(ask, KEY), keys))

    def test_the_longest_names_and_addresses_fit_a_datagram(self):
        addresses = ('2001:db8:1111:2222:3333:4444:5555:6666',) * 8
        ask = asks.Reach('h' * 190, 'b' * 36, asks.make_nonce(), addresses)
        self.assertLessEqual(len(asks.pack(ask, KEY)), asks.MAX_BYTES)

    def test_a_name_that_does_not_fit_is_not_sent(self):
        ask = asks.Poke('h' * 2000, '', NONCE)
        self.assertRaises(exception.Invalid, asks.pack, ask, KEY)

    def test_another_key_is_a_forgery(self):
        self.assertEqual(
            beats.Refusal.FORGED, self.refused(asks.pack(POKE, b'x' * 32))
        )

    def test_another_hosts_name_needs_that_hosts_key(self):
        ask = asks.Poke('compute-2', '', NONCE)
        self.assertEqual(
            beats.Refusal.UNKNOWN_HOST, self.refused(asks.pack(ask, KEY))
        )

    def test_no_byte_may_be_changed(self):
        datagram = asks.pack(REACH, KEY)
        for place in range(len(datagram)):
            bent = bytearray(datagram)
            bent[place] ^= 1
            self.refused(bytes(bent))

    def test_a_question_is_no_beat_and_a_beat_no_question(self):
        body = asks.pack(POKE, KEY)[36:]
        beat = beats.MAGIC + beats.sign(b'poke', body, KEY) + body
        self.assertRaises(exception.MessageRefused, beats.unpack, beat, keys)
        self.assertEqual(
            beats.Refusal.FORGED, self.refused(signed('beat', body))
        )

    def test_the_answer_to_one_question_is_no_other_kind(self):
        body = json.dumps(GOOD[2]).encode()
        self.assertEqual(
            beats.Refusal.FORGED, self.refused(signed('reach', body))
        )

    def test_signed_nonsense_is_refused_too(self):
        bodies = [b'', b'\xff\xfe', b'[' * 900, b'{}', b'"poke"']
        for good in GOOD:
            bodies.append(json.dumps([*good, 1]).encode())
            bodies.append(json.dumps(good[:-1]).encode())
            for place in range(1, len(good)):
                for odd in ODD:
                    if (place, odd) not in ((2, ''), (2, 'x' * 300)):
                        bent = good[:place] + [odd] + good[place + 1 :]
                        bodies.append(json.dumps(bent).encode())
        bodies.append(json.dumps([*GOOD[1][:-1], ['::1'] * 9]).encode())
        for body in bodies:
            for kind in ('poke', 'reach', 'reached'):
                self.refused(signed(kind, body))

    @hypothesis.given(strategies.binary(max_size=1100))
    def test_garbage_is_refused(self, garbage):
        self.assertEqual(beats.Refusal.UNREADABLE, self.refused(garbage))
        self.refused(asks.MAGIC + garbage)

    @hypothesis.given(
        strategies.recursive(
            strategies.none()
            | strategies.booleans()
            | strategies.floats()
            | strategies.text(max_size=40),
            lambda inner: strategies.lists(inner, max_size=6),
        )
    )
    def test_whatever_json_is_signed_nothing_but_a_refusal_comes(self, value):
        body = json.dumps(['reach', 'compute-1', 'b', NONCE, value]).encode()
        try:
            asks.unpack(signed('reach', body), keys)
        except exception.MessageRefused:
            return
        for address in value:
            self.assertIn(type(address), (str,))
