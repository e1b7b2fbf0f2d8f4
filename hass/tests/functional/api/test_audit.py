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

"""What nobody may do is refused, and an operator can read who tried."""

import json
import logging

import fixtures
from oslo_context import context

from hass.api import contracts
from hass.api import routes
from hass.tests.functional.api import keystone

ALICE = 'token-of-alice'
NOBODY = 'token-of-nobody'
BOB = 'token-of-bob'
EVE = 'token-of-eve'
OPERATOR = 'token-of-operator'
SPOOFED = {
    'X-Roles': 'admin',
    'X-Role': 'admin',
    'X-Project-Id': 'admins',
    'X-Tenant-Id': 'admins',
    'X-User-Id': 'operator',
    'X-User-Name': 'operator',
    'X-Identity-Status': 'Confirmed',
    'X-Is-Admin-Project': 'True',
    'X-Service-Identity-Status': 'Confirmed',
    'X-Service-Roles': 'admin',
    'OpenStack-System-Scope': 'all',
}


class AuditTest(keystone.KeystoneCase):
    def setUp(self):
        super().setUp()
        self.nova.host('compute-1')
        body = {'name': 'rack-1', 'hosts': [{'name': 'compute-1'}]}
        self.assertFine(201, self.post('/v1/clusters', body, OPERATOR))
        self.instance = self.nova.boot('compute-1', project='blue')
        body = {'uuid': self.instance}
        self.assertFine(201, self.post('/v1/instances', body, ALICE))
        self.audited = self.useFixture(
            fixtures.FakeLogger('hass.audit', level=logging.INFO)
        )

    def current(self):
        """What the log takes the caller for."""
        found = context.get_current()
        self.assertIsNotNone(found)
        return found

    def lines(self):
        """(outcome, details) of each line of the audit."""
        found = [
            line.partition(' ') for line in self.audited.output.splitlines()
        ]
        return [(outcome, json.loads(text)) for outcome, _, text in found]

    def assertAudited(self, outcome, action, **details):
        (found, told) = self.lines()[-1]
        self.assertEqual((outcome, action), (found, told['action']))
        self.assertEqual(details, {key: told.get(key) for key in details})

    def test_another_projects_instance(self):
        """Whoever asks learns nothing; whoever reads the audit does."""
        path = f'/v1/instances/{self.instance}'
        body = {'uuid': self.instance}
        first = {'OpenStack-API-Version': 'hass 1.0'}
        for headers in (first, {}):
            for method, rule, where, sent in (
                ('GET', 'show', path, None),
                ('DELETE', 'unprotect', path, None),
                ('POST', 'protect', '/v1/instances', body),
            ):
                answer = self.ask(method, where, sent, EVE, headers)
                self.assertSays(404, 'was not found', answer)
                self.assertAudited(
                    'refused',
                    f'{method} {where}',
                    status=404,
                    rule=f'ha:instances:{rule}',
                    user_id='eve',
                    project_id='red',
                )
        self.assertFine(200, self.get(path, ALICE))

    def test_what_is_not_there_is_no_refusal(self):
        missing = '/v1/instances/7e4a0d5c-6e0f-4f5c-8f0a-6f8d8d0d8d01'
        self.assertSays(404, 'not found', self.get(missing, EVE))
        self.assertEqual([], self.lines())

    def test_a_reader_changes_nothing(self):
        answer = self.delete(f'/v1/instances/{self.instance}', BOB)
        self.assertEqual(403, answer.status_code)
        self.assertAudited('refused', f'DELETE /v1/instances/{self.instance}',
                           rule='ha:instances:unprotect')  # fmt: skip

    def test_a_member_does_not_raise_itself(self):
        for method, path in (
            ('GET', '/v1/clusters'),
            ('GET', '/v1/instances?project_id=red'),
            ('POST', '/v1/clusters'),
            ('DELETE', '/v1/hosts/compute-1'),
            ('PUT', '/v1/hosts/compute-1/power'),
            ('POST', '/v1/hosts/compute-1/agent_key'),
        ):
            answer = self.ask(method, path, {}, ALICE, SPOOFED)
            self.assertSays(403, 'does not allow', answer)
            self.assertAudited(
                'refused',
                f'{method} {path.partition("?")[0]}',
                status=403,
                user_id='alice',
                project_id='blue',
                roles='member,reader',
            )
        self.assertFine(200, self.get('/v1/hosts/compute-1', OPERATOR))

    def test_no_request_is_for_somebody_without_a_role(self):
        """Whatever it names: the policy is asked first."""
        names = {
            'cluster': 'rack-1',
            'host': 'compute-1',
            'instance': self.instance,
            'loss': 'l',
            'notification': 'n',
            'recovery': 'r',
        }
        for (method, path), contract in contracts.CONTRACTS.items():
            if path in {path for path, _, _ in routes.PUBLIC}:
                continue
            body: dict[str, str] | None = (
                None if contract.takes is None else {}
            )
            answer = self.ask(method, path.format(**names), body, NOBODY)
            self.assertIn(answer.status_code, (403, 404), answer.text)
            self.assertAudited(
                'refused',
                f'{method} {path.format(**names)}',
                user_id='nobody',
                status=answer.status_code,
            )

    def test_headers_are_no_token(self):
        for token in (None, 'nonsense', 'operator:admins:admin'):
            answer = self.post(
                '/v1/clusters', {}, token, headers=SPOOFED,
                remote_addr='192.0.2.7',
            )  # fmt: skip
            self.assertEqual(401, answer.status_code)
            self.assertAudited(
                'refused', 'POST /v1/clusters', status=401, user_id=None,
                roles=None, address='192.0.2.7',
            )  # fmt: skip

    def test_a_request_without_a_token_is_nobodys(self):
        """Its thread has served somebody else, and its headers lie."""
        self.assertFine(200, self.get('/v1/clusters', OPERATOR))
        seen = {self.current().request_id}
        for outcome, method, path in (
            ('refused', 'POST', '/v1/clusters'),
            ('done', 'POST', '/healthcheck'),
            ('failed', 'DELETE', '/v1'),
        ):
            self.ask(method, path, None, None, headers=SPOOFED)
            self.assertAudited(
                outcome, f'{method} {path}', user_id=None, project_id=None,
                roles=None,
            )  # fmt: skip
            self.assertIsNone(self.current().user_id)
            self.assertNotIn(self.current().request_id, seen)
            seen.add(self.current().request_id)

    def test_a_change_is_audited_and_a_look_is_not(self):
        path = '/v1/clusters/rack-1'
        self.assertFine(200, self.get(path, OPERATOR))
        self.assertEqual([], self.lines())
        answer = self.change(path, {'mode': 'act'}, OPERATOR)
        self.assertFine(200, answer)
        self.assertAudited(
            'done', f'PATCH {path}', status=200, user_id='operator',
            request_id=answer.headers['X-OpenStack-Request-Id'],
        )  # fmt: skip
        self.assertEqual(409, self.delete(path, OPERATOR).status_code)
        self.assertAudited('failed', f'DELETE {path}', status=409)

    def test_no_token_and_no_line_of_a_strangers_making_is_in_it(self):
        self.ask('DELETE', '/v1/hosts/a%0Adone%20%7B%7D', None, ALICE)
        (line,) = self.audited.output.splitlines()
        self.assertTrue(line.startswith('failed {'), line)
        self.ask('DELETE', '/v1/hosts/a', None, OPERATOR)
        self.assertNotIn('token-of', self.audited.output)
