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


"""safety.md §9: one proof for every host, and each of its conditions."""

import uuid

from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.fencing import base as fencing
from hass.tests.scenario import base

HOST = 'compute-1'
OTHER = 'compute-2'
DEFAULT = '03000200-0400-0500-0006-000700080009'


class FenceCase(base.ScenarioTest):
    def run_until_finished(self, seconds=120):
        """Until the host's instances run elsewhere; the story that did it."""

        def story():
            found = self.cloud.newest(HOST, workflow='host_failure')
            return found if found and found.state == 'finished' else None

        self.cloud.run_until(story, seconds)
        return story()


class FenceProofsTest(FenceCase):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]

    def fence(self, name=HOST):
        with self.cloud.database.reader() as session:
            return hosts.get(session, name)

    def change(self, name=HOST, **fields):
        with self.cloud.database.writer() as session:
            row = hosts.get(session, name)
            for field, value in fields.items():
                setattr(row, field, value)

    def assert_nothing_was_cut(self):
        verdict = self.cloud.verdict()
        self.assertEqual({}, verdict.evacuations)
        for name, host in self.cloud.hosts.items():
            self.assertEqual(0, host.off_calls, name)

    def test_fences_are_tried_before_the_night(self):
        for name in self.cloud.hosts:
            fence = self.fence(name)
            self.assertEqual(models.FenceState.WORKING, fence.fence_state)
            self.assertEqual(fence.system_uuid, fence.bmc_guid)
            self.assertIsNotNone(fence.fence_tested_at)

    def test_a_power_cut_is_told_to_power_off_all_the_same(self):
        self.host.lose_power_supply()
        self.run_until_finished()
        self.assertEqual(1, self.host.off_calls)

    def test_a_power_cut_costs_an_order_and_two_looks(self):
        """The look that found it off tells whose BMC is given the order."""
        calls, states = [], ['before']

        def note(turn):
            states.append(turn.recovery.state)

        def counted(name, real):
            def call(target, *deadline):
                calls.append((states[-1], name))
                return real(target, *deadline)

            return call

        self.cloud.before_step = note
        for name in ('read', 'off'):
            real = getattr(self.cloud.bmcs, name)
            setattr(self.cloud.bmcs, name, counted(name, real))
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: 'forcing_down' in states)
        self.assertIn(('confirming', 'read'), calls)
        cut = [call for state, call in calls if state == 'fencing']
        self.assertEqual(['off', 'read'], cut)

    def test_no_order_is_sent_on_the_strength_of_an_old_look(self):
        """Whose BMC it is was read too long ago: it is another's now."""

        def swap(turn):
            if turn.recovery.state == 'fencing' and not self.host.off_calls:
                self.cloud.before_step = None
                self.cloud.clock.advance(fencing.PROOF_SECONDS)
                self.host.bmc_of = OTHER

        self.cloud.before_step = swap
        self.host.hang()
        self.assert_held(HOST, 'safety', f'as {OTHER} does')
        self.assert_nothing_was_cut()

    def test_an_order_counts_for_the_bmc_that_it_went_to_alone(self):
        """Where its BMC is was changed after the order."""
        self.change(bmc_address='192.0.2.1')

        def move(turn):
            if turn.recovery.state == 'forcing_down':
                self.cloud.before_step = None
                with self.cloud.database.writer() as session:
                    hosts.update(session, HOST, bmc_address='192.0.2.9')

        self.cloud.before_step = move
        self.host.hang()
        story = self.run_until_finished()
        self.assertEqual(2, self.host.off_calls)
        self.assertEqual(2, self.cloud.history(story).count('fencing'))

    def test_a_bmc_that_is_another_hosts_does_not_excuse_from_restraint(self):
        """It reads off, but nothing tells that this host is off."""
        self.host.bmc_of = OTHER
        self.cloud.hosts[OTHER].bmc_reads = fencing.PowerState.OFF
        self.host.hang()
        self.assert_held(HOST, 'safety', f'as {OTHER} does')
        self.assertFalse(self.cloud.newest(HOST).was.get('reads_off'))
        self.assert_nothing_was_cut()

    def test_an_untested_fence_is_tried_in_the_night(self):
        self.change(
            fence_state=models.FenceState.UNTESTED,
            fence_tested_at=None,
            bmc_guid=None,
        )
        self.host.hang()
        self.run_until_finished()
        self.assertEqual(models.FenceState.WORKING, self.fence().fence_state)
        self.assertIsNotNone(self.fence().fence_tested_at)

    def test_a_bmc_that_is_another_hosts_cuts_nobody(self):
        reach = self.cloud.bmcs._reach
        self.cloud.bmcs._reach = lambda target: (
            self.cloud.hosts[OTHER] if target.name == HOST else reach(target)
        )
        self.host.hang()
        self.assert_held(HOST, 'safety', f'as {OTHER} does')
        self.assert_nothing_was_cut()

    def test_a_maker_s_default_is_nobody_s_identity(self):
        self.host.bmc_guid = uuid.UUID(DEFAULT)
        self.change(system_uuid=DEFAULT)
        self.host.hang()
        self.assert_held(HOST, 'safety', "its maker's default")
        self.assert_nothing_was_cut()

    def test_a_person_vouches_in_the_night_and_it_goes_on(self):
        self.host.bmc_guid = None
        self.host.hang()
        self.assert_held(HOST, 'safety', 'does not say which system')
        with self.cloud.database.writer() as session:
            fences.waive(session, HOST, 'ann', 'no GUID on these boards')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_two_rows_with_one_bmc_prove_nothing(self):
        for name in (HOST, OTHER):
            self.change(name, bmc_address='192.0.2.1')
        self.host.hang()
        self.assert_held(HOST, 'safety', f'the BMC of {OTHER} too')
        self.assert_nothing_was_cut()

    def test_a_liar_fences_nobody(self):
        self.change(fence_state=models.FenceState.LYING, fence_why='it lies')
        self.host.hang()
        self.assert_held(HOST, 'safety', 'without a working fence: it lies')
        self.assert_nothing_was_cut()

    def test_a_living_destination_is_not_proved_by_what_it_reads(self):
        """Its BMC reads off, and no recovery of its own cut it."""
        self.cloud.nova.record(
            self.cloud.nova.show(self.instances[0]),
            'live-migration',
            'running',
            OTHER,
        )
        self.cloud.hosts[OTHER].bmc_reads = fencing.PowerState.OFF
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: len(self.cloud.verdict().evacuations) > 1)
        self.cloud.tick(seconds=3)
        self.assertNotIn(self.instances[0], self.cloud.verdict().evacuations)

    def test_a_host_that_answers_pings_is_not_off(self):
        """The device says that it obeyed; the kernel answers."""
        self.host.bmc_deaf = True
        self.host.lose_network()

        def comes_back(turn):
            if turn.recovery.state == 'forcing_down':
                self.host.agent_killed = True
                self.host.bmc_reads = fencing.PowerState.OFF
                self.host.join_network()

        def cut(turn):
            if turn.recovery.state == 'fencing' and self.host.off_calls:
                self.host.bmc_reads = fencing.PowerState.OFF
            comes_back(turn)

        self.cloud.before_step = cut
        self.assert_held(HOST, 'safety', 'answers pings')
        self.assertEqual({}, self.cloud.verdict().evacuations)


