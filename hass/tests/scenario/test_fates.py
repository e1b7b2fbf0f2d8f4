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

"""What becomes of instances that are not simply active when a host dies."""

from hass.tests.scenario import base

HOST = 'compute-1'


class FatesTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.one, self.other = self.instances
        self.host = self.cloud.hosts[HOST]

    def stand(self, vm_state, task_state=None):
        """How the one stands when its host dies."""
        self.server = self.cloud.nova.show(self.one)
        self.cloud.nova.touch(
            self.server, vm_state=vm_state, task_state=task_state
        )

    def die_and_return(self):
        self.host.lose_power_supply()
        return self.cloud.run_until_state(HOST, 'returned')

    def row(self, instance):
        return next(
            one
            for one in self.cloud.evacuations(HOST)
            if one.instance_uuid == instance
        )

    def assert_runs(self, instance, host=None):
        verdict = self.cloud.verdict()
        self.assertEqual([], verdict.started_twice)
        self.assertEqual([], verdict.evacuated_unfenced)
        where = verdict.running.get(instance, [])
        self.assertEqual(1, len(where))
        if host is not None:
            self.assertEqual([host], where)

    def assert_never_evacuated(self, instance):
        self.assertNotIn(instance, self.cloud.verdict().evacuations)

    def test_a_paused_one_is_booted_anew_when_its_host_is_back(self):
        self.stand('paused')
        self.die_and_return()
        self.assert_never_evacuated(self.one)
        self.assert_runs(self.one, HOST)
        self.assertEqual('active', self.server.vm_state)
        self.assert_runs(self.other)

    def test_resized_and_rescued_ones_are_named_when_its_host_is_back(self):
        for vm_state in ('resized', 'rescued'):
            self.cloud = self.make_cloud()
            self.instances = self.cloud.boot(HOST, instances=2)
            self.one, self.other = self.instances
            self.host = self.cloud.hosts[HOST]
            self.stand(vm_state)
            returned = self.die_and_return()
            self.assertIn(self.server.name, returned.why)
            self.assertIn('do not run', returned.why)
            self.assertEqual(vm_state, self.server.vm_state)
            self.assert_never_evacuated(self.one)
            self.assert_runs(self.other)

    def test_what_waits_to_be_started_is_started_once(self):
        self.cloud.nova.stop(self.one)
        self.cloud.tick(2)
        self.host.hang()
        self.cloud.nova.start(self.one)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_never_evacuated(self.one)
        self.assert_runs(self.one, HOST)
        self.assertEqual(2, self.host.host.starts[self.one])

    def test_what_waits_to_be_started_is_so_whatever_state_it_is_reset_to(
        self,
    ):
        """The message stays in the queue of its host."""
        self.cloud.nova.stop(self.one)
        self.cloud.tick(2)
        self.host.lose_power_supply()
        self.cloud.nova.start(self.one)
        self.cloud.nova.reset_state(self.one, 'active')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_never_evacuated(self.one)
        self.assert_runs(self.one, HOST)
        self.assert_runs(self.other)

    def test_an_unprotected_one_that_its_user_stops_is_not_started(self):
        (more,) = self.cloud.boot(HOST, instances=1, protected=False)
        self.host.hang()
        self.cloud.nova.stop(more)
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual([], self.cloud.verdict().running.get(more, []))

    def test_one_that_is_left_and_stopped_by_its_user_is_not_started(self):
        for state in ('powering_on', 'awaiting_agent', 'restarting'):
            self.cloud = self.make_cloud()
            (one,) = self.cloud.boot(HOST, instances=1)
            for compute in self.cloud.nova.computes.values():
                compute.capacity = 0
            self.cloud.hosts[HOST].lose_power_supply()
            self.cloud.run_until_state(HOST, state, seconds=120)
            self.cloud.nova.stop(one)
            self.cloud.run_until_state(HOST, 'returned')
            server = self.cloud.nova.show(one)
            self.assertEqual('stopped', server.vm_state, state)
            self.assertEqual(frozenset(), self.cloud.hosts[HOST].host.guests)

    def elsewhere(self):
        return self.cloud.nova.show(self.one).host != HOST

    def test_what_its_user_stops_where_it_moved_to_is_not_started(self):
        self.host.lose_power_supply()
        self.cloud.run_until(self.elsewhere, seconds=60)
        self.cloud.nova.stop(self.one)
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual('stopped', self.cloud.nova.show(self.one).vm_state)
        self.assertIn('its user has it stopped', self.row(self.one).why)
        self.assert_runs(self.other)

    def test_what_its_user_pauses_where_it_moved_to_holds_nobody(self):
        self.host.lose_power_supply()
        self.cloud.run_until(self.elsewhere, seconds=60)
        self.cloud.nova.pause(self.one)
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assertEqual('paused', self.cloud.nova.show(self.one).vm_state)
        self.assertIn('its user has it paused', self.row(self.one).why)

    def test_an_unknown_state_is_held_by_its_name(self):
        self.stand('melted')
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', "vm_state is 'melted'")
        self.assert_never_evacuated(self.one)
        self.assert_runs(self.other)

    def test_an_unknown_state_holds_no_longer_than_it_lasts(self):
        self.stand('melted')
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'held')
        self.cloud.nova.touch(self.server, vm_state='active', task_state=None)
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)
