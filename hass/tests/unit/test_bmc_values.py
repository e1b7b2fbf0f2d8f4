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

import uuid

from hass import bmc
from hass.tests import base

SYSTEM = uuid.UUID('00112233-4455-6677-8899-aabbccddeeff')


class SameGuidTest(base.TestCase):
    def assert_same(self, guid):
        self.assertTrue(bmc.same_guid(guid, SYSTEM))
        self.assertTrue(bmc.same_guid(str(guid), str(SYSTEM).upper()))

    def test_straight_order_is_the_same_system(self):
        self.assert_same(SYSTEM)

    def test_smbios_order_is_the_same_system(self):
        self.assert_same('33221100-5544-7766-8899-aabbccddeeff')

    def test_fully_reversed_order_is_the_same_system(self):
        self.assert_same('ffeeddcc-bbaa-9988-7766-554433221100')

    def test_one_other_bit_is_another_system(self):
        other = uuid.UUID(int=SYSTEM.int ^ 1)
        self.assertFalse(bmc.same_guid(other, SYSTEM))

    def test_an_unset_guid_equals_nothing(self):
        for unset in (uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)):
            self.assertFalse(bmc.same_guid(unset, unset))

    def test_what_is_no_guid_equals_nothing(self):
        self.assertFalse(bmc.same_guid(SYSTEM, 'Not Settable'))
        self.assertFalse(bmc.same_guid('', ''))


class AddressTest(base.TestCase):
    def test_its_text_never_holds_the_password(self):
        address = bmc.Address('192.0.2.1', 623, 'admin', 'hunter2')
        self.assertEqual('192.0.2.1:623', str(address))
        self.assertNotIn('hunter2', repr(address))

    def test_an_ipv6_address_is_bracketed(self):
        self.assertEqual('[2001:db8::1]:623', str(bmc.Address('2001:db8::1')))
