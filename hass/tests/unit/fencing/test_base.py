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

from hass.fencing import base as fencing
from hass.tests import base
from hass.tests import clocks


class SlowFencer(fencing.Fencer):
    """Takes a second to say what it reads."""

    reads = fencing.PowerState.OFF

    def __init__(self, clock):
        self.clock = clock
        self.asked_at = None

    def status(self, target):
        self.clock.turn(1)
        return self.reads

    def read(self, target):
        return fencing.Reading(self.status(target), asked_at=self.asked_at)

    def off(self, target, deadline):
        raise NotImplementedError

    def on(self, target, deadline):
        raise NotImplementedError


class ProofTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.fencer = SlowFencer(self.clock)
        self.target = fencing.Target('compute-1', None, 'boot-1')

    def prove(self):
        return fencing.look(self.fencer, self.target, self.clock).proof()

    def test_the_proof_is_as_old_as_the_question(self):
        proof = self.prove()
        self.assertEqual(1000.0, proof.read_at)
        self.assertEqual(('compute-1', 'boot-1'), (proof.host, proof.boot_id))

    def test_the_proof_is_as_old_as_the_question_for_the_power(self):
        self.fencer.asked_at = 1000.7
        self.assertEqual(1000.7, self.prove().read_at)

    def test_a_moment_of_another_clock_makes_no_proof_younger(self):
        for asked_at in (999.0, 1001.5):
            self.clock = clocks.HandClock()
            self.fencer.clock, self.fencer.asked_at = self.clock, asked_at
            self.assertEqual(1000.0, self.prove().read_at)

    def test_the_proof_ages(self):
        proof = self.prove()
        self.clock.turn(2.5)
        self.assertEqual(3.5, proof.age(self.clock))

    def test_what_is_not_known_to_be_off_is_not_proved(self):
        self.fencer.reads = fencing.PowerState.UNKNOWN
        self.assertIsNone(self.prove())
