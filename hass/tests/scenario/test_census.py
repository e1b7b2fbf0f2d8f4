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

"""Chosen instances are followed through what their users do with them."""

from hass.db import clusters
from hass.db import hosts
from hass.db import instance_observations
from hass.db import instances
from hass.engine import census
from hass.tests import builders
from hass.tests import fake_cloud
from hass.tests.scenario import base

HOST, OTHER = 'compute-1', 'compute-2'


class CensusTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.chosen, self.second = self.cloud.boot(HOST, instances=2)
        self.census = census.Census(self.cloud.database, self.cloud.compute)

    def row(self, instance):
        with self.cloud.database.reader() as session:
            return instances.find(session, instance)

    def server(self, instance):
        return self.cloud.nova.servers[instance]

    def move_host(self, name, cluster):
        with self.cloud.database.writer() as session:
            made = clusters.create(session, cluster)
            found = hosts.by_names(session, [name])
            found[name].cluster_id = made.id

    def test_what_was_deleted_is_chosen_no_longer(self):
        self.census.take()
        self.cloud.nova.delete(self.chosen)
        self.census.take()
        self.assertIsNone(self.row(self.chosen))
        self.assertIsNotNone(self.row(self.second))

    def test_what_was_deleted_before_the_first_look_is_found(self):
        self.cloud.nova.delete(self.chosen)
        self.census.take()
        self.assertIsNone(self.row(self.chosen))

    def test_what_nova_has_archived_meanwhile_is_found(self):
        del self.cloud.nova.servers[self.chosen]
        self.census.take()
        self.assertIsNone(self.row(self.chosen))

    def see(self, instance):
        with self.cloud.database.writer() as session:
            builders.see_instance(session, HOST, instance)

    def seen(self):
        with self.cloud.database.reader() as session:
            return instance_observations.uuids(session)

    def test_what_agents_saw_of_the_deleted_is_forgotten(self):
        with self.cloud.database.writer() as session:
            instances.drop(session, self.chosen)
        for instance in (self.chosen, self.second):
            self.see(instance)
        self.census.take()
        self.assertEqual({self.chosen, self.second}, self.seen())
        self.cloud.nova.delete(self.chosen)
        self.census.take()
        self.assertEqual({self.second}, self.seen())

    def test_what_was_moved_is_shown_in_its_new_cluster(self):
        self.move_host(OTHER, 'rack-2')
        for instance in (self.chosen, self.second):
            self.server(instance).host = OTHER
            self.census.take()
            self.assertEqual('rack-2', self.row(instance).cluster.name)

    def test_what_is_on_no_host_keeps_its_choice(self):
        self.server(self.chosen).host = None
        self.server(self.chosen).vm_state = 'shelved_offloaded'
        self.census.take()
        self.assertEqual('racks', self.row(self.chosen).cluster.name)

    def test_what_may_be_restored_keeps_its_choice(self):
        self.census.take()
        self.server(self.chosen).vm_state = 'soft-delete'
        self.census.take()
        self.assertIsNotNone(self.row(self.chosen))

    def test_a_resize_and_a_new_name_change_nothing_but_the_name(self):
        self.server(self.chosen).vm_state = 'resized'
        self.server(self.chosen).name = 'bigger'
        self.census.take()
        self.assertEqual('bigger', self.row(self.chosen).name)

    def test_a_nova_that_shows_nothing_makes_nobody_forget(self):
        servers = dict(self.cloud.nova.servers)
        self.cloud.nova.servers.clear()
        self.census.take()
        self.assertIsNotNone(self.row(self.chosen))
        self.cloud.nova.servers[self.second] = servers[self.second]
        self.census.take()
        self.assertIsNone(self.row(self.chosen))
        self.assertIsNotNone(self.row(self.second))

    def test_a_nova_that_does_not_answer_is_asked_later(self):
        self.cloud.nova.delete(self.chosen)
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.census.take()
        self.assertIsNotNone(self.row(self.chosen))
        self.cloud.compute.failing = None
        self.census.take()
        self.assertIsNone(self.row(self.chosen))

    def test_an_engine_takes_it_by_itself(self):
        self.cloud.nova.delete(self.chosen)
        self.cloud.run_until(lambda: self.row(self.chosen) is None, 150)
