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

import uuid

from hass.db import clusters
from hass.db import hosts
from hass.db import instance_observations
from hass.db import models
from hass.db import moments
from hass import faults
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores


@stores.on_every_database
class InstancesTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1',))

    def protect_one(self, instance, token=base.MEMBER, **fields):
        body = {'uuid': instance} | fields
        return self.post('/v1/instances', body, token)

    def test_a_member_protects_an_instance_of_its_project(self):
        instance = self.nova.boot('compute-1')
        shown = self.assertFine(201, self.protect_one(instance))
        self.assertEqual('rack-1', shown['cluster'])
        self.assertEqual('blue', shown['project_id'])

    def test_a_member_sees_its_cluster_by_name_and_no_host(self):
        instance = self.protect()
        answer = self.get(f'/v1/instances/{instance}', base.READER)
        self.assertEqual('rack-1', self.assertFine(200, answer)['cluster'])
        self.assertNotIn('compute-1', answer.text)

    def test_an_instance_that_is_not_active_is_refused(self):
        instance = self.nova.boot('compute-1', status='SHUTOFF')
        answer = self.protect_one(instance)
        self.assertSays(409, 'is SHUTOFF: it must be ACTIVE', answer)

    def test_an_instance_outside_of_all_clusters_is_refused(self):
        instance = self.nova.boot('compute-7')
        answer = self.protect_one(instance)
        self.assertSays(409, 'does not run on a host of any cluster', answer)
        self.assertNotIn('compute-7', answer.text)

    def test_an_instance_of_another_cluster_than_said_is_refused(self):
        self.make_cluster('rack-2', hosts=())
        instance = self.nova.boot('compute-1')
        answer = self.protect_one(instance, cluster='rack-2')
        self.assertSays(409, 'not run on a host of cluster rack-2', answer)
        self.assertFine(201, self.protect_one(instance, cluster='rack-1'))

    def test_a_root_disk_of_its_host_is_refused(self):
        instance = self.nova.boot('compute-1', image_backed=True)
        answer = self.protect_one(instance)
        self.assertSays(409, 'declares no shared storage', answer)

    def test_so_is_an_ephemeral_disk_of_its_host(self):
        instance = self.nova.boot('compute-1', ephemeral_gb=20)
        answer = self.protect_one(instance)
        self.assertSays(409, 'ephemeral disk of 20 GB is local', answer)

    def test_shared_storage_carries_such_a_root_disk(self):
        self.change('/v1/clusters/rack-1', {'shared_storage': True})
        instance = self.nova.boot('compute-1', image_backed=True)
        self.assertFine(201, self.protect_one(instance))

    def test_an_instance_is_protected_once(self):
        instance = self.protect()
        answer = self.protect_one(instance)
        self.assertSays(409, 'is protected already', answer)

    def test_an_unknown_instance_is_not_found(self):
        answer = self.protect_one(str(uuid.uuid4()))
        self.assertSays(404, 'was not found', answer)

    def test_another_projects_instance_looks_like_none(self):
        instance = self.nova.boot('compute-1', project='red')
        foreign = self.protect_one(instance)
        unknown = self.protect_one(other := str(uuid.uuid4()))
        self.assertSays(404, 'was not found', foreign)
        self.assertEqual(
            foreign.json['error']['message'].replace(instance, ''),
            unknown.json['error']['message'].replace(other, ''),
        )

    def test_another_projects_protected_instance_looks_like_none(self):
        path = f'/v1/instances/{self.protect()}'
        self.assertSays(404, 'not found', self.get(path, base.STRANGER))
        self.assertSays(404, 'not found', self.delete(path, base.STRANGER))
        self.assertFine(200, self.get(path))

    def test_an_admin_protects_for_every_project(self):
        instance = self.nova.boot('compute-1', project='red')
        self.assertFine(201, self.protect_one(instance, base.ADMIN))

    def test_a_reader_protects_nothing(self):
        instance = self.nova.boot('compute-1')
        answer = self.protect_one(instance, base.READER)
        self.assertSays(403, 'ha:instances:protect', answer)

    def test_a_reader_unprotects_nothing(self):
        path = f'/v1/instances/{self.protect()}'
        self.assertSays(403, 'unprotect', self.delete(path, base.READER))

    def test_a_member_unprotects(self):
        path = f'/v1/instances/{self.protect()}'
        self.assertFine(204, self.delete(path, base.MEMBER))
        self.assertFalse(self.get(path, base.MEMBER).json['protected'])

    def test_nova_that_does_not_answer_is_told(self):
        instance = self.nova.boot('compute-1')
        self.nova.failure = base.unreachable()
        answer = self.protect_one(instance)
        self.assertSays(503, 'Nova cannot be asked now', answer)

    def test_a_list_holds_the_own_project(self):
        mine, other = self.protect(), self.protect(project='red')
        self.assertEqual([mine], self.listed(base.READER))
        self.assertEqual([other], self.listed(base.STRANGER))
        self.assertEqual([mine, other], self.listed(base.ADMIN))
        self.assertEqual([other], self.listed(base.ADMIN, '?project_id=red'))

    def test_a_member_asks_for_no_other_project(self):
        answer = self.get('/v1/instances?project_id=red', base.MEMBER)
        self.assertSays(403, 'list_all_projects', answer)

    def test_members_do_not_learn_which_clusters_there_are(self):
        self.protect()
        self.make_cluster('rack-2', ())
        self.assertEqual(1, len(self.listed(base.MEMBER, '?cluster=rack-1')))
        for name in ('rack-2', 'rack-9'):
            found = self.listed(base.MEMBER, f'?cluster={name}')
            self.assertEqual([], found)

    def test_filters_name_what_there_is(self):
        for field, name in (('cluster', 'rack-9'), ('host', 'compute-9')):
            answer = self.get(f'/v1/instances?{field}={name}', base.ADMIN)
            told = f'{field}: there is no {field} {name}'
            error = self.assertSays(400, told, answer)
            self.assertEqual(field, error['field'])

    def test_pages_are_walked_by_their_links(self):
        wanted = [self.protect() for _ in range(5)]
        links, seen = [{'href': '/v1/instances?limit=2&cluster=rack-1'}], []
        while links:
            path = '/v1/' + links[0]['href'].partition('/v1/')[2]
            page = self.assertFine(200, self.get(path))
            self.assertLessEqual(len(page['instances']), 2)
            seen += [one['uuid'] for one in page['instances']]
            links = page['links']
        self.assertEqual(wanted, seen)

    def test_odd_limits_and_markers_are_refused(self):
        for limit in ('0', '-1', 'x', '', '1.5', '٣'):
            answer = self.get('/v1/instances', params={'limit': limit})
            self.assertSays(400, 'limit: allowed: whole numbers', answer)
        answer = self.get('/v1/instances?marker=nobody')
        self.assertSays(400, 'marker: ', answer)
        self.assertFine(200, self.get(f'/v1/instances?limit={"9" * 40}'))

    def test_unknown_filters_are_refused_with_the_known_ones(self):
        answer = self.get('/v1/instances?status=ACTIVE')
        self.assertSays(
            400,
            'allowed: cluster, host, limit, marker, name, project_id',
            answer,
        )

    def test_they_are_found_by_their_host_and_by_their_name(self):
        self.assertEqual([], self.listed(base.ADMIN, '?host=compute-1'))
        here, other = self.protect(), self.protect(project='red')
        self.nova.move(other, 'compute-7')
        self.assertEqual([here], self.listed(base.ADMIN, '?host=compute-1'))
        self.assertEqual([other], self.listed(base.ADMIN, '?host=compute-7'))
        with self.database.reader() as session:
            uuid = hosts.get(session, 'compute-1').uuid
        self.assertEqual([here], self.listed(base.ADMIN, f'?host={uuid}'))
        name = self.nova.servers[other].name
        self.assertEqual([other], self.listed(base.ADMIN, f'?name={name}'))
        self.assertEqual([], self.listed(base.READER, f'?name={name}'))

    def test_members_do_not_learn_what_is_on_a_host(self):
        answer = self.get('/v1/instances?host=compute-1', base.MEMBER)
        self.assertSays(403, 'list_all_projects', answer)

    def test_a_filter_is_given_once(self):
        answer = self.get('/v1/instances?cluster=a&cluster=b')
        self.assertSays(400, 'cluster: is given more than once', answer)

    def listed(self, token, query=''):
        answer = self.get(f'/v1/instances{query}', token)
        return [i['uuid'] for i in self.assertFine(200, answer)['instances']]


