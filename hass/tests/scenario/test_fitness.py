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

"""A host is in service again when it has what it had before it failed."""

import datetime

from hass.db import hosts
from hass.db import moments
from hass.db import recoveries
from hass.diagnosis import fitness
from hass.diagnosis.fitness import Item
from hass.diagnosis.fitness import Kind
from hass.engine import returning
from hass.simulation import nova_rows
from hass.tests.scenario import base

HOST = 'compute-1'
STORAGE = Item(Kind.NETWORK, 'storage')
VGPU = Item(Kind.RESOURCE, 'VGPU')
OVS = Item(Kind.AGENT, 'Open vSwitch agent')


class FitnessTest(base.ScenarioTest):
    def make_cloud(self, **changes):
        return super().make_cloud(
            recovery__baseline_seconds=20, recovery__fit_seconds=10, **changes
        )

    def setUp(self):
        super().setUp()
        self.host = self.cloud.hosts[HOST]
        self.cloud.nova.computes[HOST].agents.append(
            nova_rows.NetworkAgent(type=OVS.name)
        )
        self.host.host.devices['VGPU'] = 4
        self.instances = self.cloud.boot(HOST, instances=1)
        self.cloud.run_until(lambda: VGPU in self.baseline().has, seconds=120)

    def baseline(self):
        with self.cloud.database.reader() as session:
            return fitness.Baseline.of(hosts.get(session, HOST).baseline)

    def fail_without(self, network=None, vgpus=None):
        """It loses its power, and with it something else."""
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'powering_on')
        if network:
            self.host.lose_network(network)
        if vgpus is not None:
            self.host.host.devices['VGPU'] = vgpus

    def assert_unfit(self, words):
        held = self.assert_held(HOST, 'restraint', 'came back without: ')
        self.assertIn(words, held.why)
        self.assertFalse(self.in_service(HOST))
        return held

    def test_the_baseline_is_what_it_has_in_service(self):
        has = self.baseline().has
        self.assertEqual(4, has[VGPU])
        for one in (STORAGE, OVS, Item(Kind.RESOURCE, 'VCPU')):
            self.assertIn(one, has)

    def test_a_host_that_lacks_nothing_waits_for_nothing(self):
        self.fail_without()
        self.cloud.run_until_state(HOST, 'returned', seconds=40)
        self.assert_recovered(HOST, self.instances)

    def test_a_host_released_while_off_is_looked_at_when_it_comes_back(self):
        self.host.power_supply = False
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'powering_on')
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        self.wish(self.cloud.newest(HOST), 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        self.host.power_supply = True
        self.host.host.devices['VGPU'] = 2
        with self.cloud.database.writer() as session:
            row = hosts.lock(session, HOST)
            returning.Returning('engine-1', lambda: None).open(
                session, row, 'operator'
            )
        self.assert_unfit('resource class VGPU (2, was 4)')
        self.host.host.devices['VGPU'] = 4
        self.cloud.run_until_state(HOST, 'returned', seconds=60)
        self.assert_recovered(HOST, self.instances)

    def test_what_an_operator_accepts_is_demanded_no_more(self):
        self.fail_without(vgpus=2)
        held = self.assert_unfit("resource class VGPU (2, was 4)")
        self.wish(held, 'retry')
        self.cloud.run_until_state(HOST, 'returned', seconds=40)
        self.assertTrue(self.in_service(HOST))
        self.assertEqual(2, self.baseline().has[VGPU])

    def test_what_has_come_back_meanwhile_is_demanded_as_before(self):
        self.fail_without(network='storage', vgpus=2)
        held = self.assert_unfit('network storage; ')
        self.host.join_network('storage')
        self.cloud.tick(3)
        self.wish(held, 'retry')
        self.cloud.run_until_state(HOST, 'returned', seconds=40)
        self.assertEqual(1, self.baseline().has[STORAGE])
        self.assertEqual(2, self.baseline().has[VGPU])

    def test_who_releases_it_takes_it_as_it_is(self):
        self.fail_without(vgpus=0)
        self.wish(self.assert_unfit('VGPU (was 4)'), 'release')
        self.cloud.run_until_state(HOST, 'dismissed', seconds=40)
        self.assertTrue(self.in_service(HOST))
        self.assertNotIn(VGPU, self.baseline().has)

    def test_a_false_suspicion_leaves_the_hold_and_who_knows_of_it(self):
        self.fail_without(vgpus=2)
        held = self.assert_unfit('resource class VGPU (2, was 4)')
        self.cloud.run_until(lambda: self.pages(held), seconds=10)
        with self.cloud.database.writer() as session:
            recoveries.acknowledge(session, held.uuid)
        self.host.agent_killed = True
        self.cloud.run_until(lambda: self.story() == 'host_failure')
        self.host.agent_killed = False
        self.cloud.run_until(lambda: self.story() == 'host_return')
        resumed = self.assert_unfit('resource class VGPU (2, was 4)')
        self.assertNotEqual(held.uuid, resumed.uuid)
        self.assertIsNotNone(resumed.acknowledged_at)
        self.host.host.devices['VGPU'] = 4
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)

    def story(self):
        return self.cloud.newest(HOST).workflow

    def pages(self, held):
        return [one['why'] for one in self.cloud.pager.alarms].count(held.why)

    def test_who_enables_it_in_nova_has_it_in_service(self):
        self.fail_without(vgpus=0)
        self.assert_unfit('VGPU (was 4)')
        compute = self.cloud.nova.computes[HOST]
        compute.disabled, compute.disabled_reason = False, None
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assertEqual(4, self.baseline().has[VGPU])

    def test_what_was_lost_shortly_before_the_failure_is_demanded(self):
        self.host.host.devices['VGPU'] = 0
        self.cloud.run_until(lambda: self.baseline().missing, seconds=1300)
        self.fail_without()
        self.assert_unfit('VGPU (was 4)')

    def test_what_is_unplugged_for_maintenance_is_not_looked_at(self):
        before = self.baseline()
        with self.cloud.database.writer() as session:
            row = hosts.get(session, HOST)
            row.maintenance_until = moments.read_now(session).replace(
                year=2100
            )
        self.host.host.devices['VGPU'] = 0
        self.cloud.tick(700, step=1.0)
        self.assertEqual(before, self.baseline())

    def test_a_network_that_answers_pings_is_there(self):
        self.fail_without()
        self.host.noise['storage'].loss = 1.0
        self.cloud.run_until_state(HOST, 'returned', seconds=60)
        self.assertTrue(self.in_service(HOST))

    def test_an_agent_of_before_is_none(self):
        """Neutron believes it alive for some time after its host died."""
        self.host.lose_power_supply()
        (agent,) = self.cloud.nova.computes[HOST].agents
        agent.works = False
        self.assert_unfit("Neutron's Open vSwitch agent")
        self.assertTrue(self.cloud.nova.is_alive(agent))

    def test_an_engine_that_is_killed_keeps_it_out_of_service(self):
        self.fail_without(vgpus=0)
        held = self.assert_unfit('VGPU (was 4)')
        self.cloud.engines[held.claimed_by or 'engine-1'].alive = False
        self.cloud.tick(60)
        self.assertFalse(self.in_service(HOST))
        self.host.host.devices['VGPU'] = 4
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assertTrue(self.in_service(HOST))

    def test_what_is_lost_while_it_is_held_is_accounted_for(self):
        """It is maintained and booted anew while it stays disabled."""
        self.fail_without(vgpus=0)
        self.assert_unfit('VGPU (was 4)')
        (instance,) = self.cloud.boot(HOST, instances=1)
        self.cloud.tick(5)
        self.maintain(seconds=30)
        self.host.host.power_off()
        self.host.host.power_on()
        self.cloud.tick(40)
        self.cloud.run_until_state(instance, 'finished', seconds=120)
        verdict = self.cloud.verdict([instance])
        self.assertEqual([HOST], verdict.running[instance])
        self.assert_unfit('VGPU (was 4)')

    def maintain(self, seconds):
        with self.cloud.database.writer() as session:
            row = hosts.get(session, HOST)
            span = datetime.timedelta(seconds=seconds)
            row.maintenance_until = moments.read_now(session) + span
