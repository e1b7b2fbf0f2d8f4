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

"""What every request passes, and what hostile ones try."""

import json

from falcon import testing
from oslo_db import exception as oslo_exception
from oslo_middleware import cors

from hass.api import body as bodies
from hass.api import microversion
from hass.tests.functional.api import base

NEWEST = str(microversion.MAX)
JSON = {'Content-Type': 'application/json'}


class VersionsTest(base.ApiTest):
    def ask_for(self, version, path='/v1/clusters'):
        return self.get(path, headers={'OpenStack-API-Version': version})

    def test_versions_are_for_everybody(self):
        (root,) = self.get('/', token=None).json['versions']
        self.assertEqual('1.0', root['min_version'])
        self.assertEqual(NEWEST, root['max_version'])
        for path in ('/v1', '/v1/'):
            version = self.get(path, token=None).json['version']
            self.assertEqual(root, version)
        self.assertTrue(root['links'][0]['href'].endswith('/v1/'))

    def test_the_version_is_told_with_each_answer(self):
        for asked, told in (
            ('hass 1.0', 'hass 1.0'),
            ('hass latest', f'hass {NEWEST}'),
            ('compute 2.90, hass 1.0', 'hass 1.0'),
            ('', 'hass 1.0'),
            ('instance-ha 1.2', 'hass 1.0'),
            ('ha latest', f'ha {NEWEST}'),
        ):
            answer = self.ask_for(asked)
            self.assertEqual(200, answer.status_code, answer.text)
            self.assertEqual(told, answer.headers['OpenStack-API-Version'])
            self.assertIn('OpenStack-API-Version', answer.headers['Vary'])

    def test_a_version_that_is_not_spoken_is_406(self):
        for asked in ('hass 0.1', 'hass 1.99', 'hass 2.0', 'ha 1.999'):
            error = self.assertSays(
                406, f'1.0 to {NEWEST}', self.ask_for(asked)
            )
            self.assertEqual(NEWEST, error['max_version'])

    def test_what_is_no_version_is_400(self):
        for version in ('', 'one', '1', '1.0.0', '1.x', '01.0', '1.٠'):
            for service in ('hass', 'ha'):
                answer = self.ask_for(f'{service} {version}')
                self.assertEqual(400, answer.status_code, version)

    def test_other_services_versions_do_not_matter(self):
        self.assertFine(200, self.ask_for('compute 2.94'))


class RequestIdTest(base.ApiTest):
    def test_each_answer_has_an_id_of_its_own(self):
        first, second = self.get('/v1/clusters'), self.get('/v1/nothing')
        ids = [a.headers['x-openstack-request-id'] for a in (first, second)]
        self.assertEqual(2, len(set(ids)))
        self.assertEqual(ids[1], second.json['error']['request_id'])

    def test_the_id_is_in_the_log_of_a_crash_and_no_traceback_in_the_body(
        self,
    ):
        self.nova.failure = RuntimeError('the secret of compute-1')
        body = {'name': 'r', 'hosts': [{'name': 'compute-1'}]}
        answer = self.post('/v1/clusters', body)
        error = self.assertSays(500, 'an unexpected error', answer)
        self.assertNotIn('secret', answer.text)
        self.assertNotIn('Traceback', answer.text)
        self.assertIn(error['request_id'], answer.text)
        self.assertIn('the secret of compute-1', self.log.output)

    def test_a_database_that_is_away_is_503(self):
        self.nova.failure = oslo_exception.DBConnectionError('mysql://u:p@h')
        body = {'name': 'r', 'hosts': [{'name': 'compute-1'}]}
        answer = self.post('/v1/clusters', body)
        self.assertSays(503, 'the database does not answer', answer)
        self.assertNotIn('u:p', answer.text)


