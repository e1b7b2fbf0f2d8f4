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

"""Loops of an engine believe what the patrol saw, and not for long."""

from hass.db import services
from hass.engine import overview
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks

HOST = 'compute-1'


class OverviewTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        self.overview = overview.Overview(self.database, self.clock, 5.0)
        with self.database.writer() as session:
            builders.make_host(session, HOST)
            services.enter(session, 'engine-1', '1')
        self.clock.turn(1)
        self.patrol()

    def patrol(self, wholly=True):
        """The patrol takes its turn."""
        with self.database.writer() as session:
            return self.overview.renew(session, wholly)

    def open(self):
        with self.database.writer() as session:
            builders.make_recovery(session, HOST)

    def opened(self):
        return [one.subject for one in self.overview.open_ones()]

    def engines(self):
        return [one.name for one in self.overview.look().engines]

    def test_the_patrol_looks_for_all(self):
        self.open()
        self.assertEqual([], self.opened(), 'it is asked for in vain')
        self.patrol(wholly=False)
        self.assertEqual([HOST], self.opened())

    def test_a_patrol_that_hangs_is_not_waited_for(self):
        self.open()
        self.clock.turn(overview.FRESH_SECONDS)
        self.assertEqual([HOST], self.opened())

    def test_what_this_engine_has_opened_is_seen_at_once(self):
        self.open()
        self.overview.disturb()
        self.assertEqual([HOST], self.opened())

    def test_a_look_that_began_before_does_not_hide_it(self):
        self.overview.disturb()
        self.patrol()
        self.open()
        self.assertEqual([HOST], self.opened())

    def test_engines_that_take_no_turns_are_left_out(self):
        self.assertEqual(['engine-1'], self.engines())
        self.clock.turn(6)
        self.patrol(wholly=False)
        self.assertEqual(['engine-1'], self.engines(), 'asked for seldom')
        self.patrol()
        self.assertEqual([], self.engines())
