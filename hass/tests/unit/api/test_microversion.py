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
        for header in (None, '', 'nova 2.1', 'instance-ha 1.1'):
            self.assertEqual(
                ('hass', microversion.MIN), microversion.wanted(header)
            )

    def test_latest_is_the_newest(self):
        _, version = microversion.wanted('hass latest')
        self.assertEqual(microversion.MAX, version)

    def test_the_service_type_is_found_in_any_case_and_place(self):
        for header in ('HASS 1.1', ' hass  1.1 ', 'compute 2.94,hass 1.1'):
            service, version = microversion.wanted(header)
            self.assertEqual('hass 1.1', f'{service} {version}')

    def test_the_former_type_counts_where_the_present_one_is_not_named(self):
        for header, named in (
            ('ha 1.1', 'ha 1.1'),
            ('ha 1.1, hass 1.2', 'hass 1.2'),
            ('hass 1.2, ha 1.1', 'hass 1.2'),
        ):
            service, version = microversion.wanted(header)
            self.assertEqual(named, f'{service} {version}')

    def test_two_versions_of_one_service_contradict_each_other(self):
        for header in ('hass 1.1, hass 1.2', 'ha 1.1,HA latest'):
            error = self.assertRaises(
                exception.Invalid, microversion.wanted, header
            )
            self.assertIn('asks for two versions', str(error))
        for header in ('hass 1.1, hass 1.1', 'nova 2.1, nova 2.2, hass 1.1'):
            service, version = microversion.wanted(header)
            self.assertEqual('hass 1.1', f'{service} {version}')

    def test_versions_order_as_numbers(self):
        older, newer = microversion.Version(1, 9), microversion.Version(1, 10)
        self.assertLess(older, newer)

    def test_what_is_not_spoken_is_told_from_what_is_no_version(self):
        self.assertRaises(
            microversion.VersionNotOffered, microversion.wanted, 'hass 1.99'
        )
        self.assertRaises(exception.Invalid, microversion.wanted, 'hass 1.-1')
