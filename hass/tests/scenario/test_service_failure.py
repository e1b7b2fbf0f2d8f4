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

"""A service dies on a living host; what goes wrong meanwhile."""

from hass.db import recoveries
from hass.engine import endpoint
from hass import faults
from hass.simulation.virtual import units
from hass.tests.scenario import base

HOST = 'compute-1'
COMPUTE = faults.SidePath.COMPUTE
STEPS = 7


class ServiceFailureTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.units = self.cloud.hosts[HOST].units

    def lose(self, for_good=False):
        self.units.set(COMPUTE, units.Run.FAILED, sticks=for_good)

    def mend(self):
        self.units.set(COMPUTE, units.Run.ACTIVE)

    def disabled_reason(self):
        return self.cloud.nova.computes[HOST].disabled_reason

    def held(self):
        self.lose(for_good=True)
        return self.cloud.run_until_state(HOST, 'held')

    def test_a_reason_that_is_not_ours_stays(self):
        held = self.held()
        self.assertEqual(f'hass:{held.uuid}', self.disabled_reason())
        self.cloud.nova.computes[HOST].disabled_reason = 'new disks on Friday'
        self.mend()
        finished = self.cloud.run_until_state(HOST, 'finished')
        self.assertIn('still disabled: new disks', finished.why)
        self.assertEqual('new disks on Friday', self.disabled_reason())

    def test_a_retry_counts_restarts_anew(self):
        held = self.held()
        self.assertEqual(3, self.units.restarts)
        self.wish(held, 'retry')
        self.cloud.run_until(lambda: self.units.restarts == 4)
        self.mend()
        self.cloud.run_until_state(HOST, 'finished')
        self.assert_untouched(HOST, self.instances)

    def test_when_the_window_has_passed_it_is_tried_again(self):
        self.cloud.conf.set_override('window_seconds', 120, 'services')
        self.held()
        self.cloud.run_until(lambda: self.units.restarts == 4)

    def test_what_somebody_has_forced_down_is_left_to_them(self):
        self.cloud.nova.computes[HOST].forced_down = True
        self.lose()
        dismissed = self.cloud.run_until_state(HOST, 'dismissed')
        self.assertIn('forced it down', dismissed.why)
        self.assertEqual(0, self.units.restarts)
        self.cloud.tick(60)
        self.assertEqual(1, len(self.cloud.stories(HOST)))

    def test_nothing_is_opened_for_a_host_that_does_not_beat(self):
        self.lose()
        self.cloud.hosts[HOST].hang()
        story = self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual('host_return', story.workflow)
        self.assert_recovered(HOST, self.instances)

    def test_a_held_service_keeps_nobody_from_starting_it(self):
        self.held()
        with self.cloud.database.reader() as session:
            self.assertEqual('', endpoint.why_closed(session, HOST))

    def test_a_held_service_is_not_in_the_way_of_the_host(self):
        self.held()
        self.cloud.hosts[HOST].lose_power_supply()
        story = self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual('host_return', story.workflow)
        self.assert_recovered(HOST, self.instances)

    def test_a_false_alarm_gives_back_what_the_service_had_left(self):
        held = self.held()
        with self.cloud.database.writer() as session:
            recoveries.open_one(
                session,
                workflow='host_failure',
                host=HOST,
                cluster_id=held.cluster_id,
                state='confirming',
                deadline_seconds=60,
                engine='engine-1',
                why='alleged by monitor',
                supersede=('service_failure',),
            )
        self.mend()
        self.cloud.run_until(
            lambda: self.cloud.newest(HOST, workflow='host_failure').ended_at
        )
        self.assert_untouched(HOST, self.instances)

    def test_a_restored_database_holds_it_until_an_operator_says_so(self):
        self.lose(for_good=True)
        self.cloud.run_until_state(HOST, 'verifying')
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        restarts = self.units.restarts
        self.cloud.tick(30)
        self.assertEqual(restarts, self.units.restarts)
        self.mend()
        self.cloud.tick(60)
        self.wish(self.cloud.newest(HOST, state='held'), 'retry')
        self.cloud.run_until_state(HOST, 'finished')

    def kill_at(self, step, moment):
        """Kill whoever takes this turn; the other engine goes on."""
        self.cloud.kill_at = (step, moment)
        self.lose()
        self.cloud.run_until_state(HOST, 'finished')
        self.assertEqual(1, self.units.restarts)
        self.assert_untouched(HOST, self.instances)

    def kill_while_given_up(self, step, moment):
        """The same, when it is disabled, and comes back."""
        self.lose(for_good=True)
        self.cloud.run_until(
            lambda: (
                self.units.restarts == 3
                and self.cloud.newest(HOST, state='confirming')
            )
        )
        self.cloud.kill_at = (self.cloud.steps + step, moment)
        held = self.cloud.run_until_state(HOST, 'held')
        self.assertEqual(f'hass:{held.uuid}', self.disabled_reason())
        self.mend()
        self.cloud.run_until_state(HOST, 'finished')
        self.assertEqual(3, self.units.restarts)
        self.assert_untouched(HOST, self.instances)


def _add(means, name, step, moment):
    def test(self):
        means(self, step, moment)

    test.__name__ = f'test_engine_killed_{moment}_turn_{step}{name}'
    setattr(ServiceFailureTest, test.__name__, test)


for _step in range(1, STEPS + 1):
    for _moment in ('before', 'after'):
        _add(ServiceFailureTest.kill_at, '', _step, _moment)
        _add(
            ServiceFailureTest.kill_while_given_up,
            '_when_given_up',
            _step,
            _moment,
        )
