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

"""A real Keystone, with the users of cloud.py."""

import functools
import json
import pathlib
import sys
from urllib import request

from hass.tests.functional.client import cloud
from hass.tests.functional import servers

BIN = pathlib.Path(sys.executable).parent
REGION = 'RegionOne'
CONF = """
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.sqlite
[fernet_tokens]
key_repository = {folder}/tokens
[credential]
key_repository = {folder}/credentials
[identity]
password_hash_rounds = 4
"""
# Keystone reads the command line, wherever it is imported.
SERVE = """
import sys
import waitress
port = sys.argv.pop()
from keystone.wsgi import api
waitress.serve(api.application, host='127.0.0.1', port=port)
"""


class Keystone(servers.Server):
    """Its admin is who may do anything in project admin."""

    needs = ()

    def prepare(self) -> None:
        self.url = f'http://{servers.ADDRESS}:{self.port}/v3'
        self.conf = self.folder / 'keystone.conf'
        self.conf.write_text(CONF.format(folder=self.folder))
        self._manage('db_sync')
        user = ('--keystone-user=root', '--keystone-group=root')
        self._manage('fernet_setup', *user)
        self._manage('credential_setup', *user)
        self._manage(
            'bootstrap',
            f'--bootstrap-password={cloud.PASSWORD}',
            f'--bootstrap-region-id={REGION}',
            f'--bootstrap-public-url={self.url}',
            f'--bootstrap-internal-url={self.url}',
        )

    def command(self) -> list[str]:
        return [sys.executable, '-c', SERVE, str(self.port)]

    def environment(self) -> dict[str, str]:
        return {'OS_KEYSTONE_CONFIG_FILES': str(self.conf)}

    def _manage(self, *words: str) -> None:
        program = str(BIN / 'keystone-manage')
        self.run(program, f'--config-file={self.conf}', *words)


class Directory:
    """What is kept in a Keystone, written as its admin.

    :ivar token: of that admin
    """

    def __init__(self, keystone: Keystone) -> None:
        self._url = keystone.url
        self.token = self._log_in()
        self._roles = {
            one['name']: one['id'] for one in self._ask('roles')['roles']
        }

    def add_service(self, kind: str, url: str) -> None:
        made = self._ask('services', service={'type': kind, 'name': kind})
        self._ask(
            'endpoints',
            endpoint={
                'service_id': made['service']['id'],
                'interface': 'public',
                'region_id': REGION,
                'url': url,
            },
        )

    def add_project(self, name: str) -> str:
        made = self._ask('projects', project={'name': name})
        uuid: str = made['project']['id']
        return uuid

    def add_user(self, name: str, project: str, role: str) -> None:
        """:param project: its id"""
        fields = {'name': name, 'password': cloud.PASSWORD}
        fields['default_project_id'] = project
        made = self._ask('users', user=fields)
        self._ask(
            f'projects/{project}/users/{made["user"]["id"]}/roles/'
            f'{self._roles[role]}',
            method='PUT',
        )

    def _log_in(self) -> str:
        domain = {'id': 'default'}
        user = {'name': 'admin', 'password': cloud.PASSWORD, 'domain': domain}
        auth = {
            'identity': {'methods': ['password'], 'password': {'user': user}},
            'scope': {'project': {'name': 'admin', 'domain': domain}},
        }
        body = json.dumps({'auth': auth}).encode()
        asked = request.Request(f'{self._url}/auth/tokens', body)
        asked.add_header('Content-Type', 'application/json')
        with request.urlopen(asked) as answer:
            token: str = answer.headers['X-Subject-Token']
            return token

    def _ask(self, path, method=None, **body):
        """POST when there is a body, GET when there is none."""
        raw = json.dumps(body).encode() if body else None
        asked = request.Request(f'{self._url}/{path}', raw, method=method)
        asked.add_header('X-Auth-Token', self.token)
        asked.add_header('Content-Type', 'application/json')
        with request.urlopen(asked) as answer:
            return json.loads(answer.read() or '{}')


@functools.cache
def keystone() -> Keystone:
    """The Keystone of this process."""
    return Keystone()
