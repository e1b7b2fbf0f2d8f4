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


"""Explanations reach the rows, at once for those that matter."""

from typing import Any

from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass.db import services
from hass.engine import explainer
from hass.engine import inventory
from hass.engine import overview
from hass.engine import situations
from hass.recovery import witness
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass.tests import fake_cloud

HOST = 'compute-1'


class ExplainerTest(base.TestCase):
    names = (HOST, 'compute-2', 'compute-3')

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        with self.database.writer() as session:
            for name in self.names:
                builders.make_host(
                    session,
                    name,
                    bmc_address=None,
                    reported_at=self.clock.now(),
                )
            services.enter(session, 'engine-1', '1')
        conf = fake_cloud.make_conf(self.make_folder())
        self.ears = fake_cloud.Ears(self.clock)
        nothing: Any = None
        self.inventory = inventory.Inventory(
            self.database, nothing, self.clock, {}
        )
        self.seen = witness.Witness(
            self.ears,
            nothing,
            self.clock,
            'engine-1',
            self.inventory.excused,
            bus_seconds=conf.detection.bus_seconds,
            listen_seconds=conf.detection.listen_seconds,
            turn_seconds=1.0,
            alive_seconds=conf.engine.alive_seconds,
        )
        self.explainer = explainer.Explainer(
            self.database,
            self.clock,
            situations.Situations(
                self.database,
                self.inventory,
                overview.Overview(self.database, self.clock, 5.0),
                self.seen,
                self.ears,
                self.clock,
                'engine-1',
                conf,
            ),
        )
        self.pass_time(8)

    def pass_time(self, seconds, silent=()):
        for _ in range(seconds):
            self.clock.turn(1)
            for name in self.names:
                if name not in silent:
                    self.ears.hear_now(name, 'boot', ['management'], False)
            with self.database.writer() as session:
                services.turn(session, 'engine-1', False, {})
            self.inventory.refresh()
            self.seen.turn()
            self.explainer.turn()

    def row(self, host=HOST):
        with self.database.reader() as session:
            return hosts.get(session, host)

    def test_a_host_that_beats_is_explained(self):
        self.pass_time(5)
        self.assertIn('does nothing about compute-1', self.row().explanation)
        self.assertIn('would fence it', self.row().explanation)

    def test_a_silent_host_is_explained_at_once(self):
        self.pass_time(3, silent=[HOST])
        self.assertIn('looks at compute-1', self.row().explanation)
        self.pass_time(6, silent=[HOST])
        self.assertIn('suspects compute-1', self.row().explanation)

    def test_words_that_hold_are_said_to_hold_now_and_then(self):
        self.pass_time(6)
        before = self.row()
        self.pass_time(60)
        self.assertEqual(before.explanation, self.row().explanation)
        self.assertLess(before.explained_at, self.row().explained_at)

    def test_an_open_recovery_is_told(self):
        with self.database.writer() as session:
            builders.make_recovery(session, HOST, state='fencing')
        self.pass_time(1)
        self.assertIn('HASS acts on compute-1', self.row().explanation)

    def test_what_would_hold_it_back_is_told(self):
        with self.database.writer() as session:
            for name in ('compute-2', 'compute-3'):
                one = builders.make_recovery(session, name, state='held')
                recoveries.append_history(
                    session, one.id, 'confirming', 'fencing', 'engine-1', ''
                )
        self.pass_time(8)
        self.assertIn('would be held: 2 hosts', self.row().explanation)
        self.assertIn('max_fencings', self.row().explanation)

    def test_who_takes_its_name_or_its_address_is_told(self):
        with self.database.writer() as session:
            hosts.update(session, HOST, addresses={'management': '192.0.2.24'})
            services.measured(
                session,
                'engine-1',
                {},
                {},
                [
                    {'name': HOST, 'known': True, 'address': '192.0.2.7'},
                    {'name': 'a', 'known': False, 'address': '192.0.2.24'},
                ],
            )
        self.pass_time(8)
        told = self.row().explanation
        self.assertIn(
            'Beats arrive from 192.0.2.7, signed with a key that is not its '
            'own. ',
            told,
        )
        self.assertIn(
            "Beats arrive from its address 192.0.2.24 in the name of 'a', "
            'which is no host of HASS. ',
            told,
        )
        self.assertNotIn('arrive', self.row('compute-2').explanation)

    def test_a_deaf_engine_says_so(self):
        self.pass_time(9, silent=self.names)
        self.assertIn('distrusts itself', self.row('compute-2').explanation)

    def test_a_maintenance_window_is_told_with_its_reason(self):
        with self.database.writer() as session:
            row = hosts.get(session, HOST)
            row.maintenance_until = self.clock.now().replace(year=2031)
            row.maintenance_why = 'new disks'
        self.pass_time(8)
        self.assertIn(
            'its maintenance lasts until 2031-01-01', self.row().explanation
        )
        self.assertIn('(new disks)', self.row().explanation)

    def test_a_host_without_a_fence_would_not_be_recovered(self):
        with self.database.writer() as session:
            hosts.get(session, HOST).fence_state = models.FenceState.BROKEN
        self.pass_time(8)
        self.assertIn(
            'would not be recovered: no working fence: broken',
            self.row().explanation,
        )
