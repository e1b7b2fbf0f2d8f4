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

"""A Keystone of a few tokens, and the API behind keystonemiddleware."""

import datetime
from http import server
import json
import pathlib
import threading

from hass import clock
from hass.tests.functional.api import base

TOKENS = {
    'token-of-alice': ('alice', 'blue', ['member', 'reader']),
    'token-of-bob': ('bob', 'blue', ['reader']),
    'token-of-eve': ('eve', 'red', ['member', 'reader']),
    'token-of-nobody': ('nobody', 'blue', []),
    'token-of-the-domain': ('alice', None, ['reader', 'member']),
    'token-of-operator': ('operator', 'admins', ['admin']),
}


CONF = """
[keystone_authtoken]
www_authenticate_uri = {url}
auth_type = password
auth_url = {url}
username = hass
password = secret
project_name = services
user_domain_id = default
project_domain_id = default
http_request_max_retries = 0
"""


def described(url, user, project, roles):
    """What Keystone says about a token (API reference: v3, tokens)."""
    domain = {'id': 'default', 'name': 'Default'}
    now = clock.SystemClock().now()
    later = now + datetime.timedelta(hours=1)
    scope = {'project': {'id': project, 'name': project, 'domain': domain}}
    if project is None:
        scope = {'domain': domain}
    return {
        'token': {
            **scope,
            'methods': ['password'],
            'user': {'id': user, 'name': user, 'domain': domain},
            'roles': [{'id': role, 'name': role} for role in roles],
            'issued_at': now.strftime('%Y-%m-%dT%H:%M:%S.000000Z'),
            'expires_at': later.strftime('%Y-%m-%dT%H:%M:%S.000000Z'),
            'audit_ids': ['x'],
            'catalog': [
                {
                    'type': 'identity',
                    'id': 'i',
                    'name': 'keystone',
                    'endpoints': [
                        {
                            'id': interface,
                            'interface': interface,
                            'region': 'one',
                            'region_id': 'one',
                            'url': url,
                        }
                        for interface in ('public', 'internal', 'admin')
                    ],
                }
            ],
        }
    }


class Keystone(server.BaseHTTPRequestHandler):
    """Version document, login of the service, validation."""

    @property
    def url(self):
        return f'http://{self.headers["Host"]}/v3/'

    def do_GET(self):
        if self.path.startswith('/v3/auth/tokens'):
            known = TOKENS.get(self.headers['X-Subject-Token'])
            if known is None:
                self._answer(404, {'error': {'code': 404, 'message': 'no'}})
            else:
                self._answer(200, described(self.url, *known))
            return
        version = {
            'id': 'v3.14',
            'status': 'stable',
            'links': [{'rel': 'self', 'href': self.url}],
        }
        self._answer(200, {'version': version})

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self._answer(
            201,
            described(self.url, 'hass', 'services', ['service']),
            ('X-Subject-Token', 'token-of-hass'),
        )

    def _answer(self, status, body, *headers):
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (
            ('Content-Type', 'application/json'),
            ('Content-Length', str(len(raw))),
            *headers,
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args):
        """Tests are quiet."""


class KeystoneCase(base.ApiTest):
    """Real tokens, as far as the API can tell."""

    auth_strategy = 'keystone'

    def make_files(self):
        keystone = server.ThreadingHTTPServer(('127.0.0.1', 0), Keystone)
        thread = threading.Thread(
            target=keystone.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.stop_keystone)
        self.keystone = keystone
        url = f'http://127.0.0.1:{keystone.server_address[1]}'
        path = pathlib.Path(self.folder, 'hass.conf')
        path.write_text(CONF.format(url=url))
        return [str(path)]

    def stop_keystone(self):
        self.keystone.shutdown()
        self.keystone.server_close()
