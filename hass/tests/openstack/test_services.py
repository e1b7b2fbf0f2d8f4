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

"""RabbitMQ and nova-api fail while a host is being recovered."""

from concurrent import futures

from hass.tests.openstack import base
from hass_oracle import ledger
from tools.minicloud import faults

FAULT_SECONDS = 20


class ServiceTest(base.OpenStackTest):
    """What HASS leans on is away for a while."""

    def test_rabbitmq_killed_in_mid_recovery_and_started_again(self):
        """Nova may lose calls, and see no nova-compute up for a while."""
        host = self.cloud.busiest()
        faults.power_cut(self.lab, host)
        self.wait_for_story(host, 'fencing', 'forcing_down', 'planning')
        faults.rabbit_kill9(self.lab)
        self.wait_for_story(host, 'evacuating')
        faults.rabbit_start(self.lab)
        self.wait_for_story(host, 'finished', patient=True)
        self.assert_recovered(host)

    def test_nova_api_answers_500_for_a_while(self):
        host = self.cloud.busiest()
        faults.nova_api_500(self.lab, True)
        faults.power_cut(self.lab, host)
        self.let_pass(
            FAULT_SECONDS,
            lambda: not self.events(ledger.Kind.EVACUATE, host),
            'an evacuation went through an API that fails',
        )
        faults.nova_api_500(self.lab, False)
        self.assert_recovered(host)

    def test_nova_api_stopped_after_it_received_an_evacuation(self):
        """The call waits in nova-api: it must not be made a second time."""
        host = self.cloud.busiest()
        servers = self.cloud.on(host)
        faults.nova_api_stop_at_evacuate(self.lab)
        faults.power_cut(self.lab, host)
        self.wait_for(
            lambda: not faults.nova_api_stop_flag(self.lab).exists(),
            why='nova-api to stop at an evacuation',
        )
        _, engine = self.wait_for_engine_at_work(host, 'evacuating')
        faults.engine_kill9(self.lab, engine)
        self.let_pass(FAULT_SECONDS, lambda: True, 'nova-api is stopped')
        faults.nova_api_sigcont(self.lab)
        faults.engine_start(self.lab, engine)
        self.assert_recovered(host)
        self.assert_moved_once(servers)

    def test_the_same_host_reported_ten_times_is_recovered_once(self):
        host = self.cloud.busiest()
        servers = self.cloud.on(host)
        faults.power_cut(self.lab, host)
        self.report_ten_times(host)
        self.assert_recovered(host)
        self.assertEqual(
            ['host_failure', 'host_return'],
            [story.workflow for story in self.stories()],
        )
        self.assert_moved_once(servers)

    def test_ten_reports_do_not_fence_a_host_that_is_well(self):
        host = self.cloud.busiest()
        self.report_ten_times(host)
        self.wait_for(lambda: self.stories(host), why='a suspicion')
        # A later one of the ten may open another when the first is over.
        self.wait_for(
            lambda: {s.state for s in self.stories(host)} == {'dismissed'},
            why='each suspicion to be dismissed',
        )
        self.assert_not_fenced(host)

    def report_ten_times(self, host):
        with futures.ThreadPoolExecutor(10) as pool:
            for _ in range(10):
                pool.submit(self.report, host)
