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

"""The way to a coordination service is told without its secrets."""

import subprocess
import sys

from hass.detection import groups
from hass import exception
from hass.tests import base


class GroupsTest(base.TestCase):
    def test_a_password_is_not_told(self):
        self.assertEqual(
            'zookeeper://192.0.2.1:2181,192.0.2.2:2181',
            groups.place(
                'zookeeper://me:geheim@192.0.2.1:2181,192.0.2.2:2181?ca=x'
            ),
        )

    def test_a_store_that_nobody_knows_does_not_answer(self):
        group = groups.Group('floppy://192.0.2.1', 'compute-1')
        error = self.assertRaises(exception.StoreUnreachable, group.beat)
        self.assertIn('floppy://192.0.2.1', str(error))

    def test_a_store_needs_a_driver(self):
        for url, words in (
            ('floppy://192.0.2.1', 'tooz knows no floppy: it knows '),
            ('192.0.2.1:2181', 'tooz knows no 192.0.2.1:2181'),
            ('redis://192.0.2.1', 'the Python module redis is not installed'),
        ):
            self.assertIn(words, groups.lacking_driver(url))
        self.assertEqual('', groups.lacking_driver('zookeeper://192.0.2.1'))

    def test_tooz_is_not_loaded_before_it_is_used(self):
        code = (
            'import sys, hass.cmd.agent, hass.cmd.engine\n'
            'import hass.detection.membership_tooz\n'
            'assert "tooz" not in sys.modules'
        )
        done = subprocess.run(
            [sys.executable, '-c', code], capture_output=True, text=True
        )
        self.assertEqual(0, done.returncode, done.stderr)
