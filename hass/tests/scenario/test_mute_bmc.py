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


"""While a BMC is mute it is asked often, and Nova less and less."""

import itertools

from hass.tests.scenario import base

HOST = 'compute-1'
MUTE_SECONDS = 120
LOOK_SECONDS = 5
NOVA_SECONDS = 15
"""The least time between two questions, on average; rounds ask as well."""


class MuteBmcTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.host = self.cloud.hosts[HOST]
        self.instances = self.cloud.boot(HOST, instances=3)
        self.looks: list[float] = []
        self.questions: list[float] = []
        self.count(self.cloud.compute, 'services', self.questions)
        self.count(self.cloud.compute, 'servers_on', self.questions)
        self.count(self.cloud.bmcs, 'status', self.looks)
        self.count(self.cloud.bmcs, 'read', self.looks)

    def count(self, who, verb, moments):
        ask = getattr(who, verb)

        def counting(*about):
            moments.append(self.cloud.clock.monotonic())
            return ask(*about)

        setattr(who, verb, counting)

    def assert_goes_on(self):
        """It is mute for a while; then it is back, and so is the host."""
        del self.looks[:], self.questions[:]
        self.cloud.tick(seconds=MUTE_SECONDS)
        gaps = [late - soon for soon, late in itertools.pairwise(self.looks)]
        self.assertLessEqual(max(gaps), LOOK_SECONDS)
        self.assertLess(MUTE_SECONDS / LOOK_SECONDS - 2, len(gaps))
        self.assertLessEqual(len(self.questions), MUTE_SECONDS / NOVA_SECONDS)
        self.host.bmc_mute = False
        self.cloud.run_until(
            lambda: self.host.off_calls, seconds=LOOK_SECONDS + 1
        )
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)

    def test_before_it_was_told_to_power_off(self):
        self.host.bmc_mute = True
        self.host.lose_power_supply()
        self.assert_held(HOST, 'restraint', 'cannot be read')
        self.assert_goes_on()

    def test_when_it_is_to_be_told_to_power_off(self):
        self.host.hang()
        self.cloud.run_until_state(HOST, 'fencing')
        self.host.bmc_mute = True
        self.assert_goes_on()
