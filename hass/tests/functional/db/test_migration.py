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
import pathlib
import subprocess
from subprocess import PIPE
import sys

from alembic import autogenerate
from alembic.runtime import migration as alembic_migration
import fixtures
import sqlalchemy as sa

from hass.db import clusters
from hass.db import hosts
from hass.db import migration
from hass.db.migrations import comparison
from hass.db import models
from hass.db import moments
from hass import exception
from hass.tests.functional.db import base

MANAGE = 'from hass.cmd import manage; manage.main()'


@base.on_every_database
class MigrationTest(base.EmptyTest):
    def test_an_empty_database_has_no_revision(self):
        self.assertIsNone(migration.version(self.database))

    def test_services_refuse_an_empty_database(self):
        error = self.assertRaises(
            exception.DatabaseNotMigrated, migration.check, self.database
        )
        self.assertEqual(
            'the database is at revision none, this release needs '
            f'{migration.head()}: run hass-manage db sync',
            str(error),
        )

    def test_sync_brings_it_to_the_newest_revision(self):
        self.assertEqual(migration.head(), migration.sync(self.database))
        migration.check(self.database)

    def test_sync_again_changes_nothing(self):
        migration.sync(self.database)
        self.database.write(clusters.create, 'rack-1')
        migration.sync(self.database)
        self.assertEqual(1, len(self.database.read(clusters.all)))

    def test_every_earlier_revision_can_be_upgraded(self):
        for revision in migration.revisions():
            url = self.store.create()
            self.addCleanup(self.store.drop, url)
            database = self.open(url)
            self.assertEqual(revision, migration.sync(database, revision))
            self.assertEqual(migration.head(), migration.sync(database))

    def test_clusters_of_before_protect_what_they_did(self):
        migration.sync(self.database, '0003')
        with self.database.writer() as session:
            session.execute(
                sa.text(
                    'INSERT INTO clusters (uuid, name, mode, layers, '
                    'shared_storage, targets, created_at) VALUES '
                    "('u', 'old', 'act', '[]', :no, 'cluster', :now)"
                ),
                {'no': False, 'now': datetime.datetime(2026, 1, 1)},
            )
        migration.sync(self.database)
        found = self.database.read(clusters.get, 'old')
        self.assertEqual('chosen', found.protects)

    def test_a_key_whose_day_has_ended_counts_no_more(self):
        migration.sync(self.database, '0014')
        now = self.database.read(moments.read_now)
        with self.database.writer() as session:
            session.execute(
                sa.text(
                    'INSERT INTO clusters (uuid, name, mode, layers, '
                    'protects, shared_storage, targets, created_at) VALUES '
                    "('u', 'old', 'act', '[]', 'chosen', :no, 'cluster', :now)"
                ),
                {'no': False, 'now': now},
            )
            for name, hours in (('compute-1', 25), ('compute-2', 23)):
                session.execute(
                    sa.text(
                        'INSERT INTO hosts (uuid, cluster_id, name, labels, '
                        'addresses, bmc_port, fence_state, fence_why, '
                        'agent_key, agent_key_previous, '
                        'agent_key_rotated_at, created_at) SELECT :name, id, '
                        ":name, '{}', '{}', 623, 'untested', '', 'newer', "
                        "'older', :at, :now FROM clusters"
                    ),
                    {
                        'name': name,
                        'at': now - datetime.timedelta(hours=hours),
                        'now': now,
                    },
                )
        migration.sync(self.database)
        self.assertEqual(
            {'compute-1': ['newer'], 'compute-2': ['newer', 'older']},
            self.database.read(hosts.agent_keys),
        )

    def test_services_refuse_a_later_revision(self):
        migration.sync(self.database)
        with self.database.writer() as session:
            session.execute(
                sa.text("UPDATE alembic_version SET version_num = '9999'")
            )
        error = self.assertRaises(
            exception.DatabaseNotMigrated, migration.check, self.database
        )
        self.assertEqual('9999', error.found)

    def test_models_and_migrations_agree(self):
        migration.sync(self.database)
        with self.database.engine.connect() as connection:
            context = alembic_migration.MigrationContext.configure(
                connection, opts={'compare_type': comparison.differs}
            )
            self.assertEqual(
                [],
                autogenerate.compare_metadata(context, models.Base.metadata),
            )

    def test_two_at_once_both_succeed(self):
        config = self.useFixture(fixtures.TempDir()).join('hass.conf')
        pathlib.Path(config).write_text(
            f'[database]\nconnection = {self.url}\n'
        )
        command = [sys.executable, '-c', MANAGE, '--config-file', config]
        both = [
            subprocess.Popen(
                [*command, 'db', 'sync'], stdout=PIPE, stderr=PIPE, text=True
            )
            for _ in range(2)
        ]
        for one in both:
            said, complained = one.communicate()
            self.assertEqual(
                f'the database is at revision {migration.head()}\n',
                said.splitlines(keepends=True)[-1],
                complained,
            )
