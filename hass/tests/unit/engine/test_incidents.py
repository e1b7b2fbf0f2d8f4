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

"""Nova is not asked one thing after the other while an instance is down."""

from concurrent import futures
import threading
from typing import Any
import uuid

from hass.conf import protection
from hass.db import evacuations
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.engine import incidents
from hass.engine import inventory
from hass import faults
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass.tests import fake_cloud

HOST = 'compute-1'


class Nova:
    """Knows nobody, and answers when all that is to be asked is asked."""

    def __init__(self, questions):
        self.all = threading.Barrier(questions, timeout=60)

    def server(self, uuid):
        self.all.wait()

    def actions_of(self, uuid):
        self.all.wait()
        return []


class IncidentsTest(base.TestCase):
    def setUp(self):
        super().setUp()
        clock = clocks.HandClock()
        self.database = builders.make_database(self, clock)
        with self.database.writer() as session:
            builders.make_host(session, HOST, bmc_address=None)
        keyring: Any = None
        self.inventory = inventory.Inventory(self.database, keyring, clock, {})
        self.inventory.refresh()

    def tell(self, session, instance=None):
        instance = instance or str(uuid.uuid4())
        notifications.add(
            session,
            source='agent',
            host=HOST,
            layer=faults.Layer.INSTANCE,
            payload={'instance': instance, 'event': 'killed'},
            generated_at=moments.read_now(session),
        )

    def read(self, compute):
        with futures.ThreadPoolExecutor(8) as pool:
            incidents.Incidents(
                self.database,
                self.inventory,
                compute,
                protection.rule(fake_cloud.make_conf(self.make_folder())),
                'engine-1',
                lambda: None,
                pool,
            ).read()
        with self.database.reader() as session:
            return [told.state for told in notifications.all(session)]

    def test_of_a_few_instances_all_is_asked_at_once(self):
        for _each in range(3):
            self.database.write(self.tell)
        self.assertEqual(
            [models.NotificationState.IGNORED] * 3, self.read(Nova(6))
        )

    def test_what_is_being_evacuated_waits_for_the_end_of_that(self):
        instance = str(uuid.uuid4())
        with self.database.writer() as session:
            builders.make_host(session, 'compute-2', bmc_address=None)
            story = builders.make_recovery(session, 'compute-2')
            evacuations.plan(
                session,
                story.id,
                'compute-2',
                [evacuations.Intention(instance, 'vm', 'blue')],
            )
            self.tell(session, instance)
        self.assertEqual([models.NotificationState.NEW], self.read(Nova(1)))
