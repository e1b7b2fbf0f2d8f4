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

"""make demo, as it is typed: one command, one result, nothing left."""

import json
import os
import pathlib
import signal
import subprocess
import sys
from urllib import request

from hass.tests import base

RUN = [sys.executable, '-c', 'from hass.cmd import demo; demo.main()']
HOST_KEYS = {
    'name',
    'fault',
    'decided_s',
    'fenced_s',
    'first_evacuate_s',
    'all_active_s',
    'returned_s',
}


class DemoTest(base.TestCase):
    """Each demo has a folder of its own for its temporary files."""

    def setUp(self):
        super().setUp()
        self.folder = self.make_folder()

    def start(self, *options):
        return self.start_process(
            [*RUN, *options], env=os.environ | {'TMPDIR': self.folder}
        )

    def line_of(self, demo):
        return demo.stdout.readline()

    def assert_nothing_is_left(self):
        """No process of it, which has our TMPDIR, and no file."""
        self.wait_for(
            lambda: not self.processes(),
            why='every process of the demo has ended',
        )
        self.assertEqual([], os.listdir(self.folder))

    def processes(self):
        found = []
        for process in pathlib.Path('/proc').glob('[0-9]*'):
            try:
                environment = (process / 'environ').read_bytes()
            except OSError:
                continue
            if f'TMPDIR={self.folder}'.encode() in environment.split(b'\0'):
                found.append((process / 'cmdline').read_bytes())
        return found

    def test_two_hosts_fail_and_every_instance_is_recovered_once(self):
        demo = self.start('--json')
        told, _ = demo.communicate()
        self.assertEqual(0, demo.returncode, told)
        self.assertNotIn('Traceback', told)
        result = json.loads(told.splitlines()[-1])
        self.assertEqual('pass', result['result'])
        self.assertEqual(
            {'protected': 12, 'recovered': 12, 'lost': 0, 'started_twice': 0},
            result['instances'],
        )
        faults = [host['fault'] for host in result['hosts']]
        self.assertEqual(['power loss', 'hang'], faults)
        for host in result['hosts']:
            self.assertEqual(HOST_KEYS, host.keys())
            self.assertLess(host['fenced_s'], host['first_evacuate_s'])
            self.assertLess(host['all_active_s'], host['returned_s'])
        self.assert_nothing_is_left()

    def test_a_demo_that_takes_too_long_fails_and_says_what_it_waits_for(self):
        demo = self.start('--json', '--timeout', '1')
        told, _ = demo.communicate()
        self.assertEqual(1, demo.returncode, told)
        self.assertIn('that did not happen within 1 s', told)
        result = json.loads(told.splitlines()[-1])
        self.assertEqual('fail', result['result'])
        self.assert_nothing_is_left()

    def typed(self, demo):
        """What the first command of the client says that it prints."""
        lines: list[str] = []
        while 'ha host list' not in ''.join(lines[-1:]):
            lines.append(self.line_of(demo).strip())
            self.assertNotEqual('', ''.join(lines[-9:]), lines)
        export, command = lines[-2:]
        command = command.replace('.venv/bin', os.path.dirname(sys.executable))
        return subprocess.check_output(
            ['bash', '-c', f'{export} && {command}'],
            env={**os.environ, 'HOME': self.make_folder()},
            text=True,
        )

    def test_with_keep_the_api_stays_up_until_it_is_told_to_leave(self):
        demo = self.start('--keep', '--timeout', '1')
        told: list[str] = []
        while 'curl' not in ''.join(told[-1:]):
            told.append(self.line_of(demo))
            self.assertNotEqual('', told[-1], told)
        _, _, rest = told[-1].partition("-H '")
        header, _, url = rest.partition("' ")
        name, _, value = header.partition(': ')
        asked = request.Request(url.strip(), headers={name: value})
        with request.urlopen(asked, timeout=60) as answer:
            hosts = json.load(answer)['hosts']
        self.assertEqual(4, len(hosts))
        self.assertNotIn('password":', json.dumps(hosts))
        self.assertIn(hosts[0]['name'], self.typed(demo))
        demo.send_signal(signal.SIGINT)
        demo.communicate()
        self.assertEqual(1, demo.returncode)
        self.assert_nothing_is_left()
