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

from hass.db import recoveries
from hass import exception
from hass.recovery import workflow
from hass.tests.scenario import base

HOST = 'compute-1'
STEPS = 24


class TakeoverTest(base.ScenarioTest):
    """Engines are killed, frozen and cut off; the other one goes on."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)

    def recover(self):
        self.cloud.hosts[HOST].hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def kill_at(self, step, moment):
        """Kill whoever takes this turn; a new engine comes for it."""
        self.cloud.kill_at = (step, moment)
        self.recover()
        dead = [e.name for e in self.cloud.engines.values() if not e.alive]
        self.assertEqual(1, len(dead))

    def test_engine_stops_between_look_and_act_and_is_continued(self):
        """SIGSTOP, the other engine finishes, SIGCONT: nothing follows."""

        def stop():
            stopped = next(
                engine
                for engine in self.cloud.engines.values()
                if engine.working
            )
            stopped.alive = False
            self.cloud.run_until_state(HOST, 'returned')
            stopped.alive = True

        self.cloud.bmcs.before_off = stop
        self.cloud.hosts[HOST].hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(1, self.cloud.hosts[HOST].off_calls)
        self.assertIn('the right to act ended', self.cloud.refusals[0])
        self.assert_recovered(HOST, self.instances)

    def test_taker_over_waits_for_calls_that_are_on_their_way(self):
        self.cloud.kill_at = (3, 'before')
        self.cloud.hosts[HOST].hang()
        self.cloud.run_until(
            lambda: not all(e.alive for e in self.cloud.engines.values())
        )
        died = self.cloud.clock.monotonic()
        steps = self.cloud.steps
        self.cloud.run_until(lambda: self.cloud.steps > steps)
        waited = self.cloud.clock.monotonic() - died
        conf = self.cloud.conf.recovery
        self.assertGreaterEqual(waited, conf.claim_seconds + conf.call_seconds)
        self.assertLess(waited, 10)

    def test_recovery_that_nobody_worked_on_is_confirmed_anew(self):
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        for engine in self.cloud.engines.values():
            engine.alive = False
        self.cloud.tick(seconds=200)
        self.cloud.start_engine('engine-3')
        self.cloud.run_until_state(HOST, 'returned')
        history = self.cloud.history(self.cloud.stories(HOST)[0])
        self.assertEqual(2, history.count('confirming'))
        self.assert_recovered(HOST, self.instances)

    def test_restored_database_holds_everything_open(self):
        self.cloud.hosts[HOST].hang()
        self.cloud.run_until_state(HOST, 'evacuating')
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        self.cloud.tick(seconds=300)
        held = self.cloud.newest(HOST, state='held')
        self.assertEqual('safety', held.held_kind)
        self.wish(held, 'retry')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_fresh_engine_in_mid_recovery_vetoes_nothing(self):
        self.cloud.hosts[HOST].hang()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.cloud.tick(seconds=3)
        self.cloud.start_engine('engine-1')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_hops_outside_of_the_table_are_refused(self):
        story = self.cloud.engines['engine-1'].workflows['host_failure']
        self.assertRaises(
            exception.IllegalHop,
            story.check,
            workflow.State.CONFIRMING,
            workflow.State.EVACUATING,
        )


def _add(step, moment):
    def test(self):
        self.kill_at(step, moment)

    name = f'test_engine_killed_{moment}_turn_{step:02}'
    test.__name__ = name
    setattr(TakeoverTest, name, test)


for _step in range(1, STEPS + 1):
    for _moment in ('before', 'after'):
        _add(_step, _moment)