class EntitlementsTest(base.ApiTest):
    """An instance is shown with the word that decides."""

    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1',))

    def protects(self, word):
        body = {'protects': word}
        path = '/v1/clusters/rack-1'
        self.assertFine(200, self.change(path, body))

    def shown(self, instance, token=base.READER):
        answer = self.get(f'/v1/instances/{instance}', token)
        return self.assertFine(200, answer)

    def assert_decided(self, protected, source, instance):
        shown = self.shown(instance)
        self.assertEqual(
            (protected, source), (shown['protected'], shown['decided_by'])
        )
        return shown['why']

    def test_an_instance_that_nobody_chose_is_shown(self):
        instance = self.nova.boot('compute-1')
        shown = self.shown(instance)
        self.assertEqual('rack-1', shown['cluster'])
        self.assertIsNone(shown['created_at'])
        why = self.assert_decided(False, 'cluster', instance)
        self.assertEqual('its cluster protects chosen instances', why)

    def test_a_chosen_one_is_shown_so_by_both_calls(self):
        self.protects('tagged')
        instance = self.nova.boot(
            'compute-1', metadata={'HA_Enabled': 'false'}
        )
        body = {'uuid': instance}
        made = self.assertFine(201, self.post('/v1/instances', body))
        self.assertEqual('instance', made['decided_by'])
        self.assertEqual(made, self.shown(instance))
        self.assertIsNotNone(made['created_at'])

    def test_its_own_tag_decides_where_tags_do(self):
        self.protects('tagged')
        yes = self.nova.boot('compute-1', metadata={'HA_Enabled': 'True'})
        why = self.assert_decided(True, 'metadata', yes)
        self.assertEqual('its metadata have HA_Enabled=True', why)
        self.assert_decided(False, 'cluster', self.nova.boot('compute-1'))

    def test_services_and_local_disks_are_left_out_of_all(self):
        self.protects('all')
        plain, local, amphora = (
            self.nova.boot('compute-1'),
            self.nova.boot('compute-1', image_backed=True),
            self.nova.boot('compute-1', name='amphora-1'),
        )
        self.assert_decided(True, 'cluster', plain)
        self.assert_decided(False, 'disk', local)
        self.assert_decided(False, 'service', amphora)

    def test_a_choice_is_taken_back_and_the_cluster_decides_again(self):
        self.protects('all')
        instance = self.protect()
        path = f'/v1/instances/{instance}'
        self.assertFine(204, self.delete(path, base.MEMBER))
        self.assert_decided(True, 'cluster', instance)
        answer = self.delete(path, base.MEMBER)
        self.assertSays(409, 'metadata HA_Enabled=false leave it out', answer)

    def test_what_is_not_protected_has_no_choice_to_take_back(self):
        instance = self.nova.boot('compute-1')
        answer = self.delete(f'/v1/instances/{instance}', base.MEMBER)
        self.assertSays(404, 'was not found', answer)

    def test_on_no_host_of_a_cluster_nothing_is_protected(self):
        instance = self.protect()
        for host in ('compute-7', None):
            self.nova.move(instance, host)
            why = self.assert_decided(False, 'cluster', instance)
            self.assertEqual('it is on no host of a cluster now', why)
            self.assertIsNone(self.shown(instance)['cluster'])

    def test_no_host_is_named(self):
        answer = self.get(f'/v1/instances/{self.protect()}', base.READER)
        self.assertNotIn('compute-1', answer.text)

    def test_another_projects_instance_looks_like_none(self):
        instance = self.nova.boot('compute-1', project='red')
        for path in (instance, str(uuid.uuid4()), 'no-uuid'):
            answer = self.get(f'/v1/instances/{path}', base.MEMBER)
            self.assertSays(404, 'was not found', answer)
        self.assertEqual(instance, self.shown(instance, base.ADMIN)['uuid'])

    def test_earlier_versions_know_the_chosen_only(self):
        path = f'/v1/instances/{self.nova.boot("compute-1")}'
        for version in ('hass 1.0', 'hass 1.1'):
            headers = {'OpenStack-API-Version': version}
            answer = self.get(path, base.READER, headers=headers)
            self.assertSays(404, 'was not found', answer)

    def test_nova_that_does_not_answer_is_told(self):
        instance = self.protect()
        self.nova.failure = base.unreachable()
        answer = self.get(f'/v1/instances/{instance}', base.READER)
        self.assertSays(503, 'Nova cannot be asked now', answer)


