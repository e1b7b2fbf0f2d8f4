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


import math

from hass.diagnosis import accrual
from hass.diagnosis import health
from hass.diagnosis import quality
from hass.tests import base


class HealthTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.health = health.Health(self.now, turn_seconds=0.25)

    def turns(self, seconds, every=0.25, listener_late=0.1, fallen=0):
        for _turn in range(round(seconds / every)):
            self.now += every
            heard_at = self.now - listener_late
            self.health.turn(self.now, heard_at, fallen, 10)

    def test_an_engine_that_was_deaf_listens_anew(self):
        self.turns(10.0)
        self.turns(5.0, fallen=8)
        self.turns(1.0, fallen=1)
        self.assertIn('since it was deaf', self.health.distrust(self.now))
        self.turns(5.0)
        self.assertEqual('', self.health.distrust(self.now))

    def test_it_was_not_deaf_when_the_silence_is_explained(self):
        """The silent ones are off: nobody expects to hear them."""
        self.turns(10.0)
        self.turns(5.0, fallen=8)
        for _turn in range(4):
            self.now += 0.25
            self.health.turn(self.now, self.now - 0.1, 0, 2)
        self.assertEqual('', self.health.distrust(self.now))

    def test_an_engine_that_just_began_suspects_nobody(self):
        self.turns(2.0)
        self.assertIn('2.0 s since it began', self.health.distrust(self.now))

    def test_a_punctual_engine_trusts_itself(self):
        self.turns(10.0)
        self.assertEqual('', self.health.distrust(self.now))
        self.assertEqual(1.0, self.health.patience())

    def test_a_late_engine_has_more_patience(self):
        self.turns(10.0)
        self.turns(3.0, every=1.0)
        self.assertEqual(4.0, self.health.patience())
        self.assertEqual('', self.health.distrust(self.now))

    def test_a_late_listener_counts_too(self):
        self.turns(10.0)
        self.turns(1.0, listener_late=1.0)
        self.assertEqual(5.0, self.health.patience())

    def test_patience_has_an_end(self):
        self.turns(100.0, every=1.0)
        self.assertEqual(8.0, self.health.patience())

    def test_patience_fades_when_all_is_punctual(self):
        self.turns(3.0, every=1.0)
        self.turns(20.0)
        self.assertEqual(1.0, self.health.patience())

    def test_who_was_paused_listens_anew(self):
        self.turns(10.0)
        self.turns(20.0, every=20.0)
        self.assertEqual(self.now, self.health.since())
        self.assertIn('paused for 20.0 s', self.health.distrust(self.now))
        self.turns(5.0)
        self.assertEqual('', self.health.distrust(self.now))

    def test_who_has_a_stuck_listener_listens_anew(self):
        self.turns(10.0)
        self.turns(0.25, listener_late=4.0)
        self.assertIn('listener was stuck', self.health.distrust(self.now))

    def test_a_clock_that_goes_back_is_not_trusted(self):
        self.turns(10.0)
        self.now -= 5.0
        self.turns(0.25)
        self.assertIn('went back', self.health.distrust(self.now))

    def test_one_silent_host_is_no_reason_to_doubt_oneself(self):
        self.turns(10.0, fallen=1)
        self.assertEqual(1.0, self.health.patience())

    def test_many_at_once_are(self):
        self.turns(10.0, fallen=10)
        self.assertEqual(3.0, self.health.patience())

    def test_an_engine_that_was_paused_suspects_nobody_at_once(self):
        hosts = [accrual.Path(quality.Wish()) for _host in range(10)]
        while self.now < 1100.0:
            self.turns(1.0)
            for path in hosts:
                path.beat(self.now, self.now, 'boot', int(self.now * 1e6))
        self.turns(20.0, every=20.0)
        woken = self.now
        while self.now < woken + 5.0:
            for path in hosts:
                found = path.suspicion(
                    self.now, self.health.since(), self.health.patience()
                )
                self.assertNotEqual(accrual.Suspicion.HIGH, found)
            self.assertNotEqual('', self.health.distrust(self.now))
            self.turns(0.25)

    def test_bad_numbers_are_refused_by_name(self):
        for wrong in (-1.0, math.nan, math.inf):
            with self.assertRaisesRegex(ValueError, 'turn_seconds'):
                health.Health(0.0, turn_seconds=wrong)
            with self.assertRaisesRegex(ValueError, 'now'):
                self.health.turn(wrong, 0.0, 0, 0)
            with self.assertRaisesRegex(ValueError, 'listener_at'):
                self.health.turn(0.0, wrong, 0, 0)
        with self.assertRaisesRegex(ValueError, 'fallen'):
            self.health.turn(0.0, 0.0, 2, 1)
