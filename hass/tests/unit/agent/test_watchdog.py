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

import errno
import os

import fixtures

from hass.agent import watchdog
from hass.tests import base


class WatchdogTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'watchdog'
        )
        os.mkfifo(self.path)
        self.eyes = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, self.eyes)
        self.watchdog = watchdog.Watchdog(self.path, 30, False)

    def seen(self):
        return os.read(self.eyes, 100)

    def test_each_turn_feeds_once(self):
        self.watchdog.feed()
        self.watchdog.feed()
        self.assertEqual((b'\0\0', 'feeding'), (self.seen(), self.state()))

    def state(self):
        return self.watchdog.state

    def test_a_planned_stop_disarms(self):
        self.watchdog.feed()
        self.watchdog.close(planned=True)
        self.assertEqual(b'\0V', self.seen())
        self.assertEqual('off', self.state())

    def test_a_crash_does_not_disarm(self):
        self.watchdog.feed()
        self.watchdog.close(planned=False)
        self.assertEqual(b'\0', self.seen())

    def test_a_missing_device_is_told_and_tried_again(self):
        missing = watchdog.Watchdog(self.path + '0', 30, False)
        missing.feed()
        self.assertEqual(
            f'{self.path}0: No such file or directory', missing.state
        )
        os.mkfifo(self.path + '0')
        eyes = os.open(self.path + '0', os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, eyes)
        missing.feed()
        self.assertEqual('feeding', missing.state)

    def test_the_holder_of_a_busy_device_is_named(self):
        why = self.watchdog._reason(OSError(errno.EBUSY, 'busy'))
        self.assertIn(f'(process {os.getpid()}) holds it', why)
