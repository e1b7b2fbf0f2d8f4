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

import pathlib

from hass.db import hosts
from hass.db import moments
from hass.db import observations
from hass import faults
from hass.tests.functional.client import base

SECRET = 'calvin-and-hobbes'


class HostsTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1',))
        self.nova.host('compute-2')

    def row(self, name='compute-1'):
        with self.database.reader() as session:
            return hosts.get(session, name)

    def add(self, *words):
        return self.read('host', 'add', 'rack-1', 'compute-2', *words)

    def test_add_tells_the_agent_key_once(self):
        added = self.add('--label', 'rack=r1', '--address', 'lan=10.0.0.2')
        self.assertEqual(
            f'closed({added["agent_key"][::-1]})',
            self.row('compute-2').agent_key,
        )
        self.assertEqual({'rack': 'r1'}, self.row('compute-2').labels)
        self.assertEqual({'lan': '10.0.0.2'}, self.row('compute-2').networks)
        shown = self.read('host', 'show', 'compute-2')
        self.assertNotIn('agent_key', shown)
        self.assertEqual('working', shown['fence']['state'])

    def test_passwords_and_keys_are_in_no_log(self):
        path = pathlib.Path(self.folder, 'password')
        path.write_text(f'{SECRET}\n')
        done = self.run_openstack(
            *('--debug', 'ha', 'host', 'add', 'rack-1', 'compute-2'),
            *('--bmc-address', '192.0.2.9', '--bmc-username', 'root'),
            *('--bmc-password-file', path, '-f', 'value', '-c', 'agent_key'),
        )
        self.assertEqual(0, done.returncode, done.stderr)
        row = self.row('compute-2')
        self.assertEqual(f'closed({SECRET[::-1]})', row.bmc_password)
        self.assertIn('192.0.2.9', row.bmc_address)
        key = done.stdout.strip()
        self.assertEqual(f'closed({key[::-1]})', row.agent_key)
        for secret in (SECRET, key):
            self.assertNotIn(secret, done.stderr)

    def test_a_password_comes_through_a_pipe(self):
        self.ha(
            *('host', 'set', 'compute-1', '--bmc-address', '192.0.2.9'),
            *('--bmc-username', 'root', '--bmc-password-file', '-'),
            stdin=f'{SECRET}\n',
        )
        self.assertEqual(f'closed({SECRET[::-1]})', self.row().bmc_password)
        said = self.refused(
            'host', 'set', 'compute-1', '--bmc-password-file', '/nowhere'
        )
        self.assertIn('--bmc-password-file: ', said)

    def test_set_adds_and_forgets(self):
        self.ha('host', 'set', 'compute-1', '--label', 'a=1')
        self.ha(
            *('host', 'set', 'compute-1', '--label', 'b=2'),
            *('--address', 'lan=10.0.0.1', '--watched-sensor', 'CPU Temp'),
        )
        self.assertEqual({'a': '1', 'b': '2'}, self.row().labels)
        self.assertEqual({'lan': '10.0.0.1'}, self.row().networks)
        self.assertEqual(['CPU Temp'], self.row().watched_sensors)
        self.ha(
            *('host', 'set', self.row().uuid, '--no-label', '--label', 'c=3'),
            *('--no-address', '--no-watched-sensor'),
        )
        self.assertEqual({'c': '3'}, self.row().labels)
        self.assertEqual({}, self.row().networks)
        self.assertIsNone(self.row().watched_sensors)

    def test_a_new_bmc_that_does_not_work_is_told(self):
        words = ('host', 'set', 'compute-1', '--bmc-address')
        done = self.run_command(*words, '192.0.2.9')
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        self.engine.outcomes['compute-1'] = ('broken', 'no answer', None, None)
        done = self.run_command(*words, '192.0.2.10')
        self.assertIn('Its fence is broken: no answer.', done.stderr)
        self.assertIn('openstack ha fence test compute-1', done.stderr)
        said = self.refused(*words, '192.0.2.9', '--no-bmc')
        self.assertIn('--no-bmc forgets the BMC', said)
        self.assertEqual('192.0.2.10', self.row().bmc_address)

    def test_what_is_kept_of_the_bmc_before_is_told(self):
        words = ('host', 'set', 'compute-1', '--bmc-address')
        self.ha(
            *(*words, '192.0.2.9', '--bmc-username', 'root'),
            *('--bmc-port', '6230', '--bmc-password-file', '-'),
            stdin=f'{SECRET}\n',
        )
        done = self.run_command(*words, '192.0.2.10')
        self.assertIn(
            'kept as they were: port 6230, user root, the password.',
            done.stderr,
        )
        done = self.run_command(
            *(*words, '192.0.2.11', '--bmc-username', 'hass'),
            *('--bmc-port', '623', '--bmc-password-file', '-'),
            stdin=f'{SECRET}\n',
        )
        self.assertEqual('', done.stderr)

    def test_a_change_of_nothing_is_refused(self):
        for words in (
            ('host', 'set', 'compute-1'),
            ('cluster', 'set', 'rack-1'),
            ('cluster', 'unset', 'rack-1'),
        ):
            said = self.refused(*words)
            self.assertIn('nothing is to be changed', said)

    def test_list_is_of_all_clusters_or_of_one(self):
        self.make_cluster('rack-2', hosts=('compute-3',))
        found = self.read('host', 'list', '--long', '--sort-column', 'Name')
        self.assertEqual(
            ['compute-1', 'compute-3'], [one['Name'] for one in found]
        )
        self.assertEqual('working', found[0]['Fence'])
        (one,) = self.read('host', 'list', '--cluster', 'rack-2')
        self.assertEqual('rack-2', one['Cluster'])

    def test_remove_takes_several(self):
        self.add()
        self.ha('host', 'remove', 'compute-1', self.row('compute-2').uuid)
        self.assertEqual([], self.read('host', 'list'))

    def test_remove_says_who_is_still_protected_there(self):
        instance = self.protect('compute-1')
        said = self.refused('host', 'remove', 'compute-1')
        self.assertIn(instance, said)
        self.assertEqual('compute-1', self.row().name)

    def test_layers_tell_what_is_known_and_who_saw_it(self):
        with self.database.writer() as session:
            seen = faults.Observation(
                'compute-1',
                faults.Layer.POWER,
                'power_ipmi',
                faults.Verdict.FAILED,
                moments.read_now(session),
                detail='power off',
                seen_by='engine-1',
            )
            observations.put(session, seen)
        found = self.read('host', 'layers', 'compute-1')
        self.assertEqual('power', found[0]['Layer'])
        self.assertEqual(
            ('failed', 'power_ipmi', 'engine-1', 'power off'),
            tuple(
                found[0][head]
                for head in ('State', 'Detector', 'Seen By', 'Detail')
            ),
        )
        words = ('host', 'layers', 'compute-1', '--observations')
        (line,) = self.read(*words)
        self.assertEqual('failed', line['Verdict'])
        first = self.read('host', 'layers', 'compute-1', '--instances')[0]
        self.assertEqual(('instance', 0), (first['Layer'], first['Failed']))

    def test_a_window_begins_and_ends(self):
        self.ha(
            *('host', 'maintenance', 'begin', 'compute-1'),
            *('--reason', 'a new fan', '--seconds', '600'),
        )
        shown = self.read('host', 'show', 'compute-1')
        self.assertEqual('a new fan', shown['maintenance_why'])
        self.ha('host', 'maintenance', 'end', 'compute-1')
        self.assertIsNone(self.row().maintenance_until)

    def test_a_key_is_rotated(self):
        shown = self.read('host', 'key', 'rotate', 'compute-1')
        self.assertEqual(
            f'closed({shown["agent_key"][::-1]})', self.row().agent_key
        )

    def test_a_key_that_was_never_used_is_void_and_that_is_told(self):
        words = ('host', 'key', 'rotate', 'compute-1', '-f', 'value')
        first = self.run_command(*words, '-c', 'agent_key')
        self.assertEqual((0, ''), (first.returncode, first.stderr))
        second = self.run_command(*words, '-c', 'agent_key')
        self.assertEqual(64, len(second.stdout.strip()))
        self.assertIn('was never used and is void now', second.stderr)

    def test_explain_says_when_nobody_stands_by_it(self):
        shown = self.read('host', 'explain', 'compute-1')
        self.assertEqual('compute-1', shown['host'])
        self.assertTrue(shown['stale'])

    def test_a_fence_is_tested_by_an_engine(self):
        self.engine.outcomes['compute-1'] = ('broken', 'no answer', None, None)
        shown = self.read('fence', 'test', 'compute-1')
        self.assertEqual(
            ('compute-1', 'broken', 'no answer'),
            (shown['host'], shown['state'], shown['why']),
        )

    def test_a_host_that_is_not_there_is_told_with_where_to_look(self):
        said = self.refused('host', 'show', 'compute-9')
        self.assertIn('compute-9', said)
        self.assertIn('ha host list', said)