class SlowChassisTest(FenceCase):
    """Power off becomes true some seconds after the order."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=1)
        self.host = self.cloud.hosts[HOST]

    def obey_after(self, seconds, silent=False):
        real = self.cloud.bmcs.off
        tick = self.cloud.tick
        due = []

        def off(target, deadline):
            if target.name != HOST:
                real(target, deadline)
                return
            deadline.check()
            self.host.off_calls += 1
            due.append(self.cloud.clock.monotonic() + seconds)
            self.host.bmc_mute = silent

        def tick_on(seconds=0.25, step=0.25):
            for _ in range(round(seconds / step)):
                tick(step, step)
                if due and self.cloud.clock.monotonic() >= due[0]:
                    self.host.host.power_off()
                    self.host.bmc_mute = False
                    self.cloud.bmcs.off = real
                    due.clear()

        self.cloud.bmcs.off = off
        self.cloud.tick = tick_on

    def fence(self):
        with self.cloud.database.reader() as session:
            return hosts.get(session, HOST)

    def test_a_chassis_of_eight_seconds_is_waited_for(self):
        self.obey_after(8)
        self.host.hang()
        self.run_until_finished(60)
        self.assertTrue(2 <= self.host.off_calls <= 4, self.host.off_calls)
        self.assertTrue(7 <= self.fence().fence_off_seconds <= 10)

    def test_a_chassis_of_45_seconds_is_held_and_goes_on_by_itself(self):
        self.obey_after(45)
        self.host.hang()
        self.assert_held(HOST, 'safety', 'reads power on')
        self.run_until_finished(60)
        self.assertGreater(self.fence().fence_off_seconds, 40)

    def test_what_a_chassis_once_took_it_gets_again(self):
        with self.cloud.database.writer() as session:
            fences.learn_off(session, HOST, 40.0)
        self.obey_after(45)
        self.host.hang()
        found = self.run_until_finished(90)
        self.assertNotIn('held', self.cloud.history(found))

    def silent_for(self, seconds):
        self.obey_after(seconds, silent=True)
        self.host.hang()
        self.run_until_finished(240)
        self.assertIsNone(self.fence().fence_off_seconds)

    def test_a_bmc_that_falls_silent_after_the_order_is_read_on(self):
        self.silent_for(30)

    def test_a_bmc_that_is_silent_for_long_is_read_for_ever(self):
        self.silent_for(150)
