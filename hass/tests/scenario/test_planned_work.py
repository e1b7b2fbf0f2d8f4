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

"""Planned work starts no recovery, and what is unprotected says so."""

from hass.db import hosts
from hass.db import models
from hass.db import notifications
from hass.db import protection
from hass.db import windows
from hass import exception
from hass import faults
from hass.tests.scenario import base

HOST = 'compute-1'


class PlannedWorkTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.host = self.cloud.hosts[HOST]

    def begin(self, seconds=600):
        with self.cloud.database.writer() as session:
            windows.begin_for_host(session, HOST, seconds, 'new memory')

    def missing(self):
        with self.cloud.database.reader() as session:
            return protection.missing(
                hosts.get(session, HOST), self.cloud.clock.now(), 4
            )

    def assert_no_story(self):
        self.assertEqual([], self.cloud.stories(HOST))

    def test_a_host_in_maintenance_may_be_silent_and_off(self):
        self.begin()
        self.host.lose_power_supply()
        self.cloud.tick(seconds=300)
        self.assert_no_story()
        self.assertIn('in maintenance until', self.missing()[0])
        self.assertIn('new memory', self.missing()[0])

    def test_an_alleged_fault_in_the_window_is_told_and_not_followed(self):
        self.begin()
        with self.cloud.database.writer() as session:
            told = notifications.add(
                session,
                source='operator',
                host=HOST,
                layer=faults.Layer.OS,
                payload={},
            )
        self.cloud.tick(seconds=5)
        with self.cloud.database.reader() as session:
            row = notifications.get(session, told.uuid)
            self.assertIs(models.NotificationState.IGNORED, row.state)
            self.assertIn('maintenance', row.why)
        self.assert_no_story()

    def test_a_host_that_is_back_in_time_is_protected_again(self):
        self.begin()
        self.host.lose_network()
        self.cloud.tick(seconds=120)
        self.host.join_network()
        self.cloud.tick(seconds=500)
        self.assert_no_story()
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_host_that_is_still_silent_when_it_ends_is_suspected(self):
        self.begin(seconds=120)
        self.host.lose_power_supply()
        self.cloud.tick(seconds=100)
        self.assert_no_story()
        self.cloud.run_until(lambda: self.cloud.stories(HOST), seconds=60)
        with self.cloud.database.reader() as session:
            first = session.query(models.RecoveryHistory).first()
            self.assertIn('its maintenance window ended', first.why)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_most_hosts_in_maintenance_make_no_engine_deaf(self):
        for name in ('compute-2', 'compute-3'):
            with self.cloud.database.writer() as session:
                windows.begin_for_host(session, name, 900, 'moving racks')
            self.cloud.hosts[name].lose_network()
        self.cloud.tick(seconds=30)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=120)

    def test_a_cluster_in_maintenance_starts_nothing(self):
        with self.cloud.database.writer() as session:
            windows.begin_for_cluster(
                session, self.cloud.cluster.uuid, 600, 'new switches'
            )
        for host in self.cloud.hosts.values():
            host.lose_network()
        self.cloud.tick(seconds=60)
        for name in self.cloud.hosts:
            self.assertEqual([], self.cloud.stories(name))

    def test_no_window_begins_in_a_recovery(self):
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.stories(HOST), seconds=60)
        error = self.assertRaises(exception.Conflict, self.begin)
        self.assertIn(self.cloud.newest(HOST).uuid, str(error))

    def test_a_reboot_that_says_goodbye_starts_nothing(self):
        self.host.stop_agent()
        self.cloud.tick(seconds=2)
        self.host.host.power_off()
        self.cloud.tick(seconds=60)
        self.host.host.power_on()
        self.cloud.tick(seconds=20)
        self.host.planned = False
        self.cloud.tick(seconds=60)
        self.assert_no_story()

    def test_an_upgrade_of_the_agent_starts_nothing(self):
        self.host.stop_agent()
        self.cloud.tick(seconds=2)
        self.host.agent_killed = True
        self.cloud.tick(seconds=40)
        self.host.agent_killed = self.host.planned = False
        self.cloud.tick(seconds=60)
        self.assert_no_story()

    def test_a_host_disabled_in_nova_starts_nothing(self):
        service = self.cloud.nova.computes[HOST]
        service.disabled, service.disabled_reason = True, 'drained'
        self.cloud.tick(seconds=120)
        self.assert_no_story()
        self.assertEqual('drained', service.disabled_reason)
