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

"""Clusters of NCU-HASS come over, from and to each kind of database."""

import contextlib
import io
import logging
import pathlib
from typing import Any

import fixtures
import sqlalchemy as sa

from hass.ancestor import arrival
from hass.ancestor import configuration
from hass.ancestor import tables
from hass.cmd import manage
from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass import exception
from hass import secrets
from hass.tests.functional.api import base as api_base
from hass.tests.functional.db import base
from hass.tests.functional import nova_fixture

# As its DatabaseManager makes them, and so padded on PostgreSQL.
TABLES = (
    'CREATE TABLE ha_cluster (cluster_name CHAR(18) PRIMARY KEY, '
    'protected_layers_string CHAR(12))',
    'CREATE TABLE ha_node (node_name CHAR(18) PRIMARY KEY, '
    'below_cluster CHAR(36))',
    'CREATE TABLE ha_instance (instance_id CHAR(36) PRIMARY KEY, '
    'below_cluster CHAR(36), host CHAR(18), status CHAR(18), '
    'network CHAR(36))',
)
CONFIGURATION = """
[ipmi]
vendor = HP
compute1 = 192.0.2.11
Compute2 = 192.0.2.12
spare = 192.0.2.13
[ipmi_user]
compute1 = root,s3cret
Compute2 = root,a,b
spare = root,s3cret
[ipmi_sensor]
hardware_sensors = 02-CPU,03-CPU 2
[detection]
polling_interval = 5
[default]
shared_storage = true
"""


class Ancestor:
    """Its tables, in a database of their own."""

    def __init__(self, url):
        self.url = sa.make_url(url)
        self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self._say(*TABLES)

    def cluster(self, name, layers='1111111'):
        self._say(f"INSERT INTO ha_cluster VALUES ('{name}', '{layers}')")

    def host(self, name, cluster):
        self._say(f"INSERT INTO ha_node VALUES ('{name}', '{cluster}')")

    def instance(self, uuid, cluster):
        self._say(
            f"INSERT INTO ha_instance VALUES ('{uuid}', '{cluster}', "
            "'compute1', 'ACTIVE', 'None')"
        )

    def _say(self, *statements):
        with self._engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


class Coming(base.DatabaseTest):
    """A cluster of two hosts at the ancestor, and their Nova."""

    def setUp(self):
        super().setUp()
        url = self.store.create()
        self.addCleanup(self.store.drop, url)
        self.ancestor = Ancestor(url)
        self.ancestor.cluster('rack-1', '1011001')
        self.ancestor.host('compute1', 'rack-1')
        self.ancestor.host('Compute2', 'rack-1')
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.folder / 'ancestor.conf'
        self.config.write_text(CONFIGURATION)
        secrets.create(self.folder / 'keyring')
        self.keyring = secrets.Keyring(self.folder / 'keyring')


