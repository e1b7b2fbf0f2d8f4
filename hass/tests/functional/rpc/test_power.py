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

"""What operators ask of hosts goes over a real RabbitMQ."""

from hass import bmc
from hass import clock
from hass.engine import endpoint
from hass.engine import powering
from hass.engine import returning
from hass import exception
from hass.fencing import fake
from hass.rpc import api
from hass.rpc import transport
from hass.tests import base
from hass.tests import builders
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

LONG_AWAY = '9999-01-01T00:00:00'


class PowerTest(base.TestCase):
    def setUp(self):
        super().setUp()
        connected = transport.connect(ears.make_conf(servers.rabbitmq().url()))
        self.addCleanup(connected.cleanup)
        self.connected = connected
        self.operators = api.OperatorAPI(connected, 30.0)
        self.fencer = fake.FakeFencer()

    def serve(self, *endpoints):
        server = transport.server(
            self.connected, transport.OPERATORS, 'engine-1', endpoints
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)

    def old_endpoint(self):
        return endpoint.OperatorEndpoint(
            lambda: None, lambda host: {'state': 'working'}
        )

    def new_endpoint(self):
        database = builders.make_database(self)
        with database.writer() as session:
            builders.make_host(session, 'compute-1')
        hands = clock.SystemClock()
        bmcs = bmc.Bmc(hands, call_seconds=2.0, workers=1)
        self.addCleanup(bmcs.close)
        return powering.PowerEndpoint(
            powering.Power(
                database,
                self.fencer,
                bmcs,
                lambda host: None,
                hands,
                2.0,
                returning.Returning('engine-1', lambda: None),
            )
        )

    def test_power_is_read_and_turned(self):
        self.serve(self.old_endpoint(), self.new_endpoint())
        self.assertEqual(
            {'power': 'on'}, self.operators.read_power('compute-1')
        )
        self.operators.turn_power('compute-1', 'off', LONG_AWAY, 'operator')
        self.assertFalse(self.fencer.device('compute-1').is_on)
        said = self.operators.bring_back('compute-1', LONG_AWAY, 'operator')
        self.assertIn('recovery', said)
        said = self.operators.read_sensors('compute-1')
        self.assertIn('no BMC is set for it', said['failed'])
        said = self.operators.read_events('compute-1')
        self.assertIn('no BMC is set for it', said['failed'])

    def test_engines_of_before_are_still_asked_what_they_know(self):
        self.serve(self.old_endpoint())
        tried = self.operators.test_fence('compute-1')
        self.assertEqual('working', tried['state'])
        error = self.assertRaises(
            exception.EngineUnreachable,
            self.operators.read_power,
            'compute-1',
        )
        self.assertIn('read_power', str(error))
        self.assertIn('UnsupportedVersion', str(error))
