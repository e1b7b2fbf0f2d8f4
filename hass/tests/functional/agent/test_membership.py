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

"""The agent's place in the group of a real memcached."""

import os

from hass.agent import membership
from hass.detection import groups
from hass.tests import base
from hass.tests.functional import servers
from tools import packages


class MemberTest(base.TestCase):
    def setUp(self):
        super().setUp()
        try:
            self.store = servers.memcached()
        except packages.LeftOut as why:
            if 'CI' in os.environ:
                raise
            self.skipTest(str(why))
        self.reader = groups.Group(self.store.url(), 'reader')
        self.addCleanup(self.reader.leave)
        self.member = membership.Member(self.store.url(), 'compute-1')

    def turn(self):
        self.member.turn()
        return not self.member.trouble

    def known(self):
        return 'compute-1' in self.reader.beat().members

    def test_it_is_in_until_it_leaves(self):
        self.member.turn()
        self.assertTrue(self.known())
        membership.leave([self.member])
        self.assertFalse(self.known())
        self.member.turn()
        self.assertFalse(self.known())

    def test_a_store_that_is_away_is_told_and_entered_again(self):
        self.member.turn()
        self.store.kill()
        self.addCleanup(self.store.start)
        self.wait_for(lambda: not self.turn(), why='the trouble')
        self.store.start()
        self.addCleanup(self.store.kill)
        self.wait_for(self.turn, why='its return')
        self.assertTrue(self.known())
