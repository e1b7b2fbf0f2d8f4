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

"""As much of Nova as Horizon asks for, behind Keystone's own middleware."""

import json
from urllib import parse

from keystonemiddleware import auth_token

PATH = '/compute/v2.1'


class Nova:
    """Shows what a FakeNova has, each project its own.

    :param fake: a function that returns it
    """

    def __init__(self, fake):
        self._fake = fake

    def __call__(self, environ, start_response):
        path = environ['PATH_INFO'].removeprefix(PATH).strip('/')
        asked = dict(parse.parse_qsl(environ['QUERY_STRING']))
        status, body = self._answer(path, asked, environ)
        raw = json.dumps(body).encode()
        headers = [('Content-Type', 'application/json')]
        start_response(status, [*headers, ('Content-Length', str(len(raw)))])
        return [raw]

    def _answer(self, path, asked, environ):
        match path:
            case 'os-services':
                return '200 OK', {'services': self._services()}
            case 'servers/detail':
                everybody = 'all_tenants' in asked
                project = environ['HTTP_X_PROJECT_ID']
                shown = None if everybody else project
                return '200 OK', {'servers': self._servers(shown)}
            case '':
                return '200 OK', {'version': version(environ)}
            case _:
                return '404 Not Found', {'itemNotFound': {'message': path}}

    def _services(self):
        return [
            {
                'id': one.uuid,
                'binary': 'nova-compute',
                'host': one.host,
                'zone': 'nova',
                'status': one.status,
                'state': one.state,
                'updated_at': None,
            }
            for one in self._fake().services()
        ]

    def _servers(self, project):
        return [
            {
                'id': one.uuid,
                'name': one.name,
                'status': one.status,
                'tenant_id': one.project_id,
            }
            for one in self._fake().servers.values()
            if project in (None, one.project_id)
        ]


def version(environ):
    url = f'http://{environ["HTTP_HOST"]}{PATH}/'
    return {
        'id': 'v2.1',
        'status': 'CURRENT',
        'version': '2.96',
        'min_version': '2.1',
        'links': [{'rel': 'self', 'href': url}],
    }


def behind_keystone(fake, conf):
    """The application.

    :param conf: with a section [keystone_authtoken]
    """
    inner = Nova(fake)
    guarded = auth_token.AuthProtocol(inner, {'oslo_config_config': conf})

    def application(environ, start_response):
        """Which versions there are, everybody may ask."""
        public = environ['PATH_INFO'].rstrip('/') in (PATH, '/compute')
        chosen = inner if public else guarded
        return chosen(environ, start_response)

    return application
