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

import os

import fixtures

from hass.agent import identity
from hass import beats
from hass import exception
from hass.tests import base
from hass.tests import clocks

KEY = b'k' * 32


class IdentityTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()

    def sequence(self, who):
        return beats.unpack(who.beat('m'), lambda host: [KEY]).sequence

    def make_identity(self):
        return identity.Identity(self.clock, 'compute-1', 'boot-1', KEY)

    def test_the_sequence_grows_even_if_time_does_not(self):
        who = self.make_identity()
        self.assertLess(self.sequence(who), self.sequence(who))

    def test_the_sequence_grows_over_a_restart_of_the_agent(self):
        before = self.sequence(self.make_identity())
        self.clock.turn(0.001)
        self.assertLess(before, self.sequence(self.make_identity()))

    def test_the_sequence_ignores_the_wall_clock(self):
        who = self.make_identity()
        before = self.sequence(who)
        self.clock.set_wall(-3600)
        self.assertLess(before, self.sequence(who))


class KeyTest(base.TestCase):
    def write(self, text, mode=0o600):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'key')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def refused(self, path):
        error = self.assertRaises(
            exception.ConfigError, identity.read_key, path
        )
        return str(error)

    def test_a_key_is_read_without_its_newline(self):
        self.assertEqual(KEY, identity.read_key(self.write('k' * 32 + '\n')))

    def test_a_key_that_others_can_read_is_no_secret(self):
        why = self.refused(self.write('k' * 32, 0o644))
        self.assertIn('must have mode 0600', why)
        self.assertNotIn('kkk', why)

    def test_an_empty_or_missing_key_is_told(self):
        self.assertIn('no key that was issued', self.refused(self.write('')))
        self.assertIn('No such file', self.refused('/does/not/exist'))
