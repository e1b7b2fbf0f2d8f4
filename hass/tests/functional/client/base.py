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

"""The real openstack command before the real API."""

import json
import os
import pathlib
import socketserver
import subprocess
import sys
import threading
from wsgiref import simple_server

from hass.tests.functional.api import base as api_base
from hass.tests.functional.client import cloud
from hass.tests.functional.client import typist

OPENSTACK = pathlib.Path(sys.executable).parent / 'openstack'
ROOT = pathlib.Path(__file__).parents[4]
SECONDS = 120


class Threading(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        """Tests are quiet."""


class ClientTest(api_base.ApiTest):
    """Runs ``openstack`` as one of the users of cloud.py."""

    seconds = 4 * SECONDS

    def setUp(self):
        super().setUp()
        self.cloud = cloud.Cloud(self.nova.servers)
        self.serve(self.cloud)
        self.http = simple_server.make_server(
            '127.0.0.1', 0, self._serve, Threading, Quiet
        )
        self.serve(self.http)
        self.endpoint = f'http://127.0.0.1:{self.http.server_port}'
        self.cloud.catalog['hass'] = self.endpoint

    def serve(self, server):
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def environment(self, user):
        """Nothing of this machine's own configuration comes in."""
        kept = ('PATH', 'LANG', 'PYTHONPATH', 'VIRTUAL_ENV')
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            'HOME': self.folder,
            'COLUMNS': '400',
            'OS_AUTH_URL': f'{self.cloud.url}/identity/v3',
            'OS_USERNAME': user,
            'OS_PASSWORD': cloud.PASSWORD,
            'OS_PROJECT_NAME': cloud.USERS[user][0],
            'OS_USER_DOMAIN_NAME': 'Default',
            'OS_PROJECT_DOMAIN_NAME': 'Default',
            'OS_IDENTITY_API_VERSION': '3',
        }

    def run_command(self, *words, user='operator', stdin=''):
        """``openstack ha WORDS``, whatever comes of it."""
        return self.run_openstack('ha', *words, user=user, stdin=stdin)

    def run_openstack(self, *words, user='operator', cwd=ROOT, **how):
        """:param how: what else typist.type_one takes"""
        return typist.type_one(
            [*map(str, words)],
            env=self.environment(user),
            cwd=cwd,
            seconds=SECONDS,
            **how,
        )

    def start_command(self, *words, user='operator'):
        """``openstack ha WORDS``, while the test goes on."""
        return self.start_process(
            [OPENSTACK, 'ha', *map(str, words)],
            env=self.environment(user),
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )

    def ha(self, *words, user='operator', stdin=''):
        """What a command that succeeds prints."""
        done = self.run_command(*words, user=user, stdin=stdin)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def read(self, *words, user='operator'):
        """The same, parsed."""
        return json.loads(self.ha(*words, '-f', 'json', user=user))

    def refused(self, *words, user='operator'):
        """What a command that fails says on stderr."""
        done = self.run_command(*words, user=user)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertNotIn('Traceback', done.stderr)
        return done.stderr
