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

"""Datagrams as the former version put them on the wire, byte for byte."""

from hass import asks
from hass import beats
from hass.tests import base

KEY = b'k' * 32
NONCE = 'a' * 32
DATAGRAMS = (
    (
        beats.Beat(
            'compute-1', 'boot-1', 7, 1769860800.25, 12.5, 'management'
        ),
        b'HB1\n',
        'd87dd572c4145573126e38b60b67b73d39de8bd777d3882e689e2dcc0b698b43',
        '["compute-1","boot-1",7,1769860800.25,12.5,"management",false]',
    ),
    (
        beats.Beat(
            'compute-1', 'boot-1', 8, 1769860801.25, 13.5, 'storage', True
        ),
        b'HB1\n',
        'e04cfab04f6490a52d0cc7f8cbf10e85c78420a27c3ba73672490cd6f58fcd93',
        '["compute-1","boot-1",8,1769860801.25,13.5,"storage",true]',
    ),
    (
        asks.Poke('compute-1', 'boot-1', NONCE),
        b'HA1\n',
        '16f98db3c8ed24bc3a5538e2db56459bcad30532c1deb4cd233f9729d53b491a',
        '["poke","compute-1","boot-1","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]',
    ),
    (
        asks.Reach('compute-1', '', NONCE, ('192.0.2.1', '2001:db8::1')),
        b'HA1\n',
        '5860fca3ba6c213785ec9ee0d536c364d8587d87e1b1fbde432b041839d70f52',
        '["reach","compute-1","","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",['
        '"192.0.2.1","2001:db8::1"]]',
    ),
    (
        asks.Reached('compute-1', 'boot-1', NONCE, (True, False)),
        b'HA1\n',
        '1ce9c72ac9f2ac51bfae2fe376454a1cd7ba9212988af7055c97c2d4ff10dbcf',
        '["reached","compute-1","boot-1","aaaaaaaaaaaaaaaaaaaaaaaaaaa'
        'aaaaa",[true,false]]',
    ),
)
"""What it means, its magic, its signature and its body."""


class DatagramTest(base.TestCase):
    def test_those_of_the_former_version_are_read_and_written(self):
        for meant, magic, mac, body in DATAGRAMS:
            room = beats if isinstance(meant, beats.Beat) else asks
            wire = magic + bytes.fromhex(mac) + body.encode()
            self.assertEqual(meant, room.unpack(wire, lambda host: [KEY]))
            self.assertEqual(wire, room.pack(meant, KEY))
