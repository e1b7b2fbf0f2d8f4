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

"""A host hangs, and a real engine tells of each step that follows."""

from hass.db import models
from hass.events import bus
from hass.tests.functional.engine import base
from hass.tests.functional.engine import receiver
from hass.tests.functional.engine import test_notifications
from hass.tests.functional import servers

SECRET = 's' * 32
TOKEN = 'token-of-the-receiver'


def steps(bodies):
    """(from, to, why) of each transition among them."""
    return [
        (one['from'], one['to'], one['why']) for one in bodies if 'from' in one
    ]


class ToldTest(base.EngineTest):
    def setUp(self):
        super().setUp()
        self.rabbit = self.need(servers.rabbitmq).virtual_host()
        self.receiver = self.useFixture(receiver.Receiver())
        self.world = self.make_world()
        self.world.migrate()
        self.world.protect('a', 1)
        self.world.configure(
            DEFAULT__transport_url=self.rabbit,
            DEFAULT__debug='true',
            oslo_messaging_notifications__driver='messagingv2',
            webhooks__secret=SECRET,
            webhooks__endpoint=f'pager={self.receiver.url(f"/{TOKEN}")}',
        )
        self.consumer = test_notifications.consume(
            self, self.rabbit, bus.TOPIC
        )

    def written(self):
        """(from, to, why) of all that happened, in its order."""
        with self.world.database.reader() as session:
            return [
                (line.from_state, line.to_state, line.why)
                for line in session.query(models.RecoveryHistory).order_by(
                    models.RecoveryHistory.id
                )
            ]

    def wait_told(self, written, hearer):
        self.wait_for(
            lambda: steps(hearer()) == written,
            why='it is told as it is written',
        )

    def test_every_transition_is_told_to_everybody(self):
        self.world.start()
        self.wait_ready(self.world)
        self.world.nova.machines['a'].hang()
        self.wait_for(
            lambda: 'returned' in [line[1] for line in self.written()],
            why='the host is back in service',
        )
        written = self.written()
        for hearer in (self.consumer.payloads, self.receiver.payloads):
            self.wait_told(written, hearer)
        self.assertNotIn(SECRET, self.world.said())
        self.assertNotIn(TOKEN, self.world.said())
