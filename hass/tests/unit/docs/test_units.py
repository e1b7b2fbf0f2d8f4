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

"""The units of systemd that are shipped start what is installed."""

import configparser
from importlib import util
import pathlib
import shlex

from hass.tests import base
from hass.tests import documented

UNITS = documented.ROOT / 'etc/hass/systemd'
SETUP = configparser.ConfigParser()
SETUP.read(documented.ROOT / 'setup.cfg')


class Unit:
    """A unit's settings; one that is given several times has them all."""

    def __init__(self, path):
        self.name = path.name
        self.sections = set()
        self.values: dict[str, list[str]] = {}
        for line in path.read_text().replace('\\\n', '').splitlines():
            if line.startswith('['):
                self.sections.add(line.strip('[]'))
            elif line and not line.startswith('#'):
                key, _, value = line.partition('=')
                self.values.setdefault(key, []).append(value)

    def words(self, key):
        """All the words of a setting."""
        return [
            word
            for value in self.values.get(key, ())
            for word in value.split()
        ]

    def command(self):
        (start,) = self.values['ExecStart']
        return shlex.split(start)


def units():
    return [Unit(path) for path in sorted(UNITS.glob('*.service'))]


class UnitsTest(base.TestCase):
    def test_each_daemon_has_one(self):
        self.assertEqual(
            ['hass-agent-gate', 'hass-agent', 'hass-api', 'hass-engine'],
            [one.name.removesuffix('.service') for one in units()],
        )

    def test_each_can_be_enabled(self):
        for unit in units():
            self.assertEqual({'Unit', 'Service', 'Install'}, unit.sections)

    def test_none_is_given_up(self):
        """A key, a bus or a database that comes late is waited for."""
        for unit in units():
            self.assertEqual(['0'], unit.values['StartLimitIntervalSec'])

    def test_each_starts_a_program_that_is_installed(self):
        scripts = SETUP['entry_points']['console_scripts'].split('\n')
        installed = {line.split()[0] for line in scripts if line}
        for unit in units():
            program = pathlib.Path(unit.command()[0])
            # systemd looks into /usr/local/bin, then into /usr/bin.
            self.assertEqual('.', str(program.parent), unit.name)
            if program.name == 'uwsgi':
                self.assert_serves(unit.command())
            else:
                self.assertIn(program.name, installed)
                self.assertIn('/etc/hass/hass.conf', unit.command())

    def assert_serves(self, words):
        """An application is not imported here: it would read options."""
        module, _, name = words[words.index('--module') + 1].partition(':')
        found = util.find_spec(module)
        assert found is not None and found.origin is not None, module
        source = pathlib.Path(found.origin).read_text()
        self.assertIn(f'{name} = ', source)

    def test_the_gate_comes_before_what_it_guards(self):
        (gate,) = (one for one in units() if 'gate' in one.name)
        guarded = set(gate.words('RequiredBy'))
        self.assertIn('nova-compute.service', guarded)
        self.assertIn('libvirt-guests.service', guarded)
        self.assertEqual(guarded, set(gate.words('Before')))

    def test_engines_and_api_are_not_root(self):
        for unit in units():
            user = 'root' if 'agent' in unit.name else 'hass'
            self.assertEqual([user], unit.values['User'], unit.name)

    def test_who_pings_may(self):
        (engine,) = (one for one in units() if 'engine' in one.name)
        self.assertEqual(['CAP_NET_RAW'], engine.values['AmbientCapabilities'])
