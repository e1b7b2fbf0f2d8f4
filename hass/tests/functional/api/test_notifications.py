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

import datetime
import logging

import fixtures

from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

BODY = {
    'source': 'prober',
    'host': 'compute-1',
    'layer': 'power',
    'payload': {'seen': ['a', 1, None]},
}


@stores.on_every_database
class NotificationsTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster()

    def notify(self, token=base.MONITOR, **changes):
        known = {'generated_at': f'{self.clock.now().isoformat()}Z'}
        body = BODY | known | changes
        return self.post('/v1/notifications', body, token)

    def ago(self, seconds, zone=datetime.UTC):
        """A moment so long ago, as a clock of that zone shows it."""
        moment = self.clock.now() - datetime.timedelta(seconds=seconds)
        return moment.replace(tzinfo=datetime.UTC).astimezone(zone)

    def test_a_monitor_notifies_and_the_bell_rings(self):
        zone = datetime.timezone(datetime.timedelta(hours=1))
        at = self.ago(60, zone).isoformat()
        shown = self.assertFine(202, self.notify(generated_at=at))
        self.assertEqual('new', shown['state'])
        told = datetime.datetime.fromisoformat(shown['generated_at'])
        self.assertEqual(datetime.datetime.fromisoformat(at), told)
        self.assertEqual({'seen': ['a', 1, None]}, shown['payload'])
        self.assertTrue(self.engine.woken.wait(60))

    def test_it_is_taken_though_no_engine_hears_the_bell(self):
        self.engine.hangs = True
        self.assertFine(202, self.notify())

    def test_a_host_outside_of_all_clusters_is_refused(self):
        answer = self.notify(host='compute-9')
        self.assertSays(400, 'host: compute-9 is in no cluster', answer)

    def test_what_is_malformed_is_named_and_leaves_nothing(self):
        for field, value in (
            ('layer', 'moon'),
            ('generated_at', 'yesterday'),
            ('generated_at', '9999-12-31T23:59:59-12:00'),
            ('generated_at', 12),
            ('source', ''),
            ('source', 'engine'),
            ('host', 'a b'),
            ('payload', []),
            ('extra', 1),
        ):
            error = self.assertSays(400, field, self.notify(**{field: value}))
            self.assertEqual(field, error['field'])
        self.assertEqual([], self.listed())

    def test_a_moment_that_is_not_now_is_refused_with_what_is_allowed(self):
        for ago, why in (
            (3700, 'was too long ago; allowed: 20'),
            (-400, 'lies in the future; allowed: 20'),
            (10**9, 'was too long ago'),
        ):
            at = self.ago(ago).isoformat()
            error = self.assertSays(400, why, self.notify(generated_at=at))
            self.assertEqual('generated_at', error['field'])
        # Local time that is not said to be so.
        zone = datetime.timezone(datetime.timedelta(hours=8))
        at = self.ago(0, zone).replace(tzinfo=None).isoformat()
        self.assertSays(400, 'future', self.notify(generated_at=at))
        self.assertEqual([], self.listed())
        for ago in (3500, -200):
            at = self.ago(ago).isoformat()
            self.assertFine(202, self.notify(generated_at=at))

    def test_a_monitor_of_masakaris_is_told_what_is_wanted_here(self):
        logged = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        body = {
            'notification': {
                'type': 'COMPUTE_HOST',
                'hostname': 'compute-1',
                'generated_time': '2026-01-31T11:00:00.000000',
                'payload': {'event': 'STOPPED', 'cluster_status': 'OFFLINE'},
            }
        }
        answer = self.post('/v1/notifications', body, base.MONITOR)
        error = self.assertSays(
            400, 'missing: source, host, layer, generated_at', answer
        )
        self.assertEqual('notification', error['field'])
        self.assertIn('HASS is to be a service of type hass', answer.text)
        self.assertIn("'hostname': 'compute-1'", logged.output)
        self.assertEqual([], self.listed())

    def test_members_neither_notify_nor_read(self):
        self.assertSays(403, 'create', self.notify(base.MEMBER))
        answer = self.get('/v1/notifications', base.MEMBER)
        self.assertSays(403, 'list', answer)

    def test_a_monitor_does_not_read(self):
        answer = self.get('/v1/notifications', base.MONITOR)
        self.assertSays(403, 'ha:notifications:list', answer)

    def test_they_are_filtered(self):
        uuid = self.notify().json['uuid']
        self.assertEqual([uuid], self.listed('?host=compute-1&state=new'))
        self.assertEqual([], self.listed('?source=other'))
        answer = self.get('/v1/notifications?host=compute-9')
        self.assertSays(400, 'host: there is no host compute-9', answer)
        answer = self.get('/v1/notifications?state=open')
        self.assertSays(400, 'allowed: new, opened, ignored', answer)

    def test_one_is_shown(self):
        uuid = self.notify().json['uuid']
        shown = self.assertFine(200, self.get(f'/v1/notifications/{uuid}'))
        self.assertEqual('prober', shown['source'])
        self.assertSays(404, 'not found', self.get('/v1/notifications/nope'))

    def listed(self, query=''):
        answer = self.get(f'/v1/notifications{query}')
        found = self.assertFine(200, answer)['notifications']
        return [one['uuid'] for one in found]
