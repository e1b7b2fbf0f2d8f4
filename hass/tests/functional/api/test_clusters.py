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

from hass.db import clusters
from hass.db import hosts
from hass.diagnosis import isolation
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores


RULES = [
    {'lost': ['management'], 'alive': ['storage'], 'action': 'report'},
    {'lost': ['storage', 'tenant'], 'action': 'fence'},
]


@stores.on_every_database
class ClustersTest(base.ApiTest):
    def test_a_cluster_observes_until_told_more(self):
        cluster = self.make_cluster(hosts=())
        self.assertEqual('observe', cluster['mode'])
        self.assertEqual('cluster', cluster['targets'])
        self.assertFalse(cluster['shared_storage'])

    def test_hosts_and_layers_come_in_the_same_call(self):
        cluster = self.make_cluster(
            hosts=('compute-1', 'compute-2'),
            mode='act',
            layers=['power', 'os'],
            shared_storage=True,
            targets='any',
        )
        self.assertEqual(['power', 'os'], cluster['layers'])
        self.assertEqual(
            ['compute-1', 'compute-2'], [h['name'] for h in cluster['hosts']]
        )
        keys = {host['agent_key'] for host in cluster['hosts']}
        self.assertEqual(2, len(keys))

    def test_all_or_nothing_when_one_host_is_unknown(self):
        self.nova.host('compute-1')
        body = {
            'name': 'rack-1',
            'hosts': [{'name': 'compute-1'}, {'name': 'compute-9'}],
        }
        answer = self.post('/v1/clusters', body)
        self.assertSays(409, 'compute-9 is not known to Nova', answer)
        self.assertEqual([], self.get('/v1/clusters').json['clusters'])

    def test_all_or_nothing_when_one_host_is_taken(self):
        self.make_cluster('rack-1', hosts=('compute-1',))
        self.nova.host('compute-2')
        body = {
            'name': 'rack-2',
            'hosts': [{'name': 'compute-2'}, {'name': 'compute-1'}],
        }
        answer = self.post('/v1/clusters', body)
        self.assertSays(409, 'compute-1 is in a cluster already', answer)
        names = [c['name'] for c in self.get('/v1/clusters').json['clusters']]
        self.assertEqual(['rack-1'], names)
        self.assertSays(404, 'compute-2', self.get('/v1/hosts/compute-2'))

    def test_a_host_is_given_once(self):
        self.nova.host('compute-1')
        body = {'name': 'r', 'hosts': [{'name': 'compute-1'}] * 2}
        error = self.assertSays(
            400, 'compute-1 is given more than once',
            self.post('/v1/clusters', body),
        )  # fmt: skip
        self.assertEqual('hosts.1.name', error['field'])

    def test_a_name_is_unique(self):
        self.make_cluster('rack-1', hosts=())
        answer = self.post('/v1/clusters', {'name': 'rack-1'})
        self.assertSays(409, 'there is a cluster rack-1 already', answer)

    def test_a_name_stays_unique_when_changed(self):
        self.make_cluster('rack-1', hosts=())
        self.make_cluster('rack-2', hosts=())
        answer = self.change('/v1/clusters/rack-2', {'name': 'rack-1'})
        self.assertSays(409, 'rack-1', answer)

    def test_changed_fields_change_and_others_stay(self):
        self.make_cluster('rack-1', hosts=(), shared_storage=True)
        answer = self.change('/v1/clusters/rack-1', {'mode': 'ask'})
        changed = self.assertFine(200, answer)
        self.assertEqual('ask', changed['mode'])
        self.assertTrue(changed['shared_storage'])
        self.assertIsNotNone(changed['updated_at'])

    def test_an_unknown_mode_is_refused_with_the_known_ones(self):
        answer = self.post('/v1/clusters', {'name': 'x', 'mode': 'attack'})
        error = self.assertSays(400, 'observe, ask, act', answer)
        self.assertEqual('mode', error['field'])

    def test_a_cluster_protects_the_chosen_unless_more_is_asked_for(self):
        self.assertEqual('chosen', self.make_cluster(hosts=())['protects'])
        self.make_cluster('rack-2', hosts=(), protects='tagged')
        answer = self.change('/v1/clusters/rack-2', {'protects': 'all'})
        self.assertEqual('all', self.assertFine(200, answer)['protects'])
        answer = self.get('/v1/clusters/rack-2')
        self.assertEqual('all', answer.json['protects'])

    def test_who_is_protected_is_one_of_three_words(self):
        body = {'name': 'x', 'protects': 'some'}
        answer = self.post('/v1/clusters', body)
        error = self.assertSays(400, 'chosen, tagged, all', answer)
        self.assertEqual('protects', error['field'])

    def test_an_unknown_layer_is_named_by_its_place(self):
        answer = self.post('/v1/clusters', {'name': 'x', 'layers': ['disk']})
        error = self.assertSays(400, 'power, hardware, os', answer)
        self.assertEqual('layers.0', error['field'])

    def what_is_done(self, dark, alive):
        """As an engine reads the rules."""
        with self.database.reader() as session:
            row = clusters.get(session, 'rack-1')
            action, _why = isolation.decide(
                isolation.read(row.isolation), dark, alive
            )
        return action

    def test_without_rules_a_host_that_lost_networks_is_reported(self):
        cluster = self.make_cluster('rack-1', hosts=())
        self.assertEqual([], cluster['isolation'])
        self.assertEqual('report', self.what_is_done({'storage'}, {'tenant'}))

    def test_rules_are_what_the_engines_read_in_their_order(self):
        cluster = self.make_cluster('rack-1', hosts=(), isolation=RULES)
        self.assertEqual(RULES, cluster['isolation'])
        lost = {'storage', 'tenant'}
        self.assertEqual('fence', self.what_is_done(lost, {'management'}))
        lost = {'management', 'tenant'}
        self.assertEqual('report', self.what_is_done(lost, {'storage'}))

    def test_rules_change_as_a_whole_and_go(self):
        self.make_cluster('rack-1', hosts=(), isolation=RULES)
        rules = [{'lost': ['tenant'], 'action': 'fence'}]
        for wanted in (rules, []):
            answer = self.change('/v1/clusters/rack-1', {'isolation': wanted})
            changed = self.assertFine(200, answer)
            self.assertEqual(wanted, changed['isolation'])
        self.assertEqual('report', self.what_is_done({'tenant'}, {'storage'}))

    def test_a_rule_that_makes_no_sense_is_named_by_its_place(self):
        good = {'lost': ['storage'], 'action': 'fence'}
        for change, field, words in (
            ({'action': 'kill'}, 'action', 'allowed: report, fence'),
            ({'lost': []}, 'lost', 'must not be empty'),
            ({'lost': ['Data net']}, 'lost.0', 'a network is named by'),
            ({'alive': ['storage']}, 'alive', 'both lost and alive'),
            ({'dark': ['storage']}, 'dark', 'action, alive, lost'),
        ):
            rules = [good, good | change]
            body = {'name': 'x', 'isolation': rules}
            error = self.assertSays(
                400, words, self.post('/v1/clusters', body)
            )
            self.assertEqual(f'isolation.1.{field}', error['field'])

    def test_a_uuid_is_no_name(self):
        uuid = self.make_cluster(hosts=())['uuid']
        answer = self.post('/v1/clusters', {'name': uuid})
        self.assertSays(400, 'or a UUID', answer)

    def test_odd_names_are_refused(self):
        for name in ('', ' x', 'x ', 'a/b', 'a\nb', 'x' * 65, 'a%b', 'x\n'):
            answer = self.post('/v1/clusters', {'name': name})
            self.assertSays(400, 'name: ', answer)

    def test_a_cluster_is_found_by_uuid_and_by_name(self):
        uuid = self.make_cluster('Ränge 1', hosts=())['uuid']
        by_uuid = self.assertFine(200, self.get(f'/v1/clusters/{uuid}'))
        by_name = self.assertFine(200, self.get('/v1/clusters/Ränge 1'))
        self.assertEqual(by_uuid, by_name)

    def test_a_cluster_with_hosts_stays(self):
        self.make_cluster('rack-1')
        answer = self.delete('/v1/clusters/rack-1')
        self.assertSays(409, 'cluster rack-1 has 1 hosts', answer)

    def test_an_empty_cluster_goes(self):
        self.make_cluster('rack-1')
        self.assertFine(204, self.delete('/v1/hosts/compute-1'))
        self.assertFine(204, self.delete('/v1/clusters/rack-1'))
        self.assertSays(404, 'rack-1', self.get('/v1/clusters/rack-1'))

    def test_no_cluster_is_made_while_nova_does_not_answer(self):
        self.nova.failure = base.unreachable()
        body = {'name': 'rack-1', 'hosts': [{'name': 'compute-1'}]}
        answer = self.post('/v1/clusters', body)
        self.assertSays(503, 'Nova cannot be asked now', answer)
        self.assertEqual('5', answer.headers['Retry-After'])
        self.assertNotIn('10.0.0.9', answer.text)

    def test_keys_and_passwords_are_closed_in_the_database(self):
        self.nova.host('compute-1')
        bmc = {'address': '192.0.2.1', 'username': 'u', 'password': 'hush'}
        body = {'name': 'r', 'hosts': [{'name': 'compute-1', 'bmc': bmc}]}
        cluster = self.assertFine(201, self.post('/v1/clusters', body))
        (shown,) = cluster['hosts']
        with self.database.reader() as session:
            row = hosts.get(session, 'compute-1')
        self.assertEqual('closed(hsuh)', row.bmc_password)
        self.assertEqual(f'closed({shown["agent_key"][::-1]})', row.agent_key)
        self.assertNotIn('hush', str(cluster))
