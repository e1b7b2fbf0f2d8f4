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

"""safety.md §4: what is asked of Nova, in which order, and how often."""

from typing import Any

from hass.db import clusters
from hass.db import models
from hass import exception
from hass.fencing import base as fencing
from hass.simulation import nova_rows
from hass.tests.scenario import base

HOST = 'compute-1'


class SafetyNovaTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.host = self.cloud.hosts[HOST]

    def row(self, number=0):
        (row,) = [
            row
            for row in self.cloud.evacuations(HOST)
            if row.instance_uuid == self.instances[number]
        ]
        return row

    def acts(self):
        """What changed something in Nova, in order."""
        changing = ('update service', 'evacuate', 'act')
        return [one for one in self.cloud.compute.calls if one in changing]

    def before_evacuations(self, act, times=1):
        """Something comes before the next evacuate calls reach Nova."""
        evacuate = self.cloud.nova.evacuate
        left = times

        def call(*arguments):
            nonlocal left
            if left:
                left -= 1
                act()
            evacuate(*arguments)

        self.cloud.nova.evacuate = call

    # forced_down.

    def test_one_put_comes_before_every_evacuation(self):
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'powering_on')
        self.assertEqual(['update service', *['evacuate'] * 2], self.acts())

    def leave_a_cell_out_in(self, state):
        """Nova says nothing of a cell's database that is down for 20 s."""
        list_all = self.cloud.compute.servers_on
        ends: list[float] = []

        def list_some(host):
            if self.cloud.newest(HOST).state == state and not ends:
                ends.append(self.cloud.clock.monotonic() + 20)
            down = ends and self.cloud.clock.monotonic() < ends[0]
            return [] if down else list_all(host)

        self.cloud.tick(15)
        self.cloud.compute.servers_on = list_some
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertNotEqual([], ends)
        self.assert_recovered(HOST, self.instances)

    def test_a_list_that_leaves_a_cell_out_is_no_reason_to_do_nothing(self):
        self.leave_a_cell_out_in('confirming')

    def test_a_list_that_leaves_a_cell_out_is_no_plan(self):
        self.leave_a_cell_out_in('planning')

    def test_a_list_that_leaves_a_cell_out_settles_nothing(self):
        self.leave_a_cell_out_in('evacuating')

    def test_how_the_service_was_is_written_down_before_it_is_touched(self):
        update = self.cloud.nova.update_service
        remembered: list[Any] = []

        def look(service, change):
            remembered.append(self.cloud.newest(HOST).was.get('service'))
            return update(service, change)

        self.cloud.nova.update_service = look
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        (was,) = remembered
        self.assertEqual(('enabled', None), (was['status'], was['reason']))

    def test_the_reason_names_the_recovery(self):
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        service = self.cloud.nova.computes[HOST]
        story = self.cloud.newest(HOST)
        self.assertEqual(f'hass:{story.uuid}', service.disabled_reason)
        self.assertTrue(service.disabled and service.forced_down)

    def test_an_operator_who_disables_it_meanwhile_is_obeyed(self):
        """The reason is no longer ours: unforced, and left disabled."""
        service = self.cloud.nova.computes[HOST]
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        service.disabled_reason = 'new memory'
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(
            (True, 'new memory', False),
            (service.disabled, service.disabled_reason, service.forced_down),
        )

    # Asking once.

    def test_two_live_evacuations_of_an_instance_are_held(self):
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        server = self.cloud.nova.show(self.instances[0])
        self.cloud.nova.record(server, 'evacuation', 'accepted', 'compute-4')
        self.assert_held(HOST, 'safety', 'two live evacuation migrations')
        self.assertEqual(
            [models.EvacuationState.HELD, models.EvacuationState.DONE],
            [self.row(0).state, self.row(1).state],
        )
        self.assertEqual({1}, set(self.cloud.verdict().evacuations.values()))

    def test_a_call_that_nova_refused_is_made_again_soon(self):
        def refuse():
            raise nova_rows.Refused(409, 'it is being looked at')

        self.before_evacuations(refuse)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=50)
        self.assertEqual([1, 2], sorted(self.row(n).attempt for n in (0, 1)))
        self.assert_recovered(HOST, self.instances)

    def test_what_nova_never_does_is_started_where_it_was(self):
        """It keeps neither its host off nor the others down."""

        def refuse():
            raise nova_rows.Refused(403, 'not for you')

        self.before_evacuations(refuse)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        left, moved = sorted(
            (self.row(n) for n in (0, 1)), key=lambda row: row.state != 'left'
        )
        self.assertIn('403 not for you', left.why)
        self.assertEqual(1, left.attempt)
        self.assertIs(models.EvacuationState.DONE, moved.state)
        self.assertIn(left.instance_uuid, self.host.host.guests)

    def test_what_fits_nowhere_is_named_in_a_page_until_it_runs(self):
        for name in ('compute-2', 'compute-3', 'compute-4'):
            self.cloud.nova.computes[name].capacity = 0
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'awaiting_agent', seconds=120)
        self.cloud.tick(seconds=2)
        self.assertEqual(
            {models.EvacuationState.LEFT},
            {self.row(number).state for number in (0, 1)},
        )
        pages = ' '.join(str(one['why']) for one in self.cloud.pager.alarms)
        for number in (0, 1):
            self.assertIn(self.row(number).instance_name, pages)
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assertEqual(set(self.instances), set(self.host.host.guests))

    def test_without_placement_nothing_is_asked(self):
        """What cannot succeed is no attempt, and the wait names it."""
        self.host.hang()
        self.host.bmc_reads = fencing.PowerState.ON
        self.cloud.run_until(lambda: self.host.off_calls)
        self.cloud.compute.placement_failing = exception.NovaFailed(
            'ask Placement', '503'
        )
        self.cloud.tick(seconds=5)
        self.host.bmc_reads = None
        self.cloud.tick(seconds=40)
        waiting = self.cloud.newest(HOST, state='evacuating')
        self.assertIn(
            'nothing is asked of Nova: Placement does not answer: ',
            waiting.why,
        )
        self.assertEqual([], self.cloud.nova.migrations)
        self.cloud.compute.placement_failing = None
        self.cloud.run_until_state(HOST, 'returned', seconds=60)
        self.assert_recovered(HOST, self.instances)

    def test_a_lost_call_after_a_failed_attempt_is_made_again(self):
        """The action of the attempt that failed is not taken for it."""
        self.cloud.nova.no_valid_host = True
        self.host.lose_power_supply()

        def failed():
            return [
                one
                for one in self.cloud.nova.migrations
                if one.status == 'error'
            ]

        self.cloud.run_until(lambda: len(failed()) == 2, seconds=60)
        self.cloud.nova.no_valid_host = False
        self.cloud.compute.drops_evacuations = 2
        self.cloud.run_until_state(HOST, 'returned', seconds=240)
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    # Targets and locks.

    def test_the_scheduler_is_asked_for_hosts_of_the_cluster(self):
        self.cloud.nova.computes['compute-2'].disabled = True
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        targets = {row.target for row in self.cloud.evacuations(HOST)}
        self.assertEqual({'compute-3', 'compute-4'}, targets)

    def test_a_cluster_with_any_target_leaves_the_choice_to_nova(self):
        with self.cloud.database.writer() as session:
            clusters.update(
                session,
                self.cloud.cluster.uuid,
                targets=models.Targets.ANY,
            )
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        targets = {row.target for row in self.cloud.evacuations(HOST)}
        self.assertEqual({None}, targets)
        self.assert_recovered(HOST, self.instances)

    def test_a_locked_instance_is_evacuated_and_stays_locked(self):
        server = self.cloud.nova.show(self.instances[0])
        server.locked, server.locked_reason = True, "its owner's"
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(
            (True, "its owner's"), (server.locked, server.locked_reason)
        )
        self.assert_recovered(HOST, self.instances)

    def test_an_instance_that_its_user_deletes_is_left(self):
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        self.cloud.nova.delete(self.instances[0])
        self.cloud.run_until_state(HOST, 'returned')
        self.assertIs(models.EvacuationState.LEFT, self.row(0).state)
        self.assertIs(models.EvacuationState.DONE, self.row(1).state)