class ObservationsTest(base.ApiTest):
    """An instance is shown with what agents saw of it."""

    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1',))
        self.instance = self.nova.boot('compute-1')

    def see(self, verdict):
        with self.database.writer() as session:
            seen = instance_observations.Seen(
                self.instance,
                'guest_network',
                faults.Layer.GUEST_NETWORK,
                verdict,
                moments.read_now(session),
                '192.0.2.9 answers ARP',
            )
            instance_observations.put(session, 'compute-1', [seen])

    def shown(self, token=base.READER):
        path = f'/v1/instances/{self.instance}'
        return self.assertFine(200, self.get(path, token))

    def test_the_newest_look_is_shown_and_when_it_was_well(self):
        self.assertEqual([], self.shown()['observations'])
        self.see(faults.Verdict.HEALTHY)
        self.see(faults.Verdict.FAILED)
        (found,) = self.shown()['observations']
        self.assertLessEqual(found.pop('healthy_at'), found.pop('seen_at'))
        self.assertEqual(
            {
                'layer': 'guest_network',
                'detector': 'guest_network',
                'verdict': 'failed',
                'host': None,
                'detail': '192.0.2.9 answers ARP',
            },
            found,
        )

    def test_the_host_is_named_to_those_who_may_know_hosts(self):
        self.see(faults.Verdict.HEALTHY)
        for token, host in ((base.ADMIN, 'compute-1'), (base.READER, None)):
            (found,) = self.shown(token)['observations']
            self.assertEqual(host, found['host'])

    def test_its_own_metadata_say_which_of_its_layers_count(self):
        body = {'layers': ['os', 'guest_os']}
        self.assertFine(200, self.change('/v1/clusters/rack-1', body))
        for metadata, layers, why in (
            ({}, ['guest_os'], 'its cluster says so'),
            ({'HA_Layers': 'none'}, [], 'its metadata have HA_Layers=none'),
        ):
            self.instance = self.nova.boot('compute-1', metadata=metadata)
            shown = self.shown()
            self.assertEqual(layers, shown['guest_layers'])
            self.assertEqual(why, shown['guest_layers_why'])


