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

"""keystonemiddleware before the API."""

import pathlib

from hass import exception
from hass.tests.functional.api import base
from hass.tests.functional.api import keystone


class KeystoneTest(keystone.KeystoneCase):
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
