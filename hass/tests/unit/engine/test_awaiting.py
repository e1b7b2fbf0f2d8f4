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

"""What was not yet heard has time to start."""

import datetime

from hass.db import models
from hass.engine import awaiting
from hass.tests import base
from hass.tests import clocks
from hass.tests import fake_cloud

NAME = 'compute-1'


class AwaitingTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.ears = fake_cloud.Ears(self.clock)
        self.awaiting = awaiting.Awaiting(self.ears, 600.0)

    def may_start(self, reported_ago):
        moment = self.clock.now()
        ago = datetime.timedelta(seconds=reported_ago)
        host = models.Host(name=NAME, reported_at=moment - ago)
        return self.awaiting.may_start(host, self.clock.monotonic(), moment)

    def test_a_host_has_time_to_boot(self):
        self.assertTrue(self.may_start(reported_ago=3600))
        self.clock.turn(599)
        self.assertTrue(self.may_start(reported_ago=3600))
        self.clock.turn(1)
        self.assertFalse(self.may_start(reported_ago=3600))

    def test_an_agent_that_was_running_has_less(self):
        self.assertTrue(self.may_start(reported_ago=5))
        self.clock.turn(30)
        self.assertFalse(self.may_start(reported_ago=35))

    def test_what_was_heard_once_is_not_awaited(self):
        self.ears.hear_now(NAME, 'boot-1', ['management'], False)
        self.assertFalse(self.may_start(reported_ago=3600))
