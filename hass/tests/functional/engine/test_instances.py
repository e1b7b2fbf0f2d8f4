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


"""A real engine brings back an instance whose process died."""

from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import recoveries
from hass import faults
from hass.tests.functional.engine import base


class InstanceFailureTest(base.EngineTest):
    def setUp(self):
        super().setUp()
        self.world = self.make_world()
        self.world.migrate()
        (self.vm,) = self.world.protect('a', 1)
        self.world.start()
        self.wait_ready(self.world)

    def tell(self, session):
        """What the endpoint writes when the agent of host a reports."""
        notifications.add(
            session,
            source='agent',
            host='a',
            layer=faults.Layer.INSTANCE,
            payload={'instance': self.vm, 'event': 'killed', 'detail': ''},
            generated_at=moments.read_now(session),
        )

    def story(self):
        with self.world.database.reader() as session:
            found = recoveries.all(session, subject=self.vm, limit=1)
            return found[0] if found else None

    def test_it_is_rebooted_and_runs(self):
        machine = self.world.nova.machines['a']
        machine.kill_guest(self.vm)
        self.world.database.write(self.tell)
        self.wait_for(
            lambda: self.story() and self.story().state == 'finished',
            why=f'the instance is back: {self.world.said()}',
        )
        self.assertIn(self.vm, machine.guests)
        self.assertEqual('instance_failure', self.story().workflow)
        with self.world.database.reader() as session:
            (told,) = notifications.all(session)
        self.assertIs(models.NotificationState.OPENED, told.state)
