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

"""HA Clusters: what an operator clicks through."""

from hass.tests.dashboard import base

PATH = '/ha_admin/'


class ClustersTest(base.DashboardTest):
    def clusters(self):
        """As the API has them."""
        found = self.assertFine(200, self.get('/v1/clusters'))['clusters']
        return {one['name']: one for one in found}

    def hosts(self):
        found = self.assertFine(200, self.get('/v1/hosts'))['hosts']
        return {one['name']: one for one in found}

    def test_a_cluster_is_created_with_its_hosts(self):
        self.nova.host('compute-1')
        self.nova.host('compute-2')
        self.become('operator', PATH)
        self.page.press('Create Cluster')
        self.page.fill('name', 'rack-1')
        self.page.choose('mode', 'act')
        self.page.tick('layers', 'guest_network')
        for host in ('compute-1', 'compute-2'):
            self.page.tick('hosts', host)
        self.page.submit('create_cluster')
        self.page.said('shown only this once')
        keys = self.page.text('#agent_keys').split()
        self.assertEqual(2, len([word for word in keys if len(word) == 64]))
        made = self.clusters()['rack-1']
        self.assertEqual('act', made['mode'])
        self.assertIn('guest_network', made['layers'])
        self.assertEqual({'compute-1', 'compute-2'}, set(self.hosts()))

    def test_what_the_api_refuses_is_told_in_the_form(self):
        self.make_rack()
        self.become('operator', f'{PATH}create/')
        self.page.fill('name', 'rack-1')
        self.page.submit('create_cluster')
        self.page.said('rack-1', '.alert-danger')
        self.assertEqual(1, len(self.clusters()))

    def test_a_cluster_is_changed(self):
        self.make_rack()
        self.become('operator', PATH)
        self.page.row_button('clusters', 'rack-1', 'Edit Cluster')
        self.page.choose('mode', 'observe')
        self.page.fill('name', 'rack-2')
        self.page.submit('update_cluster')
        self.page.said('Changed cluster rack-2')
        self.assertEqual('observe', self.clusters()['rack-2']['mode'])

    def test_only_an_empty_cluster_is_deleted(self):
        self.make_rack()
        self.make_cluster('rack-2', hosts=())
        self.become('operator', PATH)
        for name in ('rack-1', 'rack-2'):
            self.page.select('clusters', name)
        self.page.press('Delete Clusters')
        self.page.said('no longer brought back')
        self.page.confirm()
        self.page.said('Deleted Cluster: rack-2')
        self.page.said('rack-1 has 2 hosts', '.alert-danger')
        self.assertEqual({'rack-1'}, set(self.clusters()))

    def test_a_computing_node_is_added_and_removed(self):
        self.make_rack()
        self.nova.host('compute-3')
        self.engine.outcomes['compute-3'] = (
            'broken', 'the password is wrong', None, None,
        )  # fmt: skip
        self.become('operator', PATH)
        self.page.press('rack-1')
        self.page.press('Add Host')
        self.page.choose('name', 'compute-3')
        self.page.fill('bmc_address', '192.0.2.3')
        self.page.fill('bmc_username', 'root')
        self.page.fill('bmc_password', 'open-sesame')
        self.page.submit('add_host')
        self.page.said('the password is wrong')
        added = self.hosts()['compute-3']
        self.assertEqual('192.0.2.3', added['bmc']['address'])
        self.assertTrue(added['bmc']['password_set'])

        self.become('operator', f'{PATH}cluster/rack-1/')
        self.page.row_button('hosts', 'compute-3', 'Remove Host')
        self.page.said('no longer watches the host')
        self.page.confirm()
        self.page.said('Removed Host: compute-3')
        self.assertNotIn('compute-3', self.hosts())

    def test_a_host_with_protected_instances_stays(self):
        self.make_rack()
        instance = self.boot('vm-1')
        self.assertFine(201, self.post('/v1/instances', {'uuid': instance}))
        self.become('operator', f'{PATH}cluster/rack-1/')
        self.page.row_button('hosts', 'compute-1', 'Remove Host')
        self.page.confirm()
        self.page.said('runs 1 protected instances', '.alert-danger')
        self.assertIn('compute-1', self.hosts())