class PathsTest(base.ApiTest):
    def test_an_unknown_path_is_404_in_our_form(self):
        for path in ('/v2/clusters', '/v1/clusters/a/b/c', '/v1/cluster'):
            answer = self.get(path)
            self.assertSays(404, f'there is no path {path}', answer)

    def test_what_cannot_be_seen_in_a_name_is_written_out(self):
        for ref, shown in (
            ('%E2%80%8Bcompute-1', r"host '\u200bcompute-1' was not found"),
            ('compute-1%20', "host 'compute-1 ' was not found"),
            ('%E2%80%AEa/b', r"no path '/v1/hosts/\u202ea/b'"),
        ):
            self.assertSays(404, shown, self.get(f'/v1/hosts/{ref}'))

    def test_a_path_without_that_method_is_405(self):
        answer = self.ask('PUT', '/v1/clusters', {})
        self.assertSays(405, 'PUT /v1/clusters: allowed: GET, POST', answer)
        self.assertIn('POST', answer.headers['Allow'])

    def test_a_trailing_slash_does_not_matter(self):
        self.assertFine(200, self.get('/v1/clusters/'))

    def test_healthcheck_needs_no_token(self):
        self.assertEqual(200, self.get('/healthcheck', None).status_code)

    def test_control_characters_are_refused(self):
        for path in ('/v1/clusters/a%00b', '/v1/hosts/%0a',
                     '/v1/instances/%00'):  # fmt: skip
            self.assertEqual(404, self.get(path).status_code)
        for query in ('name=%00', 'marker=%00', 'na%00me=x'):
            answer = self.get(f'/v1/clusters?{query}')
            self.assertSays(400, 'control character', answer)

    def test_bytes_that_are_no_text_are_not_found(self):
        answer = self.get('/v1/clusters/%ff%fe')
        self.assertEqual(404, answer.status_code)


class BodiesTest(base.ApiTest):
    def raw(self, raw, headers=None):
        return testing.simulate_request(
            self._serve,
            'POST',
            '/v1/clusters',
            headers={'X-Auth-Token': base.ADMIN} | (headers or JSON),
            body=raw,
        )

    def test_malformed_json_is_told_with_its_line(self):
        for raw in (b'{', b'{"name": "a",}', b'[1', b'nul', b"{'a': 1}"):
            self.assertSays(400, 'body: is not JSON', self.raw(raw))

    def test_numbers_that_json_does_not_know_are_refused(self):
        for raw in (b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}'):
            self.assertSays(400, 'a number that JSON', self.raw(raw))

    def test_bytes_that_are_no_text_are_refused(self):
        for raw in (b'\xff\xfe', b'{"name": "\xe9"}', b'{"name": "\\ud800"}'):
            self.assertSays(400, 'no Unicode text', self.raw(raw))

    def test_a_nul_is_refused_wherever_it_is(self):
        for raw in (b'{"name": "a\\u0000b"}', b'{"\\u0000": 1}'):
            self.assertSays(400, 'a NUL character', self.raw(raw))

    def test_a_deep_body_is_refused(self):
        for depth in (bodies.MAX_DEPTH + 1, 940, 40_000):
            for raw in (
                b'[' * depth + b']' * depth,
                b'{"a":' * depth + b'1' + b'}' * depth,
            ):
                self.assertSays(400, 'nested deeper than 20', self.raw(raw))

    def test_what_is_nested_as_deep_as_allowed_is_kept(self):
        """The payload stands in the body: it is one level less deep."""
        self.make_cluster()
        payload: dict[str, object] = {'a': 1}
        for _ in range(bodies.MAX_DEPTH - 2):
            payload = {'a': payload}
        alleged = {
            'source': 'monitor', 'host': 'compute-1', 'layer': 'os',
            'generated_at': self.clock.now().isoformat(), 'payload': payload,
        }  # fmt: skip
        answer = self.ask('POST', '/v1/notifications', alleged)
        self.assertFine(202, answer)
        self.assertEqual(payload, answer.json['payload'])

    def test_a_name_that_is_given_twice_is_refused(self):
        raw = b'{"name": "a", "mode": "act", "name": "b"}'
        self.assertSays(400, 'name: is given more than once', self.raw(raw))

    def test_a_huge_body_is_refused_unread(self):
        raw = json.dumps({'name': 'x' * 300_000}).encode()
        self.assertSays(413, 'allowed: 262144', self.raw(raw))

    def test_a_body_that_is_no_object_is_refused(self):
        for raw in (b'[]', b'"x"', b'1', b'null'):
            self.assertSays(400, 'body: wrong type; allowed: object',
                            self.raw(raw))  # fmt: skip

    def test_a_missing_body_is_told(self):
        self.assertSays(400, 'body: is missing', self.raw(b''))

    def test_other_media_are_refused(self):
        for kind in ('text/plain', 'application/xml', 'multipart/form-data',
                     'application/x-www-form-urlencoded'):  # fmt: skip
            answer = self.raw(b'{"name": "a"}', {'Content-Type': kind})
            self.assertSays(415, 'application/json', answer)

    def test_no_other_letters_and_no_packing_is_read(self):
        for more in (
            {'Content-Type': 'application/json; charset=utf-16'},
            {'Content-Type': 'application/json; charset="latin-1"'},
            JSON | {'Content-Encoding': 'gzip'},
        ):
            answer = self.raw(b'{"name": "a"}', more)
            self.assertSays(415, 'allowed is', answer)

    def test_utf_8_is_read_by_each_of_its_names(self):
        for number, charset in enumerate(('utf-8', 'UTF8', '"utf-8"')):
            headers = {
                'Content-Type': f'Application/JSON; charset={charset}',
                'Content-Encoding': 'Identity',
            }
            answer = self.raw(b'{"name": "a%d"}' % number, headers)
            self.assertFine(201, answer)


