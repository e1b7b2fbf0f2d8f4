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

"""The job of two compute nodes: its files, and what its script asks for."""

import os
import pathlib
import subprocess

import fixtures
import yaml

from hass.tests import base
from hass.tests.functional.devstack import plugin

HOME = '/opt/stack/hass/'
_OPENSTACK = """\
#!/bin/sh
echo "openstack $*" >>{folder}/calls
case "$*" in
*'show ha -f json') echo '{{"endpoints": [
    {{"interface": "public", "url": "http://192.0.2.11/ha"}}]}}';;
'token issue'*) echo a-token;;
'image list'*) printf 'other\\ncirros-0.6.3\\n';;
*'-c id') echo 5f0ed2a6-id;;
*'-c OS-EXT-SRV-ATTR:host') cat {folder}/host; echo controller >{folder}/host;;
*'-c status') echo ACTIVE;;
esac
"""
_CURL = """\
#!/bin/sh
echo "curl $*" >>{folder}/calls
"""


class JobTest(base.TestCase):
    def setUp(self):
        super().setUp()
        text = (plugin.ROOT / '.zuul.yaml').read_text()
        (self.job,) = [
            one['job'] for one in yaml.safe_load(text) if 'job' in one
        ]
        playbook = plugin.ROOT / self.job['run']
        self.plays = yaml.safe_load(playbook.read_text())

    def test_every_program_of_the_playbook_is_there(self):
        programs = [
            task['command'].split()[0]
            for play in self.plays
            for task in play.get('tasks', ())
        ]
        self.assertEqual(3, len(programs))
        for program in programs:
            path = plugin.ROOT / program.removeprefix(HOME)
            self.assertTrue(os.access(path, os.X_OK), program)

    def test_the_second_node_runs_an_agent_and_no_engine(self):
        services = self.job['group-vars']['subnode']['devstack_services']
        ours = {
            name: wanted
            for name, wanted in services.items()
            if name.startswith('hass-')
        }
        self.assertEqual({'hass-api': False, 'hass-engine': False}, ours)


class FailoverTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name, text in (('openstack', _OPENSTACK), ('curl', _CURL)):
            (self.folder / name).write_text(text.format(folder=self.folder))
            (self.folder / name).chmod(0o755)

    def run_it(self, *words):
        """What it called."""
        path = f'{self.folder}:{os.environ["PATH"]}'
        subprocess.run(
            [plugin.ROOT / 'devstack' / 'tools' / 'failover.sh', *words],
            env={'PATH': path},
            check=True,
            capture_output=True,
        )
        return (self.folder / 'calls').read_text()

    def test_an_instance_is_booted_on_the_host_and_protected(self):
        called = self.run_it('protect', 'compute1')
        self.assertIn('--host compute1 --flavor cirros256', called)
        self.assertIn('--image cirros-0.6.3 --boot-from-volume 1', called)
        self.assertIn(
            '--request POST http://192.0.2.11/ha/v1/instances '
            '--data {"uuid": "5f0ed2a6-id"}',
            called,
        )
        self.assertNotIn('a-token', called)

    def test_it_waits_until_the_instance_is_elsewhere(self):
        (self.folder / 'host').write_text('compute1\n')
        called = self.run_it('wait', 'compute1')
        self.assertEqual(2, called.count('-c OS-EXT-SRV-ATTR:host'))
        self.assertIn('GET http://192.0.2.11/ha/v1/recoveries', called)
