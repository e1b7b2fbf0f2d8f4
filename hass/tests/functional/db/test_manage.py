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

"""hass-manage as an operator runs it."""

import contextlib
import io
import logging
import os
import pathlib
import subprocess
import sys

import fixtures

from hass.cmd import manage
from hass.db import hosts
from hass.db import migration
from hass.db import recoveries
from hass import secrets
from hass.tests import base
from hass.tests import builders

MANAGE = pathlib.Path(sys.executable).parent / 'hass-manage'


class ManageTest(base.TestCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.keyring = folder / 'keyring'
        self.config = folder / 'hass.conf'
        self.database = builders.make_database(self)
        self.configure(self.database.url)
        # A command sets logging up for its whole process.
        root = logging.getLogger()
        self.addCleanup(setattr, root, 'handlers', root.handlers[:])
        self.addCleanup(root.setLevel, root.level)

    def configure(self, url):
        self.config.write_text(
            f'[database]\nconnection = {url}\n'
            f'[secrets]\nkeyring_file = {self.keyring}\n'
        )

    def run_it(self, *arguments, succeeds=True):
        """The last line that it said, or complained."""
        said, complained = io.StringIO(), io.StringIO()
        code = None
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
        ):
            try:
                manage.main(['--config-file', str(self.config), *arguments])
            except SystemExit as left:
                code = left.code
                if isinstance(code, str):
                    complained.write(code)
        text = (said if succeeds else complained).getvalue()
        self.assertEqual(succeeds, not code, complained.getvalue())
        return text.splitlines()[-1]

    def test_without_a_configuration_file_it_says_so(self):
        home = self.useFixture(fixtures.TempDir()).path
        for words, said in (((), 1), (('--config-file', self.config), 0)):
            done = subprocess.run(
                [MANAGE, *words, 'keyring', 'rotate'],
                env={**os.environ, 'HOME': home},
                cwd=home,
                capture_output=True,
                text=True,
            )
            self.assertEqual(1, done.returncode)
            self.assertEqual(
                said, done.stderr.count('there is no configuration file')
            )

    def test_version_tells_what_is_and_what_is_needed(self):
        head = migration.head()
        self.assertEqual(
            f'{head} (this release needs {head})', self.run_it('db', 'version')
        )

    def test_restored_holds_every_open_recovery(self):
        made = self.database.write(builders.make_recovery)
        self.assertEqual(
            'held 1 open recoveries for an operator; the engines may start',
            self.run_it('db', 'restored'),
        )
        found = self.database.read(recoveries.get, made.uuid)
        self.assertEqual('held', found.state)
        self.assertEqual(
            'the database was restored from a backup: look before anything '
            'acts',
            found.why,
        )

    def test_a_person_vouches_for_a_bmc_and_takes_it_back(self):
        self.database.write(builders.make_host)
        told = self.run_it(
            *('fence', 'waive', 'compute-1', '--by', 'ann'),
            *('--reason', 'no GUID on these boards'),
        )
        self.assertIn('ann vouches', told)
        found = self.database.read(hosts.get, 'compute-1')
        self.assertEqual('ann', found.fence_waived_by)
        self.assertEqual('no GUID on these boards', found.fence_waived_why)
        self.assertIsNotNone(found.fence_waived_at)
        self.run_it('fence', 'unwaive', 'compute-1')
        found = self.database.read(hosts.get, 'compute-1')
        self.assertIsNone(found.fence_waived_by)

    def test_nobody_vouches_without_a_name_and_a_reason(self):
        self.database.write(builders.make_host)
        for who, why in (('', 'seen'), ('ann', ' '), ('ann', 'x' * 256)):
            said = self.run_it(
                *('fence', 'waive', 'compute-1', '--by', who),
                *('--reason', why),
                succeeds=False,
            )
            self.assertIn('wanted are 1 to 255 characters', said)
        found = self.database.read(hosts.get, 'compute-1')
        self.assertIsNone(found.fence_waived_at)

    def test_purge_wants_days(self):
        self.assertIn(
            'wanted are days, 0 to 36500',
            self.run_it(
                'db', 'purge', '--older-than-days', '-1', succeeds=False
            ),
        )
        self.assertEqual(
            'would purge 0 recoveries, 0 losses, 0 notifications and 0 '
            'engines that are gone',
            self.run_it('db', 'purge', '--older-than-days', '30', '--dry-run'),
        )

    def test_a_bad_url_is_one_line_without_the_password(self):
        self.configure('oracle://hass:secret@host/hass')
        said = self.run_it('db', 'version', succeeds=False)
        self.assertIn('hass-manage: [database] connection: driver ', said)
        self.assertNotIn('secret', said)

    def test_a_database_without_tables_is_one_line(self):
        self.configure('sqlite://')
        self.assertIn(
            'run hass-manage db sync',
            self.run_it('db', 'restored', succeeds=False),
        )

    def test_keys_are_made_rotated_and_used_anew(self):
        self.run_it('keyring', 'create')
        old = secrets.Keyring(self.keyring).encrypt('key of compute-1')
        self.database.write(
            lambda session: builders.make_host(
                session, agent_key=old, bmc_password=old
            )
        )
        self.assertIn('holds 2 keys now', self.run_it('keyring', 'rotate'))
        self.assertIn('of 1 hosts', self.run_it('keyring', 'reencrypt'))
        newest = self.keyring.read_text().splitlines()[0]
        self.keyring.write_text(newest)
        found = self.database.read(hosts.get, 'compute-1')
        keyring = secrets.Keyring(self.keyring)
        for secret in (found.agent_key, found.bmc_password or ''):
            self.assertEqual('key of compute-1', keyring.decrypt(secret, 'it'))

    def test_a_secret_that_no_key_opens_changes_nothing(self):
        self.run_it('keyring', 'create')
        self.database.write(builders.make_host)
        said = self.run_it('keyring', 'reencrypt', succeeds=False)
        self.assertEqual(
            'hass-manage: agent key of compute-1: no key of the keyring '
            'opens it',
            said,
        )
