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

import os
import pathlib

from cryptography import fernet
import fixtures

from hass import exception
from hass import secrets
from hass.tests import base


class KeyringTest(base.TestCase):
    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.path = pathlib.Path(folder) / 'keyring'

    def make(self):
        secrets.create(self.path)
        return secrets.Keyring(self.path)

    def assertUnusable(self, reason):
        error = self.assertRaises(
            exception.ConfigError, secrets.Keyring, self.path
        )
        self.assertEqual(
            f'[secrets] keyring_file: {self.path} {reason}', str(error)
        )

    def test_a_secret_is_read_again(self):
        keyring = self.make()
        closed = keyring.encrypt('pässword')
        self.assertNotIn('pässword', closed)
        self.assertEqual('pässword', keyring.decrypt(closed, 'it'))

    def test_a_secret_never_looks_the_same(self):
        keyring = self.make()
        self.assertNotEqual(keyring.encrypt('x'), keyring.encrypt('x'))

    def test_a_new_keyring_is_for_its_owner_only(self):
        self.make()
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)

    def test_a_keyring_is_never_overwritten(self):
        keyring = self.make()
        closed = keyring.encrypt('x')
        error = self.assertRaises(
            exception.ConfigError, secrets.create, self.path
        )
        self.assertIn('exists', str(error))
        self.assertEqual('x', secrets.Keyring(self.path).decrypt(closed, 'it'))

    def test_a_rotated_keyring_opens_the_old_and_the_new(self):
        old = self.make().encrypt('old')
        self.assertEqual(2, secrets.rotate(self.path))
        keyring = secrets.Keyring(self.path)
        self.assertEqual('old', keyring.decrypt(old, 'it'))
        new = keyring.encrypt('new')
        self.keep(1)
        keyring = secrets.Keyring(self.path)
        self.assertEqual('new', keyring.decrypt(new, 'it'))
        self.assertRaises(
            exception.SecretUnreadable, keyring.decrypt, old, 'it'
        )

    def test_a_renewed_secret_needs_the_newest_key_only(self):
        keyring = self.make()
        old = keyring.encrypt('x')
        secrets.rotate(self.path)
        renewed = keyring.renew(old, 'it')
        self.keep(1)
        self.assertEqual(
            'x', secrets.Keyring(self.path).decrypt(renewed, 'it')
        )

    def test_a_running_service_reads_a_rotated_keyring(self):
        here = self.make()
        secrets.rotate(self.path)
        there = secrets.Keyring(self.path)
        self.assertEqual('x', here.decrypt(there.encrypt('x'), 'it'))

    def test_a_running_service_survives_a_spoilt_keyring(self):
        keyring = self.make()
        closed = keyring.encrypt('x')
        self.path.write_text('half a k')
        self.assertEqual('x', keyring.decrypt(closed, 'it'))
        self.path.unlink()
        self.assertEqual('x', keyring.decrypt(closed, 'it'))

    def test_an_unreadable_secret_is_named_and_not_shown(self):
        keyring = self.make()
        for closed in ('nonsense', 'ünsinn', ''):
            error = self.assertRaises(
                exception.SecretUnreadable,
                keyring.decrypt,
                closed,
                'BMC password of compute-1',
            )
            self.assertEqual(
                'BMC password of compute-1: no key of the keyring opens it',
                str(error),
            )

    def test_a_missing_keyring_says_how_to_make_one(self):
        self.assertUnusable('does not exist: run hass-manage keyring create')

    def test_a_keyring_that_others_read_is_refused(self):
        self.make()
        self.path.chmod(0o640)
        self.assertUnusable('has mode 0640, wanted is 0600')

    def test_a_keyring_of_someone_else_is_refused(self):
        self.give_away()
        self.path.parent.chmod(0o755)
        self.addCleanup(os.seteuid, 0)
        os.seteuid(23456)
        self.assertUnusable(
            'belongs to uid 12345, wanted is root or the user of the '
            'service (uid 23456)'
        )

    def test_root_uses_the_keyring_of_the_user_of_the_service(self):
        self.give_away()
        secrets.rotate(self.path)
        self.assertEqual(12345, self.path.stat().st_uid)
        secrets.read(self.path)

    def give_away(self):
        if os.geteuid() != 0:
            self.skipTest('only root gives files away')
        self.make()
        os.chown(self.path, 12345, 12345)

    def test_a_line_that_is_no_key_is_numbered_and_not_shown(self):
        self.make()
        key = fernet.Fernet.generate_key().decode()
        self.path.write_text(f'{key}\n{key[:-3]}\n')
        self.assertUnusable('line 2 is not a key')

    def test_an_empty_keyring_is_refused(self):
        self.make()
        self.path.write_text('\n')
        self.assertUnusable('holds no key')

    def test_a_keyring_shows_no_key(self):
        keyring = self.make()
        key = self.path.read_text().strip()
        self.assertNotIn(key, repr(keyring) + str(vars(keyring)))

    def keep(self, number):
        lines = self.path.read_text().splitlines()[:number]
        self.path.write_text('\n'.join(lines))
