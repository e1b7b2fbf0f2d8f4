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

"""Daemons, aggregates and Placement, over HTTP from the simulated Nova."""

from hass import exception
from hass import nova
from hass.simulation import nova_rows
from hass.tests.functional import nova_case


class PlacementTest(nova_case.NovaTest):
    def provider(self, host):
        return self.cloud.cloud.computes[host].provider

    def open_one(self, host):
        (found,) = self.nova.open_providers(host)
        return found

    def test_placements_are_stopped_and_allowed_again(self):
        provider = self.open_one(self.a)
        self.nova.stop_placements(provider, self.deadline())
        self.assertEqual({nova_rows.DISABLED}, self.provider(self.a).traits)
        self.assertEqual([], self.nova.open_providers(self.a))
        self.nova.allow_placements(provider, self.deadline())
        self.assertEqual(provider, self.open_one(self.a))

    def test_other_traits_stay(self):
        self.provider(self.a).set_traits({'HW_CPU_X86_AVX2'})
        self.nova.stop_placements(self.open_one(self.a), self.deadline())
        self.assertEqual(
            {'HW_CPU_X86_AVX2', nova_rows.DISABLED},
            self.provider(self.a).traits,
        )

    def between(self, times, act):
        """Act between a reading of traits and the writing that follows."""
        door = self.nova._placement
        put, left = door._put, [times]

        def late(*arguments):
            if left[0]:
                left[0] -= 1
                act()
            put(*arguments)

        door._put = late

    def test_somebody_else_may_write_meanwhile(self):
        provider = self.open_one(self.a)
        row = self.provider(self.a)
        self.between(1, lambda: row.set_traits({'CUSTOM_GOLD'}))
        self.nova.stop_placements(provider, self.deadline())
        self.assertEqual({'CUSTOM_GOLD', nova_rows.DISABLED}, row.traits)

    def test_a_conflict_is_answered_once(self):
        provider = self.open_one(self.a)
        row = self.provider(self.a)
        self.between(2, lambda: row.set_traits({'CUSTOM_GOLD'}))
        error = self.assertRaises(
            exception.NovaRefused,
            self.nova.stop_placements,
            provider,
            self.deadline(),
        )
        self.assertEqual(409, error.status)
        self.assertIn('generation conflict', str(error))

    def test_nothing_is_written_after_the_deadline(self):
        provider = self.open_one(self.a)
        self.assertRaises(
            exception.ClaimExpired,
            self.nova.stop_placements,
            provider,
            self.deadline(-1),
        )
        self.assertEqual(set(), self.provider(self.a).traits)

    def test_a_host_that_nova_does_not_know_has_no_providers(self):
        self.assertEqual([], self.nova.open_providers('nobody'))

    def test_nova_compute_says_it_anew_when_it_starts(self):
        self.nova.stop_placements(self.open_one(self.a), self.deadline())
        self.cloud.power_off(self.a)
        self.cloud.power_on(self.a)
        self.wait_for(
            lambda: not self.provider(self.a).traits,
            why='nova-compute to set its traits',
        )

    def test_it_answers_or_not(self):
        self.nova.check_placement()
        self.cloud.server.placement_answer = 503
        error = self.assertRaises(
            exception.NovaFailed, self.nova.check_placement
        )
        self.assertIn('ask Placement: 503', str(error))

    def test_its_address_may_be_set(self):
        elsewhere = self.cloud.client(
            placement_endpoint_override='http://127.0.0.1:9/placement'
        )
        self.assertRaises(exception.NovaUnreachable, elsewhere.check_placement)

    def test_an_evacuation_goes_nowhere_that_is_stopped(self):
        instance = self.cloud.boot('vm', self.a)
        for host in (self.b, self.c):
            self.provider(host).disable(True)
        self.lose(self.a)
        self.evacuate(instance)
        self.wait_for_status(instance, 'error')


