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

"""An engine that is told to stop leaves nothing half done, and no claim."""

import signal
import threading

from hass.db import recoveries
from hass.db import services
from hass.tests.functional.engine import base

HOST = 'a'


class StopTest(base.EngineTest):
    def setUp(self):
        super().setUp()
        self.world = self.make_world(engines=('engine-1', 'engine-2'))
        self.world.migrate()
        self.instances = self.world.protect(HOST, 2)
        self.process = self.world.start('engine-1')
        self.wait_ready(self.world, 'engine-1')
        self.told = threading.Event()

    def stop_in_mid_call(self):
        """SIGTERM while the BMC is asked for the power in fencing."""
        if self.told.is_set():
            return
        with self.world.database.reader() as session:
            story = recoveries.open_of_host(session, HOST)
        if story is not None and story.state == 'fencing':
            self.told.set()
            self.process.send_signal(signal.SIGTERM)
            # A BMC takes its time; the engine has to wait for it.
            threading.Event().wait(0.5)

    def test_a_turn_is_finished_and_the_claim_given_back(self):
        self.world.chassis[HOST].looked = self.stop_in_mid_call
        self.world.nova.machines[HOST].hang()
        self.assertTrue(self.told.wait(60), self.world.said())
        self.assertEqual(0, self.process.wait(), self.world.said())
        left = self.world.story(HOST)
        self.assertEqual((None, None), (left.claimed_by, left.claimed_until))
        self.assertIsNone(left.ended_at)
        self.assertEqual([], self.world.database.read(services.all))
        self.assertNotIn('Traceback', self.world.said())
        self.world.start('engine-2')
        self.wait_for(
            lambda: self.world.story(HOST).state == 'returned',
            why='another engine to go on with it',
        )
        verdict = self.world.nova.verdict()
        self.assertEqual([], verdict.evacuated_unfenced)
        self.assertEqual([], verdict.started_twice)
        for instance in self.instances:
            self.assertEqual(1, verdict.evacuations[instance])
