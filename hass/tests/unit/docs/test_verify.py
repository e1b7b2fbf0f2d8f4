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

"""What the page *Verify* says is printed is what is printed."""

import re

from hass.db import migration
from hass.tests import base
from hass.tests import documented
from hassclient.osc import command
from hassclient.osc import host
from hassclient.osc import service

PAGE = documented.ROOT / 'doc/source/install/verify.rst'


class VerifyTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.page = PAGE.read_text()

    def heads_of(self, words):
        """The first line of the table that a command prints."""
        _, _, printed = self.page.partition(f'  $ {words}\n')
        line = next(one for one in printed.splitlines() if '|' in one)
        return [head.strip() for head in line.strip(' |').split('|')]

    def test_the_revision_is_that_of_the_tables(self):
        told = re.search(r'\n  (\w+) \(this release needs (\w+)\)', self.page)
        assert told is not None
        self.assertEqual((migration.head(),) * 2, told.groups())

    def test_tables_have_the_columns_of_their_commands(self):
        for words, names in (
            ('openstack ha host list', host.SHORT),
            ('openstack ha service list', service.SHORT),
        ):
            self.assertEqual(command.heads(names), self.heads_of(words))
