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

"""Whom HASS would act for if a host failed now, and whom not, and why."""

from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

OF_HOST = '/v1/hosts/compute-1/protection'
OF_CLUSTER = '/v1/clusters/rack-1/protection'


@stores.on_every_database
class ProtectionTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster(
            'rack-1',
            hosts=('compute-1', 'compute-2', 'compute-3'),
            mode='act',
            protects='tagged',
        )
        for host in ('compute-1', 'compute-2', 'compute-3'):
            self.set_host(host)

    def set_host(self, name, fence=models.FenceState.WORKING):
        """Its agent reports, and its fence is as said."""
        with self.database.writer() as session:
            row = hosts.get(session, name)
            row.reported_at = moments.read_now(session)
            row.fence_state = fence

    def boot(self, name, tag='true', host='compute-1', **fields):
        metadata = {} if tag is None else {'HA_Enabled': tag}
        return self.nova.boot(host, metadata=metadata, name=name, **fields)

    def listed(self, path=OF_HOST):
        """By name: whether it is brought back, and the sentences."""
        shown = self.assertFine(200, self.get(path))
        return {
            one['name']: (one['recovered'], one['unrecovered_why'])
            for one in shown['instances']
        }

    def test_those_that_would_be_brought_back_and_those_that_would_not(self):
        self.boot('web')
        self.boot('cache', tag='no')
        self.boot('paused', status='PAUSED')
        self.boot('local', image_backed=True)
        self.boot('chosen', tag=None)
        chosen = {one.name: one.uuid for one in self.nova.servers.values()}
        body = {'uuid': chosen['chosen']}
        self.assertFine(201, self.post('/v1/instances', body))
        found = self.listed()
        self.assertEqual((True, []), found.pop('web'))
        self.assertEqual((True, []), found.pop('chosen'))
        for name, why in (
            ('cache', 'its metadata have HA_Enabled=no'),
            ('paused', 'it is paused: Nova evacuates none'),
            ('local', 'its root disk is local'),
        ):
            recovered, sentences = found.pop(name)
            self.assertFalse(recovered, name)
            self.assertIn(why, ' '.join(sentences))
        self.assertEqual({}, found)

    def test_a_list_that_nova_cuts_short_is_not_taken_for_the_whole(self):
        self.boot('web')
        seen = self.boot('cache')
        self.nova.left_out.add(seen)
        with self.database.writer() as session:
            hosts.get(session, 'compute-1').domains = [seen]
        for path in (OF_HOST, OF_CLUSTER):
            self.assertSays(503, 'list servers of compute-1', self.get(path))
        self.nova.left_out.clear()
        self.assertEqual({'web', 'cache'}, {*self.listed()})

    def test_what_its_host_lacks_is_a_reason_for_each(self):
        self.boot('web')
        self.set_host('compute-1', models.FenceState.BROKEN)
        told = 'no working fence: broken'
        self.assertEqual({'web': (False, [told])}, self.listed())
        shown = self.get(OF_HOST).json
        self.assertFalse(shown['protected'])
        self.assertEqual([told], shown['unprotected_why'])
        self.assertTrue(shown['instances'][0]['protected'])

    def test_a_cluster_that_observes_acts_for_nobody(self):
        self.boot('web')
        self.change('/v1/clusters/rack-1', {'mode': 'observe'})
        told = 'its cluster only observes'
        self.assertEqual({'web': (False, [told])}, self.listed())

    def test_a_cluster_is_shown_host_by_host(self):
        self.boot('web')
        self.boot('db', host='compute-3')
        shown = self.assertFine(200, self.get(OF_CLUSTER))
        self.assertEqual(
            [('compute-1', ['web']), ('compute-2', []), ('compute-3', ['db'])],
            [
                (host['name'], [one['name'] for one in host['instances']])
                for host in shown['hosts']
            ],
        )
        self.assertEqual([], shown['links'])

    def test_its_pages_are_walked(self):
        self.boot('db', host='compute-3')
        first = self.assertFine(200, self.get(f'{OF_CLUSTER}?limit=2'))
        self.assertEqual(2, len(first['hosts']))
        (link,) = first['links']
        path = '/v1/' + link['href'].partition('/v1/')[2]
        rest = self.assertFine(200, self.get(path))
        (last,) = rest['hosts']
        self.assertEqual(('compute-3', []), (last['name'], rest['links']))

    def test_what_is_not_there_is_not_found(self):
        for path in (OF_HOST, OF_CLUSTER):
            other = path.replace('-1/', '-9/')
            self.assertSays(404, 'was not found', self.get(other))

    def test_it_is_the_operators_own(self):
        for path in (OF_HOST, OF_CLUSTER):
            answer = self.get(path, base.MEMBER)
            self.assertSays(403, 'show_protection', answer)

    def test_nova_that_does_not_answer_is_told(self):
        self.nova.failure = base.unreachable()
        for path in (OF_HOST, OF_CLUSTER):
            self.assertSays(503, 'Nova cannot be asked now', self.get(path))
