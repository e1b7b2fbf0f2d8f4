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

"""What the plugin of devstack does in each phase."""

import configparser
import logging
import threading
import uuid
from wsgiref import simple_server

from amqp import exceptions as amqp
from kombu import connection as kombu

from hass import conf as options
from hass.db import clusters
from hass.db import hosts
from hass.db import migration
from hass import nova
from hass.tests import base
from hass.tests.functional.api import base as api_base
from hass.tests.functional.db import base as db_base
from hass.tests.functional.devstack import plugin
from hass.tests.functional import servers

UNITS = ('hass-agent', 'hass-api', 'hass-engine', 'hass-bmc')


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, format, *args):
        """Say nothing."""


class PhasesTest(api_base.ApiTest):
    """One node with all services, and a hass-api that is a real one."""

    def setUp(self):
        super().setUp()
        server = simple_server.make_server(
            '127.0.0.1', 0, self.application, handler_class=Quiet
        )
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        self.addCleanup(serving.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.nova.host('compute1')
        self.plugin = self.useFixture(
            plugin.Plugin(
                f'sqlite:///{self.folder}/stack.sqlite',
                TEST_TOKEN=api_base.ADMIN,
                HASS_API_URL=f'http://127.0.0.1:{server.server_port}',
            )
        )

    def configuration(self, file=None):
        """A file, every option of it looked at as a service does it."""
        # Reading it sets logging up for the whole process.
        root = logging.getLogger()
        self.addCleanup(setattr, root, 'handlers', root.handlers[:])
        self.addCleanup(root.setLevel, root.level)
        file = str(file or self.plugin.conf)
        return options.prepare(['--config-file', file], 'hass-engine')

    def test_nothing_happens_where_no_service_is_enabled(self):
        called = self.plugin.run(*plugin.STACK, services=['n-cpu'])
        self.assertEqual(
            ['enable_service hass-api hass-engine hass-agent hass-bmc'],
            called,
        )

    def test_what_is_installed_follows_the_services(self):
        called = self.plugin.run('stack install')
        self.assertIn(f'setup_develop {plugin.ROOT} mysql,agent', called)
        self.assertIn('install_apache_uwsgi', called)
        called = self.plugin.run('stack install', services=['hass-agent'])
        self.assertIn(f'setup_develop {plugin.ROOT} agent', called)
        self.assertNotIn('install_apache_uwsgi', called)

    def test_the_written_file_is_accepted_by_the_services(self):
        self.plugin.run('stack post-config')
        conf = self.configuration()
        self.assertEqual(['0.0.0.0:15869'], conf.engine.listen)
        nova.connect(conf, self.clock)
        self.assertEqual('http://192.0.2.11/identity', conf.nova.auth_url)
        self.assertEqual(0o640, self.plugin.conf.stat().st_mode & 0o777)

    def test_the_agent_has_a_file_and_an_account_of_its_own(self):
        self.plugin.run('stack post-config')
        conf = self.configuration(self.plugin.agent_conf)
        (engine,) = conf.agent.engines
        self.assertEqual(('192.0.2.11', 15869), (engine.address, engine.port))
        self.assertEqual('compute1', conf.agent.host)
        self.assertEqual('devstack@n-cpu.service', conf.agent.compute_unit)
        of_agents = transport_url(self.plugin.agent_conf)
        self.assertTrue(of_agents.startswith('rabbit://hass-agent:'))
        self.assertTrue(of_agents.endswith('@192.0.2.11:5672/hass'))
        self.assertNotIn('stackrabbit', self.plugin.agent_conf.read_text())
        self.assertNotIn('[agent]', self.plugin.conf.read_text())
        mode = self.plugin.agent_conf.stat().st_mode
        self.assertEqual(0o640, mode & 0o777)

    def test_keystone_gets_the_user_the_service_and_its_endpoint(self):
        called = self.plugin.run('stack post-config')
        url = next(
            line.rpartition(' ')[2]
            for line in called
            if line.startswith('get_or_create_endpoint hass RegionOne ')
        )
        self.assertIn('http://127.0.0.1:', url)
        self.assertIn('create_service_user hass admin', called)
        self.assertIn(
            'get_or_create_service hass hass HASS: high availability of '
            'instances',
            called,
        )

    def test_the_processes_start_in_the_phase_extra(self):
        called = self.plugin.run('stack post-config', 'stack extra')
        folder = self.plugin.folder
        self.assertIn(
            f'run_process hass-engine {folder}/bin/hass-engine --config-file '
            f'{folder}/etc/hass.conf',
            called,
        )
        self.assertIn(
            'run_process hass-api /usr/bin/uwsgi --procname-prefix hass-api '
            f'--ini {folder}/etc/hass-api-uwsgi.ini   OS_HASS_CONFIG_FILES='
            f'{folder}/etc/hass.conf',
            called,
        )
        starts = [line for line in called if line.startswith('run_process')]
        self.assertEqual(3, len(starts))

    def test_a_whole_stack_ends_with_a_host_in_a_cluster(self):
        called = self.plugin.run(*plugin.STACK)
        cluster = self.read(clusters.get, 'devstack')
        self.assertEqual('act', cluster.mode)
        host = self.read(hosts.get, 'compute1')
        self.assertEqual(cluster.id, host.cluster_id)
        self.assertEqual(
            ('192.0.2.21', 6230, 'hass'),
            (host.bmc_address, host.bmc_port, host.bmc_username),
        )
        key = self.plugin.folder / 'etc' / 'agent.key'
        self.assertEqual(0o600, key.stat().st_mode & 0o777)
        self.assertEqual(
            f'closed({key.read_text().strip()[::-1]})', host.agent_key
        )
        self.assertTrue(called[-2].startswith('run_process hass-agent '))
        self.assertEqual('systemctl daemon-reload', called[-1])

    def test_secrets_stand_in_no_command(self):
        text = '\n'.join(self.plugin.run(*plugin.STACK))
        for secret in ('a-password', api_base.ADMIN):
            self.assertNotIn(secret, text)

    def test_a_host_that_joins_again_gets_a_new_key(self):
        self.plugin.run(*plugin.STACK)
        key = self.plugin.folder / 'etc' / 'agent.key'
        before = key.read_text()
        self.plugin.run('stack test-config')
        self.assertNotEqual(before, key.read_text())

    def test_a_host_that_nova_does_not_know_ends_the_stack(self):
        self.nova.hosts.clear()
        error = self.assertRaises(
            AssertionError, self.plugin.run, *plugin.STACK
        )
        self.assertIn('this host cannot join cluster devstack', str(error))
        self.assertIn('is not known to Nova', str(error))

    def test_nova_compute_asks_the_gate_until_the_stack_is_taken_down(self):
        self.plugin.run(*plugin.STACK)
        (gate,) = self.plugin.folder.glob('systemd/*/hass-gate.conf')
        file = f'{self.plugin.folder}/etc/hass-agent.conf'
        self.assertIn(f'hass-agent --config-file {file}', gate.read_text())
        self.assertIn(' gate\n', gate.read_text())
        called = self.plugin.run('unstack')
        self.assertFalse(gate.exists())
        for unit in UNITS:
            self.assertIn(f'stop_process {unit}', called)

    def test_clean_leaves_nothing(self):
        self.plugin.run(*plugin.STACK)
        called = self.plugin.run('unstack', 'clean')
        uwsgi = f'{self.plugin.folder}/etc/hass-api-uwsgi.ini'
        self.assertIn(f'remove_uwsgi_config {uwsgi} hass-api', called)
        self.assertFalse(self.plugin.conf.parent.exists())
        self.assertEqual([], list(self.plugin.folder.glob('data/*')))
        self.assertEqual([], list(self.plugin.folder.glob('systemd/*')))

    def test_a_compute_node_knows_no_database_and_no_nova(self):
        self.plugin.run(
            *plugin.STACK, services=['hass-agent', 'hass-bmc', 'n-cpu']
        )
        text = self.plugin.agent_conf.read_text()
        for section in ('[database]', '[nova]', '[keystone_authtoken]'):
            self.assertNotIn(section, text)
        self.assertFalse(self.plugin.conf.exists())
        conf = self.configuration(self.plugin.agent_conf)
        self.assertEqual('compute1', conf.agent.host)


class BusTest(base.TestCase):
    """The virtual host and the account of agents, on a real RabbitMQ."""

    def setUp(self):
        super().setUp()
        broker = servers.rabbitmq()
        self.at = f'{servers.ADDRESS}:{broker.port}'
        self.stack = self.useFixture(
            plugin.Plugin(
                f'sqlite:///{self.make_folder()}/stack.sqlite',
                rabbitmqctl=broker.controller(),
                TEST_RABBIT=self.at,
                TEST_RABBIT_USERID=servers.USER,
                TEST_RABBIT_PASSWORD=servers.PASSWORD,
            )
        )

    def attempt(self, url, method, *words):
        """One deed on the bus; what is refused is an AccessRefused."""
        with (
            kombu.Connection(url.replace('rabbit:', 'amqp:')) as line,
            line.channel() as channel,
        ):
            getattr(channel, method)(*words)

    def test_agents_may_touch_no_queue_but_those_of_their_answers(self):
        self.stack.run('stack post-config')
        # Once more, as ./stack.sh does on a machine that was stacked before.
        called = self.stack.run('stack post-config')
        self.assertIn('rabbitmqctl change_password hass-agent', called)
        engine = transport_url(self.stack.conf)
        agent = transport_url(self.stack.agent_conf)
        self.attempt(engine, 'queue_declare', 'hass.engine')
        self.attempt(agent, 'queue_declare', f'reply_{uuid.uuid4().hex}')
        for method in ('queue_declare', 'queue_purge', 'basic_get'):
            self.assertRaises(
                amqp.AccessRefused, self.attempt, agent, method, 'hass.engine'
            )


def transport_url(file):
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.read(file)
    return found['DEFAULT']['transport_url']


@db_base.on_every_database
class DatabaseTest(db_base.EmptyTest):
    """The database of a stack, by the URL that devstack has for it."""

    def test_the_tables_are_made(self):
        url = self.database.url.set(
            drivername=self.database.url.drivername.removesuffix('+psycopg')
        )
        stack = self.useFixture(
            plugin.Plugin(
                url.render_as_string(hide_password=False), ['hass-engine']
            )
        )
        called = stack.run('stack post-config')
        self.assertIn('recreate_database hass', called)
        self.assertEqual(migration.head(), migration.version(self.database))
