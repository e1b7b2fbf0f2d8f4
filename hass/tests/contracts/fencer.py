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

"""What every fencer must do. A new one passes this before it is believed."""

from typing import Any

from hass import clock
from hass import exception
from hass.fencing import base as fencing
from hass.tests import base

ON, OFF = fencing.PowerState.ON, fencing.PowerState.OFF


class FencerContract(base.TestCase):
    """Derive from it and write prepare() and is_on().

    :ivar device: has the flags mute and stuck of hass.fencing.fake.Device
    """

    fencer: fencing.Fencer
    target: fencing.Target
    device: Any

    def prepare(self, off_seconds: float) -> None:
        """Set fencer, target and device; a power off takes so long."""
        raise NotImplementedError

    def is_on(self) -> bool:
        """What is true, whatever the device reads."""
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.prepare(off_seconds=0)

    def soon(self):
        return clock.FixedDeadline(self.clock, 5)

    def late(self):
        return clock.FixedDeadline(self.clock, -1)

    def status(self):
        return self.fencer.status(self.target)

    def prove(self):
        return fencing.look(self.fencer, self.target, self.clock).proof()

    def test_a_running_host_reads_on_and_is_not_proved(self):
        self.assertEqual(ON, self.status())
        self.assertIsNone(self.prove())

    def test_off_is_read_back(self):
        self.fencer.off(self.target, self.soon())
        self.wait_for(lambda: self.status() == OFF, why='power off')
        self.assertFalse(self.is_on())

    def test_off_returning_is_no_proof(self):
        self.prepare(off_seconds=0.3)
        self.fencer.off(self.target, self.soon())
        self.assertIsNone(self.prove())
        self.assertTrue(self.is_on())
        self.wait_for(self.prove, why='power off')
        self.assertFalse(self.is_on())

    def test_off_twice_is_fine(self):
        for _ in range(2):
            self.fencer.off(self.target, self.soon())
        self.wait_for(lambda: self.status() == OFF, why='power off')
        self.fencer.off(self.target, self.soon())
        self.assertEqual(OFF, self.status())

    def test_on_after_off_reads_on_and_twice_is_fine(self):
        self.fencer.off(self.target, self.soon())
        self.wait_for(self.prove, why='power off')
        for _ in range(2):
            self.fencer.on(self.target, self.soon())
        self.wait_for(lambda: self.status() == ON, why='power on')

    def test_a_proof_names_the_host_and_its_boot_and_ages(self):
        self.fencer.off(self.target, self.soon())
        before = self.clock.monotonic()
        proof = self.wait_for(self.prove, why='power off')
        self.assertEqual(self.target.name, proof.host)
        self.assertEqual(self.target.boot_id, proof.boot_id)
        self.assertTrue(before <= proof.read_at < self.clock.monotonic())
        self.assertGreater(proof.age(self.clock), 0)

    def test_a_mute_device_raises_and_never_reads_off(self):
        self.device.mute = True
        self.assertRaises(exception.BmcUnreachable, self.status)
        self.assertRaises(exception.BmcUnreachable, self.prove)
        self.assertRaises(
            exception.BmcUnreachable,
            self.fencer.off,
            self.target,
            self.soon(),
        )

    def test_a_device_that_speaks_again_is_heard_again(self):
        self.device.mute = True
        self.assertRaises(exception.BmcUnreachable, self.status)
        self.device.mute = False
        self.assertEqual(ON, self.status())

    def test_a_stuck_device_is_not_proved(self):
        self.device.stuck = True
        self.fencer.off(self.target, self.soon())
        self.assertIsNone(self.prove())

    def test_nothing_is_switched_off_after_the_deadline(self):
        self.assertRaises(
            exception.ClaimExpired, self.fencer.off, self.target, self.late()
        )
        self.assertEqual(ON, self.status())

    def test_nothing_is_switched_on_after_the_deadline(self):
        self.fencer.off(self.target, self.soon())
        self.wait_for(self.prove, why='power off')
        self.assertRaises(
            exception.ClaimExpired, self.fencer.on, self.target, self.late()
        )
        self.assertEqual(OFF, self.status())
