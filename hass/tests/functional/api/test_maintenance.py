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

"""Maintenance windows over the API, and who is protected."""

from hass.db import hosts
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

WINDOW = {'seconds': 3600, 'reason': 'new memory'}


@stores.on_every_database
class MaintenanceTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster(
            'rack-1', hosts=('compute-1', 'compute-2'), mode='act'
        )

    def put(self, what, body=WINDOW, **options):
        return self.ask('PUT', f'/v1/{what}/maintenance', body, **options)

    def report(self, *names):
        for name in names:
            self.database.write(
                hosts.record_report,
                name,
                boot_id='boot',
                addresses={},
                domains=None,
                system_uuid=None,
                resume_guests=False,
                clock_at=None,
            )

    def host(self, name='compute-1'):
        return self.assertFine(200, self.get(f'/v1/hosts/{name}'))

    def test_a_window_of_a_host_begins_and_ends(self):
        self.report('compute-1', 'compute-2')
        self.assertTrue(self.host()['protected'])
        begun = self.assertFine(200, self.put('hosts/compute-1'))
        self.assertEqual('new memory', begun['maintenance_why'])
        self.assertIsNotNone(begun['maintenance_until'])
        self.assertFalse(begun['protected'])
        why = ' '.join(begun['unprotected_why'])
        self.assertIn('new memory', why)
        self.assertIn('fewer than two usable hosts', why)
        answer = self.delete('/v1/hosts/compute-1/maintenance')
        self.assertEqual(204, answer.status_code)
        self.assertTrue(self.host()['protected'])

    def test_a_window_of_a_cluster_is_one_of_its_hosts(self):
        self.report('compute-1', 'compute-2')
        begun = self.assertFine(200, self.put('clusters/rack-1'))
        self.assertEqual('new memory', begun['maintenance_why'])
        self.assertIn('new memory', self.host()['unprotected_why'][0])
        answer = self.delete('/v1/clusters/rack-1/maintenance')
        self.assertEqual(204, answer.status_code)
        self.assertEqual([], self.host()['unprotected_why'])

    def test_every_host_says_what_it_lacks(self):
        self.change('/v1/clusters/rack-1', {'mode': 'observe'})
        (first, _) = self.get('/v1/hosts').json['hosts']
        self.assertFalse(first['protected'])
        self.assertEqual(
            [
                'its agent never reported',
                'its cluster only observes',
                'its cluster has fewer than two usable hosts',
            ],
            first['unprotected_why'],
        )

    def test_an_open_recovery_refuses_a_window_and_is_named(self):
        recovery = self.database.write(builders.make_recovery)
        for what in ('hosts/compute-1', 'clusters/rack-1'):
            self.assertSays(409, recovery.uuid, self.put(what))
        self.assertFine(200, self.put('hosts/compute-2'))

    def test_bad_windows_are_refused_with_their_field(self):
        for body, field in (
            ({'seconds': 0, 'reason': 'x'}, 'seconds'),
            ({'seconds': 604801, 'reason': 'x'}, 'seconds'),
            ({'seconds': 1.5, 'reason': 'x'}, 'seconds'),
            ({'seconds': 60}, 'reason'),
            ({'seconds': 60, 'reason': ''}, 'reason'),
            ({'seconds': 60, 'reason': 'x', 'until': 'y'}, 'until'),
        ):
            error = self.assertSays(
                400, field, self.put('hosts/compute-1', body)
            )
            self.assertEqual(field, error['field'])

    def test_what_does_not_exist_has_no_window(self):
        for what in ('hosts/nobody', 'clusters/nothing'):
            self.assertEqual(404, self.put(what).status_code)
            answer = self.delete(f'/v1/{what}/maintenance')
            self.assertEqual(404, answer.status_code)

    def test_only_operators_may(self):
        answer = self.put('hosts/compute-1', token=base.MEMBER)
        self.assertEqual(403, answer.status_code)
        answer = self.delete(
            '/v1/hosts/compute-1/maintenance', token=base.MEMBER
        )
        self.assertEqual(403, answer.status_code)