@base.on_every_database
class ComingTest(Coming):
    def setUp(self):
        super().setUp()
        self.nova: Any = api_base.FakeNova()
        self.nova.host('compute1')
        self.nova.host('Compute2')

    def come(self, dry_run=False):
        """The report, part by part: title to sentences."""
        found = tables.read(self.ancestor.url)
        text = arrival.Arrival(
            configuration.read(self.config),
            found,
            arrival.look(self.nova, found),
            self.keyring,
            dry_run,
        ).take(self.database)
        self.assertNotIn('s3cret', text)
        title = ''
        parts: dict[str, list[str]] = {}
        for line in text.splitlines():
            if line.startswith('  '):
                parts[title].append(line.strip())
            else:
                title = line.rstrip(':')
                parts[title] = []
        return parts

    def left(self, what):
        """Why that is not taken."""
        (why,) = [
            line.removeprefix(f'{what}: ')
            for line in self.come()['not taken']
            if line.startswith(f'{what}: ')
        ]
        return why

    def test_clusters_and_hosts_come_with_layers_and_bmcs(self):
        report = self.come()
        self.assertEqual(
            [
                'cluster rack-1, mode observe, layers power, os, network, '
                'guest_network',
                'host Compute2 in cluster rack-1, no BMC',
                'host compute1 in cluster rack-1, BMC 192.0.2.11',
            ],
            sorted(report['taken']),
        )
        self.assertEqual(
            [
                'BMC of compute2: [ipmi_user] is not USER,PASSWORD with one '
                'comma',
                'BMC of spare: the host is in no cluster',
                '[default] shared_storage = true: say so of each cluster of '
                'which it is true: instances on local disks would be made '
                'anew from their images',
                '[detection], [default]: hass.conf.sample has what HASS can '
                'be told',
            ],
            report['not taken'],
        )
        cluster = self.read(clusters.get, 'rack-1')
        self.assertEqual('observe', cluster.mode)
        self.assertFalse(cluster.shared_storage)
        host = self.read(hosts.get, 'compute1')
        self.assertEqual('192.0.2.11', host.bmc_address)
        self.assertEqual('root', host.bmc_username)
        self.assertEqual(['02-CPU', '03-CPU 2'], host.watched_sensors)
        self.assertEqual('untested', host.fence_state)
        self.assertIsNone(self.read(hosts.get, 'Compute2').bmc_address)

    def test_bmc_passwords_and_new_agent_keys_are_kept_encrypted(self):
        self.come()
        host = self.read(hosts.get, 'compute1')
        self.assertNotIn('s3cret', host.bmc_password)
        self.assertEqual(
            's3cret', self.keyring.decrypt(host.bmc_password, 'it')
        )
        other = self.read(hosts.get, 'Compute2')
        keys = {
            self.keyring.decrypt(one.agent_key, 'it') for one in (host, other)
        }
        self.assertEqual([64, 64], [len(key) for key in keys])

    def test_instances_come_into_the_cluster_that_they_are_in_now(self):
        uuid = self.nova.boot('compute1', project='blue', name='db')
        self.ancestor.instance(uuid.upper(), 'rack-1')
        self.assertIn(
            f'instance {uuid} (db) in cluster rack-1', self.come()['taken']
        )
        instance = self.read(instances.get, uuid)
        self.assertEqual(
            ('db', 'blue', 'rack-1'),
            (instance.name, instance.project_id, instance.cluster.name),
        )

    def test_instances_that_could_not_be_protected_are_left(self):
        gone = '7ad62dd1-4a2e-4b4a-9d5e-a2a7d3b1f0c4'
        local = self.nova.boot('compute1', image_backed=True)
        stopped = self.nova.boot('compute1', status='SHUTOFF')
        elsewhere = self.nova.boot('compute9')
        for uuid in (gone, local, stopped, elsewhere, 'no uuid'):
            self.ancestor.instance(uuid, 'rack-1')
        for uuid, why in (
            (gone, 'Nova knows no such instance'),
            ('no uuid', 'Nova knows no such instance'),
            (
                local,
                'its root disk is local: Nova would make it anew from the '
                'image and lose what is on it, and cluster rack-1 declares '
                'no shared storage',
            ),
            (stopped, 'it is SHUTOFF: import again when it is ACTIVE'),
            (elsewhere, 'it runs on no host of a cluster'),
        ):
            self.assertEqual(why, self.left(f'instance {uuid}'))
        self.assertEqual([], self.read(instances.all))

    def test_hosts_that_nova_does_not_have_up_are_left(self):
        self.nova.host('compute1', state='down')
        self.assertEqual(
            'it is down in Nova: import again when it is up',
            self.left('host compute1'),
        )

    def test_a_name_that_was_too_long_for_the_ancestor_is_left(self):
        self.ancestor.host('compute-7.example.', 'rack-1')
        self.assertEqual(
            'Nova knows no nova-compute of this name, and NCU-HASS may have '
            'cut the name off',
            self.left('host compute-7.example.'),
        )

    def test_hosts_of_a_cluster_that_was_left_are_left_with_it(self):
        self.nova.host('compute3')
        self.ancestor.cluster('a/b')
        self.ancestor.host('compute3', 'a/b')
        self.assertEqual(
            'name: must be 1 to 64 visible characters without / ? # % and '
            "without blanks at its ends, and must not be '.', '..' or a UUID",
            self.left('cluster a/b'),
        )
        self.assertEqual(
            'cluster a/b was not found', self.left('host compute3')
        )

    def test_a_bmc_address_that_is_none_is_named_without_its_password(self):
        self.config.write_text(
            '[ipmi]\ncompute1 = http://bmc/\n[ipmi_user]\n'
            'compute1 = root,s3cret\n'
        )
        self.assertEqual(
            'bmc.address: must be an IP address or a host name',
            self.left('host compute1'),
        )

    def test_a_strange_layer_string_gives_the_layers_of_a_new_cluster(self):
        self.ancestor.cluster('old', '111')
        self.assertIn(
            "layer string '111' of cluster old: it is not seven digits 0 and "
            '1 with a 1 among them; the layers of a new cluster are set',
            self.come()['not taken'],
        )
        self.assertEqual(
            list(clusters.LAYERS), self.read(clusters.get, 'old').layers
        )

    def test_what_is_there_is_not_changed_by_coming_again(self):
        uuid = self.nova.boot('compute1')
        self.ancestor.instance(uuid, 'rack-1')
        self.come()
        self.database.write(clusters.update, 'rack-1', mode=models.Mode.ACT)
        self.database.write(hosts.update, 'compute1', bmc_username='hass')
        report = self.come()
        self.assertEqual(['nothing'], report['taken'])
        self.assertEqual(
            [
                'cluster rack-1',
                'host Compute2 in cluster rack-1',
                'host compute1 in cluster rack-1',
                f'instance {uuid}',
            ],
            sorted(report['there already, not changed']),
        )
        self.assertEqual('act', self.read(clusters.get, 'rack-1').mode)
        self.assertEqual('hass', self.read(hosts.get, 'compute1').bmc_username)

    def test_a_dry_run_tells_and_writes_nothing(self):
        report = self.come(dry_run=True)
        self.assertIn('dry run: nothing was written', report)
        self.assertEqual(3, len(report['would be taken']))
        self.assertEqual([], self.read(clusters.all))
        self.assertEqual([], self.read(hosts.all))

    def test_tables_that_are_not_there_are_told_without_the_password(self):
        url = self.store.create()
        self.addCleanup(self.store.drop, url)
        error = self.assertRaises(
            exception.DatabaseUnreachable, tables.read, sa.make_url(url)
        )
        self.assertIn('ha_cluster', str(error))
        password = sa.make_url(url).password
        self.assertNotIn(f':{password}@', str(error))


