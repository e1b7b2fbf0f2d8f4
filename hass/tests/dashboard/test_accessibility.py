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

"""Every page, looked at with axe; and the pictures of the documentation."""

from hass.db import evacuations
from hass.db import recoveries
from hass.tests import builders
from hass.tests.dashboard import base


class AccessibilityTest(base.DashboardTest):
    def setUp(self):
        super().setUp()
        self.make_rack()
        self.nova.host('compute-3')
        for name in ('web-1', 'web-2', 'database-1'):
            uuid = self.boot(name)
            self.assertFine(201, self.post('/v1/instances', {'uuid': uuid}))
        self.instance = uuid
        self.boot('worker-1')
        self.recovery = self.recover()
        self.barriers = []

    def recover(self):
        """A host failed, and one instance is on its way."""
        with self.database.writer() as session:
            row = builders.make_recovery(
                session, why='compute-1 is silent on all networks'
            )
            wanted = evacuations.Intention(self.instance, 'database-1', 'blue')
            evacuations.plan(session, row.id, 'compute-1', [wanted])
            uuid = row.uuid
        for state, why in (
            ('fencing', 'its BMC and both its peers say so'),
            ('forcing_down', 'the BMC reads off'),
            ('planning', 'Nova knows'),
            ('evacuating', '1 instance is to go'),
        ):
            with self.database.writer() as session:
                row = recoveries.get(session, uuid)
                old, row.state, row.why = row.state, state, why
                recoveries.append_history(
                    session, row.id, old, state, 'engine-1', why
                )
        return uuid

    def look(self, path, wait_for, name=None):
        """Keep what axe finds there."""
        self.page.open(f'{self.world.horizon.url}{path}')
        self.page.find(wait_for)
        if name is not None:
            self.page.picture(name)
        found = self.page.barriers('#content_body')
        self.barriers += [f'{path}: {one}' for one in found]

    def test_pages_of_operators_hold_no_barrier(self):
        self.become('operator', '/ha_admin/')
        admin = '/ha_admin'
        host = '/hosts/compute-2/?tab=host__'
        for path, wait_for, name in (
            ('/', '#clusters', None),
            ('/create/', '#create_cluster', 'create-cluster'),
            ('/cluster/rack-1/', '#hosts', 'cluster'),
            ('/cluster/rack-1/add_host/', '#add_host', None),
            ('/hosts/', '#hosts', 'hosts'),
            ('/hosts/compute-2/update/', '#update_host', None),
            ('/instances/', '#instances', None),
            ('/recoveries/', '#recoveries', None),
            ('/losses/', '#losses', None),
            (f'/recoveries/{self.recovery}/', '.hass-live', 'recovery'),
        ):
            self.look(f'{admin}{path}', wait_for, name)
        for tab, wait_for, name in (
            ('overview', '#host__overview dl', None),
            ('power', '.hass-live dd', None),
            ('sensors', '#sensors', 'sensors'),
            ('events', '#events', None),
            ('layers', '#layers', None),
        ):
            self.look(f'/ha_admin{host}{tab}', wait_for, name)
        self.assertEqual([], self.barriers)

    def test_pages_of_tenants_hold_no_barrier(self):
        self.become('alice', '/ha_project/')
        project = '/ha_project'
        for path, wait_for, name in (
            ('/', '#instances', 'project-instances'),
            ('/protect/', '#protect_instances', 'protect'),
            (f'/instance/{self.instance}/', '#instance__overview dl', None),
            (f'/instance/{self.instance}/edit/', '#edit_protection', None),
        ):
            self.look(f'{project}{path}', wait_for, name)
        self.assertEqual([], self.barriers)
