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

"""safety.md §2, §3, §5, §6: when not to fence, and how to stop."""

import datetime

from hass.db import clusters
from hass.db import models
from hass.db import recoveries
from hass.engine import endpoint
from hass.fencing import base as fencing
from hass.tests.scenario import base

HOST = 'compute-1'
WORKING = ('forcing_down', 'planning', 'evacuating', 'verifying')


class SafetyLimitsTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.host = self.cloud.hosts[HOST]

    def set_mode(self, mode):
        with self.cloud.database.writer() as session:
            clusters.update(session, self.cloud.cluster.uuid, mode=mode)

    # §2

    def assert_went_back(self):
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assertEqual(
            ['confirming', 'fencing', 'confirming']
            # Placements were stopped, and no more.
            + ['giving_back', 'dismissed'],
            self.cloud.history(self.cloud.newest(HOST)),
        )
        self.assertEqual(0, self.host.off_calls)
        self.assert_untouched(HOST, self.instances)

    def beat_again(self, after=0.0):
        self.host.join_network()
        self.cloud.clock.advance(after)
        self.cloud.hear(HOST)

    def test_a_beat_before_the_first_off_goes_back(self):
        self.host.lose_network()
        self.once_in('fencing', lambda: self.beat_again(after=0.1))
        self.assert_went_back()

    def test_a_beat_between_the_decision_and_its_record_goes_back(self):
        """It is newer than the suspicion, though not than the state."""
        self.host.lose_network()
        self.once_in('fencing', self.beat_again)
        self.assert_went_back()

    def test_a_beat_after_the_first_off_changes_nothing(self):
        self.host.lose_network()
        self.host.bmc_reads = fencing.PowerState.ON
        self.cloud.run_until(lambda: self.host.off_calls)
        self.host.bmc_reads = None
        self.beat_again(after=0.1)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_an_engine_that_hears_nobody_orders_no_power_off(self):
        """It took over when the host, which goes on, was about to be cut."""

        def die():
            self.cloud.kill_at = (self.cloud.steps, 'before')

        self.host.hang()
        done = self.once_in('fencing', die)
        self.cloud.run_until(lambda: done)
        for name, engine in list(self.cloud.engines.items()):
            engine.alive = False
            self.cloud.start_engine(name)
            self.cloud.engines[name].ears.cut_off = True
        self.host.bus_lost = True
        self.host.host.wake()
        self.cloud.run_until(
            lambda: 'may not judge' in self.cloud.newest(HOST).why, seconds=60
        )
        self.cloud.tick(seconds=20)
        self.assertEqual(0, self.host.off_calls)
        for engine in self.cloud.engines.values():
            engine.ears.cut_off = False
        self.host.bus_lost = False
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assert_untouched(HOST, self.instances)

    def test_a_third_host_is_fenced_when_the_window_has_passed(self):
        self.cloud = self.make_cloud(fencing__max_fencings=1)
        instances = self.cloud.boot(HOST, instances=1)
        self.cloud.boot('compute-2', instances=1)
        self.cloud.hosts['compute-2'].hang()
        self.cloud.run_until_state('compute-2', 'returned')
        self.cloud.hosts[HOST].hang()
        self.assert_held(HOST, 'restraint', 'max_fencings is 1')
        self.cloud.run_until_state(HOST, 'returned', seconds=900)
        self.assert_recovered(HOST, instances)

    def test_a_cluster_that_may_act_at_last_is_recovered(self):
        """Restraint expires, and what is true then counts."""
        self.set_mode(models.Mode.OBSERVE)
        self.host.hang()
        self.assert_held(HOST, 'restraint', 'only observes')
        self.set_mode(models.Mode.ACT)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    # §3

    def keep_settling(self):
        """nova-compute has an evacuated instance to clean up."""
        server = self.cloud.nova.show(self.instances[0])
        move = self.cloud.nova.record(server, 'evacuation', 'done')
        move.source = HOST

    def test_a_death_on_the_way_back_supersedes_the_return(self):
        returning: list[models.Recovery] = []

        def die():
            returning.append(self.cloud.newest(HOST))
            self.keep_settling()
            self.host.lose_power_supply()

        self.once_in('settling', die)
        self.host.hang()
        self.cloud.run_until(
            lambda: len(self.cloud.stories(HOST)) == 3, seconds=120
        )
        first, second, third = self.cloud.stories(HOST)
        self.assertEqual(returning[0].uuid, second.uuid)
        self.assertEqual(('dismissed', None), (second.state, second.open_key))
        self.assertIn('superseded', second.why)
        self.assertEqual('host_failure', third.workflow)
        self.assertEqual(second.ended_at, third.opened_at)
        self.assertEqual(first.was['service'], third.was['service'])
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    # §1 and §5

    def power_on_in(self, state):
        done = self.once_in(state, self.host.host.power_on)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual([state], done)
        story = self.cloud.stories(HOST)[0]
        self.assertEqual(2, self.cloud.history(story).count('fencing'))
        # Once for the proof, though it read off, and once more since.
        self.assertEqual(2, self.host.off_calls)
        self.assert_recovered(HOST, self.instances)

    def test_somebody_powers_it_on_in_forcing_down(self):
        self.power_on_in('forcing_down')

    def test_somebody_powers_it_on_in_planning(self):
        self.power_on_in('planning')

    def test_somebody_powers_it_on_in_evacuating(self):
        self.power_on_in('evacuating')

    def test_somebody_powers_it_on_in_verifying(self):
        self.power_on_in('verifying')

    def test_the_gate_is_closed_until_the_host_is_empty(self):
        said: dict[str, bool] = {}

        def ask(turn):
            with turn.read() as session:
                why = endpoint.why_closed(session, HOST)
            said[turn.recovery.state] = not why

        self.cloud.before_step = ask
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        closed = ('confirming', 'fencing', *WORKING, 'powering_on')
        for state in closed:
            self.assertFalse(said.pop(state), state)
        self.assertEqual({True}, set(said.values()))

    def test_it_is_powered_on_when_every_evacuation_has_ended(self):
        on = self.cloud.bmcs.on
        running: list[int] = []

        def look(target, deadline):
            running.append(len(self.cloud.nova.evacuations))
            on(target, deadline)

        self.cloud.bmcs.on = look
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual({0}, set(running))

    # §6

    def page_reasons(self):
        return [str(alarm['why']) for alarm in self.cloud.pager.alarms]

    def test_what_is_held_is_paged_until_it_is_acknowledged(self):
        self.set_mode(models.Mode.ASK)
        self.host.hang()
        held = self.assert_held(HOST, 'safety', 'asks before it acts')
        self.cloud.tick(seconds=3)
        for _ in range(2):
            self.cloud.clock.advance(300)
            self.cloud.tick(seconds=3)
        self.assertEqual(3, len(self.page_reasons()))
        with self.cloud.database.writer() as session:
            recoveries.acknowledge(session, held.uuid)
        self.cloud.clock.advance(300)
        self.cloud.tick(seconds=3)
        self.assertEqual(3, len(self.page_reasons()))

    def test_whoever_asks_for_another_try_hears_of_its_trouble(self):
        """Acknowledged was the question, not what came after it."""
        self.set_mode(models.Mode.ASK)
        self.host.hang()
        held = self.assert_held(HOST, 'safety', 'asks before it acts')
        self.cloud.tick(seconds=3)
        with self.cloud.database.writer() as session:
            recoveries.acknowledge(session, held.uuid)
        self.host.bmc_reads = fencing.PowerState.ON
        self.wish(held, 'retry')
        self.cloud.run_until(
            lambda: any(
                'told to power off' in one for one in self.page_reasons()
            ),
            seconds=120,
        )

    def test_a_released_recovery_is_given_back_after_an_outage_too(self):
        self.cloud.nova.no_valid_host = True
        self.host.hang()
        held = self.hold_with_failed_evacuations()
        self.wish(held, 'release')
        self.cloud.run_until_state(HOST, 'giving_back')
        self.cloud.nova.no_valid_host = False
        calls = self.cloud.verdict().evacuations
        self.cloud.clock.advance(self.cloud.conf.recovery.stale_seconds + 60)
        self.cloud.run_until(
            lambda: self.cloud.stories(HOST)[0].state == 'dismissed'
        )
        self.assertTrue(self.host.host.is_on)
        self.assertEqual(calls, self.cloud.verdict().evacuations)

    def test_an_outage_makes_nobody_wait_for_a_human(self):
        """All engines are away for longer than any state may last."""
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'confirming')
        for engine in self.cloud.engines.values():
            engine.alive = False
        self.cloud.clock.advance(datetime.timedelta(hours=2).total_seconds())
        for name in ('engine-3', 'engine-4'):
            self.cloud.start_engine(name)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)
