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

"""RPC over a real RabbitMQ with quorum queues."""

import datetime
import json
import threading

from kombu import connection as kombu
import oslo_messaging

from hass.agent import service
from hass import beats
from hass.detection import guests
from hass import exception
from hass import faults
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport
from hass.tests import base
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

GARBAGE = (
    b'',
    b'\xff\xfe\x00',
    b'not json',
    b'null',
    b'[1, 2]',
    b'{}',
    b'{"oslo.version": "2.0", "oslo.message": "not json"}',
    b'{"oslo.version": "9.0", "oslo.message": "{}"}',
    b'{"oslo.version": "2.0", "oslo.message": "[]"}',
    json.dumps(
        {'oslo.version': '2.0', 'oslo.message': json.dumps({'method': 5})}
    ).encode(),
    json.dumps(
        {
            'oslo.version': '2.0',
            'oslo.message': json.dumps(
                {'method': 'report', 'version': '1.0', 'args': {'x': 1}}
            ),
        }
    ).encode(),
)


class RabbitCase(base.TestCase):
    serves = True

    def setUp(self):
        super().setUp()
        self.rabbit = servers.rabbitmq()
        self.ears = self.useFixture(ears.Ears(self.rabbit.url(), self.serves))

    def connect(self):
        connected = transport.connect(self.ears.conf)
        self.addCleanup(connected.cleanup)
        return api.EngineAPI(connected, 5.0)

    def make_agent(self, **changes):
        conf = ears.make_conf(
            self.rabbit.url(),
            engines=self.ears.engines(),
            beat_networks=list(ears.NETWORKS.items()),
            beat_seconds=0.1,
            report_seconds=1.0,
            call_seconds=2.0,
            **changes,
        )
        agent = service.Agent(
            conf.agent,
            self.ears.clock,
            self.connect(),
            self.ears.make_identity(),
            guests.NoGuests(),
        )
        agent.start()
        self.addCleanup(agent.kill)
        return agent

    def answered(self):
        """Whether the engine serves calls.

        A server that is stopped while it connects stays a consumer.
        """
        me = self.ears.make_identity('boot-2')
        try:
            return self.connect().gate(me.seal(messages.GateRequest))
        except exception.EngineUnreachable:
            return None

    def told(self):
        return [each.payload['number'] for each in self.ears.notifications()]

    def allege(self, agent, *numbers):
        for number in numbers:
            agent.allege(faults.Layer.INSTANCE, {'number': str(number)})

    def wait_settled(self):
        """Reports came for a while.

        RabbitMQ 3.10 that is killed within a second of a quorum queue's
        birth lets its consumers hang for a minute after the restart.
        """
        first = self.wait_for(
            lambda: self.ears.host().reported_at,
            why='the first report',
        )
        settled = first + datetime.timedelta(seconds=4)
        self.wait_for(
            lambda: self.ears.host().reported_at > settled,
            why='reports go on',
        )


class BrokerTest(RabbitCase):
    def test_no_fault_is_lost_when_the_broker_is_killed(self):
        agent = self.make_agent()
        self.wait_settled()
        self.allege(agent, 0)
        self.wait_for(lambda: self.told() == ['0'], why='the first fault')
        self.rabbit.kill()
        self.allege(agent, 1, 2, 3)
        silent_from = self.ears.clock.monotonic()
        self.wait_for(
            lambda: self.ears.listener.heard_after(
                ears.HOST, silent_from + 3.0
            ),
            why='beats go on without a broker',
        )
        self.rabbit.start()
        self.wait_for(lambda: '3' in self.told(), why='the faults')
        first_told = sorted(set(self.told()), key=self.told().index)
        self.assertEqual(['0', '1', '2', '3'], first_told)
        self.allege(agent, 4)
        self.wait_for(lambda: '4' in self.told(), why='reports as before')

    def test_an_agent_that_stops_without_a_broker_does_not_hang(self):
        agent = self.make_agent()
        self.wait_settled()
        self.rabbit.kill()
        began = self.ears.clock.monotonic()
        agent.stop(planned=True)
        self.assertLess(self.ears.clock.monotonic() - began, 60.0)
        self.wait_for(
            lambda: (
                (heard := self.ears.listener.heard(ears.HOST))
                and heard.planned
            ),
            why='the goodbye in its beats',
        )
        self.rabbit.start()
        self.wait_for(self.answered, why='an engine answers')


class GarbageTest(RabbitCase):
    def publish(self, body):
        url = self.rabbit.url().replace('rabbit:', 'amqp:')
        with kombu.Connection(url) as broker:
            producer = broker.Producer()
            for kind in ('application/json', 'application/x-python', None):
                producer.publish(
                    body,
                    exchange=transport.AGENTS_EXCHANGE,
                    routing_key=transport.REPORTS,
                    content_type=kind or 'text/plain',
                    content_encoding='utf-8',
                )

    def test_garbage_in_the_queue_does_not_stop_the_server(self):
        engine = self.connect()
        me = self.ears.make_identity()
        engine.gate(me.seal(messages.GateRequest))
        for body in GARBAGE:
            self.publish(body)
        answer = engine.gate(me.seal(messages.GateRequest))
        self.assertIs(True, answer['open'])

    def test_what_a_forger_sends_is_refused_with_a_reason(self):
        forger = self.ears.make_identity(key='x' * 32)
        error = self.assertRaises(
            exception.MessageRefused,
            self.connect().goodbye,
            forger.seal(messages.Goodbye, why='stopped'),
        )
        self.assertEqual(beats.Refusal.FORGED, error.reason)
        self.assertIsNone(self.ears.host().planned_until)

    def test_agents_cannot_call_what_operators_may(self):
        connected = transport.connect(self.ears.conf)
        self.addCleanup(connected.cleanup)
        client = transport.client(connected, transport.REPORTS, 5.0)
        for method in ('wake', 'test_fence', 'refusals', '_goodbye'):
            error = self.assertRaises(
                oslo_messaging.RemoteError,
                client.call,
                {},
                method,
                host='x',
            )
            self.assertIn('NoSuchMethod', str(error))


class SilenceTest(base.TestCase):
    def test_an_engine_starts_without_a_broker(self):
        nowhere = f'rabbit://u:p@127.0.0.1:{servers.free_port()}/'
        connected = transport.connect(ears.make_conf(nowhere))
        server = transport.server(connected, transport.REPORTS, 'engine-1', [])
        server.start()
        server.stop()
        server.wait()

    def test_a_call_that_no_engine_takes_ends_in_time(self):
        rabbit = servers.rabbitmq()
        conf = ears.make_conf(rabbit.url())
        connected = transport.connect(conf)
        self.addCleanup(connected.cleanup)
        operators = api.OperatorAPI(connected, 0.5)
        error = self.assertRaises(
            exception.EngineUnreachable, operators.test_fence, 'compute-1'
        )
        self.assertIn('test_fence', str(error))

    def test_a_bell_needs_no_engine(self):
        rabbit = servers.rabbitmq()
        connected = transport.connect(ears.make_conf(rabbit.url()))
        self.addCleanup(connected.cleanup)
        rung = threading.Event()

        class Bell:
            @transport.exposed
            def wake(self, context):
                rung.set()

        server = transport.server(
            connected, transport.OPERATORS, 'engine-1', [Bell()]
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        api.OperatorAPI(connected, 5.0).wake()
        self.assertTrue(rung.wait(60))