class WhoTest(base.ApiTest):
    def test_without_a_token_nothing_is_told(self):
        for path in ('/v1/clusters', '/v1/nothing', '/v2'):
            self.assertSays(401, '', self.get(path, token=None))

    def test_odd_tokens_are_refused(self):
        for token in ('x', 'a:b', 'a:b:', '::', 'a:b:c:d'):
            answer = self.get('/v1/hosts', token)
            self.assertSays(401, 'USER:PROJECT:ROLE', answer)

    def test_headers_do_not_raise_anybody(self):
        spoofed = {
            'X-Roles': 'admin',
            'X-Role': 'admin',
            'X-Project-Id': 'red',
            'X-User-Id': 'operator',
            'X-Identity-Status': 'Confirmed',
            'X-Is-Admin-Project': 'True',
            'OpenStack-System-Scope': 'all',
            'X-Service-Roles': 'service',
        }
        for token in (base.MEMBER, None):
            answer = self.get('/v1/clusters', token, headers=spoofed)
            self.assertIn(answer.status_code, (401, 403), answer.text)

    def test_a_member_cannot_do_what_operators_do(self):
        self.make_cluster()
        for method, path, body in (
            ('GET', '/v1/clusters', None),
            ('GET', '/v1/clusters/rack-1', None),
            ('GET', '/v1/clusters/nothing', None),
            ('POST', '/v1/clusters', {'name': 'mine'}),
            ('PATCH', '/v1/clusters/rack-1', {'mode': 'act'}),
            ('DELETE', '/v1/clusters/rack-1', None),
            ('GET', '/v1/clusters/rack-1/hosts', None),
            ('POST', '/v1/clusters/rack-1/hosts', {'name': 'compute-1'}),
            ('GET', '/v1/hosts', None),
            ('GET', '/v1/hosts/compute-1', None),
            ('PATCH', '/v1/hosts/compute-1', {'labels': {}}),
            ('DELETE', '/v1/hosts/compute-1', None),
            ('POST', '/v1/hosts/compute-1/agent_key', None),
            ('POST', '/v1/hosts/compute-1/fence_test', None),
        ):
            answer = self.ask(method, path, body, token=base.MEMBER)
            self.assertSays(403, 'policy ha:', answer)

    def test_a_manager_can_what_a_member_can_and_no_more(self):
        self.make_cluster()
        instance = self.nova.boot('compute-1')
        manager = 'mia:blue:manager'
        answer = self.post('/v1/instances', {'uuid': instance}, manager)
        self.assertFine(201, answer)
        self.assertSays(403, 'list', self.get('/v1/clusters', manager))


class CorsTest(base.ApiTest):
    def make_application(self):
        self.conf.register_opts(cors.CORS_OPTS, 'cors')
        self.conf.set_override(
            'allowed_origin', ['https://dashboard.example'], 'cors'
        )
        return super().make_application()

    def test_the_dashboard_may_ask(self):
        headers = {'Origin': 'https://dashboard.example'}
        answer = self.get('/v1/clusters', headers=headers)
        self.assertEqual(
            'https://dashboard.example',
            answer.headers['Access-Control-Allow-Origin'],
        )

    def test_other_pages_may_not(self):
        answer = self.get('/v1/clusters', headers={'Origin': 'https://evil'})
        self.assertNotIn('Access-Control-Allow-Origin', answer.headers)
