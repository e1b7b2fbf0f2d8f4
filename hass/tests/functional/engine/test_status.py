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

"""hass-status upgrade check: one line for each thing in the way."""

import datetime
import json
import os
import pathlib
import subprocess
import sys

from oslo_upgradecheck import upgradecheck

from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import services
from hass.tests.functional.engine import base

Code = upgradecheck.Code
STATUS = os.path.join(os.path.dirname(sys.executable), 'hass-status')


class StatusTest(base.EngineTest):
    def check(self, world, **changes):
        """Result and details of each check."""
        path = world.configure(**changes)
        done = subprocess.run(
            [STATUS, '--config-file', path, 'upgrade', 'check', '--json'],
            capture_output=True,
            text=True,
        )
        self.assertNotIn('Traceback', done.stdout + done.stderr)
        self.assertNotIn(base.PASSWORD, done.stdout + done.stderr)
        said = json.loads(done.stdout.strip().splitlines()[-1])
        checks = {one['check']: one for one in said['checks']}
        self.code = done.returncode
        return {
            name: (one['result'], one['details'] or '')
            for name, one in checks.items()
        }

    def unusable(self, *arguments):
        """What is said when there is no configuration to check."""
        done = subprocess.run(
            [STATUS, *arguments, 'upgrade', 'check'],
            capture_output=True,
            text=True,
        )
        self.assertEqual((255, ''), (done.returncode, done.stdout))
        (line,) = done.stderr.splitlines()
        self.assertEqual("hass-status: ", line[:13])
        return line

    def assert_complaint(self, complaint, *words, code=Code.FAILURE):
        found, line = complaint
        self.assertEqual(code, found)
        self.assertEqual(1, len(line.splitlines()))
        for word in words:
            self.assertIn(word, line)

    def test_a_database_that_was_not_migrated(self):
        found = self.check(self.make_world())
        self.assert_complaint(found['database'], 'run hass-manage db sync')
        self.assert_complaint(
            found['fences'], 'not looked at: see database', code=Code.WARNING
        )
        self.assertEqual(2, self.code)

    def test_a_bmc_with_other_credentials(self):
        world = self.make_world()
        world.migrate(password='wrong')
        found = self.check(world)
        self.assert_complaint(
            found['fences'], 'a has no working fence: BMC', code=Code.WARNING
        )
        with world.database.reader() as session:
            for host in session.query(models.Host):
                self.assertIs(models.FenceState.BROKEN, host.fence_state)

    def test_fences_that_work(self):
        world = self.make_world()
        world.migrate()
        found = self.check(world)
        self.assertEqual((Code.SUCCESS, ''), found['fences'])
        self.assertEqual(0, world.power_commands())

    def test_bmcs_that_cannot_be_tied_to_their_hosts(self):
        world = self.make_world()
        world.migrate()
        with world.database.writer() as session:
            fences.waive(session, 'b', 'ann', 'checked by its LED')
            hosts.get(session, 'a').system_uuid = None
        found = self.check(world)
        self.assert_complaint(
            found['identity of BMCs'],
            'a: it would not be fenced: its agent has not reported',
            'b: ann vouches',
            'checked by its LED',
            code=Code.WARNING,
        )

    def test_a_nova_that_is_too_old(self):
        world = self.make_world(highest=(2, 52))
        world.migrate()
        found = self.check(world)
        self.assert_complaint(found['Nova'], '2.52', '2.73')

    def test_a_nova_that_does_not_answer(self):
        world = self.make_world()
        world.migrate()
        found = self.check(world, nova__auth_url='http://127.0.0.1:1/v3')
        self.assert_complaint(found['Nova'], '127.0.0.1:1')

    def test_a_log_in_that_is_missing(self):
        found = self.check(self.make_world(), nova__auth_type=None)
        self.assert_complaint(found['Nova'], '[nova] auth_type')

    def test_a_keyring_that_others_may_read(self):
        world = self.make_world()
        pathlib.Path(world.folder, 'keyring').chmod(0o644)
        found = self.check(world)
        self.assert_complaint(found['keyring'], '[secrets] keyring_file')

    def test_a_configuration_that_cannot_be_used(self):
        folder = self.make_folder()
        self.assertIn('/nowhere', self.unusable('--config-file', '/nowhere'))
        self.assertIn(
            f'{folder}: Is a directory', self.unusable('--config-file', folder)
        )
        file = pathlib.Path(folder, 'hass.conf')
        for text, words in (
            (b'\xff\xfe', 'no text in UTF-8'),
            (b'[detection]\ntarget_seconds = soon\n', 'target_seconds'),
            (b'[database]\nmax_retries = often\n', '[database] max_retries'),
        ):
            file.write_bytes(text)
            self.assertIn(words, self.unusable('--config-file', str(file)))

    def test_what_the_files_ask_for_in_vain(self):
        found = self.check(
            self.make_world(),
            detection__lissen_seconds='20',
            detection__membership_urls='carrier-pigeon://u:secret@roof/',
            alarm__command='/usr/bin/page-nobody',
        )
        self.assert_complaint(
            found['options'],
            '[detection] lissen_seconds is no option',
            'did you mean listen_seconds?',
            code=Code.WARNING,
        )
        self.assert_complaint(
            found['membership'],
            '[detection] membership_urls: carrier-pigeon://roof',
            'tooz knows no carrier-pigeon',
            code=Code.WARNING,
        )
        self.assertNotIn('secret', str(found))
        self.assert_complaint(
            found['alarm command'],
            '/usr/bin/page-nobody is no file that can be executed',
        )

    def test_what_the_files_ask_for_and_get(self):
        found = self.check(
            self.make_world(),
            detection__membership_urls='memcached://127.0.0.1:1',
            alarm__command='sh',
        )
        for name in ('options', 'membership', 'alarm command'):
            self.assertEqual((Code.SUCCESS, ''), found[name], name)

    def test_options_that_do_not_go_together(self):
        found = self.check(
            self.make_world(),
            detection__target_seconds='20',
            detection__longest_seconds='10',
        )
        self.assert_complaint(
            found['configuration'], '[detection]', 'longest_seconds'
        )

    def test_options_that_are_not_for_an_installation(self):
        world = self.make_world()
        path = pathlib.Path(world.folder, 'policy.yaml')
        path.write_text("'ha:hosts:ad': 'role:member'\n")
        found = self.check(
            world, api__auth_strategy='noauth', oslo_policy__policy_file=path
        )
        self.assert_complaint(
            found['configuration'],
            'ha:hosts:ad is no rule of HASS',
            'noauth',
            'SQLite is for one machine',
            code=Code.WARNING,
        )

    def test_hosts_that_come_back_by_themselves_and_clocks_that_are_off(self):
        world = self.make_world()
        world.migrate()
        world.chassis['a'].policy = 'always-on'
        hour = datetime.timedelta(hours=1)
        with world.database.writer() as session:
            now = moments.read_now(session)
            for host in hosts.all(session):
                host.reported_at = host.clock_at = now
                host.resume_guests = False
            hosts.get(session, 'b').resume_guests = True
            hosts.get(session, 'c').resume_guests = None
            hosts.get(session, 'c').clock_at = now - hour
            services.enter(session, 'engine-7', '1.0')
            services.turn(session, 'engine-7', False, {}, (), now + hour)
        found = self.check(world)
        self.assert_complaint(
            found['power restore policy'],
            'a: its BMC powers it on',
            'always-on',
            code=Code.WARNING,
        )
        self.assert_complaint(
            found['nova.conf'],
            'b: resume_guests_state_on_host_boot',
            'c: its agent cannot read nova.conf',
            code=Code.WARNING,
        )
        self.assert_complaint(
            found['clocks'],
            'the clock of c is 3600 s behind',
            'the clock of engine engine-7 is 3600 s ahead of',
            code=Code.WARNING,
        )
        self.assertNotIn('a is', found['clocks'][1])
        self.assertNotIn('this machine', found['clocks'][1])

    def test_engines_are_seen_to_patrol(self):
        world = self.make_world()
        world.migrate()
        self.assert_complaint(
            self.check(world)['engines'], 'for 30 s', code=Code.WARNING
        )
        world.start()
        self.wait_ready(world)
        found = self.check(world)
        self.assertEqual((Code.SUCCESS, ''), found['engines'])
        self.assertEqual((Code.SUCCESS, ''), found['clocks'])
