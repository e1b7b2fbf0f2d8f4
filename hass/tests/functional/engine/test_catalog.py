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

"""What the catalog of the cloud says of HASS."""

from oslo_upgradecheck import upgradecheck

from hass.engine import readiness
from hass.tests import base
from hass.tests.functional import nova_fixture

Code = upgradecheck.Code


class CatalogTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(nova_fixture.SimulatedNova())
        self.checks = readiness.Checks()
        self.checks.conf = self.cloud.conf()

    def look(self, *types):
        """Result and sentence where there are services of these types."""
        self.cloud.server.beside = dict.fromkeys(types, 200)
        result = self.checks.catalog()
        return result.code, result.details

    def test_its_own_type_is_fine(self):
        for types in ((), ('hass',), ('instance-ha',)):
            self.assertEqual((Code.SUCCESS, ''), self.look(*types))

    def test_the_former_type_is_to_be_changed(self):
        code, said = self.look('ha')
        self.assertEqual(Code.WARNING, code)
        self.assertIn('openstack service set --type hass', said)

    def test_the_former_type_beside_it_is_to_be_deleted(self):
        code, said = self.look('ha', 'hass')
        self.assertEqual(Code.WARNING, code)
        self.assertIn('delete that one, if it is of HASS', said)

    def test_without_keystone_nothing_was_looked_at(self):
        for changes in (
            {'auth_url': 'http://127.0.0.1:1/v3'},
            {'auth_type': None},
        ):
            self.checks.conf = self.cloud.conf(**changes)
            self.assertEqual(
                (Code.WARNING, 'not looked at: see Nova'), self.look()
            )
