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

"""keystonemiddleware before the API, and a Keystone of three tokens."""

import datetime
from http import server
import json
import pathlib
import threading

from hass import clock
from hass import exception
from hass.tests.functional.api import base

TOKENS = {
    'token-of-alice': ('alice', 'blue', ['member', 'reader']),
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


class KeystoneTest(base.ApiTest):
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

    def test_a_members_token_is_a_member(self):
        self.assertFine(200, self.get('/v1/instances', 'token-of-alice'))
        answer = self.get('/v1/clusters', 'token-of-alice')
        self.assertSays(403, 'ha:clusters:list', answer)

    def test_an_operators_token_is_an_operator(self):
        self.assertFine(200, self.get('/v1/clusters', 'token-of-operator'))

    def test_a_token_of_no_project_sees_no_instance(self):
        answer = self.get('/v1/instances', 'token-of-the-domain')
        self.assertSays(403, 'policy', answer)

    def test_headers_do_not_raise_a_member(self):
        spoofed = {
            'X-Roles': 'admin',
            'X-Project-Id': 'red',
            'X-User-Id': 'operator',
            'X-Identity-Status': 'Confirmed',
            'OpenStack-System-Scope': 'all',
        }
        answer = self.get('/v1/clusters', 'token-of-alice', headers=spoofed)
        self.assertSays(403, 'ha:clusters:list', answer)
        path = '/v1/instances?project_id=red'
        answer = self.get(path, 'token-of-alice', headers=spoofed)
        self.assertSays(403, 'list_all_projects', answer)

    def test_without_a_good_token_headers_do_not_help_either(self):
        spoofed = {'X-Identity-Status': 'Confirmed', 'X-Roles': 'admin'}
        for token in (None, 'nonsense', base.ADMIN):
            answer = self.get('/v1/clusters', token, headers=spoofed)
            self.assertSays(401, 'requires authentication', answer)
            self.assertIn('Keystone uri', answer.headers['WWW-Authenticate'])

    def test_versions_and_health_need_no_token(self):
        for path in ('/', '/v1', '/healthcheck'):
            self.assertEqual(200, self.get(path, None).status_code)

    def test_a_keystone_that_is_away_is_503(self):
        self.stop_keystone()
        answer = self.get('/v1/clusters', 'token-of-operator')
        self.assertSays(503, 'Keystone cannot be asked now', answer)
        self.assertEqual('5', answer.headers['Retry-After'])


class MisconfiguredKeystoneTest(base.ApiTest):
    auth_strategy = 'keystone'
    auth = ''

    def make_application(self):
        return None

    def make_files(self):
        path = pathlib.Path(self.folder, 'hass.conf')
        path.write_text('')
        return [str(path)]

    def test_missing_and_wrong_options_are_named(self):
        for text, option in (
            ('', 'auth_type'),
            ('auth_type = nonsense', 'nonsense'),
            ('auth_type = password', 'auth_url'),
        ):
            path = pathlib.Path(self.folder, 'hass.conf')
            path.write_text(f'[keystone_authtoken]\n{text}\n')
            self.conf.clear_override('auth_strategy', 'api')
            self.conf.reload_config_files()
            error = self.assertRaises(
                exception.ConfigError, super().make_application
            )
            self.assertIn('[keystone_authtoken]', str(error))
            self.assertIn(option, str(error))
