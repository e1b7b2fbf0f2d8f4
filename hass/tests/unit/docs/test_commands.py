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

"""Commands of the documentation that no test can type are looked at.

Those of HASS itself are run by functional/client/test_docs.py.
"""

import configparser
from importlib import util
import pathlib
import re
import subprocess
import sys

from hass.tests import base
from hass.tests import documented
from tools.minicloud import commands as minicloud

SETUP = configparser.ConfigParser()
SETUP.read(documented.ROOT / 'setup.cfg')
RUN = frozenset({'hass-manage', 'hass-simulate', 'hass-status', 'openstack'})
"""These are typed, or understood by the program itself, in another test."""
MACHINE = frozenset(
    {
        *('apt-get', 'chmod', 'chown', 'curl', 'git', 'groupadd', 'install'),
        *('ip', 'ipmitool', 'journalctl', 'mariadb', 'modprobe', 'openssl'),
        *('pip', 'psql', 'python3', 'rabbitmqctl', 'source', 'sudo'),
        *('systemctl', 'useradd', 'virsh', 'cd', 'make'),
        *('.venv/bin/python', '.venv/bin/stestr', '/opt/hass/bin/pip'),
        *('/opt/hass-build/bin/pip', 'buildah', 'dnf', 'firewall-cmd'),
        *('kolla-build', 'ln', 'podman', 'tee'),
    }
)
"""These change a machine for good, or need one that a test has not."""
UNITS = documented.ROOT / 'etc/hass/systemd'
VALIDATOR = pathlib.Path(sys.executable).parent / 'oslo-config-validator'


def all_but(names):
    return [one for one in documented.commands() if one.words[0] not in names]


def by(name):
    return [one for one in documented.commands() if one.words[0] == name]


def brought():
    """Where pip puts data_files, below the virtualenv."""
    found: set[str] = set()
    folder = ''
    for line in SETUP['files']['data_files'].strip().split('\n'):
        target, _, files = line.rpartition('=')
        folder = target.strip() or folder
        for pattern in files.split():
            matched = list(documented.ROOT.glob(pattern))
            assert matched, pattern
            found.update(f'{folder}/{path.name}' for path in matched)
    return found


class CommandsTest(base.TestCase):
    def test_there_are_commands(self):
        self.assertGreater(len(documented.commands()), 20)

    def test_whoever_types_it_is_shown(self):
        """A command without a prompt would be tried by nobody."""
        for page in documented.pages():
            for block in documented.blocks(page):
                typed = '\n'.join(documented.typed(block)).split('\n')
                for line in block:
                    first = line.split()[0]
                    self.assertFalse(
                        first in RUN | MACHINE and line not in typed,
                        f'{page}: {line}: wanted is a prompt, $ or #',
                    )

    def test_every_command_is_known(self):
        for command in all_but(RUN | MACHINE | {VALIDATOR.name}):
            self.fail(f'{command}: say in this file how it is looked at')

    def test_the_shell_understands_them(self):
        for command in all_but(RUN):
            done = subprocess.run(
                ['bash', '-n'],
                input=command.text,
                capture_output=True,
                text=True,
            )
            self.assertEqual('', done.stderr, command)

    def test_units_that_are_named_are_shipped(self):
        shipped = {path.name for path in UNITS.iterdir()}
        named = [
            (command, word)
            for command in by('systemctl')
            for word in command.words
            if word.startswith('hass-')
        ]
        self.assertNotEqual([], named)
        for command, word in named:
            self.assertIn(word, shipped, command)

    def test_extras_that_are_named_exist(self):
        for page in documented.pages():
            for extras in re.findall(r'hass\[([\w,]+)\]', page.read_text()):
                for extra in extras.split(','):
                    self.assertIn(extra, SETUP['extras'], str(page))

    def test_files_of_the_source_that_are_named_exist(self):
        for command in all_but(RUN):
            for word in command.words:
                if word.startswith(('etc/', 'tools/', 'devstack/')):
                    path = documented.ROOT / word
                    self.assertTrue(path.exists(), command)

    def test_what_the_package_brings_is_in_it(self):
        """Files below /opt/hass/share, which pip takes from the source."""
        shared = '/opt/hass/share/hass'
        named = {
            word.removeprefix('/opt/hass/')
            for command in all_but(RUN)
            for word in command.words
            if word.startswith(shared)
        }
        self.assertNotEqual(set(), named)
        self.assertLessEqual(named, brought())

    def test_make_knows_its_targets(self):
        found = [one.words[1] for one in by('make')]
        found += [
            one.words[1]
            for one in documented.literals()
            if re.fullmatch(r'make [a-z-]+( .*)?', one.text)
        ]
        self.assertNotEqual([], found)
        for target in sorted(set(found)):
            done = subprocess.run(
                ['make', '-n', target],
                cwd=documented.ROOT,
                capture_output=True,
                text=True,
            )
            self.assertEqual(0, done.returncode, done.stderr)

    def test_minicloud_understands_its_commands(self):
        found = [
            command.words[2:]
            for command in by('python3')
            if command.words[1] == 'tools/minicloud'
        ]
        self.assertNotEqual([], found)
        for words in found:
            minicloud.parser().parse_args(words)

    def test_the_validator_of_oslo_config_tells_a_good_file_from_a_bad(self):
        (command,) = by(VALIDATOR.name)
        file = pathlib.Path(self.make_folder()) / 'hass.conf'
        words = [
            str(file) if word == '/etc/hass/hass.conf' else word
            for word in command.words
        ]
        for option, status in (('listen', 0), ('lissen', 1)):
            file.write_text(f'[engine]\n{option} = 127.0.0.1:7408\n')
            done = subprocess.run(
                [VALIDATOR, *words[1:]],
                cwd=documented.ROOT,
                capture_output=True,
                text=True,
            )
            self.assertEqual(status, done.returncode, done.stderr)

    def test_tests_that_are_named_exist(self):
        found = [
            command
            for command in by('.venv/bin/python')
            if command.words[1:3] == ['-m', 'testtools.run']
        ]
        self.assertNotEqual([], found)
        for command in found:
            module = command.words[3]
            self.assertIsNotNone(util.find_spec(module), command)

    def test_commands_in_the_text_exist(self):
        scripts = SETUP['entry_points']['console_scripts']
        plugin = SETUP['entry_points']['openstack.hass.v1']
        programs = {line.split()[0] for line in scripts.strip().split('\n')}
        verbs = {line.split()[0] for line in plugin.strip().split('\n')}
        for command in documented.literals():
            words = command.text.split()
            if words[:2] == ['openstack', 'ha'] and len(words) > 2:
                starts = ['_'.join(words[1:end]) for end in (3, 4, 5)]
                self.assertTrue(
                    any(
                        verb == start or verb.startswith(f'{start}_')
                        for verb in verbs
                        for start in starts
                    ),
                    command,
                )
            elif re.fullmatch('hass-[a-z]+', words[0]):
                self.assertIn(words[0], programs | NAMES, str(command))


NAMES = frozenset({'hass-hosts', 'hass-up', 'hass-down'})
"""What is called so and is no program: a group, words of minicloud."""
