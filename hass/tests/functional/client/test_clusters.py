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

import csv
import json

import yaml

from hass.db import clusters
from hass.tests.functional.client import base


class ClustersTest(base.ClientTest):
    def row(self, name='rack-1'):
        with self.database.reader() as session:
            return clusters.get(session, name)

    def test_create_makes_cluster_and_hosts_and_tells_their_keys(self):
        self.nova.host('compute-1')
        self.nova.host('compute-2')
        made = self.read(
            *('cluster', 'create', 'rack-1', '--mode', 'ask'),
            *('--layer', 'power', '--layer', 'os', '--shared-storage'),
            *('--host', 'compute-1', '--host', 'compute-2'),
        )
        self.assertEqual({'compute-1', 'compute-2'}, set(made['agent_keys']))
        self.assertEqual(['power', 'os'], made['layers'])
        row = self.row()
        self.assertEqual(made['uuid'], row.uuid)
        self.assertEqual('ask', row.mode)
        self.assertTrue(row.shared_storage)

    def test_list_has_every_format_and_sorts_and_chooses_columns(self):
        self.make_cluster('rack-2', hosts=(), mode='act')
        self.make_cluster('rack-1', hosts=())
        words = ('cluster', 'list', '--sort-column', 'Name')
        table = self.ha(*words, '-c', 'Name', '-c', 'Mode')
        self.assertNotIn('UUID', table)
        self.assertLess(table.index('rack-1'), table.index('rack-2'))
        found = json.loads(self.ha(*words, '-f', 'json'))
        self.assertEqual(['rack-1', 'rack-2'], [it['Name'] for it in found])
        self.assertIsInstance(found[0]['Layers'], list)
        found = yaml.safe_load(self.ha(*words, '-f', 'yaml'))
        self.assertEqual(['observe', 'act'], [it['Mode'] for it in found])
        lines = self.ha(*words, '-f', 'csv').splitlines()
        found = list(csv.DictReader(lines))
        self.assertEqual(['rack-1', 'rack-2'], [it['Name'] for it in found])
        found = self.read('cluster', 'list', '--mode', 'act')
        self.assertEqual(['rack-2'], [it['Name'] for it in found])

    def test_show_takes_a_name_or_a_uuid(self):
        uuid = self.make_cluster('rack eins 2')['uuid']
        shown = self.read('cluster', 'show', 'rack eins 2')
        self.assertEqual(uuid, shown['uuid'])
        self.assertEqual(shown, self.read('cluster', 'show', uuid))

    def test_set_adds_layers_and_changes_what_is_said(self):
        self.make_cluster(layers=['power'])
        self.ha('cluster', 'set', 'rack-1', '--layer', 'os', '--mode', 'act')
        self.assertEqual(['power', 'os'], self.row().layers)
        self.assertEqual('act', self.row().mode)
        self.ha(
            *('cluster', 'set', 'rack-1', '--no-layer', '--layer', 'network'),
            *('--name', 'rack-9', '--protects', 'all', '--targets', 'any'),
        )
        row = self.row('rack-9')
        self.assertEqual(['network'], row.layers)
        self.assertEqual(('all', 'any'), (row.protects, row.targets))

    def test_unset_takes_layers_and_rules_away(self):
        self.make_cluster(layers=['power', 'os'])
        rules = '[{lost: [storage], action: fence}]'
        self.ha('cluster', 'set', 'rack-1', '--isolation', rules)
        self.assertEqual(['storage'], self.row().isolation[0]['lost'])
        self.ha('cluster', 'unset', 'rack-1', '--layer', 'os', '--isolation')
        self.assertEqual(['power'], self.row().layers)
        self.assertEqual([], self.row().isolation)

    def test_a_window_begins_and_ends(self):
        self.make_cluster()
        self.ha('cluster', 'maintenance', 'begin', 'rack-1', '--reason', 'x')
        self.assertEqual('x', self.row().maintenance_why)
        self.ha('cluster', 'maintenance', 'end', 'rack-1')
        self.assertIsNone(self.row().maintenance_until)

    def test_strategy_shows_the_tree(self):
        self.make_cluster(layers=['power', 'os'])
        shown = self.read('cluster', 'strategy', 'rack-1')
        self.assertEqual('os', shown['trigger'])
        self.assertIn('power', shown['tree_text'])

    def test_delete_takes_several_and_goes_on_after_one_that_fails(self):
        self.make_cluster('rack-1', hosts=())
        self.make_cluster('rack-2', hosts=())
        said = self.refused('cluster', 'delete', 'rack-1', 'rack-9', 'rack-2')
        self.assertIn('could not delete cluster rack-9', said)
        self.assertIn('openstack ha cluster list', said)
        self.assertEqual([], self.read('cluster', 'list'))

    def test_what_the_api_refuses_is_told_in_its_words(self):
        self.make_cluster(layers=['power'])
        said = self.refused('cluster', 'unset', 'rack-1', '--layer', 'power')
        self.assertIn('layers', said)
        self.assertIn('HTTP 400', said)
        done = self.run_command('cluster', 'create', 'x', '--mode', 'attack')
        self.assertNotEqual(0, done.returncode)
        self.assertIn('observe', done.stderr)
