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

import pathlib

import fixtures

from hass.simulation import nova_cloud
from hass.simulation import nova_host
from hass.simulation import nova_rows
from hass.tests import base
from hass.tests import clocks
from hass_oracle import checker
from hass_oracle import ledger


class CloudTest(base.TestCase):
    """Three hosts and one server, in a time that the test turns."""

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        folder = self.useFixture(fixtures.TempDir()).path
        self.path = pathlib.Path(folder) / 'ledger'
        book = ledger.Ledger(self.path, self.clock.monotonic)
        self.hosts = [
            nova_host.Host(name, book, self.clock, boot_seconds=5)
            for name in ('a', 'b', 'c')
        ]
        self.a, self.b, self.c = self.hosts
        pace = nova_rows.Pace(scheduling=1, spawning=3)
        self.cloud = nova_cloud.Cloud(self.hosts, book, self.clock, pace)
        for host in self.hosts:
            host.power_on()
        self.pass_time(6)
        self.vm = self.cloud.boot('web', 'a')

    def pass_time(self, seconds):
        for _ in range(seconds):
            self.clock.turn(1)
            self.cloud.advance()

    def lose(self, host):
        """The host is off, and Nova is told so."""
        host.power_off()
        self.update(host, forced_down=True)

    def update(self, host, **change):
        return self.cloud.update_service(
            self.cloud.computes[host.name].uuid, change
        )

    def evacuate(self, target=None, stops=False):
        self.cloud.evacuate(self.vm.uuid, target, stops)

    def refusal(self, call, *arguments, **named):
        return self.assertRaises(
            nova_rows.Refused, call, *arguments, **named
        ).status

    def newest(self):
        migration = self.cloud.migrations[-1]
        return migration.status, migration.destination

    def verdict(self):
        return checker.check(ledger.read(self.path))

    def test_an_evacuation_takes_its_time(self):
        self.lose(self.a)
        self.evacuate('b')
        self.assertEqual(('accepted', 'b'), self.newest())
        self.pass_time(2)
        self.assertEqual(('pre-migrating', 'b'), self.newest())
        self.assertEqual('a', self.vm.host)
        self.pass_time(3)
        self.assertEqual(('done', 'b'), self.newest())
        self.assertEqual({self.vm.uuid}, self.b.guests)
        self.assertEqual([('b', 'active')], [(self.vm.host, self.vm.vm_state)])

    def test_the_returned_source_completes_it(self):
        self.lose(self.a)
        self.evacuate()
        self.pass_time(6)
        self.assertEqual(
            400, self.refusal(self.update, self.a, forced_down=False)
        )
        self.a.power_on()
        self.pass_time(6)
        self.assertEqual('completed', self.newest()[0])
        self.update(self.a, forced_down=False)
        self.assertTrue(self.verdict().ok)

    def test_a_dead_destination_leaves_it_pre_migrating_for_ever(self):
        self.lose(self.a)
        self.evacuate('b')
        self.pass_time(2)
        self.b.power_off()
        self.pass_time(100)
        self.assertEqual(('pre-migrating', 'b'), self.newest())
        self.b.power_on()
        self.pass_time(100)
        self.assertEqual(('pre-migrating', 'b'), self.newest())

    def test_a_message_waits_for_a_nova_compute_that_comes_back(self):
        self.lose(self.a)
        self.evacuate('b')
        self.b.power_off()
        self.pass_time(4)
        self.assertEqual('accepted', self.newest()[0])
        self.b.power_on()
        self.pass_time(12)
        self.assertEqual(('done', 'b'), self.newest())

    def test_a_reset_state_voids_a_message_that_waits(self):
        self.lose(self.a)
        self.evacuate('b')
        self.b.power_off()
        self.pass_time(4)
        self.cloud.reset_state(self.vm.uuid, 'active')
        self.b.power_on()
        self.pass_time(12)
        self.assertEqual(('failed', 'b'), self.newest())

    def test_two_evacuations_at_once_run_it_twice(self):
        # The simulation hides no mistake: the oracle sees it.
        self.lose(self.a)
        self.evacuate('b')
        self.pass_time(2)
        self.evacuate('c')
        self.pass_time(10)
        self.assertEqual(1, len(self.verdict().started_twice))

    def test_no_valid_host_puts_the_server_into_error(self):
        self.lose(self.a)
        self.cloud.no_valid_host = True
        self.evacuate()
        self.pass_time(2)
        self.assertEqual(('error', None), self.newest())
        self.assertEqual('error', self.vm.vm_state)

    def test_a_disabled_target_is_no_valid_host(self):
        self.lose(self.a)
        self.update(self.b, status='disabled')
        self.evacuate('b')
        self.pass_time(2)
        self.assertEqual(('error', 'b'), self.newest())
        self.assertIsNone(self.cloud.migrations[-1].destination_node)

    def test_a_stopped_server_is_booted_and_cut(self):
        self.cloud.stop(self.vm.uuid)
        self.pass_time(1)
        self.lose(self.a)
        self.evacuate('b')
        self.pass_time(6)
        self.assertEqual('stopped', self.vm.vm_state)
        self.assertEqual(frozenset(), self.b.guests)
        self.assertEqual(2, self.verdict().instances[self.vm.uuid])

    def test_at_2_95_it_stays_stopped(self):
        self.lose(self.a)
        self.evacuate('b', stops=True)
        self.pass_time(6)
        self.assertEqual('stopped', self.vm.vm_state)

    def test_nova_believes_a_dead_host_until_service_down_time(self):
        self.a.power_off()
        self.assertEqual(400, self.refusal(self.evacuate))
        self.pass_time(8)
        self.evacuate()

    def test_it_refuses_what_nova_refuses(self):
        self.lose(self.a)
        self.assertEqual(404, self.refusal(self.evacuate, 'nowhere'))
        self.assertEqual(400, self.refusal(self.evacuate, 'a'))
        self.assertEqual(404, self.refusal(self.cloud.show, 'no-vm'))
        self.assertEqual(409, self.refusal(self.cloud.start, self.vm.uuid))
        self.vm.vm_state = 'paused'
        self.assertEqual(409, self.refusal(self.evacuate, 'b'))
        self.vm.vm_state, self.vm.launched_at = 'error', None
        self.assertEqual(409, self.refusal(self.evacuate, 'b'))

    def test_an_update_of_nothing_is_refused(self):
        self.update(self.a, forced_down=True)
        self.assertEqual(
            400, self.refusal(self.update, self.a, forced_down=True)
        )

    def test_disabling_blocks_while_nova_believes_the_dead_one(self):
        self.a.power_off()
        self.assertTrue(self.update(self.a, status='disabled'))
        self.b.power_off()
        self.assertFalse(
            self.update(self.b, status='disabled', forced_down=True)
        )

    def test_a_hang_leaves_guests_running_and_is_no_new_start(self):
        self.a.hang()
        self.pass_time(8)
        self.assertFalse(self.cloud.is_up(self.cloud.computes['a']))
        self.assertEqual({self.vm.uuid}, self.a.guests)
        self.a.wake()
        self.pass_time(2)
        self.assertTrue(self.cloud.is_up(self.cloud.computes['a']))
        self.assertEqual('active', self.vm.vm_state)

    def test_a_guest_that_dies_is_stopped_by_nova_itself(self):
        self.a.kill_guest(self.vm.uuid)
        self.pass_time(14)
        self.assertEqual('active', self.vm.vm_state)
        self.pass_time(2)
        self.assertEqual('stopped', self.vm.vm_state)
        self.assertIsNone(self.cloud.actions[-1].user_id)

    def test_a_guest_that_does_not_start_is_an_error(self):
        self.a.unstartable.add(self.vm.uuid)
        self.cloud.hard_reboot(self.vm.uuid)
        self.pass_time(1)
        self.assertEqual('error', self.vm.vm_state)

    def test_a_move_without_a_valid_host_leaves_it_where_it_was(self):
        self.cloud.no_valid_host = True
        self.cloud.migrate(self.vm.uuid, None)
        self.pass_time(1)
        self.assertEqual(('a', 'active'), (self.vm.host, self.vm.vm_state))
        self.assertIn(self.vm.uuid, self.a.guests)

    def test_a_stopped_server_that_was_moved_stays_stopped(self):
        self.cloud.stop(self.vm.uuid)
        self.pass_time(1)
        self.cloud.migrate(self.vm.uuid, 'b')
        self.pass_time(1)
        self.cloud.confirm_resize(self.vm.uuid)
        self.assertEqual(('b', 'stopped'), (self.vm.host, self.vm.vm_state))
        self.assertNotIn(self.vm.uuid, self.b.guests)

    def test_a_delete_waits_for_a_host_that_nova_believes_up(self):
        self.a.hang()
        self.cloud.ask_to_delete(self.vm.uuid)
        self.pass_time(1)
        self.assertEqual('deleting', self.vm.task_state)
        self.assertFalse(self.vm.deleted)
        self.a.wake()
        self.pass_time(1)
        self.assertTrue(self.vm.deleted)
        self.assertEqual(set(), self.a.guests)

    def test_a_delete_needs_no_host_that_is_forced_down(self):
        self.cloud.ask_to_delete(self.vm.uuid)
        self.lose(self.a)
        self.cloud.ask_to_delete(self.vm.uuid)
        self.assertTrue(self.vm.deleted)

    def test_after_a_boot_nova_says_active_and_nothing_runs(self):
        self.a.power_off()
        self.a.power_on()
        self.pass_time(6)
        self.assertEqual('active', self.vm.vm_state)
        self.assertEqual(set(), self.a.guests)
        self.cloud.stop(self.vm.uuid)
        self.pass_time(1)
        self.cloud.start(self.vm.uuid)
        self.pass_time(1)
        self.assertEqual({self.vm.uuid}, self.a.guests)
