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

"""Deadlocks, lost connections, restarted servers: bad luck, no failure."""

from concurrent import futures
import threading
from typing import Any

import sqlalchemy as sa

from hass.db import clusters
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass.db import session as session_
from hass import exception
from hass.tests import builders
from hass.tests.functional.db import base

OWN_ID = {
    'MariaDB': 'SELECT CONNECTION_ID()',
    'PostgreSQL': 'SELECT pg_backend_pid()',
}
LIMITS: dict[str, dict[str, Any]] = {
    'MariaDB': {
        'SELECT @@tx_isolation': 'READ-COMMITTED',
        'SELECT @@innodb_lock_wait_timeout': 3,
        'SELECT @@idle_transaction_timeout': 15,
    },
    'PostgreSQL': {
        'SHOW transaction_isolation': 'read committed',
        'SHOW lock_timeout': '3s',
        'SHOW idle_in_transaction_session_timeout': '15s',
    },
}


def rename(session, old, new):
    clusters.update(session, old, name=new)


def names(session):
    return {cluster.name for cluster in clusters.all(session)}


@base.on_every_database
class TransactionsTest(base.DatabaseTest):
    def test_another_engine_sees_what_was_written(self):
        with self.database.writer() as session:
            clusters.create(session, 'rack-1')
        self.assertEqual({'rack-1'}, self.open(self.url).read(names))

    def test_nothing_is_written_when_the_block_fails(self):
        def fail():
            with self.database.writer() as session:
                clusters.create(session, 'rack-1')
                raise KeyError

        self.assertRaises(KeyError, fail)
        self.assertEqual(set(), self.database.read(names))

    def test_a_reader_writes_nothing(self):
        self.database.read(clusters.create, 'rack-1')
        self.assertEqual(set(), self.database.read(names))

    def test_rows_are_readable_after_their_transaction(self):
        with self.database.writer() as session:
            host = builders.make_host(session)
        self.assertEqual('compute-1', host.name)
        found = self.database.read(hosts.get, 'compute-1')
        self.assertEqual('rack-1', found.cluster.name)
        self.assertIs(models.Mode.ACT, found.cluster.mode)
        self.assertIs(models.FenceState.WORKING, found.fence_state)

    def test_a_reader_does_not_wait_for_a_writer(self):
        self.database.write(clusters.create, 'rack-1')
        with self.database.writer() as session:
            rename(session, 'rack-1', 'rack-2')
            self.assertEqual({'rack-1'}, self.database.read(names))

    def test_names_differ_when_their_case_does(self):
        self.database.write(clusters.create, 'rack-1')
        self.database.write(clusters.create, 'Rack-1')
        self.assertEqual({'rack-1', 'Rack-1'}, self.database.read(names))

    def test_every_letter_can_be_kept(self):
        self.database.write(clusters.create, 'ряд 🔥')
        self.assertEqual({'ряд 🔥'}, self.database.read(names))

    def test_many_threads_write_at_once(self):
        self.database.write(builders.make_host)

        def report():
            for seconds in range(20):
                self.database.write(hosts.plan_stop, 'compute-1', seconds)

        self.assertEqual([None] * 6, base.at_once(*[report] * 6))

    def test_a_host_added_to_two_clusters_at_once_is_in_one(self):
        def add(name):
            database = self.open(self.url)
            cluster = database.write(clusters.create, name)
            database.write(hosts.add, cluster, 'compute-1', agent_key='x')

        gave = base.at_once(lambda: add('rack-1'), lambda: add('rack-2'))
        refused = [one for one in gave if one is not None]
        self.assertEqual(
            ['name: host compute-1 is in a cluster already'],
            [str(one) for one in refused],
        )
        self.assertIsInstance(refused[0], exception.Conflict)
        self.assertEqual(1, len(self.database.read(hosts.all)))

    def test_one_of_two_engines_gets_a_claim(self):
        made = self.database.write(builders.make_recovery)

        def take(engine):
            return self.open(self.url).write(
                recoveries.take, made.id, 0, engine, 6
            )

        gave = base.at_once(lambda: take('engine-1'), lambda: take('engine-2'))
        (taken,) = [one for one in gave if one is not None]
        self.assertEqual(1, taken.claim)

    def test_two_engines_cannot_both_use_the_last_fencing(self):
        cluster = self.database.write(builders.make_cluster)
        made = [
            self.database.write(builders.make_recovery, name)
            for name in ('compute-1', 'compute-2')
        ]

        def fence(session, recovery):
            moments.read_now(session)
            recoveries.lock_clusters(session, [cluster.id])
            used = recoveries.fenced_within(session, 600, but=recovery.id)
            if used:
                return False
            recoveries.append_history(
                session, recovery.id, 'confirming', 'fencing', 'e', 'why'
            )
            return True

        gave = base.at_once(
            *[
                lambda one=one: self.open(self.url).write(fence, one)
                for one in made
            ]
        )
        self.assertEqual([False, True], sorted(gave))


