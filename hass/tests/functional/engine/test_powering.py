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

from hass.engine import powering
from hass.engine import returning
from hass.fencing import ipmi
from hass.tests import builders
from hass.tests.functional import bmc_base

LONG_AWAY = '9999-01-01T00:00:00'


class PowerTest(bmc_base.BmcTest):
    """Through the door to a BMC that speaks IPMI."""

    def setUp(self):
        super().setUp()
        database = builders.make_database(self)
        with database.writer() as session:
            builders.make_host(session, 'compute-1')
        responder = self.make_responder()
        self.chassis = responder.chassis
        address = self.address(responder)
        self.power = powering.PowerEndpoint(
            powering.Power(
                database,
                ipmi.IpmiFencer(self.bmcs),
                self.bmcs,
                lambda host: address,
                self.clock,
                self.call_seconds,
                returning.Returning('engine-1', lambda: None),
            )
        )

    def turn(self, power):
        return self.power.turn_power(
            None, 'compute-1', power, LONG_AWAY, 'operator'
        )

    def read(self):
        return self.power.read_power(None, 'compute-1')

    def test_power_goes_off_and_on_and_is_read_back(self):
        self.assert_turned('off')
        self.assertFalse(self.chassis.is_on)
        self.assert_turned('on')
        self.assertTrue(self.chassis.is_on)

    def assert_turned(self, power):
        self.assertEqual({}, self.turn(power))
        self.wait_for(
            lambda: self.read() == {'power': power},
            why=f'the BMC reads {power}',
        )

    def test_who_asked_is_in_the_log(self):
        self.turn('off')
        self.assertIn(
            'compute-1: operator asks for power off', self.log.output
        )
        self.assertNotIn(bmc_base.PASSWORD, self.log.output)

    def test_sensors_are_those_of_the_bmc(self):
        read = self.power.read_sensors(None, 'compute-1')['sensors']
        names = {one['name'] for one in read}
        self.assertEqual(set(self.chassis.sensors), names)

    def test_events_are_those_of_the_bmc_newest_first(self):
        self.chassis.log_state(4, 0x08, 1)
        self.chassis.log_state(4, 0x08, 1, asserted=False)
        ended, began = self.power.read_events(None, 'compute-1')['events']
        self.assertEqual((1, True), (began['record'], began['asserted']))
        self.assertEqual((2, False), (ended['record'], ended['asserted']))
        self.assertEqual('Failure', began['state'])

    def test_a_host_that_has_gone_is_refused(self):
        said = self.power.read_power(None, 'compute-9')
        self.assertIn('compute-9', said['refused'])
