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

"""Real services: what belongs together has one name in all of their logs."""

import json
import os
import pathlib
import subprocess
import sys
from urllib import request

from osprofiler import profiler
from osprofiler import web

from hass.db import recoveries
from hass.tests.functional.engine import base
from hass.tests.functional.engine import test_notifications
from hass.tests.functional import servers

API = os.path.join(os.path.dirname(sys.executable), 'hass-api')
KEY = 'key-of-the-traces'


class LogCase(base.EngineTest):
    world: base.World

    def lines(self, name='engine-1'):
        """What it said, as a machine reads it."""
        return [
            json.loads(line)
            for line in self.world.said(name).splitlines()
            if line.startswith('{')
        ]


class RecoveryTest(LogCase):
    def test_each_line_of_a_recovery_holds_its_uuid(self):
        self.world = self.make_world()
        self.world.migrate()
        self.world.protect('a', 1)
        self.world.configure(DEFAULT__use_json='true')
        self.world.start()
        self.wait_ready(self.world)
        self.world.nova.machines['a'].hang()
        ended = self.wait_for(self.stories, why='its end')
        uuid, history = ended
        told = {
            line['message']: line['context'].get('resource_uuid')
            for line in self.lines()
        }
        for one in history:
            if one.from_state is None:
                words = f'a: suspected: {one.why}'
            else:
                words = f'a: {one.from_state} -> {one.to_state}: {one.why}'
            self.assertEqual(uuid, told.get(words), words)
        # What belongs to none does not say so.
        self.assertIn(None, told.values())
        self.assertNova(uuid)

    def stories(self):
        """The uuid and the history of the first one, once it has ended."""
        with self.world.database.reader() as session:
            for one in recoveries.all(session, state='finished'):
                return one.uuid, recoveries.history_of(session, one.id)
        return None

    def assertNova(self, uuid):
        """Nova was told what to call it, whatever thread asked."""
        named = {
            call.path.rpartition('/')[2]
            for call in self.world.nova.server.calls
            if call.request_id == f'req-{uuid}'
        }
        self.assertIn('action', named, 'the evacuation')
        self.assertIn('os-services', named, 'a look beside others')


class RequestTest(LogCase):
    def setUp(self):
        super().setUp()
        self.rabbit = self.need(servers.rabbitmq).virtual_host()
        self.world = self.make_world()
        self.world.migrate()
        self.port = servers.free_port()
        self.world.configure(
            DEFAULT__transport_url=self.rabbit,
            DEFAULT__use_json='true',
            DEFAULT__debug='true',
            api__auth_strategy='noauth',
            api__bind_port=self.port,
            profiler__enabled='true',
            profiler__hmac_keys=KEY,
            profiler__connection_string='messaging://',
        )
        # What osprofiler tells of traces.
        self.spans = test_notifications.consume(self, self.rabbit, 'profiler')

    def start_api(self):
        path = pathlib.Path(self.world.folder, 'api.log')
        with path.open('wb') as log:
            process = subprocess.Popen(
                [API, '--config-file', f'{self.world.folder}/engine-1.conf'],
                stdout=log,
                stderr=log,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def ask(self, path, body=None, **headers):
        """The headers of an answer, None while there is none."""
        headers |= {
            'X-Auth-Token': 'operator:admins:admin',
            'Content-Type': 'application/json',
            'OpenStack-API-Version': 'hass latest',
        }
        asked = request.Request(
            f'http://127.0.0.1:{self.port}{path}',
            headers=headers,
            data=body and json.dumps(body).encode(),
            method='PUT' if body else 'GET',
        )
        try:
            with request.urlopen(asked, timeout=30) as answer:
                return answer.headers
        except OSError:
            return None

    def trace(self):
        """Headers that begin a trace, and its id."""
        here = profiler.init(KEY)
        self.addCleanup(profiler.clean)
        return web.get_trace_id_headers(), here.get_base_id()

    def places(self, base_id):
        """(service, kind) of what is known of a trace."""
        return {
            (one['payload']['service'], one['payload']['name'])
            for one in self.spans.heard
            if one['payload']['base_id'] == base_id
        }

    def test_a_request_is_followed_from_the_api_to_the_engine(self):
        self.world.start()
        self.wait_ready(self.world)
        self.start_api()
        self.wait_for(lambda: self.ask('/healthcheck'), why='the API')
        headers, base_id = self.trace()
        body = {'power': 'on'}
        answer = self.ask('/v1/hosts/a/power', body, **headers)
        self.assertIsNotNone(answer)
        self.wait_for(
            lambda: (
                {
                    ('hass-api', 'wsgi-start'),
                    ('hass-engine', 'rpc-start'),
                    ('hass-engine', 'rpc-stop'),
                }
                <= self.places(base_id)
            ),
            why='both are in the trace',
        )
        (line,) = [
            line
            for line in self.lines()
            if line['message'] == 'a: operator asks for power on'
        ]
        self.assertEqual(
            answer['X-Openstack-Request-Id'],
            line['context']['global_request_id'],
        )
        for service in ('api', 'engine-1'):
            self.assertNotIn(KEY, self.world.said(service))

    def test_who_does_not_know_the_key_starts_no_trace(self):
        self.start_api()
        self.wait_for(lambda: self.ask('/healthcheck'), why='the API')
        good, base_id = self.trace()
        forged = good | {web.X_TRACE_HMAC: '0' * 40}
        self.assertIsNotNone(self.ask('/v1', **forged))
        self.assertIsNotNone(self.ask('/v1', **good))
        self.wait_for(
            lambda: ('hass-api', 'wsgi-stop') in self.places(base_id),
            why='the trace',
        )
        self.assertEqual(2, len(self.spans.heard))
