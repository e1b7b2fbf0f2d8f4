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

"""What hosts have to bring back, as the database keeps it."""

import sqlalchemy as sa

from hass.db import hosts
from hass.db import migration
from hass.diagnosis import fitness
from hass.diagnosis.fitness import Item
from hass.diagnosis.fitness import Kind
from hass import exception
from hass.tests import builders
from hass.tests.functional.db import base

KNOWN = fitness.Baseline({Item(Kind.RESOURCE, 'VGPU'): 4})


@base.on_every_database
class BaselineTest(base.DatabaseTest):
    def setUp(self):
        super().setUp()
        with self.database.writer() as session:
            builders.make_host(session, 'compute-1')

    def test_a_new_host_has_none(self):
        with self.database.reader() as session:
            self.assertIsNone(hosts.get(session, 'compute-1').baseline)
            null = session.scalar(
                sa.text('SELECT count(*) FROM hosts WHERE baseline IS NULL')
            )
        self.assertEqual(1, null)

    def test_it_is_kept(self):
        with self.database.writer() as session:
            hosts.set_baseline(session, 'compute-1', KNOWN.to_dict())
        with self.database.reader() as session:
            row = hosts.get(session, 'compute-1')
            self.assertEqual(KNOWN, fitness.Baseline.of(row.baseline))

    def test_a_host_that_was_removed_keeps_none(self):
        with self.database.writer() as session:
            self.assertRaises(
                exception.NotFound,
                hosts.set_baseline,
                session,
                'compute-9',
                KNOWN.to_dict(),
            )


@base.on_every_database
class HostsOfBeforeTest(base.EmptyTest):
    def test_nothing_is_demanded_of_them(self):
        migration.sync(self.database, '0012')
        with self.database.writer() as session:
            session.execute(
                sa.text(
                    'INSERT INTO clusters (uuid, name, mode, layers, '
                    'shared_storage, targets, protects, locks, created_at) '
                    "VALUES ('u', 'old', 'act', '[]', :no, 'cluster', "
                    "'chosen', 0, :now)"
                ),
                {'no': False, 'now': '2026-01-01 00:00:00'},
            )
            session.execute(
                sa.text(
                    'INSERT INTO hosts (uuid, cluster_id, name, labels, '
                    'addresses, bmc_port, fence_state, fence_why, agent_key, '
                    'locks, created_at) SELECT '
                    "'h', id, 'compute-1', '{}', '{}', 623, 'untested', '', "
                    "'key', 0, :now "
                    'FROM clusters'
                ),
                {'now': '2026-01-01 00:00:00'},
            )
        migration.sync(self.database)
        found = self.database.read(hosts.get, 'compute-1')
        self.assertEqual(
            fitness.Baseline(), fitness.Baseline.of(found.baseline)
        )