@base.on_servers
class ServersTransactionsTest(base.DatabaseTest):
    idle_seconds = session_.IDLE_SECONDS

    def test_waiting_has_limits(self):
        with self.database.writer() as session:
            for question, expected in LIMITS[self.kind].items():
                answer = session.scalar(sa.text(question))
                self.assertEqual((question, expected), (question, answer))

    def test_a_writer_sees_what_others_committed_meanwhile(self):
        self.database.write(clusters.create, 'rack-1')
        query = sa.select(models.Cluster.name)
        with self.database.writer() as session:
            self.assertEqual('rack-1', session.scalar(query))
            self.open(self.url).write(rename, 'rack-1', 'rack-2')
            self.assertEqual('rack-2', session.scalar(query))

    def test_a_deadlock_is_survived(self):
        self.database.write(clusters.create, 'rack-1')
        self.database.write(clusters.create, 'rack-2')
        both = threading.Barrier(2, timeout=60)
        calls: list[Any] = []

        def touch(session, order):
            for name in order:
                clusters.update(session, name, shared_storage=True)
                if len(calls) < 2:
                    calls.append(order)
                    both.wait()

        there, back = ('rack-1', 'rack-2'), ('rack-2', 'rack-1')
        gave = base.at_once(
            lambda: self.database.write(touch, there),
            lambda: self.open(self.url).write(touch, back),
        )
        self.assertEqual([None, None], gave)
        with self.database.reader() as session:
            for cluster in clusters.all(session):
                self.assertTrue(cluster.shared_storage)

    def test_a_lock_that_is_held_for_long_is_awaited(self):
        self.database.write(clusters.create, 'rack-1')
        tries: list[None] = []

        def update(session):
            tries.append(None)
            rename(session, 'rack-1', 'rack-2')

        with self.database.writer() as session:
            clusters.update(session, 'rack-1', shared_storage=True)
            other = threading.Thread(
                target=self.open(self.url).write, args=(update,)
            )
            other.start()
            self.wait_for(
                lambda: len(tries) > 1,
                why='the other engine has waited in vain once',
            )
        other.join(20)
        self.assertEqual({'rack-2'}, self.database.read(names))

    def test_a_cut_connection_is_survived(self):
        calls: list[Any] = []

        def create(session):
            clusters.create(session, 'rack-1')
            calls.append(session.scalar(sa.text(OWN_ID[self.kind])))
            if len(calls) == 1:
                self.store.cut(calls[0])
            clusters.create(session, 'rack-2')

        self.database.write(create)
        self.assertEqual(2, len(calls))
        self.assertEqual({'rack-1', 'rack-2'}, self.database.read(names))

    def test_connections_cut_between_transactions_are_not_noticed(self):
        number = self.database.read(self.own_id)
        self.store.cut(number)
        self.assertNotEqual(number, self.database.read(self.own_id))

    def test_a_server_killed_in_the_middle_is_survived(self):
        calls: list[Any] = []

        def create(session):
            clusters.create(session, 'rack-1')
            calls.append(None)
            if len(calls) == 1:
                self.store.server.kill()
                self.store.server.start()
            clusters.create(session, 'rack-2')

        self.database.write(create)
        self.assertEqual({'rack-1', 'rack-2'}, self.database.read(names))

    def test_a_server_that_comes_back_is_awaited(self):
        self.database.write(clusters.create, 'rack-1')
        self.store.server.kill()
        with futures.ThreadPoolExecutor(1) as threads:
            reading = threads.submit(self.database.read, names)
            self.store.server.start()
            self.assertEqual({'rack-1'}, reading.result())

    def test_a_server_that_stays_away_is_said_to_be_unreachable(self):
        database = self.open(self.url, tries=2)
        self.store.server.kill()
        try:
            error = self.assertRaises(
                exception.DatabaseUnreachable, database.read, names
            )
        finally:
            self.store.server.start()
        self.assertNotIn('secret', str(error))
        self.assertNotIn('\n', str(error))

    def test_a_block_tells_of_an_outage_in_our_words(self):
        def read():
            with self.database.reader() as session:
                number = session.scalar(sa.text(OWN_ID[self.kind]))
                self.store.cut(number)
                names(session)

        self.assertRaises(exception.DatabaseUnreachable, read)

    def test_a_wrong_password_is_said_at_once_and_not_shown(self):
        url = self.url.replace('secret', 'wrong-one')
        error = self.assertRaises(
            exception.DatabaseUnreachable,
            self.open(url, tries=1).read,
            names,
        )
        self.assertIn('hass', str(error))
        self.assertNotIn('wrong-one', str(error))

    def own_id(self, session):
        return session.scalar(sa.text(OWN_ID[self.kind]))
