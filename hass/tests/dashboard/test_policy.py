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

"""Who sees what, in which language, and how often the API is asked."""

from hass.tests.dashboard import base


class PolicyTest(base.DashboardTest):
    def setUp(self):
        super().setUp()
        self.make_rack()
        uuid = self.boot('vm-1')
        self.assertFine(201, self.post('/v1/instances', {'uuid': uuid}))

    def test_a_tenant_has_no_ha_admin(self):
        self.become('alice', '/ha_project/')
        self.page.said('vm-1')
        self.assertEqual(0, self.page.count('[href^="/ha_admin/"]'))
        self.become('alice', '/ha_admin/')
        self.assertNotIn('rack-1', self.page.text())

    def test_a_reader_changes_nothing(self):
        self.become('bob', '/ha_project/')
        self.page.said('vm-1', '#instances')
        self.assertEqual(0, self.page.count('#instances tbody button'))
        self.assertNotIn('Protect Instances', self.page.text())

    def test_of_another_project_nothing_is_shown(self):
        self.become('eve', '/ha_project/')
        self.page.said('No items to display')

    def test_each_table_is_one_call_of_the_api(self):
        self.become('operator', '/ha_admin/')
        for path in (
            '/ha_admin/',
            '/ha_admin/hosts/',
            '/ha_admin/instances/',
            '/ha_admin/recoveries/',
            '/ha_admin/losses/',
            '/ha_project/',
        ):
            self.world.asked.clear()
            self.become('operator', path)
            self.page.find('table.datatable')
            said = str(self.world.asked)
            self.assertEqual(1, len(self.world.asked), said)

    def test_a_page_holds_no_more_than_a_page(self):
        for number in range(21):
            self.make_cluster(f'rack-{number + 10}', hosts=())
        self.become('operator', '/ha_admin/')
        self.assertEqual(20, len(self.page.rows('clusters')))
        self.page.click('a[href*="marker="]')
        self.page.said('rack-30')
        self.assertEqual(2, len(self.page.rows('clusters')))

    def test_people_in_taiwan_read_chinese(self):
        self.become('operator', '/ha_admin/')
        cookie = {'name': 'horizon_language', 'value': 'zh-hant'}
        self.page.driver.add_cookie(cookie)
        self.page.open(f'{self.world.horizon.url}/ha_admin/')
        self.page.said('HA 叢集')
        self.page.said('執行：隔離並疏散', '#clusters')
