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

"""openstack ha host fence"""

from hass.tests.functional.client import base


class FenceTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster()

    def test_a_person_vouches_for_a_while(self):
        words = ('host', 'fence', 'waive', 'compute-1')
        shown = self.read(*words, '--reason', 'checked by its LED')
        self.assertEqual('checked by its LED', shown['waiver']['reason'])
        shown = self.read('host', 'fence', 'show', 'compute-1')
        self.assertTrue(shown['waiver']['by'])
        done = self.run_command('host', 'fence', 'unwaive', 'compute-1')
        self.assertEqual(0, done.returncode, done.stderr)
        shown = self.read('host', 'fence', 'show', 'compute-1')
        self.assertIsNone(shown['waiver'])

    def test_a_table_says_what_an_empty_wiring_means(self):
        words = ('host', 'fence', 'show', 'compute-1')
        self.assertIsNone(self.read(*words)['wiring'])
        self.assertIn('no mark was tried', self.ha(*words))

    def test_it_wants_a_reason(self):
        done = self.run_command('host', 'fence', 'waive', 'compute-1')
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertIn('--reason', done.stderr)
