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

"""Many hosts at once, or one after the other: a human looks first."""

from hass.db import hosts
from hass.db import models
from hass.tests.scenario import base


class RestraintTest(base.ScenarioTest):
    """Eight hosts of one cluster, the first four in one rack."""

    def setUp(self):
        super().setUp()
        self.use_cloud()

    def use_cloud(self, **changes):
        self.cloud = self.make_cloud(hosts=8, **changes)
        self.names = sorted(self.cloud.hosts)
        self.rack = self.names[:4]
        with self.cloud.database.writer() as session:
            for number, name in enumerate(self.names):
                hosts.update(
                    session, name, labels={'rack': f'r{number // 4 + 1}'}
                )
        self.instances = {
            name: self.cloud.boot(name, instances=1) for name in self.names
        }

    def lose_network(self, names):
        for name in names:
            self.cloud.hosts[name].lose_network()

    def off_calls(self):
        return sum(host.off_calls for host in self.cloud.hosts.values())

    def pages(self):
        return [str(alarm['why']) for alarm in self.cloud.pager.alarms]

    def test_a_switch_of_a_rack_dies_and_no_host_is_fenced(self):
        self.lose_network(self.rack[:3])
        held = self.assert_held(self.rack[0], 'restraint', 'all on r1 (rack)')
        self.cloud.tick(seconds=3)
        self.assertIn(held.why, self.pages())
        self.assertEqual(0, self.off_calls())
        for name in self.rack:
            self.cloud.hosts[name].join_network()
        for name in self.rack[:3]:
            self.cloud.run_until_state(name, 'dismissed')
            self.assert_untouched(name, self.instances[name])

    def test_a_slow_cascade_is_one_event(self):
        """One host every five minutes; each alone would be recovered."""
        for name in self.rack[:2]:
            self.cloud.hosts[name].hang()
            self.cloud.tick(seconds=300)
            self.assertEqual('returned', self.cloud.newest(name).state)
        self.cloud.hosts[self.rack[2]].hang()
        held = self.assert_held(self.rack[2], 'restraint', '3 hosts, all on')
        self.assertIn('max_suspects_per_domain allows 2', held.why)

    def test_restraint_passes_with_its_window(self):
        self.use_cloud(restraint__window_seconds=1000)
        self.test_a_slow_cascade_is_one_event()
        name = self.rack[2]
        self.cloud.run_until_state(name, 'returned', seconds=1800)
        self.assert_recovered(name, self.instances[name])

    def test_whoever_looked_may_let_one_host_go_on(self):
        self.use_cloud(fencing__max_fencings_per_domain=3)
        self.test_a_slow_cascade_is_one_event()
        name = self.rack[2]
        self.wish(self.cloud.newest(name), models.Wish.RETRY)
        self.cloud.run_until_state(name, 'returned', seconds=120)
        self.assert_recovered(name, self.instances[name])

    def test_a_consent_from_before_is_no_word_on_restraint(self):
        self.use_cloud(mode=models.Mode.ASK)
        name = self.rack[0]
        self.lose_network([name])
        held = self.assert_held(name, 'safety', 'asks before it acts')
        self.lose_network(self.rack[1:3])
        for other in self.rack[1:3]:
            self.cloud.run_until_state(other, 'held')
        self.wish(held, models.Wish.RETRY)
        self.cloud.run_until(
            lambda: 'all on r1' in self.cloud.newest(name).why, seconds=30
        )
        self.assertEqual(0, self.off_calls())

    def test_fencings_of_one_rack_are_capped_by_themselves(self):
        self.use_cloud(
            fencing__max_fencings=9,
            restraint__max_suspects=9,
            restraint__max_suspects_per_domain=9,
        )
        for name in self.rack[:2]:
            self.cloud.hosts[name].hang()
            self.cloud.run_until_state(name, 'returned')
        third = self.rack[2]
        self.cloud.hosts[third].hang()
        self.assert_held(
            third, 'restraint', '2 hosts on r1 (rack) were fenced'
        )
        elsewhere = self.names[6]
        self.cloud.hosts[elsewhere].hang()
        self.cloud.run_until_state(elsewhere, 'returned', seconds=120)

    def test_four_hosts_of_a_cluster_are_too_many(self):
        self.use_cloud(fencing__max_fencings=9)
        four = [*self.rack[:2], *self.names[4:6]]
        for name in four[:3]:
            self.cloud.hosts[name].hang()
            self.cloud.run_until_state(name, 'returned')
        self.cloud.hosts[four[3]].hang()
        self.assert_held(four[3], 'restraint', '4 hosts, all in cluster racks')

    def test_false_alarms_that_ended_soon_are_forgotten(self):
        for name in self.rack[1:]:
            self.lose_network([name])
            self.cloud.run_until(lambda name=name: self.cloud.newest(name))
            self.cloud.hosts[name].join_network()
            self.cloud.run_until(
                lambda name=name: self.cloud.newest(name).ended_at
            )
        fleeting = [self.cloud.newest(name).state for name in self.rack[1:]]
        self.assertEqual(['dismissed'] * 3, fleeting)
        name = self.rack[0]
        self.cloud.hosts[name].hang()
        self.cloud.run_until_state(name, 'returned', seconds=120)
        self.assert_recovered(name, self.instances[name])

    # What a BMC reads off is no fault of our ears.

    def lose_power(self, names):
        for name in names:
            self.cloud.hosts[name].lose_power_supply()

    def assert_all_run(self, names, seconds=120):
        """All of these hosts' instances run elsewhere, each once."""
        wanted = [self.instances[name][0] for name in names]

        def run():
            running = self.cloud.verdict().running
            return all(running.get(one) for one in wanted)

        self.cloud.run_until(run, seconds=seconds)
        self.assertEqual([], self.cloud.verdict().started_twice)

    def test_a_rack_that_lost_its_power_is_recovered(self):
        self.lose_power(self.rack[:3])
        self.assert_all_run(self.rack[:3])

    def test_five_of_eight_hosts_are_recovered(self):
        self.lose_power(self.names[:5])
        self.assert_all_run(self.names[:5])

    def test_what_is_merely_silent_is_held_beside_it(self):
        self.use_cloud(restraint__max_suspects_per_domain=1)
        self.lose_power(self.rack[:2])
        self.lose_network(self.rack[2:4])
        self.assert_all_run(self.rack[:2])
        for name in self.rack[2:4]:
            self.assert_held(name, 'restraint', '2 hosts, all on r1')
            self.assertEqual(0, self.cloud.hosts[name].off_calls)

    def test_a_bmc_that_is_not_surely_its_own_excuses_nobody(self):
        self.lose_power(self.rack[:3])
        with self.cloud.database.writer() as session:
            for name in self.rack[:3]:
                hosts.set_fence(
                    session, name, models.FenceState.UNTESTED, '', None, None
                )
        self.assert_held(self.rack[0], 'restraint', '3 hosts, all on r1')

    def test_power_cuts_of_whole_hosts_leave_the_budget_for_others(self):
        self.lose_power(self.names[:3])
        self.assert_all_run(self.names[:3])
        hung = self.names[6]
        self.cloud.hosts[hung].hang()
        self.assert_all_run([hung])


class MostHostsTest(base.ScenarioTest):
    """Three of four hosts die at once."""

    def setUp(self):
        super().setUp()
        self.dead = ['compute-1', 'compute-2', 'compute-3']
        self.instances = [
            one for name in self.dead for one in self.cloud.boot(name, 1)
        ]

    def all_run(self):
        running = self.cloud.verdict().running
        return all(running.get(one) == ['compute-4'] for one in self.instances)

    def test_the_last_host_takes_what_it_can(self):
        for name in self.dead:
            self.cloud.hosts[name].lose_power_supply()
        self.cloud.run_until(self.all_run, seconds=120)

    def test_they_died_while_no_engine_ran(self):
        for engine in self.cloud.engines.values():
            engine.alive = False
        for name in self.dead:
            self.cloud.hosts[name].lose_power_supply()
        self.cloud.clock.advance(60)
        self.cloud.start_engine('engine-3')
        self.cloud.run_until(self.all_run, seconds=120)
