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

from hass.db import hosts
from hass.db import moments
from hass.db import recoveries
from hass import nova
from hass.simulation import nova_rows
from hass.tests import fake_cloud
from hass.tests.scenario import base

HOST = 'compute-1'


class HostReturnTest(base.ScenarioTest):
    """The way back: hardware is looked at, and a host may die again."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.host = self.cloud.hosts[HOST]

    def die_again_in(self, state):
        """The host dies a second time when its return is in a state."""
        died: list[str] = []

        def die(turn):
            if turn.recovery.state == state and not died:
                died.append(state)
                self.host.lose_power_supply()

        self.cloud.before_step = die
        self.host.hang()
        self.cloud.run_until(lambda: died)
        self.cloud.run_until(
            lambda: (
                self.in_service(HOST)
                and self.cloud.newest(HOST).ended_at is not None
            ),
            seconds=2400,
        )
        self.assert_recovered(HOST, self.instances)

    def test_host_dies_again_while_its_agent_is_awaited(self):
        """It is off, nothing runs on it: the deadline calls a human."""
        self.host.power_supply = False
        self.host.hang()
        self.assert_held(HOST, 'deadline', 'powering_on took longer')
        self.host.power_supply = True
        self.wish(self.cloud.newest(HOST), 'retry')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_host_dies_again_while_nova_settles(self):
        self.die_again_in('settling')

    def test_host_dies_again_while_it_is_unforced(self):
        self.die_again_in('unforcing')

    def test_host_dies_again_while_it_is_enabled(self):
        self.die_again_in('enabling')

    def test_a_host_that_hangs_while_it_boots_is_reset(self):
        self.host.hang()
        self.cloud.run_until_state(HOST, 'awaiting_agent')
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned', seconds=1800)
        self.assertEqual(2, self.host.off_calls)
        self.assert_recovered(HOST, self.instances)

    def test_nova_compute_has_to_report_after_what_hass_changed(self):
        """Nova dates the service's row anew when it is forced down."""

        def stop_nova_compute(turn):
            if turn.recovery.state in {'awaiting_agent', 'settling'}:
                self.host.host.kill_nova_compute()
                self.cloud.nova.migrations.clear()

        self.cloud.before_step = stop_nova_compute
        self.host.hang()
        words = 'nova-compute has not reported yet'
        self.cloud.run_until(lambda: words in str(self.cloud))

    def test_what_nova_cleaned_up_a_moment_ago_is_no_guest(self):
        """Shut-off domains are listed until the report after the clean-up."""
        instance = self.instances[0]
        cleaned: list[str] = []

        def evacuate_twice(turn):
            state = turn.recovery.state
            if state == 'awaiting_agent' and not cleaned:
                gone = self.cloud.clock.monotonic() + 20
                self.host.host.leftovers[instance] = gone
            if state == 'settling' and not cleaned:
                server = self.cloud.nova.show(instance)
                move = self.cloud.nova.record(server, 'evacuation', 'done')
                move.source, move.id = HOST, 0
                cleaned.append(instance)

        self.cloud.before_step = evacuate_twice
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        story = self.cloud.newest(HOST)
        self.assertNotIn('held', self.cloud.history(story))
        self.assertEqual(2, self.cloud.history(story).count('awaiting_agent'))
        self.assert_recovered(HOST, self.instances)

    def fall_silent_while_it_boots(self):
        """Its agent never comes: the return waits to power it off and on."""
        self.cloud.engines['engine-2'].alive = False
        self.host.hang()
        self.cloud.run_until_state(HOST, 'awaiting_agent')
        self.host.agent_killed = True
        self.host.lose_network()

    def put_in_service(self):
        """An operator does; returns instances that Nova boots there."""
        service = self.cloud.nova.computes[HOST]
        service.forced_down = service.disabled = False
        service.disabled_reason = None
        return self.cloud.boot(HOST, instances=2)

    def test_no_power_is_cut_under_guests_of_a_host_in_service(self):
        self.fall_silent_while_it_boots()
        self.cloud.tick(seconds=20)
        guests = self.put_in_service()
        held = self.assert_held(HOST, 'restraint', 'its power is not cut')
        self.assertIn('Nova has it in service', held.why)
        self.assertEqual(1, self.host.off_calls)
        self.assertEqual([], self.cloud.verdict(guests).lost)

    def test_no_power_is_cut_of_another_host_at_its_address(self):
        self.fall_silent_while_it_boots()
        self.host.bmc_of = 'compute-2'
        held = self.assert_held(HOST, 'safety', 'its power is not cut')
        self.assertIn('as compute-2 does', held.why)
        self.assertEqual([], self.cloud.bmcs.astray)
        self.host.bmc_of = None
        self.cloud.run_until(lambda: self.host.off_calls == 2)

    def test_guests_that_came_right_before_a_power_off_are_seen(self):
        """Whatever was decided: the last look comes right before it."""
        self.fall_silent_while_it_boots()
        guests: list[str] = []

        def come(turn):
            cycle = turn.recovery.was.get('cycle')
            if cycle and turn.recovery.state == 'powering_on' and not guests:
                guests.extend(self.cloud.boot(HOST, instances=2))

        self.cloud.before_step = come
        self.assert_held(HOST, 'restraint', '2 instances may run there')
        self.assertEqual(1, self.host.off_calls)
        self.assertEqual([], self.cloud.verdict(guests).lost)

    def test_an_engine_killed_before_that_look_changes_nothing(self):
        self.fall_silent_while_it_boots()
        guests: list[str] = []

        def die(turn):
            if turn.recovery.was.get('cycle') and not guests:
                guests.extend(self.cloud.boot(HOST, instances=1))
                self.cloud.start_engine('engine-3')
                raise fake_cloud.Killed

        self.cloud.before_step = die
        self.assert_held(HOST, 'restraint', '1 instance may run there')
        self.assertEqual(1, self.host.off_calls)

    def test_power_lost_while_it_boots_comes_back_within_seconds(self):
        self.host.hang()
        self.cloud.run_until_state(HOST, 'awaiting_agent')
        self.cloud.tick(seconds=2)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=40)
        self.assert_recovered(HOST, self.instances)

    def test_a_host_that_somebody_keeps_off_stays_off(self):
        """And comes back when somebody switches it on."""
        self.host.hang()
        for _ in range(2):
            self.cloud.run_until_state(HOST, 'awaiting_agent', seconds=60)
            self.host.lose_power_supply()
            self.cloud.tick(seconds=8)
        self.assert_held(HOST, 'restraint', 'somebody wants it off')
        self.cloud.tick(seconds=90)
        self.assertFalse(self.host.host.is_on)
        self.host.host.power_on()
        self.cloud.run_until_state(HOST, 'returned', seconds=180)
        self.assert_recovered(HOST, self.instances)

    def test_power_lost_in_sight_of_engines_that_never_heard_it(self):
        """No patrol suspects what it never heard: the return sees it."""
        anew: list[str] = []

        def die(turn):
            if turn.recovery.state == 'settling' and not anew:
                anew.append('engine-3')
                self.host.lose_power_supply()
                for engine in self.cloud.engines.values():
                    engine.alive = False
                self.cloud.start_engine('engine-3')
                raise fake_cloud.Killed

        self.cloud.before_step = die
        self.host.hang()
        self.cloud.run_until(lambda: anew)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances)

    def test_a_release_powers_nothing_on_while_nova_evacuates(self):
        """Two live records of one instance: nobody knows which one works."""
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        server = self.cloud.nova.show(self.instances[0])
        twin = self.cloud.nova.record(
            server, 'evacuation', 'accepted', 'compute-4'
        )
        held = self.assert_held(HOST, 'safety', 'two live evacuation')
        server.task_state = 'rebuilding'
        self.wish(held, 'release')
        self.cloud.run_until(
            lambda: 'still evacuates' in self.cloud.newest(HOST).why
        )
        self.cloud.tick(seconds=30)
        self.assertFalse(self.host.host.is_on)
        self.cloud.nova.turn(twin, 'failed')
        server.task_state = None
        self.cloud.run_until(lambda: self.host.host.is_on, seconds=60)

    def test_the_third_fencing_of_a_day_leaves_it_disabled(self):
        for _ in range(2):
            self.cloud.boot(HOST, instances=1)
            self.host.hang()
            self.cloud.run_until_state(HOST, 'fencing')
            self.cloud.run_until_state(HOST, 'returned')
            self.cloud.tick(seconds=601, step=1.0)
        self.assertTrue(self.in_service(HOST))
        last = self.cloud.boot(HOST, instances=1)
        others = self.cloud.boot(HOST, instances=1, protected=False)
        self.host.hang()
        self.assert_held(HOST, 'restraint', 'fenced 3 times within 24 h')
        verdict = self.cloud.verdict(last + others)
        self.assertEqual([], verdict.lost)
        service = self.cloud.nova.computes[HOST]
        self.assertTrue(service.disabled)
        self.assertFalse(service.forced_down)
        service.disabled, service.disabled_reason = False, None
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assertTrue(self.in_service(HOST))

    def test_a_guest_in_error_by_a_late_message_is_mended(self):
        """Its old host is back, and so is a message that waited there."""
        spoilt: list[nova_rows.Server] = []

        def spoil(turn):
            if turn.recovery.state == 'enabling' and not spoilt:
                server = self.cloud.nova.show(self.instances[0])
                server.vm_state = 'error'
                spoilt.append(server)
                with self.cloud.database.writer() as session:
                    row = hosts.get(session, server.host)
                    row.domains = [server.uuid]
                    row.reported_at = moments.read_now(session)

        self.cloud.before_step = spoil
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual('active', spoilt[0].vm_state)
        self.assert_recovered(HOST, self.instances)

    def test_ailing_hardware_is_not_powered_on(self):
        self.host.ailing = ['CPU Temp']
        self.host.hang()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.set_layer('hardware')
        self.assert_held(HOST, 'safety', 'CPU Temp')
        self.assertFalse(self.host.host.is_on)

    def set_layer(self, layer):
        found = self.cloud.newest(HOST)
        with self.cloud.database.writer() as session:
            recoveries.set_fault(
                session, found.id, found.fault | {'layer': layer}
            )

    def test_released_return_puts_the_service_back(self):
        self.host.ailing = ['CPU Temp']
        self.host.hang()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.set_layer('hardware')
        held = self.assert_held(HOST, 'safety', 'CPU Temp')
        self.wish(held, 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        service = self.cloud.nova.computes[HOST]
        self.assertTrue(service.disabled or not service.forced_down)

    def is_left(self, alarm):
        return alarm['subject'] == HOST and 'is left disabled' in alarm['why']

    def lefts(self):
        return [one for one in self.cloud.pager.alarms if self.is_left(one)]

    def test_a_call_that_comes_after_the_return_is_paged_until_undone(self):
        """It stood in Nova's API for longer than the recovery took."""
        self.host.lose_power_supply()
        returned = self.cloud.run_until_state(HOST, 'returned')
        self.cloud.tick(seconds=90)
        self.assertEqual([], self.lefts())
        service = self.cloud.nova.computes[HOST]
        service.disabled = service.forced_down = True
        service.disabled_reason = nova.mark(returned.uuid)
        self.cloud.run_until(self.lefts, seconds=90)
        (alarm,) = self.lefts()
        self.assertIn('set --enable --up compute-1', alarm['why'])
        self.assertIn(returned.uuid, alarm['why'])
        service.disabled = service.forced_down = False
        service.disabled_reason = None
        self.cloud.tick(seconds=400)
        self.assertEqual([alarm], self.lefts())
        self.assertEqual('returned', self.cloud.newest(HOST).state)

    def test_a_domain_that_nova_does_not_list_keeps_its_power(self):
        """nova-compute would have to start once more, by a power cycle."""
        (stays,) = self.cloud.boot(HOST, instances=1, protected=False)
        moved = self.cloud.nova.show(self.instances[0])
        self.cloud.nova.record(moved, 'evacuation', 'done', 'compute-2')
        self.host.lose_power_supply()
        held = self.assert_held(HOST, 'restraint', 'must start once more')
        forgotten = self.cloud.nova.show(stays)
        forgotten.deleted, forgotten.vm_state = True, 'deleted'
        boots = self.host.host.boots
        self.cloud.tick(seconds=120)
        with self.cloud.database.reader() as session:
            told = [row.why for row in recoveries.history_of(session, held.id)]
        self.assertEqual([], [one for one in told if 'by itself' in one])
        self.assertEqual(boots, self.host.host.boots)
        self.host.host.remove_guest(stays)
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(boots + 1, self.host.host.boots)
