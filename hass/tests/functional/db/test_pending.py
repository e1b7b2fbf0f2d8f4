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

"""What waits for engines is found, whatever it is."""

import uuid

from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import observations
from hass.db import outbox
from hass.db import pending
from hass.db import recoveries
from hass.diagnosis import services
from hass import faults
from hass import payloads
from hass.tests import builders
from hass.tests.functional.db import base

HOST = 'compute-1'


@base.on_every_database
class PendingTest(base.DatabaseTest):
    def prepare(self):
        super().prepare()
        with self.database.writer() as session:
            builders.make_host(session, HOST)

    def waiting(self, layers=services.PATHS):
        """Names of what waits."""
        _now, found = self.read(pending.read, layers)
        names = pending.Pending.__slots__
        return {name for name in names if getattr(found, name)}

    def do(self, act, *args, **kwargs):
        return self.database.write(act, *args, **kwargs)

    def test_nothing_waits_in_calm_times(self):
        self.assertEqual(set(), self.waiting())

    def test_the_present_moment_is_told(self):
        with self.database.reader() as session:
            before = moments.read_now(session)
            now, _found = pending.read(session)
            self.assertLessEqual(before, now)
            self.assertLessEqual(now, moments.read_now(session))

    def test_a_recovery_waits_until_it_has_ended(self):
        self.do(builders.make_recovery, HOST)
        self.assertIn('recoveries', self.waiting())
        with self.database.writer() as session:
            story = recoveries.open_of_host(session, HOST)
            assert story is not None
            recoveries.end(session, story, 'dismissed', 'engine-1', 'no fault')
        self.assertNotIn('recoveries', self.waiting())

    def test_a_notification_waits_until_it_is_answered(self):
        told = self.do(builders.make_notification, HOST)
        self.assertEqual({'notifications'}, self.waiting())
        ignored = models.NotificationState.IGNORED
        self.do(notifications.settle, told.id, ignored, 'it lives')
        self.assertEqual(set(), self.waiting())

    def test_what_is_to_be_told_waits_until_that_is_done(self):
        now = self.read(moments.read_now)
        self.do(outbox.put, payloads.Event.ALARM, {}, now)
        self.assertEqual({'messages'}, self.waiting())
        self.do(outbox.spread, [])
        self.assertEqual(set(), self.waiting())

    def test_a_loss_waits_until_it_has_ended(self):
        loss = self.do(builders.make_loss, str(uuid.uuid4()))
        self.assertEqual({'losses'}, self.waiting())
        self.do(losses.end, loss, models.LossEnd.RUNS, 'it runs')
        self.assertEqual(set(), self.waiting())

    def see(self, layer, verdict):
        seen = faults.Observation(
            HOST, layer, 'agent:x', verdict, self.read(moments.read_now)
        )
        self.do(observations.put, seen)

    def test_a_failure_of_a_layer_waits_while_it_is_asked_for(self):
        failed, layer = faults.Verdict.FAILED, faults.SidePath.COMPUTE
        self.see(faults.Layer.HARDWARE, failed)
        self.see(layer, faults.Verdict.HEALTHY)
        self.assertEqual(set(), self.waiting())
        self.see(layer, failed)
        self.assertEqual({'failures'}, self.waiting())
        self.assertEqual({'failures'}, self.waiting([]), 'it may be')
        self.see(layer, faults.Verdict.HEALTHY)
        self.assertEqual(set(), self.waiting())
