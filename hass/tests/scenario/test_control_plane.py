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

"""What an outage of the control plane does to recoveries, and domains."""

from hass.db import hosts
from hass import exception
from hass.simulation import nova_rows
from hass.tests import fake_cloud
from hass.tests.scenario import base

HOST = 'compute-1'


class ControlPlaneTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.host = self.cloud.hosts[HOST]

    def provider(self):
        return self.cloud.nova.computes[HOST].provider

    def assert_fences_nothing(self, words):
        """While a part is away; and recovers when it is back."""
        self.host.hang()
        self.cloud.run_until(
            lambda: words in getattr(self.cloud.newest(HOST), 'why', ''),
            seconds=30,
        )
        held = self.assert_held(HOST, 'restraint', words)
        self.cloud.tick(seconds=3)
        self.assertIn(held.why, [a['why'] for a in self.cloud.pager.alarms])
        self.assertEqual(0, self.host.off_calls)

    def assert_recovers(self):
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_nothing_is_fenced_while_no_conductor_is_up(self):
        self.cloud.nova.daemons[0].up = False
        self.assert_fences_nothing('no nova-conductor is up')
        self.cloud.nova.daemons[0].up = True
        self.assert_recovers()

    def test_one_conductor_of_two_is_enough(self):
        dead = nova_rows.Daemon(binary='nova-conductor', up=False)
        self.cloud.nova.daemons.insert(0, dead)
        self.host.hang()
        self.assert_recovers()

    def test_nothing_is_fenced_while_placement_is_silent(self):
        self.cloud.compute.placement_failing = fake_cloud.no_answer()
        self.assert_fences_nothing('Placement does not answer: ')
        self.cloud.compute.placement_failing = None
        self.assert_recovers()

    def test_nothing_is_fenced_while_the_message_bus_is_dead(self):
        self.cloud.bus.dead = True
        self.assert_fences_nothing('message bus does not answer: ')
        self.cloud.bus.dead = False
        self.assert_recovers()

    def test_hosts_that_nova_misses_without_the_bus_are_no_lack_of_hosts(self):
        self.cloud.bus.dead = True
        others = [self.cloud.nova.computes[f'compute-{n}'] for n in (2, 3, 4)]
        for one in others:
            one.forced_down = True
        self.assert_fences_nothing('message bus does not answer: ')
        self.assertNotIn('usable', self.cloud.newest(HOST).why)
        self.cloud.bus.dead = False
        for one in others:
            one.forced_down = False
        self.assert_recovers()

    def test_nothing_is_fenced_while_nova_is_silent(self):
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.assert_fences_nothing('500 injected')
        self.cloud.compute.failing = None
        self.assert_recovers()

    def test_a_short_outage_costs_no_more_than_its_length(self):
        self.cloud.bus.dead = True
        self.host.lose_power_supply()
        self.cloud.tick(seconds=10)
        self.assertEqual('confirming', self.cloud.newest(HOST).state)
        self.cloud.bus.dead = False
        self.cloud.tick(seconds=4)
        self.assertNotIn(self.cloud.newest(HOST).state, ('confirming', 'held'))

    def test_a_bus_that_dies_after_fencing_stops_nothing(self):
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.cloud.bus.dead = True
        self.assert_recovers()

    # New placements on a host in doubt.

    def test_a_host_in_doubt_gets_no_new_instances_until_it_is_cleared(self):
        self.host.agent_killed = True
        self.assert_held(HOST, 'restraint', 'it answers on management')
        self.assertEqual({nova_rows.DISABLED}, self.provider().traits)
        self.assertTrue(self.in_service(HOST))
        self.host.agent_killed = False
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assertEqual(set(), self.provider().traits)
        self.assert_untouched(HOST, self.instances)

    def test_what_was_remembered_is_given_back_by_another_engine(self):
        self.host.agent_killed = True
        self.cloud.run_until(lambda: self.provider().traits, seconds=60)
        for engine in list(self.cloud.engines.values()):
            engine.alive = False
        self.cloud.start_engine('engine-3')
        self.host.agent_killed = False
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assertEqual(set(), self.provider().traits)

    def test_what_an_operator_stopped_stays_stopped(self):
        self.provider().disable(True)
        self.host.agent_killed = True
        self.assert_held(HOST, 'restraint', 'it answers on management')
        self.host.agent_killed = False
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assertEqual({nova_rows.DISABLED}, self.provider().traits)

    def test_a_placement_that_fails_hinders_no_recovery(self):
        refused = exception.NovaRefused('any', 409, 'conflict')
        self.cloud.compute.placement_failing = refused
        self.host.agent_killed = True
        self.assert_held(HOST, 'restraint', 'it answers on management')
        self.host.agent_killed = False
        self.cloud.run_until_state(HOST, 'dismissed')

    def test_a_fenced_host_takes_instances_again_when_it_is_back(self):
        self.host.bmc_mute = True
        self.host.hang()
        self.assert_held(HOST, 'restraint', 'cannot be read')
        self.assertEqual({nova_rows.DISABLED}, self.provider().traits)
        self.host.bmc_mute = False
        self.assert_recovers()
        self.assertEqual(set(), self.provider().traits)

    # Domains.

    def test_aggregates_and_zones_are_learnt_from_nova(self):
        self.cloud.nova.aggregates['ssd'] = {HOST, 'compute-2'}
        self.cloud.nova.computes[HOST].zone = 'north'
        self.cloud.tick(seconds=70)
        with self.cloud.database.reader() as session:
            row = hosts.get(session, HOST)
        self.assertEqual(
            ('north', ['ssd']), (row.availability_zone, row.aggregates)
        )
