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

from hass.db import instances
from hass.tests.functional.client import base


class InstancesTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))
        self.web = self.nova.boot('compute-1', 'blue', name='web')
        self.db = self.nova.boot('compute-2', 'blue', name='db')

    def chosen(self):
        with self.database.reader() as session:
            return {row.uuid for row in instances.all(session)}

    def test_a_tenant_protects_by_name_and_by_uuid(self):
        self.ha('instance', 'protect', 'web', self.db, user='alice')
        self.assertEqual({self.web, self.db}, self.chosen())
        found = self.read('instance', 'list', user='alice')
        self.assertEqual({'web', 'db'}, {one['Name'] for one in found})
        self.ha('instance', 'unprotect', self.web, 'db', user='alice')
        self.assertEqual(set(), self.chosen())

    def test_a_nova_that_does_not_tell_a_name_is_told(self):
        self.cloud.catalog['compute'] = 'http://127.0.0.1:1/v2.1'
        for words in (
            ('instance', 'protect', 'web'),
            ('recovery', 'show', 'web'),
            ('loss', 'show', 'web'),
        ):
            said = self.refused(*words)
            self.assertIn('Nova does not tell which instance', said)
            self.assertIn('give the UUID', said)
        self.ha('instance', 'protect', self.web)

    def test_show_tells_whose_word_decides(self):
        shown = self.read('instance', 'show', 'web', user='alice')
        self.assertFalse(shown['protected'])
        self.assertEqual('cluster', shown['decided_by'])
        self.ha('instance', 'protect', 'web', user='alice')
        shown = self.read('instance', 'show', 'web', user='alice')
        self.assertTrue(shown['protected'])
        self.assertEqual('instance', shown['decided_by'])
        self.assertEqual([], shown['observations'])
        self.assertIsNotNone(shown['guest_layers_why'])

    def test_operators_take_what_was_chosen_by_its_name(self):
        self.ha('instance', 'protect', 'web', user='alice')
        self.ha('instance', 'unprotect', 'web')
        self.assertEqual(set(), self.chosen())

    def test_operators_list_those_of_one_project_or_cluster(self):
        red = self.nova.boot('compute-1', 'red', name='red')
        self.ha('instance', 'protect', self.web, red)
        words = ('instance', 'list', '--long', '--project')
        (one,) = self.read(*words, 'red')
        self.assertEqual((red, 'red'), (one['UUID'], one['Project ID']))
        found = self.read('instance', 'list', '--cluster', 'rack-1')
        self.assertEqual(2, len(found))
        (one,) = self.read('instance', 'list', '--limit', 1)
        words = ('instance', 'list', '--marker', one['UUID'])
        (other,) = self.read(*words)
        self.assertNotEqual(one, other)

    def test_operators_list_those_of_one_host_or_name(self):
        self.ha('instance', 'protect', self.web, self.db)
        for words in (('--host', 'compute-1'), ('--name', 'web')):
            (one,) = self.read('instance', 'list', *words)
            self.assertEqual(self.web, one['UUID'])

    def test_lists_are_sorted_and_begin_at_a_moment(self):
        self.ha('instance', 'protect', self.web, self.db)
        for order, wanted in (
            ('name', ['db', 'web']),
            ('name:desc', ['web', 'db']),
        ):
            found = self.read('instance', 'list', '--sort', order)
            self.assertEqual(wanted, [one['Name'] for one in found])
        words = ('instance', 'list', '--since', '2096-01-31T12:00:00Z')
        self.assertEqual([], self.read(*words))
        said = self.refused('instance', 'list', '--sort', 'size')
        self.assertIn('allowed: created_at, name', said)

    def test_what_is_really_protected_is_told(self):
        self.ha('instance', 'protect', self.web)
        found = self.read('cluster', 'protection', 'rack-1')
        self.assertEqual({'web', 'db'}, {one['Name'] for one in found})
        (one,) = self.read('host', 'protection', 'compute-1')
        self.assertFalse(one['Recovered'])
        self.assertIn('its cluster only observes', one['Unrecovered Why'])
        words = ('host', 'protection', 'compute-1', '--recovered')
        self.assertEqual([], self.read(*words))

    def test_another_projects_instance_is_not_there(self):
        for words, wanted in (
            (('protect', self.web), 'was not found'),
            (('unprotect', 'web'), 'there is no instance web'),
        ):
            said = self.refused('instance', *words, user='eve')
            self.assertIn(wanted, said)
        self.assertEqual(set(), self.chosen())

    def test_a_reader_may_not_protect_and_is_told_so(self):
        said = self.refused('instance', 'protect', 'web', user='bob')
        self.assertIn('could not protect instance web', said)
        self.assertEqual(set(), self.chosen())

    def test_a_name_that_two_have_is_refused(self):
        self.nova.boot('compute-1', 'blue', name='web')
        said = self.refused('instance', 'protect', 'web', user='alice')
        self.assertIn('more than one instance web: give the UUID', said)

    def test_all_pages_of_a_long_list_are_shown(self):
        self.conf.set_override('max_limit', 1, 'api')
        self.application = self.make_application()
        self.ha('instance', 'protect', 'web', 'db', user='alice')
        self.assertEqual(2, len(self.read('instance', 'list')))
