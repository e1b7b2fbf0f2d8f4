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

"""The clock of the database is set back while a host is recovered."""

from hass.tests.scenario import base

HOST = 'compute-1'


class HoldsCase(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.host = self.cloud.hosts[HOST]
        self.instances = self.cloud.boot(HOST, instances=3)

    def hold_by_a_mute_bmc(self):
        self.host.bmc_mute = True
        self.host.lose_power_supply()
        return self.assert_held(HOST, 'restraint', 'cannot be read')


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

    def test_by_an_hour_when_the_engine_has_died_that_claims_it(self):
        """Its claim ends in an hour, and nobody renews it."""

        def die(turn):
            if turn.recovery.state == 'forcing_down':
                self.cloud.before_step = None
                self.cloud.kill_at = (self.cloud.steps, 'after')

        self.cloud.before_step = die
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.before_step is None)
        self.cloud.clock.jump(-3600)
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)

    def test_by_an_hour_while_held(self):
        self.hold_by_a_mute_bmc()
        self.cloud.clock.jump(-3600)
        self.cloud.tick(seconds=60)
        self.host.bmc_mute = False
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)
