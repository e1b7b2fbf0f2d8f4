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

from oslo_config import cfg

from hass.api import routes
from hass import context
from hass import exception
from hass import policies
from hass import policy
from hass.tests import base

READS = {
    'ha:instances:list',
    'ha:instances:show',
    'ha:instances:list_recoveries',
    'ha:losses:list',
    'ha:losses:show',
}
OPERATORS = {
    name
    for name in (rule.name for rule in policies.list_rules())
    if name.startswith('ha:') and not name.startswith('ha:instances:')
} - READS


class PoliciesTest(base.TestCase):
    def setUp(self):
        super().setUp()
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        self.enforcer = policy.make_enforcer(conf)

    def who(self, *roles, project='blue', **fields):
        return context.RequestContext(
            enforcer=self.enforcer,
            roles=list(roles),
            project_id=project,
            **fields,
        )

    def allowed(self, who, project='blue'):
        return {
            rule.name
            for rule in policies.list_rules()
            if rule.name.startswith('ha:')
            and who.may(rule.name, {'project_id': project})
        }

    def test_readers_read_what_is_their_projects(self):
        self.assertEqual(READS, self.allowed(self.who('reader')))
        self.assertEqual(set(), self.allowed(self.who('reader'), 'red'))

    def test_members_protect_what_is_their_projects(self):
        self.assertEqual(
            READS | {'ha:instances:protect', 'ha:instances:unprotect'},
            self.allowed(self.who('member', 'reader')),
        )

    def test_nobody_but_operators_touches_hosts(self):
        for role in ('reader', 'member', 'manager'):
            self.assertEqual(set(), OPERATORS & self.allowed(self.who(role)))

    def test_monitors_notify_and_no_more(self):
        self.assertEqual(
            {'ha:notifications:create'}, self.allowed(self.who('service'))
        )

    def test_operators_may_everything_for_everybody(self):
        everything = self.allowed(self.who('admin'), 'red')
        self.assertEqual(OPERATORS, everything & OPERATORS)

    def test_a_token_without_a_project_may_nothing(self):
        who = self.who('admin', 'member', project=None, system_scope='all')
        self.assertEqual(set(), self.allowed(who, None))

    def test_a_refusal_names_the_rule(self):
        error = self.assertRaises(
            exception.Forbidden, self.who('member').can, 'ha:hosts:add'
        )
        self.assertEqual('ha:hosts:add', error.rule)

    def test_every_route_that_is_documented_is_served(self):
        served = {path.partition('{')[0] for path, _, _ in routes.ROUTES}
        for rule in policies.list_rules():
            for operation in getattr(rule, 'operations', ()):
                start = operation['path'].partition('{')[0]
                self.assertIn(start, served)

    def test_the_sample_generator_finds_the_enforcer(self):
        self.assertIn('ha:hosts:add', policy.get_enforcer().registered_rules)
