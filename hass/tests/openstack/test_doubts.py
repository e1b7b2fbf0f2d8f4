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

"""Faults in which the safe act is none: BMCs that lie, a switch that dies."""

from hass.tests.openstack import base
from tools.minicloud import faults


class DoubtTest(base.OpenStackTest):
    """What cannot be proved is not acted upon."""

    def test_a_bmc_that_does_not_answer_holds_the_recovery(self):
        host = self.cloud.busiest()
        faults.bmc_mute(self.lab, host)
        faults.power_cut(self.lab, host)
        held = self.wait_for_story(host, 'held')
        self.assertIn('power state cannot be read', held.why)
        self.assertEqual([], self.cloud.moves(self.since))
        faults.bmc_unmute(self.lab, host)
        self.cloud.hass('POST', f'/v1/recoveries/{held.uuid}/retry')
        self.wait_for_story(host, 'finished', patient=True)
        self.assert_recovered(host)

    def test_a_bmc_that_reads_off_while_its_host_beats_proves_nothing(self):
        host = self.cloud.busiest()
        faults.bmc_lie(self.lab, host)
        self.report(host)
        held = self.wait_for_story(host, 'held')
        self.assertIn('beats although its BMC reads off', held.why)
        self.assertEqual('safety', held.held_kind)
        faults.bmc_honest(self.lab, host)
        self.cloud.hass('POST', f'/v1/recoveries/{held.uuid}/release')
        self.wait_for_rest()
        self.assert_not_fenced(host)
        self.assert_oracle()

    def test_a_switch_of_all_hosts_that_dies_fences_nobody(self):
        faults.switch_down(self.lab)
        self.wait_for(
            lambda: all(self.cloud.deaf().values()),
            why='both engines to know that they are deaf',
        )
        self.let_pass(
            20,
            lambda: all(self.cloud.powered_on(h) for h in self.cloud.hosts),
            'a host was powered off',
        )
        faults.switch_up(self.lab)
        self.wait_for_rest()
        self.assert_not_fenced(*self.cloud.hosts)
        self.assert_oracle()
