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


from typing import Any
import uuid

from hass import bmc
from hass.db import hosts
from hass.engine import fences
from hass.fencing import base as fencing
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks

HOST = 'compute-1'
WHY = 'it was heard while its BMC read off'


class Fencer:
    reads = fencing.PowerState.OFF

    def status(self, target):
        return self.reads


class Bmcs:
    def identity(self, address):
        return bmc.Identity(uuid.UUID(int=7), 'always-off')


class LyingBmcTest(base.TestCase):
    fencer: Any
    bmcs: Any

    def setUp(self):
        super().setUp()
        self.database = builders.make_database(self, clocks.HandClock())
        with self.database.writer() as session:
            builders.make_host(session, HOST)
            hosts.distrust_bmc(session, HOST, WHY)
        self.fencer = Fencer()
        self.bmcs = Bmcs()
        address = bmc.Address('192.0.2.1', 623, 'user', 'password')
        self.fences = fences.Fences(
            self.database, self.fencer, self.bmcs, lambda host: address
        )

    def test_it_is_not_believed_while_it_reads_off(self):
        outcome = self.fences.test(HOST)
        self.assertEqual(('lying', WHY), (outcome['state'], outcome['why']))

    def test_it_is_believed_again_when_it_reads_on(self):
        self.fencer.reads = fencing.PowerState.ON
        self.assertEqual('working', self.fences.test(HOST)['state'])
        with self.database.reader() as session:
            self.assertEqual('working', hosts.get(session, HOST).fence_state)