class InventoryTest(nova_case.NovaTest):
    def test_devices_below_the_host_count(self):
        self.cloud.machines[self.a].devices['VGPU'] = 4
        self.wait_for(
            lambda: 'VGPU' in self.nova.inventory(self.a),
            why='nova-compute to tell Placement',
        )
        self.assertEqual(
            {'VCPU': 64, 'MEMORY_MB': 262144, 'DISK_GB': 4000, 'VGPU': 4},
            self.nova.inventory(self.a),
        )
        self.assertNotIn('VGPU', self.nova.inventory(self.b))

    def test_a_placement_that_fails_tells_nothing(self):
        self.cloud.server.placement_answer = 503
        error = self.assertRaises(
            exception.NovaFailed, self.nova.inventory, self.a
        )
        self.assertIn('list the providers below', str(error))


class NetworkAgentsTest(nova_case.NovaTest):
    OVS = 'Open vSwitch agent'

    def agents(self, host, nova=None):
        found = (nova or self.nova).network_agents(host)
        return [(one.type, one.alive) for one in found]

    def install(self, host):
        agent = nova_rows.NetworkAgent(type=self.OVS)
        self.cloud.cloud.computes[host].agents.append(agent)
        self.cloud.cloud.advance()
        return agent

    def test_those_of_a_host_are_listed(self):
        self.install(self.a)
        self.assertEqual([(self.OVS, True)], self.agents(self.a))
        self.assertEqual([], self.agents(self.b))

    def test_one_that_was_not_heard_for_long_is_dead(self):
        agent = self.install(self.a)
        agent.works = False
        agent.heard_at -= 80
        self.assertEqual([(self.OVS, False)], self.agents(self.a))

    def test_where_there_is_no_neutron_there_are_none(self):
        self.install(self.a)
        self.cloud.server.unlisted.add('network')
        self.assertEqual([], self.agents(self.a, self.cloud.client()))

    def test_a_neutron_without_agents_has_none(self):
        self.assertEqual([], self.agents('unknown'))

    def test_its_address_may_be_set(self):
        elsewhere = self.cloud.client(
            network_endpoint_override='http://127.0.0.1:9/v2.0'
        )
        self.assertRaises(
            exception.NovaUnreachable, elsewhere.network_agents, self.a
        )
        self.assertRaises(
            exception.NovaUnreachable,
            elsewhere.check_beside,
            nova.Beside.NEUTRON,
        )


class BesideTest(nova_case.NovaTest):
    """Services that Nova needs, found through the catalog."""

    def have(self, **services):
        """A new login, for the catalog comes with it."""
        self.cloud.server.beside = {
            name.replace('_', '-'): answer for name, answer in services.items()
        }
        self.nova = self.cloud.client()

    def test_what_the_cloud_lacks_is_not_asked(self):
        self.cloud.server.unlisted.add('network')
        self.have()
        for service in nova.Beside:
            self.nova.check_beside(service)
        self.assertEqual([], self.cloud.server.asked_beside)

    def test_each_is_asked_for_a_row_under_its_own_version(self):
        self.have(identity=200, network=200, volumev3=200, image=200)
        for service in nova.Beside:
            self.nova.check_beside(service)
        self.assertEqual(
            [
                '/identity/v3',
                '/network/v2.0/networks?limit=1&fields=id',
                '/volumev3/volumes?limit=1',
                '/image/v2/images?limit=1',
            ],
            self.cloud.server.asked_beside,
        )

    def test_one_that_refuses_answers(self):
        self.have(network=403)
        self.nova.check_beside(nova.Beside.NEUTRON)

    def test_one_that_is_away_is_named_with_its_answer(self):
        self.have(volumev3=503)
        error = self.assertRaises(
            exception.NovaFailed, self.nova.check_beside, nova.Beside.CINDER
        )
        self.assertEqual('503 Service Unavailable', error.reason)


class DaemonsTest(nova_case.NovaTest):
    def test_conductors_and_schedulers_are_listed(self):
        self.cloud.cloud.daemons[1].up = False
        self.assertEqual(
            [('nova-conductor', 'up'), ('nova-scheduler', 'down')],
            [(one.binary, one.state) for one in self.nova.daemons()],
        )

    def test_aggregates_and_zones(self):
        self.cloud.cloud.aggregates['ssd'] = {self.a, self.b}
        self.cloud.cloud.computes[self.a].zone = 'north'
        (found,) = self.nova.aggregates()
        self.assertEqual(('ssd', (self.a, self.b)), (found.name, found.hosts))
        self.assertEqual('north', self.nova.service(self.a).zone)
