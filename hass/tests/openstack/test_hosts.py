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

"""Hosts that lose their power, hang, are cut off or fail in pairs."""

from hass.tests.openstack import base
from hass_oracle import ledger
from tools.minicloud import faults


class HostTest(base.OpenStackTest):
    """A compute host fails."""

    def test_a_power_cut_moves_the_instances_and_the_host_returns(self):
        host = self.cloud.busiest()
        servers = self.cloud.on(host)
        faults.power_cut(self.lab, host)
        story = self.wait_for_story(host, 'finished')
        self.assertIn('power', self.reason(story))
        self.assert_recovered(host)
        self.assert_moved_once(servers)

    def test_a_host_that_hangs_is_powered_off_before_it_is_evacuated(self):
        host = self.cloud.busiest()
        faults.hang(self.lab, host)
        self.wait_for_story(host, 'finished')
        self.assertEqual(1, len(self.events(ledger.Kind.OFF, host)))
        self.assert_recovered(host)

    def test_a_host_cut_off_the_network_is_powered_off_as_well(self):
        host = self.cloud.busiest()
        faults.cut(self.lab, host)
        self.wait_for_story(host, 'finished')
        faults.join(self.lab, host)
        self.assert_recovered(host)

    def test_two_hosts_at_once_both_come_back(self):
        one = self.cloud.busiest()
        other = self.cloud.busiest(but={one})
        faults.power_cut(self.lab, one)
        faults.hang(self.lab, other)
        self.assert_recovered(one, other)

    def test_a_host_powered_on_in_mid_recovery_is_fenced_again(self):
        host = self.cloud.busiest()
        self.slow_spawns(4, but=host)
        faults.power_cut(self.lab, host)
        self.wait_for_story(host, 'evacuating')
        faults.power_on(self.lab, host)
        self.wait_for_story(host, 'finished')
        self.assertEqual(2, len(self.events(ledger.Kind.OFF, host)))
        self.assert_recovered(host)

    def test_a_destination_that_dies_while_receiving_is_recovered_too(self):
        host = self.cloud.busiest()
        self.slow_spawns(6, but=host)
        faults.power_cut(self.lab, host)
        destination = self.wait_for(
            self.destination, why='a destination has claimed'
        )
        faults.power_cut(self.lab, destination)
        self.slow_spawns(0, but=host)
        self.assert_recovered(host, destination)

    def test_more_hosts_than_the_limit_are_held_until_the_window_moves(self):
        self.addCleanup(
            self.cloud.reconfigure_engines,
            'fencing',
            max_fencings=100,
            window_seconds=600,
        )
        self.cloud.reconfigure_engines(
            'fencing', max_fencings=1, window_seconds=20
        )
        self.wait_for_rest()
        one = self.cloud.busiest()
        other = self.cloud.busiest(but={one})
        faults.hang(self.lab, one)
        self.wait_for_story(one, 'forcing_down', 'planning', 'evacuating')
        faults.hang(self.lab, other)
        held = self.wait_for_story(other, 'held')
        self.assertIn('max_fencings is 1', held.why)
        self.wait_for_story(other, 'finished', patient=True)
        self.assert_recovered(one, other)

    def slow_spawns(self, seconds, but):
        """Let guests take so long to start on the other hosts."""
        for name in self.cloud.hosts:
            if name != but:
                faults.spawn_seconds(self.lab, name, seconds)

    def destination(self):
        """A host that receives an instance at this moment."""
        return next(
            (
                move.destination
                for move in self.cloud.moves(self.since)
                if move.status == 'pre-migrating'
            ),
            None,
        )
