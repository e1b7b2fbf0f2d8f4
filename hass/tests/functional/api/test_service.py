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

"""The real processes: what they refuse to start with, and that they serve."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
from urllib import error as url_error
from urllib import request

import fixtures

from hass import clock
from hass.db import migration
from hass.db import session as db
from hass import secrets
from hass.tests import base
from hass.tests.functional.api import base as api_base

CONF = """
[DEFAULT]
transport_url = fake://
graceful_shutdown_timeout = {graceful}
[api]
bind_host = {bind_host}
bind_port = {port}
auth_strategy = {auth}
max_limit = {max_limit}
[database]
connection = sqlite:///{folder}/hass.sqlite
[secrets]
keyring_file = {folder}/keyring
[nova]
auth_type = password
auth_url = {nova}/v3
username = hass
password = secret
project_name = services
user_domain_id = default
project_domain_id = default
"""
KEYSTONE = """
[keystone_authtoken]
auth_type = password
auth_url = http://127.0.0.1:1/v3
username = hass
password = secret
"""
CALL = """
import sys
from wsgiref import util
from hass.wsgi import api
environ = {'PATH_INFO': '/v1'}
util.setup_testing_defaults(environ)
said = []
list(api.application(environ, lambda *status: said.append(status[0])))
with_it = 'with' if 'eventlet' in sys.modules else 'without'
print(f'{said[0]}, {with_it} eventlet')
"""
SERVE = 'from hass.cmd import api; api.main()'
JSON = {'Content-Type': 'application/json'}
NAME = {'name': 'rack-1'}
HOST = {'name': 'compute-1'}
IMPORT = 'import hass.wsgi.api'


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class SlowNova(fixtures.Fixture):
    """A Keystone that keeps whoever wants to get at Nova waiting.

    :ivar asked: somebody waits
    :ivar answer: let them go, with nothing
    """

    def _setUp(self):
        self.asked = threading.Event()
        self.answer = threading.Event()
        listening = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listening.close)
        self.url = f'http://127.0.0.1:{listening.getsockname()[1]}'
        self.addCleanup(self.answer.set)
        threading.Thread(
            target=self._keep, args=(listening,), daemon=True
        ).start()

    def _keep(self, listening):
        with contextlib.suppress(OSError):
            while True:
                line, _place = listening.accept()
                self.asked.set()
                self.answer.wait()
                line.close()


class ServiceTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.port = free_port()
        self.configure()
        secrets.create(f'{self.folder}/keyring')

    def configure(
        self,
        bind_host='127.0.0.1',
        auth='noauth',
        max_limit=100,
        nova='http://127.0.0.1:1',
        graceful=60,
    ):
        text = CONF.format(
            nova=nova,
            graceful=graceful,
            bind_host=bind_host,
            auth=auth,
            max_limit=max_limit,
            port=self.port,
            folder=self.folder,
        )
        pathlib.Path(self.folder, 'hass.conf').write_text(text)

    def migrate(self):
        conf = api_base.make_conf()
        db.register_opts(conf)
        url = f'sqlite:///{self.folder}/hass.sqlite'
        conf.set_override('connection', url, 'database')
        database = db.Database(conf, clock.SystemClock())
        migration.sync(database)
        database.close()

    def refused(self, code=SERVE):
        """What a start that fails says on stderr."""
        done = subprocess.run(
            [sys.executable, '-c', code, *self.options(code)],
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertNotIn('Traceback', done.stderr)
        return done.stderr

    def options(self, code):
        return ['--config-file', f'{self.folder}/hass.conf'] * (code == SERVE)

    def environment(self):
        files = f'{self.folder}/hass.conf'
        return os.environ | {'OS_HASS_CONFIG_FILES': files}

    @contextlib.contextmanager
    def serving(self):
        """A running hass-api, which is told to end in the end."""
        with self.process() as process:
            yield process
            process.send_signal(signal.SIGTERM)
            self.assertEqual(0, process.wait())

    @contextlib.contextmanager
    def process(self):
        process = subprocess.Popen(
            [sys.executable, '-c', SERVE, *self.options(SERVE)],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.wait_for(
                lambda: process.poll() is not None or self.status('/'),
                why='hass-api opens its port',
            )
            self.assertIsNone(process.poll())
            yield process
        finally:
            process.kill()
            process.communicate()

    def status(self, path, token=api_base.ADMIN, body=None):
        """The status of an answer, or None when nobody listens."""
        asked = request.Request(
            f'http://127.0.0.1:{self.port}{path}',
            headers={
                'X-Auth-Token': token,
                'Content-Type': 'application/json',
            },
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with request.urlopen(asked, timeout=60) as answer:
                return answer.status
        except url_error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return None

    def test_it_serves_and_ends_when_told(self):
        self.migrate()
        with self.serving():
            self.assertEqual(200, self.status('/healthcheck'))
            self.assertEqual(200, self.status('/v1/clusters'))
            body = {'name': 'rack-1'}
            self.assertEqual(201, self.status('/v1/clusters', body=body))
            body = {'name': 'compute-1'}
            path = '/v1/clusters/rack-1/hosts'
            self.assertEqual(503, self.status(path, body=body))
            self.assertEqual(404, self.status('/metrics'))
            self.assertEqual(401, self.status('/metrics', token=''))

    def test_metrics_need_no_token_where_they_are_wanted(self):
        self.migrate()
        with open(f'{self.folder}/hass.conf', 'a') as file:
            file.write('[metrics]\napi = true\n')
        with self.serving():
            url = f'http://127.0.0.1:{self.port}/metrics'
            with request.urlopen(url, timeout=60) as answer:
                told = answer.read().decode()
        self.assertIn('hass_database_up 1.0\n', told)
        self.assertIn('hass_build_info{service="api"', told)

    def start_slow(self, **options):
        """A served API, in the middle of a request that waits for Nova."""
        self.migrate()
        nova = self.useFixture(SlowNova())
        self.configure(nova=nova.url, **options)
        process = self.enterContext(self.process())
        self.assertEqual(201, self.status('/v1/clusters', body=NAME))
        said = []
        asking = threading.Thread(
            target=lambda: said.append(
                self.status('/v1/clusters/rack-1/hosts', body=HOST)
            ),
            daemon=True,
        )
        asking.start()
        self.assertTrue(nova.asked.wait(50))
        return process, nova, asking, said

    def test_a_request_is_answered_before_it_ends(self):
        process, nova, asking, said = self.start_slow()
        process.send_signal(signal.SIGTERM)
        self.wait_for(
            lambda: self.status('/') is None,
            why='hass-api takes no more requests',
        )
        self.assertIsNone(process.poll())
        nova.answer.set()
        asking.join(50)
        self.assertEqual([503], said)
        self.assertEqual(0, process.wait())

    def test_a_request_that_hangs_holds_the_end_up_for_so_long_and_no_longer(
        self,
    ):
        process, _nova, asking, said = self.start_slow(graceful=1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(1, process.wait())
        asking.join(50)
        self.assertEqual([None], said)

    def test_noauth_needs_a_loopback_address(self):
        for host in ('0.0.0.0', '::', '192.0.2.1', 'localhost'):
            self.configure(bind_host=host)
            self.assertIn(
                '[api] auth_strategy: noauth needs a loopback address',
                self.refused(),
            )

    def test_noauth_is_nothing_for_wsgi_servers(self):
        self.assertIn(
            '[api] auth_strategy: noauth works with hass-api only',
            self.refused(IMPORT),
        )

    def test_a_wsgi_server_gets_the_application(self):
        self.migrate()
        self.configure(auth='keystone')
        with open(f'{self.folder}/hass.conf', 'a') as file:
            file.write(KEYSTONE)
        done = subprocess.run(
            [sys.executable, '-c', CALL],
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        self.assertIn('200 OK, without eventlet', done.stdout, done.stderr)

    def test_keystone_must_be_configured(self):
        self.migrate()
        self.configure(auth='keystone')
        self.assertIn('[keystone_authtoken] auth_type', self.refused())

    def test_a_wrong_value_is_named_with_what_is_allowed(self):
        self.configure(auth='none')
        said = self.refused()
        self.assertIn('auth_strategy', said)
        self.assertIn('keystone', said)
        self.assertIn('noauth', said)

    def test_a_value_out_of_range_is_named(self):
        self.configure(max_limit=0)
        self.assertIn('max_limit', self.refused())

    def test_a_database_that_is_not_migrated_is_told(self):
        self.assertIn('run hass-manage db sync', self.refused())

    def test_a_keyring_that_others_may_read_is_refused(self):
        self.migrate()
        pathlib.Path(self.folder, 'keyring').chmod(0o644)
        self.assertIn('[secrets] keyring_file', self.refused())

    def test_a_port_in_use_is_told(self):
        self.migrate()
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', self.port))
            taken.listen()
            self.assertIn('[api] bind_host, bind_port', self.refused())
