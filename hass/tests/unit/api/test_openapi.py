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

import itertools
import re

import jsonschema

from hass.api import openapi
from hass.api import routes
from hass import policies
from hass.tests import base

EVERY = (*routes.ROUTES, *routes.PUBLIC)


class DocumentTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.document = openapi.document(routes.ROUTES, routes.PUBLIC)
        self.operations = {
            (method.upper(), path): told
            for path, methods in self.document['paths'].items()
            for method, told in methods.items()
        }

    def test_every_route_is_in_it_and_nothing_else(self):
        served = {
            (name.split('_')[1].upper(), path)
            for path, kind, suffix in EVERY
            for name in dir(kind)
            if re.fullmatch(f'on_[a-z]+_{suffix}', name)
        }
        self.assertEqual(served, set(self.operations))

    def test_every_handler_is_in_it(self):
        """A method that no route leads to would be one nobody reads of."""
        handled = {
            (kind, name)
            for _, kind, _ in EVERY
            for name in dir(kind)
            if name.startswith('on_')
        }
        routed = {
            (kind, f'on_{method.lower()}_{suffix}')
            for path, kind, suffix in EVERY
            for method in openapi.METHODS
            if (method, path) in self.operations
        }
        self.assertEqual(set(), handled - routed)

    def test_every_policy_guards_a_request_of_it(self):
        for rule in policies.list_rules():
            for one in getattr(rule, 'operations', ()):
                self.assertIn((one['method'], one['path']), self.operations)

    def test_every_request_has_a_sentence_and_a_name_of_its_own(self):
        told = self.operations.values()
        names = [one['operationId'] for one in told]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue(all(one['summary'].endswith('.') for one in told))

    def test_only_versions_need_no_token(self):
        free = {path for (_, path), one in self.operations.items()
                if one.get('security') == []}  # fmt: skip
        self.assertEqual({'/', '/v1', '/v1/openapi.json'}, free)

    def test_each_parameter_of_a_path_is_described(self):
        for (_, path), told in self.operations.items():
            named = {
                one['name']
                for one in told.get('parameters', ())
                if one.get('in') == 'path'
            }
            self.assertEqual(set(re.findall('{([a-z]+)}', path)), named)

    def test_references_lead_somewhere(self):
        for target in _references(self.document):
            found = self.document
            for step in target.removeprefix('#/').split('/'):
                found = found[step]

    def test_schemas_are_schemas(self):
        check = jsonschema.Draft202012Validator.check_schema
        for schema in _schemas(self.document):
            check(schema)

    def test_no_word_is_in_it_that_only_python_knows(self):
        for schema in _schemas(self.document):
            self.assertNotIn('\\Z', str(schema))
            self.assertNotIn("'format': 'ip'", str(schema))


def _references(value):
    if isinstance(value, dict):
        inside = itertools.chain(*map(_references, value.values()))
        return [*inside, *([value['$ref']] if '$ref' in value else [])]
    if isinstance(value, list):
        return list(itertools.chain(*map(_references, value)))
    return []


def _schemas(value):
    if isinstance(value, dict):
        own = [value['schema']] if 'schema' in value else []
        inside = itertools.chain(*map(_schemas, value.values()))
        named = value['schemas'].values() if 'schemas' in value else ()
        return [*own, *named, *inside]
    if isinstance(value, list):
        return list(itertools.chain(*map(_schemas, value)))
    return []