@stores.on_every_database
class ManyInstancesTest(base.ApiTest):
    """10,000 instances: pages, few statements, quick."""

    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=())
        with self.database.writer() as session:
            cluster = clusters.get(session, 'rack-1')
            session.bulk_insert_mappings(
                models.Instance,
                [
                    {
                        'uuid': str(uuid.uuid4()),
                        'name': f'vm-{number}',
                        'project_id': 'blue',
                        'cluster_id': cluster.id,
                        'created_at': cluster.created_at,
                    }
                    for number in range(10_000)
                ],
            )

    def test_a_page_is_one_statement(self):
        with self.statements() as seen:
            answer = self.get('/v1/instances')
        self.assertEqual(1000, len(answer.json['instances']))
        selects = [one for one in seen if one.startswith('SELECT')]
        self.assertEqual(1, len(selects), '\n'.join(selects))

    def test_a_page_costs_what_is_on_it(self):
        """Not what is in the table: seconds are for make bench."""

        def seconds(query):
            started = self.clock.monotonic()
            self.assertFine(200, self.get(f'/v1/instances{query}'))
            return self.clock.monotonic() - started

        hundred = min(seconds('?limit=100') for _ in range(5))
        thousand = min(seconds('?limit=1000') for _ in range(5))
        self.assertLess(thousand, 30 * hundred)

    def test_no_page_is_longer_than_the_limit_of_the_service(self):
        answer = self.get('/v1/instances?limit=10000')
        self.assertEqual(1000, len(answer.json['instances']))
        self.assertIn('limit=1000', answer.json['links'][0]['href'])
