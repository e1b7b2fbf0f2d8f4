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

from hass import bmc
from hass import clock
from hass import exception
from hass.fencing import base as fencing
from hass.fencing import fake
from hass.fencing import topology
from hass.tests import base
from hass.tests.contracts import fencer

HOST = 'compute-1'
ON, OFF = fencing.PowerState.ON, fencing.PowerState.OFF


class SingleLevelTest(fencer.FencerContract):
    """A topology is a fencer."""

    def prepare(self, off_seconds):
        self.only = fake.FakeFencer(None, self.clock, off_seconds)
        self.fencer = topology.Topology([[self.only]])
        self.target = fencing.Target(HOST, None, 'boot-1')
        self.device = self.only.device(HOST)

    def is_on(self):
        return self.only.device(HOST).is_on


class TopologyTest(base.TestCase):
    """Level one has two fencers, level two has one."""

    def setUp(self):
        super().setUp()
        self.fencers = [fake.FakeFencer() for _ in range(3)]
        self.first, self.second, self.spare = (
            one.device(HOST) for one in self.fencers
        )
        self.topology = topology.Topology([self.fencers[:2], self.fencers[2:]])
        self.target = fencing.Target(HOST, None)

    def deadline(self):
        return clock.FixedDeadline(clock.SystemClock(), 5)

    def off(self):
        self.topology.off(self.target, self.deadline())
        return [one.device(HOST).is_on for one in self.fencers]

    def status(self):
        return self.topology.status(self.target)

    def test_the_first_level_is_asked_first(self):
        self.assertEqual([False, False, True], self.off())
        self.assertEqual(OFF, self.status())

    def test_half_a_level_proves_nothing(self):
        self.first.is_on = False
        self.assertEqual(ON, self.status())

    def test_any_whole_level_proves(self):
        self.spare.is_on = False
        self.assertEqual(OFF, self.status())

    def test_a_level_that_fails_is_passed_over(self):
        self.second.mute = True
        self.assertFalse(self.off()[2])
        self.assertEqual(OFF, self.status())

    def test_a_level_that_never_proves_gives_way(self):
        self.first.stuck = True
        for _ in range(topology.ASKS_PER_LEVEL):
            self.assertTrue(self.off()[2])
        self.assertFalse(self.off()[2])
        self.assertEqual(OFF, self.status())

    def test_when_every_level_fails_it_is_an_error(self):
        self.second.mute = self.spare.mute = True
        self.assertRaises(exception.BmcUnreachable, self.status)
        self.assertRaises(exception.BmcUnreachable, self.off)

    def test_on_undoes_every_level(self):
        self.off()
        self.spare.is_on = False
        self.topology.on(self.target, self.deadline())
        self.assertTrue(self.first.is_on)
        self.assertTrue(self.second.is_on)
        self.assertTrue(self.spare.is_on)


class BuildTest(base.TestCase):
    def build(self, levels):
        bmcs = bmc.Bmc(clock.SystemClock(), call_seconds=1, workers=1)
        return topology.build(levels, bmcs)

    def test_names_joined_by_plus_make_one_level(self):
        built = self.build(['fake + fake', 'fake'])
        self.assertEqual([2, 1], [len(level) for level in built.levels])

    def test_an_unknown_name_is_refused_with_the_allowed_ones(self):
        refused = self.assertRaises(
            exception.ConfigError, self.build, ['ipmi', 'stonith']
        )
        self.assertIn("'stonith' is not known", str(refused))
        self.assertIn('allowed are fake, ipmi', str(refused))

    def test_no_level_is_refused(self):
        self.assertRaises(exception.ConfigError, self.build, [])
