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

"""What Nova announces is a hint: Nova is asked, and then believed."""

from hass.db import clusters
from hass.db import hosts
from hass.db import instance_observations
from hass.db import instances
from hass.engine import census
from hass.engine import notices
from hass.tests import builders
from hass.tests import fake_cloud
from hass.tests import nova_notices as samples
from hass.tests.scenario import base

HOST, OTHER = 'compute-1', 'compute-2'


class NoticesTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.chosen, self.second = self.cloud.boot(HOST, instances=2)
        self.rung: list[str] = []
        self.notices = notices.Notices(
            self.cloud.database,
            census.Census(self.cloud.database, self.cloud.compute),
            lambda: self.rung.append('bell'),
        )

    def tell(self, event, instance=None, **fields):
        uuid = instance or self.chosen
        server = self.cloud.nova.servers.get(uuid)
        shown = {'name': server.name, 'host': server.host} if server else {}
        body = samples.payload(uuid=uuid, **(shown | fields))
        self.hear(event, body)

    def hear(self, event, body):
        self.notices.info({}, 'nova-compute:compute-1', event, body, {})

    def row(self, instance=None):
        with self.cloud.database.reader() as session:
            return instances.find(session, instance or self.chosen)

    def see(self, instance):
        with self.cloud.database.writer() as session:
            builders.see_instance(session, HOST, instance)

    def seen(self, instance):
        with self.cloud.database.reader() as session:
            return instance_observations.of_instance(session, instance, HOST)

    def move_to_another_cluster(self):
        with self.cloud.database.writer() as session:
            made = clusters.create(session, 'rack-2')
            hosts.by_names(session, [OTHER])[OTHER].cluster_id = made.id
        self.cloud.nova.servers[self.chosen].host = OTHER

    def test_a_deleted_instance_is_forgotten_at_once(self):
        self.see(self.chosen)
        self.cloud.nova.delete(self.chosen)
        self.tell('instance.delete.end')
        self.assertIsNone(self.row())
        self.assertEqual([], self.seen(self.chosen))
        self.assertIsNotNone(self.row(self.second))

    def test_what_was_seen_of_one_that_nobody_chose_is_forgotten_too(self):
        instance = self.cloud.nova.boot('vm-9', HOST).uuid
        self.see(instance)
        self.cloud.nova.delete(instance)
        self.tell('instance.delete.end', instance)
        self.assertEqual([], self.seen(instance))

    def test_a_deletion_that_nova_does_not_show_is_not_believed(self):
        self.tell('instance.delete.end')
        self.assertIsNotNone(self.row())

    def test_a_moved_instance_is_shown_in_its_new_cluster(self):
        for event in (
            'instance.live_migration_post_dest.end',
            'instance.resize_finish.end',
            'instance.rebuild.end',
            'instance.unshelve.end',
        ):
            self.cloud.nova.servers[self.chosen].host = HOST
            self.tell('instance.update')
            self.assertEqual('racks', self.row().cluster.name)
            if self.cluster_of(OTHER) != 'rack-2':
                self.move_to_another_cluster()
            self.cloud.nova.servers[self.chosen].host = OTHER
            self.tell(event)
            self.assertEqual('rack-2', self.row().cluster.name)

    def cluster_of(self, host):
        with self.cloud.database.reader() as session:
            return hosts.get(session, host).cluster.name

    def test_a_new_name_is_written_down(self):
        self.tell('instance.update')
        self.cloud.nova.servers[self.chosen].name = 'mail'
        self.hear(
            'instance.update',
            samples.update('vm-0', uuid=self.chosen, name='mail', host=HOST),
        )
        self.assertEqual('mail', self.row().name)

    def test_a_host_that_nova_does_not_show_is_not_believed(self):
        self.tell('instance.update', host=OTHER)
        self.assertEqual('racks', self.row().cluster.name)

    def test_what_tells_nothing_new_does_not_bother_nova(self):
        self.tell('instance.update')
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.tell('instance.power_off.start')
        self.tell('instance.power_off.end')
        self.tell('instance.update', self.cloud.nova.boot('vm-9', HOST).uuid)
        self.assertNotIn('is not followed', self.log.output)

    def test_a_nova_that_does_not_answer_costs_the_hint_alone(self):
        self.cloud.nova.delete(self.chosen)
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.tell('instance.delete.end')
        self.assertIn('is not followed now', self.log.output)
        self.assertIsNotNone(self.row())
        self.cloud.compute.failing = None
        self.tell('instance.delete.end')
        self.assertIsNone(self.row())

    def test_garbage_is_counted_and_told_once(self):
        for body in (None, {}, 'x', {'nova_object.data': {'uuid': 1}}):
            self.hear('instance.update', body)
        self.assertEqual(4, self.notices.unreadable)
        self.assertEqual(1, self.log.output.count('are only counted'))

    def test_an_instance_being_evacuated_rings_the_bell(self):
        self.tell('instance.update', host=OTHER)
        self.assertEqual([], self.rung)
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.tell('instance.rebuild.end', host=OTHER)
        self.assertEqual(['bell'], self.rung)
        self.assertNotIn('is not followed', self.log.output)
