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

from hass.diagnosis import strangers
from hass.tests import base

NAME = 'compute-1'
ADDRESS = '192.0.2.24'


def read(*found):
    """What one engine wrote."""
    return strangers.Sentences([[one.to_dict() for one in found], None])


class StrangersTest(base.TestCase):
    def test_a_wrong_key_is_told_of_its_host_alone(self):
        found = read(strangers.Stranger(NAME, True, '192.0.2.7'))
        self.assertEqual(
            [
                'beats arrive from 192.0.2.7, signed with a key that is not '
                'its own'
            ],
            found.of_host(NAME, [ADDRESS]),
        )
        self.assertEqual([], found.of_host('compute-2', ['192.0.2.7']))
        self.assertEqual([], found.of_nobody([NAME]))

    def test_what_came_over_the_bus_has_no_address(self):
        (told,) = read(strangers.Stranger(NAME, True)).of_host(NAME, [])
        self.assertEqual(
            'reports arrive over the message bus, signed with a key that is '
            'not its own',
            told,
        )

    def test_one_sender_is_told_once(self):
        found = strangers.Sentences(
            [
                [strangers.Stranger(NAME, True, '192.0.2.7').to_dict()],
                [strangers.Stranger(NAME, True, '192.0.2.7').to_dict()],
                [strangers.Stranger(NAME, True).to_dict()],
            ]
        )
        (told,) = found.of_host(NAME, [])
        self.assertIn('192.0.2.7', told)

    def test_a_wrong_name_is_told_of_who_has_the_address(self):
        found = read(strangers.Stranger('a', False, ADDRESS))
        told = (
            f"beats arrive from its address {ADDRESS} in the name of 'a', "
            'which is no host of HASS'
        )
        self.assertEqual([told], found.of_host(NAME, [ADDRESS, ADDRESS]))
        self.assertEqual([], found.of_host('compute-2', ['192.0.2.25']))

    def test_addresses_are_compared_however_they_are_written(self):
        heard = strangers.plain('::ffff:192.0.2.24')
        found = read(strangers.Stranger('a', False, heard))
        self.assertEqual(1, len(found.of_host(NAME, [ADDRESS])))
        self.assertEqual('2001:db8::1', strangers.plain('2001:DB8:0::1'))

    def test_a_name_that_no_host_has_is_told_until_one_has_it(self):
        found = read(
            strangers.Stranger('a', False, ADDRESS),
            strangers.Stranger('b', False),
        )
        self.assertEqual({'a', 'b'}, found.names)
        self.assertEqual(
            [
                f"beats arrive from {ADDRESS} in the name of 'a', which is "
                'no host of HASS',
                "reports arrive over the message bus in the name of 'b', "
                'which is no host of HASS',
            ],
            sorted(found.of_nobody([NAME])),
        )
        self.assertEqual(1, len(found.of_nobody(['a'])))
