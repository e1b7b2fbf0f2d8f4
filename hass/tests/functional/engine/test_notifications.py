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

"""What a consumer gets over a real RabbitMQ is what the manual shows."""

import json
import pathlib

import fixtures
import oslo_messaging

from hass import clock
from hass.db import models
from hass.db import recoveries
from hass.engine import alarms
from hass.engine import herald
from hass.engine import overview
from hass.events import announcer
from hass.events import bus
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers
from hass.until import Kind
from hass.until import Until

SAMPLES = pathlib.Path(__file__).parents[4] / 'doc/notification_samples'
NAMES = ('recovery-opened', 'recovery-held', 'alarm', 'alarm-losses')
"""Samples, in the order in which they are told."""


class Consumer:
    """What an operator's own program would be."""

    def __init__(self):
        self.heard = []

    def info(self, context, publisher, event, payload, metadata):
        self._hear('INFO', publisher, event, payload)

    def error(self, context, publisher, event, payload, metadata):
        self._hear('ERROR', publisher, event, payload)

    def payloads(self):
        return [one['payload'] for one in self.heard]

    def _hear(self, priority, publisher, event, payload):
        self.heard.append(
            {
                'event_type': event,
                'priority': priority,
                'publisher_id': publisher,
                'payload': payload,
            }
        )


def consume(test, url, topic):
    """What comes in on a topic, from now on."""
    consumer = Consumer()
    wire = oslo_messaging.get_notification_transport(ears.make_conf(url))
    test.addCleanup(wire.cleanup)
    server = oslo_messaging.get_notification_listener(
        wire,
        [oslo_messaging.Target(topic=topic)],
        [consumer],
        executor='threading',
    )
    server.start()
    test.addCleanup(server.wait)
    test.addCleanup(server.stop)
    return consumer


class NotificationsTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.rabbit = servers.rabbitmq()
        self.url = self.rabbit.virtual_host()
        self.database = builders.make_database(self, clocks.HandClock())

    def start_herald(self):
        conf = ears.make_conf(self.url)
        wire = oslo_messaging.get_notification_transport(conf)
        self.addCleanup(wire.cleanup)
        notifier = oslo_messaging.Notifier(
            wire,
            publisher_id='hass-engine.ctl-1',
            topics=[bus.TOPIC],
            driver='messagingv2',
            retry=bus.TRIES,
        )
        hands = clock.SystemClock()
        channels = {'bus': bus.Bus(notifier)}
        seen = overview.Overview(self.database, hands, 5.0)
        one = herald.Herald(self.database, hands, seen, channels, 1e9)
        one.start()
        self.addCleanup(one.stop)

    def story(self):
        """A recovery is opened and held, and pages; so does a loss."""
        number = iter(range(100))
        self.useFixture(
            fixtures.MonkeyPatch(
                'hass.db.models.new_uuid',
                lambda: f'{next(number):08d}-6f1c-4c1e-8a55-90c1f7a2b6e4',
            )
        )
        with self.database.writer() as session:
            made = builders.make_recovery(session)
        self.database.write(
            lambda session: recoveries.record_hop(
                session,
                made,
                to='held',
                ended=False,
                deadline_seconds=None,
                wake_seconds=600,
                held_kind=models.HeldKind.RESTRAINT,
                engine='ctl-1',
                why='12 hosts, all on pdu-3 (pdu), were suspected',
                until=[
                    Until(Kind.RESTRAINT, 'compute-1'),
                    Until(Kind.HOST_HEARD, 'compute-1'),
                ],
            )
        )
        pager = alarms.Alarms(
            self.database,
            announcer.Announcer(self.database),
            command=(),
            command_seconds=1,
            repeat_seconds=300,
        )
        pager.page_held()
        self.database.write(
            builders.make_loss,
            '0a2c6c0e-8f6f-4c6c-8a2b-9f2f3d1d7c55',
            'web-1',
            recovery_uuid=made.uuid,
        )
        pager.page_losses()

    def test_consumers_get_what_the_samples_show(self):
        consumer = consume(self, self.url, bus.TOPIC)
        self.story()
        self.start_herald()
        self.wait_for(
            lambda: len(consumer.heard) == len(NAMES), why='all of them'
        )
        for name, heard in zip(NAMES, consumer.heard, strict=True):
            sample = json.loads((SAMPLES / f'{name}.json').read_text())
            self.assertEqual(sample, heard, name)

    def test_every_sample_is_tested(self):
        self.assertEqual(set(NAMES), {path.stem for path in SAMPLES.iterdir()})

    def test_what_the_broker_missed_it_gets_later(self):
        self.start_herald()
        self.rabbit.kill()
        self.story()
        self.wait_for(
            lambda: 'Connection refused' in self.log.output,
            why='it was tried',
        )
        self.rabbit.start()
        consumer = consume(self, self.url, bus.TOPIC)
        self.wait_for(
            lambda: (
                len({one['payload']['id'] for one in consumer.heard})
                == len(NAMES)
            ),
            why='all of them',
        )
