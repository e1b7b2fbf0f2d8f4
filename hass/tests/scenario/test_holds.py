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

"""What ends a hold by itself, and clocks that are set back meanwhile."""

from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass.fencing import base as fencing
from hass.tests.scenario import base

HOST = 'compute-1'


class HoldsCase(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.host = self.cloud.hosts[HOST]
        self.instances = self.cloud.boot(HOST, instances=3)

    def held(self):
        return self.cloud.newest(HOST, state='held')

    def pages_of(self, words):
        return [a for a in self.cloud.pager.alarms if words in a['why']]

    def hold_by_a_mute_bmc(self):
        self.host.bmc_mute = True
        self.host.lose_power_supply()
        return self.assert_held(HOST, 'restraint', 'cannot be read')


class HoldsTest(HoldsCase):
    """Each hold says what ends it, and that is looked for."""

    def test_a_bmc_that_answers_again_is_seen_within_seconds(self):
        self.hold_by_a_mute_bmc()
        self.cloud.tick(seconds=120)
        self.host.bmc_mute = False
        began = self.cloud.clock.monotonic()
        self.cloud.run_until_state(HOST, 'fencing')
        self.assertLess(self.cloud.clock.monotonic() - began, 7)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_looks_leave_no_history_and_say_when_they_were(self):
        held = self.hold_by_a_mute_bmc()
        lines = self.cloud.history(held)
        self.cloud.tick(seconds=300)
        again = self.held()
        self.assertEqual(lines, self.cloud.history(again))
        self.assertEqual(held.why, again.why)
        now = self.cloud.clock.now()
        self.assertLess((now - again.looked_at).total_seconds(), 61)

    def test_a_bmc_that_never_read_off_is_read_for_ever(self):
        self.host.bmc_deaf = True
        self.host.hang()
        self.assert_held(HOST, 'safety', 'never read off')
        self.cloud.tick(seconds=3600, step=5)
        self.assertEqual('never read off', self.held().why[-14:])
        self.host.bmc_deaf = False
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances)

    def test_sensors_that_read_healthy_again_bring_it_back(self):
        self.host.ailing = ['CPU Temp']
        self.host.hang()
        self.cloud.run_until_state(HOST, 'evacuating')
        found = self.cloud.newest(HOST)
        with self.cloud.database.writer() as session:
            recoveries.set_fault(
                session, found.id, found.fault | {'layer': 'hardware'}
            )
        self.assert_held(HOST, 'safety', 'CPU Temp')
        self.host.ailing = []
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_mode_ask_ends_when_the_cluster_may_act(self):
        self.set_mode(models.Mode.ASK)
        self.host.hang()
        self.assert_held(HOST, 'safety', 'asks before it acts')
        self.cloud.tick(seconds=60)
        self.assertEqual('held', self.cloud.newest(HOST).state)
        self.set_mode(models.Mode.ACT)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def set_mode(self, mode):
        with self.cloud.database.writer() as session:
            cluster = hosts.get(session, HOST).cluster
            cluster.mode = mode
            cluster.updated_at = self.cloud.clock.now()

    def test_a_lying_bmc_is_cleared_only_by_reading_on(self):
        self.host.bmc_reads = fencing.PowerState.OFF
        self.host.agent_killed = True
        self.assert_held(HOST, 'safety', 'although its BMC reads off')
        self.host.hang()
        self.cloud.tick(seconds=1800, step=5)
        self.assertEqual('held', self.cloud.newest(HOST).state)
        self.assertEqual({}, self.cloud.verdict().evacuations)

    def test_what_was_acknowledged_is_not_paged_after_a_retry(self):
        held = self.hold_by_a_mute_bmc()
        self.cloud.tick(seconds=5)
        with self.cloud.database.writer() as session:
            recoveries.acknowledge(session, held.uuid)
        paged = len(self.pages_of('cannot be read'))
        self.wish(held, 'retry')
        self.cloud.run_until_state(HOST, 'confirming', seconds=10)
        self.cloud.run_until_state(HOST, 'held')
        self.cloud.tick(seconds=600, step=1)
        self.assertEqual(paged, len(self.pages_of('cannot be read')))

    def test_what_goes_on_keeps_no_reason(self):
        self.hold_by_a_mute_bmc()
        self.host.bmc_mute = False
        self.cloud.run_until_state(HOST, 'returned')
        for story in self.cloud.stories(HOST):
            self.assertIsNone(story.held_kind)
            self.assertIsNone(story.until)

    def test_another_engine_goes_on_looking(self):
        held = self.hold_by_a_mute_bmc()
        self.cloud.engines['engine-1'].alive = False
        self.cloud.tick(seconds=30)
        self.assertGreater(self.held().looked_at, held.looked_at)
        self.host.bmc_mute = False
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)


class ClockSetBackTest(HoldsCase):
    """The database's clock is set back, and nothing waits for it."""

    def recover_with_a_clock_set_back(self, seconds):
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        self.cloud.clock.jump(-seconds)
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)

    def test_by_a_minute_in_mid_recovery(self):
        self.recover_with_a_clock_set_back(60)

    def test_by_an_hour_in_mid_recovery(self):
        self.recover_with_a_clock_set_back(3600)

    def test_by_an_hour_while_held(self):
        self.hold_by_a_mute_bmc()
        self.cloud.clock.jump(-3600)
        self.cloud.tick(seconds=60)
        self.host.bmc_mute = False
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)
