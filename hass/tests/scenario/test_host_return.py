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

from hass.db import recoveries
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
