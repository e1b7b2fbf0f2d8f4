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

"""schemathesis asks a hass-api on a port whatever its description allows.

And what it forbids. All its checks are made, with at least FUZZ_CASES
requests; FUZZ_SEED makes them others: ``make soak SET=fuzz``.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading

from hass.api import server
from hass.db import models
from hass.db import services
from hass.tests import builders
from hass.tests.functional.api import keystone
from hass.tests.functional.api import test_service
from hass.tests.functional.db import base as stores

CASES = int(os.environ.get('FUZZ_CASES', '2000'))
SEED = int(os.environ.get('FUZZ_SEED', '1'))
# Of each request, in each phase that makes them up.
EXAMPLES = max(8, CASES // 200)
SECONDS = 1500
PROGRAM = pathlib.Path(sys.executable).parent / 'schemathesis'
HOOKS = 'hass.tests.functional.api.fuzz_hooks'
CONFIG = """
hooks = "{hooks}"
seed = {seed}
continue-on-failure = true
max-failures = 20

[auth.openapi.token]
api_key = "token-of-operator"

[generation]
max-examples = {examples}
# A test of its own sends NUL; no schema of a free object can forbid it.
allow-x00 = false

[parameters]
"path.cluster" = {{ dictionary = "clusters", probability = 0.5 }}
"path.host" = {{ dictionary = "hosts", probability = 0.5 }}
"path.instance" = {{ dictionary = "instances", probability = 0.5 }}
"path.loss" = {{ dictionary = "losses", probability = 0.5 }}
"path.notification" = {{ dictionary = "notifications", probability = 0.5 }}
"path.recovery" = {{ dictionary = "recoveries", probability = 0.5 }}
"body.generated_at" = {{ dictionary = "moments", probability = 0.8 }}
"body.host" = {{ dictionary = "hosts", probability = 0.5 }}
"body.uuid" = {{ dictionary = "instances", probability = 0.5 }}
"""
DICTIONARY = """
[dictionaries.{name}]
values = {values}
"""


@stores.on_every_database
class FuzzTest(keystone.KeystoneCase):
    seconds = SECONDS

    def setUp(self):
        super().setUp()
        self.known = {
            'clusters': ['rack-1', 'rack-2'],
            'hosts': ['compute-1', 'compute-2', 'compute-3'],
        }
        self.fill_cluster('rack-1', ('compute-1', 'compute-2'))
        self.fill_cluster('rack-2', ('compute-3',))
        self.known['instances'] = [
            self.nova.boot(host) for host in 2 * self.known['hosts']
        ]
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1.0')
            alleged = builders.make_notification(session)
            lost = builders.make_loss(session, self.known['instances'][0])
            held = [
                builders.make_recovery(
                    session,
                    host,
                    state='held',
                    held_kind=models.HeldKind.SAFETY,
                )
                for host in ('compute-2', 'compute-9')
            ]
        self.known['moments'] = [f'{self.clock.now().isoformat()}Z']
        self.known['losses'] = [lost.uuid]
        self.known['notifications'] = [alleged.uuid]
        self.known['recoveries'] = [one.uuid for one in held]
        self.url = self.serve()

    def fill_cluster(self, name, hosts):
        for host in hosts:
            self.nova.host(host)
        body = {'name': name, 'hosts': [{'name': host} for host in hosts]}
        answer = self.post('/v1/clusters', body, 'token-of-operator')
        self.assertFine(201, answer)

    def serve(self):
        """The URL of the server that hass-api runs."""
        port = test_service.free_port()
        serving = server.Server(
            self.newest,
            self.clock,
            host='127.0.0.1',
            port=port,
            threads=8,
            graceful_seconds=10,
        )
        thread = threading.Thread(target=serving.run, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(serving.stop)
        return f'http://127.0.0.1:{port}'

    def newest(self, environ, start_response):
        """Requests that name no version would get no further than 1.0."""
        environ.setdefault('HTTP_OPENSTACK_API_VERSION', 'hass latest')
        return self.application(environ, start_response)

    def test_nothing_is_found(self):
        config = pathlib.Path(self.folder, 'schemathesis.toml')
        text = CONFIG.format(hooks=HOOKS, seed=SEED, examples=EXAMPLES)
        for name, values in self.known.items():
            text += DICTIONARY.format(name=name, values=json.dumps(values))
        config.write_text(text)
        command = [str(PROGRAM), '--config-file', str(config), 'run']
        command += ['--checks=all', '--no-color']
        done = subprocess.run(
            [*command, f'{self.url}/v1/openapi.json'],
            cwd=self.folder,
            env=os.environ | {'COLUMNS': '120'},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        found = re.search(r'(\d+) generated', done.stdout)
        assert found is not None, done.stdout
        self.assertGreaterEqual(int(found[1]), CASES)
