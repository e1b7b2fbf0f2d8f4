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


from hass.bmc import identity
from hass.tests import base

GUID = '12345678-1234-5678-1234-567812345678'
OTHER = '22345678-1234-5678-1234-567812345678'
DEFAULT = '03000200-0400-0500-0006-000700080009'
SWAPPED = '00020003-0004-0005-0006-000700080009'
PLACE = '192.0.2.1:623'
MAC, OTHER_MAC = '02:00:00:00:00:01', '02:00:00:00:00:02'


PROVEN = {'wiring': identity.Wired.PROVEN}


def known(
    name='compute-1', place=PLACE, guid=GUID, uuid=GUID, waived='', **wiring
):
    return identity.Known(name, place, guid, uuid, waived, **wiring)


class IdentityTest(base.TestCase):
    def assert_doubt(self, words, host, *others):
        self.assertIn(words, identity.doubt(host, [host, *others]))

    def assert_proved(self, host, *others):
        self.assertEqual('', identity.doubt(host, [host, *others]))

    def test_a_bmc_of_the_system_that_the_agent_names_is_its_own(self):
        self.assert_proved(known(), known('b', '192.0.2.2:623', OTHER, OTHER))

    def test_a_bmc_of_another_system_is_not(self):
        self.assert_doubt(f'one of system {OTHER}', known(guid=OTHER))

    def test_what_is_not_known_is_not_proved(self):
        self.assert_doubt('its BMC does not say', known(guid=None))
        self.assert_doubt('its agent has not reported', known(uuid=None))

    def test_the_default_of_a_maker_proves_nothing_in_any_order(self):
        for guid in (
            DEFAULT,
            SWAPPED,
            '00000000-0000-0000-0000-000000000000',
            'ffffffff-ffff-ffff-ffff-ffffffffffff',
        ):
            host = known(guid=guid, uuid=guid)
            self.assert_doubt("its maker's default", host)

    def test_a_proven_wiring_tells_whose_the_bmc_is(self):
        for guid in (None, DEFAULT):
            self.assert_proved(known(guid=guid, wired_guid=guid, **PROVEN))
            self.assert_proved(
                known(guid=guid, uuid=None, wired_guid=guid, **PROVEN)
            )

    def test_it_tells_nothing_of_a_bmc_that_says_another_thing_now(self):
        host = known(guid=DEFAULT, wired_guid=None, **PROVEN)
        self.assert_doubt("its maker's default", host)

    def test_another_bmc_at_the_address_is_not_its_own(self):
        for mac, former in ((MAC, OTHER_MAC), (MAC, ''), ('', MAC)):
            host = known(guid=None, mac=mac, former_mac=former, **PROVEN)
            self.assert_doubt('another BMC is at its address', host)

    def test_the_bmc_that_was_there_before_is(self):
        for mac, former in ((MAC, MAC), ('', ''), (MAC, None), (None, MAC)):
            self.assert_proved(
                known(guid=None, mac=mac, former_mac=former, **PROVEN)
            )

    def test_one_mac_address_of_two_hosts_proves_neither(self):
        host = known(guid=None, mac=MAC, **PROVEN)
        other = known('b', '192.0.2.2:623', None, OTHER, mac=MAC)
        self.assert_doubt('as that of b does', host, other)
        self.assertEqual(
            [host, other], identity.Register([host, other]).alike(host)[1:]
        )

    def test_bmcs_that_tell_none_have_not_the_same(self):
        host = known(guid=None, mac='', **PROVEN)
        self.assert_proved(
            host, known('b', '192.0.2.2:623', None, OTHER, mac='')
        )

    def test_it_puts_no_contradiction_right(self):
        host = known(guid=OTHER, wired_guid=OTHER, **PROVEN)
        self.assert_doubt(f'one of system {OTHER}', host)
        self.assert_doubt('of b too', known(**PROVEN), known('b'))

    def test_a_wrong_wiring_outweighs_a_guid_and_a_person(self):
        wrong = known(wiring=identity.Wired.WRONG, waived='ann')
        self.assert_doubt('not that of this host', wrong)

    def test_one_guid_of_two_hosts_proves_neither(self):
        other = known('b', '192.0.2.2:623', GUID, None)
        self.assert_doubt('as b does', known(), other)
        other = known('b', '192.0.2.2:623', None, GUID)
        self.assert_doubt('as b does', known(), other)

    def test_one_place_of_two_hosts_proves_neither(self):
        other = known('b', PLACE, OTHER, OTHER)
        self.assert_doubt('is the BMC of b too', known(), other)

    def test_a_person_vouches_for_what_cannot_be_known(self):
        self.assert_proved(known(guid=None, waived='ann'))
        self.assert_proved(known(uuid=None, waived='ann'))
        self.assert_proved(known(guid=DEFAULT, uuid=DEFAULT, waived='ann'))

    def test_nobody_vouches_for_what_is_known_to_be_wrong(self):
        self.assert_doubt('one of system', known(guid=OTHER, waived='ann'))
        other = known('b', PLACE, OTHER, OTHER)
        self.assert_doubt('of b too', known(waived='ann'), other)

    def test_a_place_is_one_text_however_it_is_written(self):
        self.assertEqual(
            identity.place('2001:db8:0:0::1', 623),
            identity.place('2001:DB8::1', 623),
        )
        self.assertEqual(
            identity.place('BMC-1.example.', 623),
            identity.place('bmc-1.example', 623),
        )
        self.assertNotEqual(
            identity.place('192.0.2.1', 623), identity.place('192.0.2.1', 6230)
        )
