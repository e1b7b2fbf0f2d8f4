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

"""The plugin of devstack in a shell in which stand-ins are devstack."""

import os
import pathlib
import shlex
import subprocess
import sys

import fixtures

ROOT = pathlib.Path(__file__).parents[4]
ALL = (
    *('hass-api', 'hass-engine', 'hass-agent', 'hass-bmc'),
    *('n-cpu', 'rabbit'),
)
STACK = (
    'stack pre-install',
    'stack install',
    'stack post-config',
    'stack extra',
    'stack test-config',
)
_PROGRAM = """\
#!/bin/sh
PYTHONPATH={root} exec {python} -c 'from hass.cmd import {module}
{module}.main()' "$@"
"""
_RABBITMQCTL = """\
#!/bin/sh
echo "rabbitmqctl $*" >>$CALLS
exec {command} "$@"
"""


class Plugin(fixtures.Fixture):
    """The plugin on one node.

    :ivar folder: what the node has as /etc/hass, data and systemd
    :ivar conf: what its API and engine read
    :ivar agent_conf: what its agent reads
    """

    def __init__(
        self, database, services=ALL, rabbitmqctl=('true',), **settings
    ):
        self._services = services
        self._rabbitmqctl = rabbitmqctl
        self._settings = {'TEST_DATABASE_URL': database, **settings}

    def _setUp(self):
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf = self.folder / 'etc' / 'hass.conf'
        self.agent_conf = self.conf.with_name('hass-agent.conf')
        self._calls = self.folder / 'calls'
        (self.folder / 'bin').mkdir()
        self._bring(
            'hass-manage',
            _PROGRAM.format(root=ROOT, python=sys.executable, module='manage'),
        )
        self._bring(
            'rabbitmqctl',
            _RABBITMQCTL.format(command=shlex.join(self._rabbitmqctl)),
        )

    def _bring(self, name, text):
        program = self.folder / 'bin' / name
        program.write_text(text)
        program.chmod(0o755)

    def run(self, *phases, services=None):
        """What was called in these phases."""
        self._calls.write_text('')
        script = pathlib.Path(__file__).with_name('stand_ins.sh')
        done = subprocess.run(
            ['bash', script, *phases],
            env={
                'PATH': f'{self.folder}/bin:{os.environ["PATH"]}',
                'CALLS': str(self._calls),
                'HASS_DIR': str(ROOT),
                'HOST_IP': '192.0.2.21',
                'SERVICE_HOST': '192.0.2.11',
                'HASS_HOST': 'compute1',
                'ENABLED_SERVICES': ','.join(services or self._services),
                'TEST_BIN_DIR': str(self.folder / 'bin'),
                'TEST_DIR': str(self.folder),
                'TEST_RABBIT': '192.0.2.11:5672',
                'TEST_TOKEN': '',
                **self._settings,
            },
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise AssertionError(f'{done.stdout}{done.stderr}')
        return self._calls.read_text().splitlines()
