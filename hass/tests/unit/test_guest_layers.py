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


from hass import guest_layers
from hass.tests import base

KEY = 'HA_Layers'
CLUSTER = ['power', 'os', 'instance', 'guest_os']


class GuestLayersTest(base.TestCase):
    def applied(self, **metadata):
        return guest_layers.of(CLUSTER, metadata, KEY)

    def test_without_a_word_of_its_own_the_cluster_decides(self):
        found = self.applied(other='guest_network')
        self.assertEqual(('instance', 'guest_os'), found.layers)
        self.assertEqual('its cluster says so', found.why)

    def test_its_own_word_takes_away_and_adds(self):
        for value, layers in (
            ('instance', ('instance',)),
            ('guest_network, Instance', ('instance', 'guest_network')),
            ('instance,guest_os,guest_network', guest_layers.ABOVE),
            ('none', ()),
            (' None ', ()),
        ):
            found = self.applied(HA_Layers=value)
            self.assertEqual(layers, found.layers)
            self.assertEqual(
                f'its metadata have HA_Layers={value.strip()}', found.why
            )

    def test_what_cannot_be_read_says_nothing_and_is_told(self):
        for value in ('', 'power', 'instance;', 'all', 'none,instance', 'yes'):
            found = self.applied(HA_Layers=value)
            self.assertEqual(('instance', 'guest_os'), found.layers)
            self.assertIn(f'HA_Layers ({value!r}) says nothing', found.why)
            self.assertIn(
                'allowed are instance, guest_os, guest_net', found.why
            )

    def test_a_long_story_is_cut_short(self):
        self.assertLess(len(self.applied(HA_Layers='x' * 9999).why), 250)
