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

"""One fake cloud a test, and what all scenarios ask of it in the end."""

from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass.tests import base
from hass.tests import fake_cloud

HOST = 'compute-1'


class ScenarioTest(base.TestCase):
    """``self.cloud`` has four hosts and two engines in virtual time."""

    def make_cloud(self, **changes):
        return fake_cloud.FakeCloud(self.make_folder(), **changes)

    def setUp(self):
        super().setUp()
        self.cloud = self.make_cloud()

    def wish(self, recovery, wanted):
        with self.cloud.database.writer() as session:
            recoveries.wish(session, recovery.uuid, models.Wish(wanted))

    def once_in(self, state, act):
        """Act when a step of that state is about to be taken, once."""
        done: list[str] = []

        def look(turn):
            if turn.recovery.state == state and not done:
                done.append(state)
                act()

        self.cloud.before_step = look
        return done

    def agents_see_nothing(self):
        """Beats arrive; no agent can list what runs on its host."""
        with self.cloud.database.writer() as session:
            for name, host in self.cloud.hosts.items():
                host.bus_lost = True
                hosts.get(session, name).domains = None

    def assert_recovered(self, host, instances, evacuated_once=True):
        """Every instance runs once, elsewhere; the host is in service."""
        verdict = self.cloud.verdict(instances)
        self.assertEqual([], verdict.started_twice)
        self.assertEqual([], verdict.evacuated_unfenced)
        self.assertEqual([], verdict.lost)
        for instance in instances:
            self.assertEqual(1, len(verdict.running[instance]))
            self.assertNotEqual([host], verdict.running[instance])
            if evacuated_once:
                self.assertEqual(1, verdict.evacuations[instance])
        self.assertTrue(self.in_service(host))

    def assert_untouched(self, host, instances):
        """Nothing was done to the host, and its instances run on it."""
        verdict = self.cloud.verdict()
        self.assertEqual({}, verdict.evacuations)
        for instance in instances:
            self.assertEqual([host], verdict.running[instance])
        self.assertTrue(self.in_service(host))

    def in_service(self, host):
        service = self.cloud.nova.computes[host]
        return not service.disabled and not service.forced_down

    def hold_with_failed_evacuations(self):
        """Nova has put everything into ERROR, and an operator holds."""
        self.cloud.run_until(
            lambda: any(
                one.status == 'error' for one in self.cloud.nova.migrations
            ),
            seconds=60,
        )
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        return self.cloud.run_until_state(HOST, 'held')

    def assert_held(self, host, kind, words):
        held = self.cloud.run_until_state(host, 'held')
        self.assertEqual(kind, held.held_kind)
        self.assertIn(words, held.why)
        return held
