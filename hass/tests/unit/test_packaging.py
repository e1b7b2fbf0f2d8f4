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

"""What is installed, and what a clone holds, is what the code says."""

import configparser
import contextlib
from importlib import metadata
import io
import pathlib
import subprocess
import sys
import tempfile
import types

from hass import conf
from hass.tests import base

ROOT = pathlib.Path(__file__).parents[3]
SAID = configparser.ConfigParser()
SAID.read(ROOT / 'setup.cfg')


def plugin_groups():
    return [group for group in SAID['entry_points'] if '.' in group]


def entry_points(group):
    return [
        point
        for point in metadata.entry_points(group=group)
        if point.value.startswith(('hass.', 'hassclient.'))
    ]


def said_points(group):
    return sorted(SAID['entry_points'][group].split('\n')[1:])


class TestEntryPoints(base.TestCase):
    def test_every_plugin_can_be_loaded(self):
        for group in plugin_groups():
            points = entry_points(group)
            self.assertNotEqual([], points, group)
            for point in points:
                found = point.load()
                whole = isinstance(found, types.ModuleType)
                self.assertTrue(whole or callable(found), point)

    def test_every_command_can_be_loaded(self):
        for point in entry_points('console_scripts'):
            self.assertTrue(callable(point.load()), point)

    def test_what_is_installed_is_what_setup_cfg_says(self):
        for group in SAID['entry_points']:
            self.assertEqual(
                said_points(group),
                sorted(f'{p.name} = {p.value}' for p in entry_points(group)),
                'run make venv',
            )


class TestVersion(base.TestCase):
    def test_each_program_tells_it(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            left = self.assertRaises(
                SystemExit, conf.prepare, ['--version'], 'hass-engine'
            )
        self.assertEqual(0, left.code)
        self.assertEqual(metadata.version('hass'), said.getvalue().strip())


class TestSamples(base.TestCase):
    """The samples are written by tox -e genconfig,genpolicy."""

    def generated(self, tool, name):
        generator = f'hass-{name}-generator.conf'
        with tempfile.NamedTemporaryFile('r') as sample:
            subprocess.run(
                [
                    pathlib.Path(sys.executable).parent / tool,
                    f'--config-file=etc/hass/{generator}',
                    f'--output-file={sample.name}',
                ],
                cwd=ROOT,
                check=True,
                capture_output=True,
            )
            return sample.read()

    def test_the_sample_configuration_is_up_to_date(self):
        self.assertEqual(
            self.generated('oslo-config-generator', 'config'),
            (ROOT / 'etc/hass/hass.conf.sample').read_text(),
        )

    def test_the_sample_policy_is_up_to_date(self):
        self.assertEqual(
            self.generated('oslopolicy-sample-generator', 'policy'),
            (ROOT / 'etc/hass/policy.yaml.sample').read_text(),
        )


class TestRequirements(base.TestCase):
    def test_everything_required_is_pinned(self):
        pinned = {
            line.partition('===')[0].lower().replace('_', '-')
            for line in (ROOT / 'upper-constraints.txt').read_text().split()
        }
        for name in ('requirements.txt', 'test-requirements.txt'):
            for requirement in self.requirements(name):
                self.assertIn(requirement, pinned, name)

    def requirements(self, name):
        for line in (ROOT / name).read_text().splitlines():
            text = line.partition('#')[0].partition('>=')[0].partition('[')[0]
            if text.strip():
                yield text.strip().lower().replace('_', '-')
