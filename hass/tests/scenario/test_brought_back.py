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
from hass.db import holds
from hass.db import recoveries
from hass.engine import powering
from hass.engine import returning
from hass.fencing import base as fencing
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


class ReleasedWhileOffTest(base.ScenarioTest):
    """An operator wants no more of a host whose board is dead."""

    def make_cloud(self, **changes):
        return super().make_cloud(detection__quiet_seconds=10, **changes)

    def setUp(self):
        super().setUp()
        self.cloud.boot(HOST, instances=1)
        self.host = self.cloud.hosts[HOST]
        self.host.power_supply = False
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'powering_on')
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        self.wish(self.cloud.newest(HOST), 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        self.cloud.pager.alarms.clear()

    def pages(self):
        return [
            one for one in self.cloud.pager.alarms if one['subject'] == HOST
        ]

    def looks(self):
        return self.cloud.history(self.cloud.newest(HOST)).count('held')

    def test_it_is_paged_once_and_looked_at_more_and_more_seldom(self):
        held = self.assert_held(HOST, 'restraint', 'it is paged once')
        self.assertIn(
            'the BMC of compute-1 reads on, or 60 s have passed (more each',
            holds.goes_on_when(held) or '',
        )
        self.cloud.tick(seconds=400)
        self.assertEqual(1, len(self.pages()))
        self.assertLessEqual(self.looks(), 4)

    def test_one_that_is_on_and_silent_is_news(self):
        self.assert_held(HOST, 'restraint', 'it is paged once')
        self.cloud.tick(seconds=5)
        self.host.bmc_reads = fencing.PowerState.ON
        self.cloud.run_until(lambda: len(self.pages()) > 1, seconds=300)
        held = self.cloud.newest(HOST, state='held')
        self.assertNotIn('paged once', held.why)
        self.assertIsNone(held.acknowledged_at)