@base.on('SQLite')
class CommandTest(Coming):
    """hass-manage import ncu-hass, against a Nova that is asked by HTTP."""

    def setUp(self):
        super().setUp()
        self.nova = self.useFixture(Nova())
        self.uuid = self.nova.boot('db', 'compute1')
        self.ancestor.instance(self.uuid, 'rack-1')
        # A command sets logging up for its whole process.
        root = logging.getLogger()
        self.addCleanup(setattr, root, 'handlers', root.handlers[:])
        self.addCleanup(root.setLevel, root.level)
        user = self.nova.server.user
        self.ours = self.folder / 'hass.conf'
        self.ours.write_text(
            f'[database]\nconnection = {self.url}\n'
            f'[secrets]\nkeyring_file = {self.folder / "keyring"}\n'
            '[nova]\nauth_type = password\n'
            f'auth_url = {self.nova.server.auth_url}\n'
            f'username = {user.name}\npassword = {user.password}\n'
            f'project_name = {user.project}\nregion_name = RegionOne\n'
            'user_domain_id = default\nproject_domain_id = default\n'
        )

    def run_it(self, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            manage.main(
                ['--config-file', str(self.ours), 'import', 'ncu-hass']
                + ['--config', str(self.config), *arguments]
            )
        return said.getvalue()

    def url_of_the_ancestor(self):
        return self.ancestor.url.render_as_string(hide_password=False)

    def test_a_dry_run_and_then_the_way_over(self):
        database = ['--database', self.url_of_the_ancestor()]
        said = self.run_it(*database, '--dry-run')
        self.assertIn('would be taken:\n  cluster rack-1', said)
        self.assertEqual([], self.read(hosts.all))
        said = self.run_it(*database)
        self.assertIn(f'instance {self.uuid} (db) in cluster rack-1', said)
        self.assertIn(
            'left to do:\n  stop and disable hass.service of NCU-HASS', said
        )
        self.assertEqual(2, len(self.read(hosts.all)))
        self.assertEqual(1, len(self.read(instances.all)))

    def test_where_the_tables_are_must_be_said(self):
        left = self.assertRaises(SystemExit, self.run_it)
        self.assertEqual(
            'hass-manage: --database: must be given: [mysql] mysql_ip is not '
            'set',
            str(left),
        )


class Nova(nova_fixture.SimulatedNova):
    def __init__(self):
        super().__init__(hosts=('compute1', 'Compute2', 'compute3'))
