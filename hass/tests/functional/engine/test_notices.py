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

"""Nova's notifications over a real RabbitMQ."""

from kombu import connection as kombu
from oslo_config import cfg
import oslo_messaging

from hass.db import instances
from hass.nova import notices
from hass.rpc import transport
from hass.tests import base
from hass.tests.functional.engine import base as engine_base
from hass.tests.functional import servers
from hass.tests import nova_notices as samples

TOPIC = 'hass_versioned_notifications'
GARBAGE = (
    b'',
    b'\xff\xfe\x00',
    b'not json',
    b'null',
    b'[1, 2]',
    b'{}',
    b'{"oslo.version": "2.0", "oslo.message": "not json"}',
    b'{"oslo.version": "2.0", "oslo.message": "[]"}',
    b'{"oslo.version": "2.0", "oslo.message": "{}"}',
    b'{"oslo.version": "2.0", "oslo.message": "{\\"event_type\\": 5}"}',
    b'{"event_type": "instance.update", "priority": "INFO"}',
    b'{"event_type": null, "priority": "INFO", "payload": {}}',
    b'{"event_type": "instance.update", "priority": "info", "payload": 5}',
)


class Nova:
    """Sends notifications as Nova does (nova/rpc.py, oslo.messaging 18)."""

    def __init__(self, url, **options):
        conf = cfg.ConfigOpts()
        transport.register_plain_opts(conf)
        conf([], default_config_files=[])
        for option, value in options.items():
            conf.set_override(option, value, 'oslo_messaging_rabbit')
        conf.set_override('control_exchange', 'nova')
        self.transport = oslo_messaging.get_notification_transport(conf, url)
        self._notifier = oslo_messaging.Notifier(
            self.transport,
            publisher_id='nova-compute:compute-1',
            topics=['versioned_notifications', TOPIC],
            driver='messagingv2',
        )

    def tell(self, event, body, level='info'):
        getattr(self._notifier, level)({'user': 'x'}, event, body)


class Hearer:
    """Remembers what it was told."""

    def __init__(self):
        self.events = []

    def info(self, context, publisher, event, payload, metadata):
        self.events.append(event)

    error = info


class ListenTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.rabbit = servers.rabbitmq()
        # A test of its own has queues of its own.
        self.url = self.rabbit.virtual_host()

    def make_nova(self, **options):
        nova = Nova(self.url, **options)
        self.addCleanup(nova.transport.cleanup)
        return nova

    def listen(self, query=''):
        hearer = Hearer()
        server = notices.listen(f'{self.url}{query}', TOPIC, hearer)
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        return hearer

    def publish(self, body):
        with kombu.Connection(self.url.replace('rabbit:', 'amqp:')) as broker:
            for kind in ('application/json', 'text/plain'):
                broker.Producer().publish(
                    body,
                    exchange='nova',
                    routing_key=f'{TOPIC}.info',
                    content_type=kind,
                    content_encoding='utf-8',
                )

    def test_engines_share_what_nova_tells(self):
        one, other = self.listen(), self.listen()
        nova = self.make_nova()
        for number in range(20):
            nova.tell(f'instance.update.{number}', samples.update())
        self.wait_for(
            lambda: len(one.events) + len(other.events) >= 20,
            why='all are heard',
        )
        self.assertEqual(20, len({*one.events, *other.events}))
        self.assertTrue(one.events)
        self.assertTrue(other.events)

    def test_what_was_told_while_no_engine_ran_is_heard_later(self):
        self.make_nova().tell('instance.delete.end', samples.payload())
        hearer = self.listen()
        self.wait_for(
            lambda: hearer.events == ['instance.delete.end'], why='the news'
        )

    def test_errors_are_heard_as_well(self):
        hearer = self.listen()
        self.make_nova().tell(
            'instance.rebuild.error', samples.payload(), 'error'
        )
        self.wait_for(lambda: hearer.events, why='the error')

    def test_queues_are_of_the_kind_that_the_url_says(self):
        self.make_nova(rabbit_quorum_queue=True).tell(
            'instance.update', samples.update()
        )
        hearer = self.listen('?rabbit_quorum_queue=true')
        self.wait_for(lambda: hearer.events, why='the news')

    def test_queues_of_another_kind_are_told_and_hold_nothing_up(self):
        self.make_nova(rabbit_quorum_queue=True).tell(
            'instance.update', samples.update()
        )
        self.assertEqual([], self.listen().events)
        self.wait_for(
            lambda: f'{TOPIC} is not served' in self.log.output,
            why='the error',
        )
        self.assertNotIn(servers.PASSWORD, self.log.output)

    def test_garbage_in_the_queue_does_not_end_it(self):
        hearer = self.listen()
        nova = self.make_nova()
        nova.tell('instance.update', samples.update())
        self.wait_for(lambda: hearer.events, why='the news')
        for body in GARBAGE:
            self.publish(body)
        nova.tell('instance.delete.end', samples.payload())
        self.wait_for(
            lambda: 'instance.delete.end' in hearer.events,
            why='what came after the garbage',
        )


class EngineTest(engine_base.EngineTest):
    """A whole engine, in a process of its own."""

    def test_what_was_deleted_is_forgotten_long_before_the_next_census(self):
        url = self.need(servers.rabbitmq).virtual_host()
        world = self.make_world()
        world.migrate()
        first, second = world.protect('a', 2)
        world.configure(nova__notifications_url=url)
        world.start()
        self.wait_ready(world)
        nova = Nova(url)
        self.addCleanup(nova.transport.cleanup)
        world.nova.cloud.delete(first)
        nova.tell('instance.delete.end', samples.payload(uuid=first))
        self.wait_for(
            lambda: self.chosen(world) == {second},
            why='the engine to forget it',
        )

    def chosen(self, world):
        with world.database.reader() as session:
            return instances.uuids(session)
