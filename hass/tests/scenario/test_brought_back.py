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

import datetime

from hass import bmc
from hass.engine import powering
from hass.engine import returning
from hass.tests.scenario import base

HOST = 'compute-1'
LONG_AWAY = datetime.datetime(9999, 1, 1)


class BroughtBackTest(base.ScenarioTest):
    """A host's return was given up; it is mended, and comes back."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=2)
        self.host = self.cloud.hosts[HOST]
        engine = self.cloud.engines['engine-1']
        bmcs = bmc.Bmc(self.cloud.clock, call_seconds=2.0, workers=1)
        self.addCleanup(bmcs.close)
        self.power = powering.Power(
            self.cloud.database,
            engine.hands.fencer,
            bmcs,
            engine.hands.address_of,
            self.cloud.clock,
            2.0,
            returning.Returning('engine-1', lambda: None),
        )

    def test_it_returns_and_its_instances_stay_where_they_are(self):
        self.host.power_supply = False
        self.host.hang()
        self.assert_held(HOST, 'deadline', 'powering_on took longer')
        self.wish(self.cloud.newest(HOST), 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        self.host.power_supply = True
        self.power.bring_back(HOST, LONG_AWAY, 'operator')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)
