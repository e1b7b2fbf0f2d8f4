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

from hass.api import microversion
from hass import exception
from hass.tests import base


class WantedTest(base.TestCase):
    def test_the_oldest_is_the_default(self):
        self.assertEqual(microversion.MIN, microversion.wanted(None))
        self.assertEqual(microversion.MIN, microversion.wanted('nova 2.1'))

    def test_latest_is_the_newest(self):
        self.assertEqual(microversion.MAX, microversion.wanted('ha latest'))

    def test_the_service_type_is_found_in_any_case_and_place(self):
        for header in ('HA 1.0', ' ha  1.0 ', 'compute 2.94,ha 1.0'):
            self.assertEqual('1.0', str(microversion.wanted(header)))

    def test_versions_order_as_numbers(self):
        older, newer = microversion.Version(1, 9), microversion.Version(1, 10)
        self.assertLess(older, newer)

    def test_what_is_not_spoken_is_told_from_what_is_no_version(self):
        self.assertRaises(
            microversion.VersionNotOffered, microversion.wanted, 'ha 1.99'
        )
        self.assertRaises(exception.Invalid, microversion.wanted, 'ha 1.-1')
