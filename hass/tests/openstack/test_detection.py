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

"""Which layer failed, and what must not be taken for a failure."""

import itertools
import os

from hass.tests.openstack import base
from tools.minicloud import bmcs
from tools.minicloud import faults
from tools.minicloud.lab import HOST_NETWORKS

NOISE_SECONDS = int(os.environ.get('NOISE_SECONDS', '45'))
"""How long noise goes on; make soak SET=noise lets it go on longer."""
DARK_SECONDS = 10
"""Longer than it takes to condemn a host that is mute."""
STOPPED_SECONDS = 20
HOUR = 3600
HOT = 97


class FaultTest(base.OpenStackTest):
    """The layer that failed is named."""

    def test_a_kernel_panic_is_told_by_its_kdump(self):
        host = self.cloud.busiest()
        faults.kernel_panic(self.lab, host)
        story = self.wait_for_story(host, 'finished')
        self.assertIn('os failed', self.reason(story))
        self.assertIn('panicked', self.reason(story))
        self.assert_recovered(host)

    def test_a_critical_sensor_is_reported_and_the_host_left_alone(self):
        host = self.cloud.busiest()
        faults.sensor(self.lab, host, HOT)
        self.wait_for_alarm(host, 'CPU Temp')
        self.assertEqual('failed', self.cloud.layers(host)['hardware'])
        faults.sensor(self.lab, host, bmcs.COOL)
        self.wait_for(
            lambda: self.cloud.layers(host)['hardware'] == 'healthy',
            why='the sensor to read well again',
        )
        self.assert_nothing_happened()

    def test_a_dead_bmc_of_a_living_host_is_an_alarm(self):
        host = self.cloud.busiest()
        faults.bmc_mute(self.lab, host)
        self.wait_for_alarm(host, 'power')
        self.assertEqual('unknown', self.cloud.layers(host)['power'])
        self.assertIn('power', self.cloud.degraded(host))
        faults.bmc_unmute(self.lab, host)
        self.wait_for(
            lambda: 'power' not in self.cloud.degraded(host),
            why='the BMC to be seen again',
        )
        self.assert_nothing_happened()

    def test_one_or_two_networks_cut_are_reported_and_nobody_is_fenced(self):
        hosts = itertools.cycle(self.cloud.hosts)
        for count in (1, 2):
            for networks in itertools.combinations(HOST_NETWORKS, count):
                self.cut_for_a_while(next(hosts), networks)
        self.assert_not_fenced(*self.cloud.hosts)
        self.assert_oracle()

    def cut_for_a_while(self, host, networks):
        faults.cut(self.lab, host, networks)
        self.let_pass(
            DARK_SECONDS,
            lambda: self.cloud.powered_on(host),
            f'{host} was powered off without {networks}',
        )
        self.assertEqual(
            {*networks}, self.cloud.dark(host), f'without {networks}'
        )
        faults.join(self.lab, host, networks)
        self.wait_for_rest()


class NoiseTest(base.OpenStackTest):
    """A bad network is no failed host."""

    seconds = 600 + 2 * NOISE_SECONDS

    def test_lost_and_late_packets_do_nothing(self):
        lossy, late = self.cloud.hosts[:2]
        faults.lose(self.lab, lossy, 30)
        faults.delay(self.lab, late)
        self.nothing_happens(NOISE_SECONDS)
        faults.lose(self.lab, lossy, 0)
        faults.undelay(self.lab, late)
        self.assert_nothing_happened()


class QuietTest(base.OpenStackTest):
    """What is no failure is not taken for one."""

    def test_engines_that_were_stopped_suspect_nobody_when_continued(self):
        for number in (1, 2):
            faults.engine_stop_signal(self.lab, number)
        self.nothing_happens(STOPPED_SECONDS)
        for number in (1, 2):
            faults.engine_cont(self.lab, number)
        self.nothing_happens(DARK_SECONDS)
        self.assert_nothing_happened()

    def test_all_agents_restarted_at_once_leave_their_hosts_trusted(self):
        faults.agents_kill9(self.lab)
        self.nothing_happens(DARK_SECONDS)
        faults.agents_restart(self.lab)
        self.nothing_happens(DARK_SECONDS)
        self.assert_nothing_happened()

    def test_clocks_that_jump_an_hour_harm_nobody_and_hide_no_failure(self):
        host, other = self.cloud.hosts[:2]
        for name in (host, 'engine1'):
            self.addCleanup(faults.common_clock, self.lab, name)
            faults.own_clock(self.lab, name)
        self.begin_anew()
        for name in (host, 'engine1'):
            faults.clock_jump(self.lab, name, HOUR)
            self.nothing_happens(DARK_SECONDS)
        faults.power_cut(self.lab, other)
        self.wait_for_story(other, 'finished')
        for name in (host, 'engine1'):
            faults.clock_jump(self.lab, name, 0)
        self.assert_recovered(other)
        self.assert_not_fenced(host)
