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

"""Importing a module does nothing, and never brings eventlet."""

import pkgutil
import subprocess
import sys

import hass
from hass.tests import base

SPOTLESS = '''
import sys, threading
before = set(threading.enumerate())
import {module}
assert set(threading.enumerate()) == before, 'it starts threads'
assert not [name for name in sys.modules if name.startswith('eventlet')]
'''
# A WSGI server wants its application when it imports the module.
ACTING = ('hass.wsgi.api', 'hass.db.migrations')


def modules():
    """Every module of ours but the tests."""
    found = pkgutil.walk_packages(hass.__path__, 'hass.')
    return [
        module.name
        for module in found
        if not module.name.startswith(('hass.tests', *ACTING))
    ]


class TestImports(base.TestCase):
    def test_every_module_can_be_imported(self):
        for name in modules():
            __import__(name)

    def test_only_listening_to_libvirt_needs_libvirt(self):
        # Commands come first: they choose the threads.
        names = sorted(modules(), key=lambda name: '.cmd.' not in name)
        code = "import sys; sys.modules['libvirt'] = None\n"
        code += '\n'.join(f'import {name}' for name in names)
        self.assert_runs(code)

    def test_no_command_brings_eventlet(self):
        for name in modules():
            if name.startswith('hass.cmd.'):
                self.assert_spotless(name)

    def test_the_oracle_needs_nothing_of_hass(self):
        code = (
            'import sys, hass_oracle.checker, hass_oracle.ledger\n'
            'assert not [m for m in sys.modules if m.split(".")[0] == "hass"]'
        )
        self.assert_runs(code)

    def assert_spotless(self, module):
        self.assert_runs(SPOTLESS.format(module=module))

    def assert_runs(self, code):
        done = subprocess.run(
            [sys.executable, '-c', code], capture_output=True, text=True
        )
        self.assertEqual(0, done.returncode, done.stderr)
