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

import pathlib

from hass.bmc import credentials
from hass.bmc import values
from hass import exception
from hass.tests import base


class CredentialsTest(base.TestCase):
    def write(self, text, mode=0o600):
        path = pathlib.Path(self.make_folder()) / 'bmcs.yaml'
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def assert_refused(self, words, text, mode=0o600):
        error = self.assertRaises(
            exception.ConfigError, credentials.read, self.write(text, mode)
        )
        self.assertIn(words, str(error))
        self.assertNotIn('secret', str(error))

    def test_no_file_names_no_bmc(self):
        self.assertEqual({}, credentials.read(None))

    def test_a_host_has_the_bmc_that_the_file_names(self):
        path = self.write(
            'compute-1: {address: 192.0.2.9, username: u, password: secret}'
        )
        self.assertEqual(
            {'compute-1': values.Address('192.0.2.9', 623, 'u', 'secret')},
            credentials.read(path),
        )

    def test_others_must_not_read_it(self):
        self.assert_refused('mode 0600', 'a: {password: secret}', mode=0o644)

    def test_a_missing_address_is_named(self):
        self.assert_refused('a: address', 'a: {password: secret}')

    def test_an_unknown_field_is_named_with_the_known_ones(self):
        self.assert_refused('passwd is unknown', 'a: {passwd: secret}')

    def test_a_wrong_type_is_named(self):
        self.assert_refused(
            'port must be int', 'a: {address: b, port: x, password: secret}'
        )

    def test_garbage_is_refused(self):
        self.assert_refused('no YAML', 'a: [secret')
        self.assert_refused('map host names', 'secret')
