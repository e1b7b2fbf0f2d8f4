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

"""As much of Keystone and Nova as the openstack command asks for.

Tokens are those that noauth reads, so that hass-api believes them.
"""

import datetime
from http import server
import json
from urllib import parse

from hass import clock

PASSWORD = 'open-sesame'
USERS = {
    'operator': ('admins', 'admin'),
    'alice': ('blue', 'member'),
    'bob': ('blue', 'reader'),
    'eve': ('red', 'member'),
}
"""Project and role of each."""
DOMAIN = {'id': 'default', 'name': 'Default'}


class Cloud(server.ThreadingHTTPServer):
    """Logs users in and knows their servers.

    :ivar catalog: URL of each type of service
    :param servers: what there is, as in FakeNova
    """

    daemon_threads = True

    def __init__(self, servers):
        super().__init__(('127.0.0.1', 0), Handler)
        self.servers = servers
        self.url = f'http://127.0.0.1:{self.server_address[1]}'
        self.catalog = {
            'identity': f'{self.url}/identity',
            'compute': f'{self.url}/compute/v2.1',
        }

    def token(self, user):
        """What Keystone says about a token."""
        project, role = USERS[user]
        now = clock.SystemClock().now()
        later = now + datetime.timedelta(hours=1)
        return {
            'methods': ['password'],
            'user': {'id': user, 'name': user, 'domain': DOMAIN},
            'project': {'id': project, 'name': project, 'domain': DOMAIN},
            'roles': [{'id': role, 'name': role}],
            'issued_at': now.strftime('%Y-%m-%dT%H:%M:%S.000000Z'),
            'expires_at': later.strftime('%Y-%m-%dT%H:%M:%S.000000Z'),
            'audit_ids': ['x'],
            'catalog': [
                {
                    'type': kind,
                    'id': kind,
                    'name': kind,
                    'endpoints': [
                        {
                            'id': kind,
                            'interface': 'public',
                            'region': 'one',
                            'region_id': 'one',
                            'url': url,
                        }
                    ],
                }
                for kind, url in self.catalog.items()
            ],
        }


class Handler(server.BaseHTTPRequestHandler):
    server: Cloud

    def do_GET(self):
        url = parse.urlsplit(self.path)
        asked = dict(parse.parse_qsl(url.query))
        match url.path.strip('/').split('/'):
            case ['identity'] | ['identity', 'v3']:
                self._version('v3.14', 'stable', '/identity/v3/')
            case ['compute', 'v2.1']:
                self._version('v2.1', 'CURRENT', '/compute/v2.1/', '2.96')
            case ['identity', 'v3', 'projects']:
                found = self._projects(asked.get('name'))
                self._answer(200, {'projects': found})
            case ['compute', 'v2.1', 'servers', 'detail']:
                found = self._servers(asked.get('name', ''))
                self._answer(200, {'servers': found})
            case _:
                self._answer(404, {'error': {'message': 'not here'}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        identity = body['auth']['identity']['password']['user']
        user = identity['name']
        if identity['password'] != PASSWORD or user not in USERS:
            self._answer(401, {'error': {'message': 'wrong password'}})
            return
        project, role = USERS[user]
        token = ('X-Subject-Token', f'{user}:{project}:{role}')
        self._answer(201, {'token': self.server.token(user)}, token)

    def _projects(self, name):
        found = {project for project, _ in USERS.values()}
        return [{'id': it, 'name': it} for it in found if it == name]

    def _servers(self, name):
        """Those of the caller's project, as Nova lists them."""
        _, project, _ = self.headers['X-Auth-Token'].split(':')
        return [
            {'id': one.uuid, 'name': one.name, 'status': one.status}
            for one in self.server.servers.values()
            if one.project_id == project and name in one.name
        ]

    def _version(self, name, status, path, newest=''):
        version = {
            'id': name,
            'status': status,
            'version': newest,
            'min_version': newest and '2.1',
            'links': [{'rel': 'self', 'href': f'{self.server.url}{path}'}],
        }
        self._answer(200, {'version': version})

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
