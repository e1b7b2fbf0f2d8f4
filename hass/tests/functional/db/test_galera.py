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

"""Engines that talk to two nodes of one Galera cluster, both written to."""

import threading

from hass.db import hosts
from hass.db import migration
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass.db import windows
from hass import exception
from hass.tests import builders
from hass.tests.functional.db import base

ROUNDS = 10


class GaleraTest(base.DatabaseTest):
    """``here`` and ``there`` are the database on one node and the other."""

    kind = 'Galera'

    def setUp(self):
        super().setUp()
        self.here = self.database
        self.there = self.open(self.store.on_second(self.url))
        self.nodes = (self.here, self.there)

    def on_both(self, function, *args):
        """Call it in a transaction on each node at once."""
        return base.at_once(
            *[lambda one=one: one.write(function, *args) for one in self.nodes]
        )

    def test_both_nodes_have_the_tables(self):
        for one in self.nodes:
            migration.check(one)

    def test_a_look_sees_what_the_other_node_has_committed(self):
        for number in range(ROUNDS):
            name = f'compute-{number}'
            self.here.write(builders.make_recovery, name)
            self.assertIsNotNone(
                self.there.read(recoveries.open_of_host, name)
            )

    def test_the_last_fencing_is_used_once(self):
        cluster = self.here.write(builders.make_cluster)

        def fence(session, recovery):
            moments.read_now(session)
            recoveries.lock_clusters(session, [cluster.id])
            if recoveries.fenced_within(session, 600, but=recovery.id):
                return False
            recoveries.append_history(
                session, recovery.id, 'confirming', 'fencing', 'e', 'why'
            )
            return True

        for number in range(ROUNDS):
            self.prepare()
            cluster = self.here.write(builders.make_cluster)
            made = [
                self.here.write(builders.make_recovery, f'{number}-{host}')
                for host in ('compute-1', 'compute-2')
            ]
            gave = base.at_once(
                *[
                    lambda node=node, one=one: node.write(fence, one)
                    for node, one in zip(self.nodes, made, strict=True)
                ]
            )
            self.assertEqual([False, True], sorted(gave))

    def test_a_claim_is_one_engine_s(self):
        for number in range(ROUNDS):
            made = self.here.write(builders.make_recovery, f'host-{number}')
            gave = self.on_both(recoveries.take, made.id, 0, 'engine', 6)
            self.assertEqual(1, sum(one is not None for one in gave))

    def test_one_recovery_of_a_host_is_opened(self):
        for number in range(ROUNDS):
            gave = self.on_both(builders.make_recovery, f'host-{number}')
            opened = [one for one in gave if isinstance(one, models.Recovery)]
            self.assertEqual(1, len(opened), gave)

    def test_a_window_begins_or_a_recovery_not_both(self):
        for number in range(ROUNDS):
            name = f'compute-{number}'
            self.here.write(builders.make_host, name)

            def open_one(session, name=name):
                row = windows.guard(session, name)
                if row and row.maintenance_until is None:
                    builders.make_recovery(session, name)

            base.at_once(
                lambda: self.here.write(open_one),
                lambda name=name: self.there.write(
                    windows.begin_for_host, name, 60, 'a new fan'
                ),
            )
            window = self.here.read(hosts.get, name).maintenance_until
            found = self.here.read(recoveries.open_of_host, name)
            self.assertEqual(1, len([one for one in (window, found) if one]))

    def test_what_is_written_under_a_lost_claim_is_not_committed(self):
        made = self.here.write(builders.make_recovery)
        mine = self.here.write(recoveries.take, made.id, 0, 'engine-1', 6)
        assert mine is not None
        guarded, taken = threading.Event(), threading.Event()

        def remember():
            with self.here.writer() as session:
                recoveries.guard(session, mine)
                guarded.set()
                taken.wait(60)
                recoveries.remember(session, mine, {'off_sent': True})

        def take_over():
            guarded.wait(60)
            try:
                return self.there.write(
                    recoveries.take, made.id, 1, 'engine-2', 6
                )
            finally:
                taken.set()

        failed, other = base.at_once(remember, take_over)
        self.assertIsInstance(failed, exception.DatabaseUnreachable)
        self.assertEqual('engine-2', other.claimed_by)
        self.assertEqual({}, self.there.read(recoveries.get, made.uuid).was)
        self.assertRaises(
            exception.LostClaim, self.here.write, recoveries.guard, mine
        )
