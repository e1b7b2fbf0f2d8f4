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

"""HA Instances: what operators and tenants choose to be protected."""

from hass.tests import builders
from hass.tests.dashboard import base

ADMIN = '/ha_admin/instances/'
PROJECT = '/ha_project/'


class AdminInstancesTest(base.DashboardTest):
    def setUp(self):
        super().setUp()
        self.make_rack()

    def test_instances_of_all_projects_are_protected(self):
        wanted = [self.boot('vm-1'), self.boot('vm-2', 'red')]
        self.boot('vm-3')
        self.become('operator', ADMIN)
        self.page.press('Protect Instances')
        for uuid in wanted:
            self.page.tick('instances', uuid)
        self.page.submit('protect_instances')
        self.page.said('Protected 2 instances')
        self.assertEqual({'vm-1', 'vm-2'}, self.chosen())

    def test_protection_is_edited_and_taken_back(self):
        uuid = self.boot('vm-1')
        self.assertFine(201, self.post('/v1/instances', {'uuid': uuid}))
        self.become('operator', ADMIN)
        self.page.row_button('instances', 'vm-1', 'Edit Protection')
        self.page.said('an operator, chose it', '.modal')
        self.page.press('Save')
        self.page.said('an operator, chose it', '.alert-success')
        self.page.row_button('instances', 'vm-1', 'Unprotect Instance')
        self.page.said('the metadata of the instance decide')
        self.page.confirm()
        self.page.said('Unprotected Instance: vm-1')
        self.assertEqual(set(), self.chosen())


class ProjectInstancesTest(base.DashboardTest):
    def setUp(self):
        super().setUp()
        self.make_rack()

    def test_a_tenant_protects_and_unprotects_own_instances(self):
        uuid = self.boot('vm-1')
        self.boot('vm-2', 'red')
        self.become('alice', PROJECT)
        self.page.press('Protect Instances')
        self.page.said('vm-1', '.modal')
        self.assertNotIn('vm-2', self.page.text('.modal'))
        self.page.tick('instances', uuid)
        self.page.submit('protect_instances')
        self.page.said('Protected 1 instance')
        self.assertEqual({'vm-1'}, self.chosen())
        self.page.row_button('instances', 'vm-1', 'Unprotect Instance')
        self.page.confirm()
        self.page.said('Unprotected Instance: vm-1')
        self.assertEqual(set(), self.chosen())

    def test_what_cannot_be_brought_back_is_told(self):
        uuid = self.boot('vm-1', status='SHUTOFF')
        self.become('alice', f'{PROJECT}protect/')
        self.page.said('must be active')
        self.page.tick('instances', uuid)
        self.page.submit('protect_instances')
        self.page.said('it must be ACTIVE', '.alert-danger')
        self.assertEqual(set(), self.chosen())

    def test_a_tenant_sees_own_recoveries_and_no_host(self):
        uuid = self.boot('vm-1')
        with self.database.writer() as session:
            builders.make_restart(session, uuid)
        self.become('bob', f'{PROJECT}instance/{uuid}/')
        self.page.press('Recoveries')
        self.page.said('Instance failure', '#recoveries')
        (shown,) = self.page.rows('recoveries')
        self.assertEqual(['Instance failure', 'Finished'], shown[:2])
        self.assertNotIn('compute-1', self.page.text())
