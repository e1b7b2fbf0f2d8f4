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

from hass.agent import facts
from hass.detection import guests
from hass.rpc import messages
from hass.tests import base
from hass.tests import clocks


class NovaConfTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'nova.conf'
        )
        self.nova_conf = facts.NovaConf(self.path)

    def write(self, text):
        with open(self.path + '.new', 'w', encoding='utf-8') as file:
            file.write(text)
        os.rename(self.path + '.new', self.path)

    def test_what_is_not_there_is_unknown(self):
        self.assertIsNone(self.nova_conf.resume_guests())

    def test_the_default_is_nova_s(self):
        self.write('[DEFAULT]\nhost = compute-1\n[libvirt]\nx = y\n')
        self.assertIs(False, self.nova_conf.resume_guests())

    def test_a_change_is_seen(self):
        self.write('[DEFAULT]\nresume_guests_state_on_host_boot = true\n')
        self.assertIs(True, self.nova_conf.resume_guests())
        self.write('[DEFAULT]\nresume_guests_state_on_host_boot = false\n#\n')
        self.assertIs(False, self.nova_conf.resume_guests())

    def test_nonsense_is_unknown(self):
        self.write('[DEFAULT]\nresume_guests_state_on_host_boot = perhaps\n')
        self.assertIsNone(self.nova_conf.resume_guests())
        self.write('not a file of options\n')
        self.assertIsNone(self.nova_conf.resume_guests())


class DomainsTest(base.TestCase):
    def test_what_was_seen_long_ago_is_not_seen(self):
        clock = clocks.HandClock()
        folder = self.useFixture(fixtures.TempDir()).path
        domains = facts.Domains(clock, guests.FolderGuests(folder))
        self.assertIsNone(domains.fresh())
        domains.look()
        self.assertEqual([], domains.fresh())
        clock.turn(messages.LISTED_SECONDS + 1)
        self.assertIsNone(domains.fresh())
