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
from oslo_config import cfg

from hass.conf import agent
from hass.tests import base


class OptionsTest(base.TestCase):
    def read(self, line):
        folder = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(folder, 'hass.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'[agent]\n{line}\n')
        conf = cfg.ConfigOpts()
        conf.register_opts(agent.OPTIONS, 'agent')
        conf([], default_config_files=[path])
        option = line.partition(' = ')[0]
        return getattr(conf.agent, option)

    def refused(self, line):
        return str(self.assertRaises(cfg.Error, self.read, line))

    def test_engines_are_listed_with_their_networks(self):
        self.assertEqual(
            [
                agent.EngineAddress('management', '192.0.2.1', 15869),
                agent.EngineAddress('', '2001:db8::1', 15869),
            ],
            self.read(
                'engines = management=192.0.2.1:15869, [2001:db8::1]:15869'
            ),
        )

    def test_networks_have_local_addresses(self):
        self.assertEqual(
            [('management', '192.0.2.1'), ('storage', '2001:db8::1')],
            self.read(
                'beat_networks = management=192.0.2.1,storage=2001:db8::1'
            ),
        )

    def test_stores_are_one_to_a_line_and_may_have_several_servers(self):
        url = 'zookeeper://192.0.2.1:2181,192.0.2.2:2181?timeout=5'
        self.assertEqual([url], self.read(f'membership_urls = {url}'))

    def test_a_bad_value_is_named_with_what_is_allowed(self):
        self.assertIn(
            "'192.0.2.1' is not [network=]address:port",
            self.refused('engines = 192.0.2.1'),
        )
        self.assertIn('port', self.refused('engines = 192.0.2.1:99999'))
        self.assertIn(
            "'storage' is not network=address",
            self.refused('beat_networks = storage'),
        )
        self.assertIn('IPv4', self.refused('beat_networks = storage=switch'))
        self.assertIn('none', self.refused('guests = everything'))
        self.assertIn('0.2', self.refused('look_seconds = 0'))
        self.assertIn('0.5', self.refused('storage_seconds = 0'))
