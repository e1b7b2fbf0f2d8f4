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

"""What the documentation tells readers to type works."""

import os
import pathlib
import shutil
import subprocess
import sys

from openstackclient import shell

from hass.db import recoveries
from hass import secrets
from hass.tests import builders
from hass.tests import documented
from hass.tests.functional.client import base
from hass.tests.functional.client import typist
from hass.tests.functional.db import test_ancestor as ancestor
from hass.tests.functional.engine import base as engine_base

SCENARIOS = documented.ROOT / 'hass/tests/scenario/simulated'
BIN = pathlib.Path(sys.executable).parent
SECONDS = 120


def by(*names):
    """Commands of these programs, each once, in the order of the pages."""
    found = {
        one.text: one for one in documented.commands() if one.words[0] in names
    }
    return list(found.values())


def is_client(command):
    """Whether it is the client of the lab."""
    return command.words[1:3] == ['tools/minicloud', 'openstack']


class OpenstackTest(base.ClientTest):
    """``openstack ha`` is carried out, other commands are understood."""

    def setUp(self):
        super().setUp()
        hosts = ('compute-1', 'compute-2', 'compute-3')
        self.make_cluster('rack-1', hosts=hosts)
        web = self.nova.boot('compute-1', 'admins', name='web-1')
        self.database.write(builders.make_loss, web, 'web-1', 'admins')
        for name in ('compute-4', 'compute-5'):
            self.nova.host(name)
        pathlib.Path(self.folder, 'bmc-password').write_text('secret\n')
        # As the lab has it: an endpoint may name the version.
        self.cloud.catalog['hass'] = f'{self.endpoint}/v1'
        self.engine.fencer.device('compute-3').is_on = False
        self.database.write(
            builders.make_recovery,
            host='compute-2',
            state='held',
            held_kind='restraint',
            why='its power state cannot be read: no answer',
        )
        self.make_cluster('lab', hosts=('compute1', 'compute2'))
        # What died on purpose, here and in minicloud, has come back already.
        for name in ('compute-1', 'compute1'):
            self.returned(name)

    def returned(self, host):
        with self.database.writer() as session:
            made = builders.make_recovery(session, host=host)
            recoveries.end(session, made, 'returned', 'engine-1', 'it is back')

    def test_every_command_of_every_page(self):
        typed = [one.words[1:] for one in by('openstack')]
        typed += [one.words[3:] for one in by('python3') if is_client(one)]
        for words in typed:
            kind = shell.OpenStackShell if words[0] == 'ha' else typist.Reader
            done = self.run_openstack(*words, cwd=self.folder, kind=kind)
            self.assertEqual(0, done.returncode, f'{words}: {done.stderr}')
        ours = {' '.join(words[:3]) for words in typed}
        self.assertIn('ha instance protect', ours)
        self.assertIn('ha cluster set', ours)


class ProgramsTest(engine_base.EngineTest):
    """The others run on a controller: a Nova, BMCs and a database."""

    seconds = 4 * SECONDS

    def setUp(self):
        super().setUp()
        self.world = self.make_world()
        self.home = pathlib.Path(self.make_folder())
        (self.home / '.hass').mkdir()
        shutil.copy(self.world.configure(), self.home / '.hass/hass.conf')

    def type(self, command, words=None, cwd=None):
        """Exit code and all that was said."""
        words = words or command.words
        done = subprocess.run(
            [BIN / words[0], *words[1:]],
            env=os.environ | {'HOME': str(self.home)},
            cwd=cwd or self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        self.assertNotIn('Traceback', done.stdout, command)
        return done.returncode, done.stdout

    def test_managing(self):
        """A new installation first, and then what is done to one."""
        first = ('hass-manage keyring create', 'hass-manage db sync')
        keyring = pathlib.Path(self.world.folder, 'keyring')
        keyring.unlink()
        found = {one.text: one for one in by('hass-manage')}
        for text in first:
            self.assert_good(found.pop(text))
        self.world.keyring = secrets.Keyring(str(keyring))
        self.world.migrate()
        self.world.database.write(
            builders.make_host,
            'compute-3',
            agent_key=self.world.keyring.encrypt('key'),
            bmc_password=self.world.keyring.encrypt('secret'),
        )
        for command in found.values():
            self.assert_good(command)

    def assert_good(self, command):
        words = command.words
        if 'import' in words:
            words = self.coming_over(words)
        code, said = self.type(command, words)
        self.assertEqual(0, code, f'{command}: {said}')

    def coming_over(self, words):
        """An NCU-HASS to come from, in the place of /etc/hass.conf."""
        file, url = self.home / 'ancestor.conf', self.home / 'ancestor.sqlite'
        if not file.exists():
            file.write_text(ancestor.CONFIGURATION)
            ancestor.Ancestor(f'sqlite:///{url}').cluster('rack-1')
        self.assertIn('/etc/hass.conf', words)
        given = [
            str(file) if one == '/etc/hass.conf' else one for one in words
        ]
        return [*given, '--database', f'sqlite:///{url}']

    def test_the_status(self):
        """Nobody patrols in this world: that is a warning."""
        self.world.migrate()
        typed = by('hass-status')
        self.assertNotEqual([], typed)
        for command in typed:
            code, said = self.type(command)
            self.assertIn(code, (1, 2), f'{command}: {said}')
            self.assertIn('no engine finished a turn', said)

    def test_simulating(self):
        folder = self.home / 'scenarios'
        shutil.copytree(SCENARIOS, folder)
        typed = by('hass-simulate')
        self.assertNotEqual([], typed)
        for command in typed:
            code, said = self.type(command, cwd=folder)
            self.assertEqual(0, code, f'{command}: {said}')
