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

"""What is true of every request: the whole table of contracts is walked."""

from collections.abc import Iterator
import itertools
from typing import Any

from hass.api import contracts
from hass.api import microversion
from hass.api import routes
from hass.api.schemas import answers
from hass.api import since
from hass.db import models
from hass.db import recoveries
from hass.db import services
from hass.tests import builders
from hass.tests.functional.api import base

Path = tuple[str, ...]
Field = tuple[Path, microversion.Version]
Request = tuple[str, str]

EACH = '*'
"""In the path of a field: every entry of a list."""
BMC = {'address': '192.0.2.9'}
BODIES: dict[Request, dict[str, Any]] = {
    ('POST', '/v1/clusters'): {'name': 'rack-9', 'hosts': []},
    ('POST', '/v1/clusters/{cluster}/hosts'): {'name': 'compute-9'},
    ('PUT', '/v1/clusters/{cluster}/maintenance'): {
        'seconds': 600, 'reason': 'a new switch',
    },
    ('PUT', '/v1/hosts/{host}/maintenance'): {
        'seconds': 600, 'reason': 'a new fan',
    },
    ('PUT', '/v1/hosts/{host}/fence/waiver'): {'reason': 'its LED blinks'},
    ('PUT', '/v1/hosts/{host}/power'): {'power': 'on'},
    ('POST', '/v1/notifications'): {
        'source': 'monitor', 'host': 'compute-1', 'layer': 'os',
    },
}  # fmt: skip
"""What these requests cannot do without."""
VALUES = {
    'protects': 'all',
    'isolation': [],
    'watched_sensors': ['Fan 1'],
    'force': True,
}
"""Of fields of bodies that some version brought."""
FILTERS = {
    'limit': '1',
    'marker': 'engine-1',
    'host': 'compute-1',
    'name': 'web',
    'since': '2026-01-31T12:00:00Z',
    'sort_key': 'created_at',
    'sort_dir': 'desc',
}
"""Of parameters that some version brought."""


def before(version: microversion.Version) -> microversion.Version:
    return microversion.Version(version.major, version.minor - 1)


def fields(schema: since.Schema, path: Path = ()) -> Iterator[Field]:
    """Every field that some version brought, by where it stands."""
    if '$ref' in schema:
        name = schema['$ref'].rpartition('/')[2]
        # A tree of trees has no end.
        if name == 'Tree':
            return
        schema = answers.SCHEMAS[name]
    if (found := since.of(schema)) > microversion.MIN:
        yield path, found
    for one in schema.get('anyOf', ()):
        yield from fields(one, path)
    for name, one in schema.get('properties', {}).items():
        yield from fields(one, (*path, name))
    if 'items' in schema:
        yield from fields(schema['items'], (*path, EACH))


def at(value: object, path: Path) -> list[object]:
    """What stands there; nothing where it does not."""
    if not path:
        return [value]
    if path[0] == EACH:
        assert isinstance(value, list)
        return list(itertools.chain(*(at(one, path[1:]) for one in value)))
    if not isinstance(value, dict) or path[0] not in value:
        return []
    return at(value[path[0]], path[1:])


class TableTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', ('compute-1', 'compute-2'))
        self.nova.host('compute-9')
        self.make_cluster('rack-2', ())
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1.0')
            alleged = builders.make_notification(session, 'compute-1')
            self.names = {
                'cluster': 'rack-1',
                'host': 'compute-1',
                'loss': builders.make_loss(session, 'i-1').uuid,
                'notification': alleged.uuid,
            }
        self.names['instance'] = self.protect()
        self.numbers = itertools.count(10)

    def body(self, request: Request, contract: contracts.Contract):
        if contract.takes is None:
            return None
        found = dict(BODIES.get(request, {}))
        if request == ('POST', '/v1/instances'):
            found['uuid'] = self.nova.boot('compute-1')
        if 'generated_at' in contract.takes['properties']:
            found['generated_at'] = self.clock.now().isoformat()
        return found

    def make_recovery(self):
        """One that is held, of a host that is in no cluster."""
        with self.database.writer() as session:
            self.names['recovery'] = builders.make_recovery(
                session,
                f'compute-{next(self.numbers)}',
                state='held',
                held_kind=models.HeldKind.SAFETY,
            ).uuid

    def end_recoveries(self):
        with self.database.writer() as session:
            for one in recoveries.all(session, is_open=True):
                recoveries.end(session, one, 'returned', 'engine-1', 'it is')

    def send(self, request: Request, version, body=None, **options):
        method, path = request
        if '/recoveries' in path:
            self.make_recovery()
        self.engine.fencer.device('compute-1').is_on = 'return' not in path
        headers = {microversion.HEADER: f'ha {version}'}
        path = path.format(**self.names)
        return self.ask(method, path, body, headers=headers, **options)

    def find(self, request: Request, **params: Any):
        return self.send(request, 'latest', params=params)

    def guarded(self):
        public = {path for path, _, _ in routes.PUBLIC}
        for request, contract in contracts.CONTRACTS.items():
            if request[1] not in public:
                yield request, contract


class EveryVersionTest(TableTest):
    """What a version brought, earlier ones do not know."""

    def test_a_route_is_not_found_before_its_version(self):
        seen = set()
        for request, contract in self.guarded():
            if contract.since == microversion.MIN:
                continue
            seen.add(contract.since)
            sent = self.body(request, contract)
            answer = self.send(request, before(contract.since), sent)
            told = f'is new in version {contract.since}, and the request'
            self.assertSays(404, told, answer)
            answer = self.send(request, contract.since, sent)
            self.assertLess(answer.status_code, 300, answer.text)
            self.undo(request)
        self.assertLessEqual(4, len(seen))

    def test_a_field_of_a_body_is_refused_before_its_version(self):
        seen = set()
        for request, contract in self.guarded():
            for path, version in fields(contract.takes or {}):
                seen.add(path[-1])
                body = self.body(request, contract)
                body |= self.with_field(path)
                answer = self.send(request, before(version), body)
                told = f'is new in version {version}, and the request'
                error = self.assertSays(400, told, answer)
                self.assertEqual(
                    '.'.join(path).replace(EACH, '0'), error['field']
                )
                answer = self.send(request, version, body)
                self.assertLess(answer.status_code, 300, answer.text)
                self.undo(request)
        self.assertEqual(set(VALUES), seen)

    def with_field(self, path: Path):
        value = VALUES[path[-1]]
        if len(path) == 1:
            return {path[0]: value}
        key, each, name = path
        self.assertEqual(('hosts', EACH), (key, each))
        return {'hosts': [{'name': 'compute-9', name: value}]}

    def undo(self, request: Request):
        """What can be made once is made again."""
        method, path = request
        if method == 'POST' and path.startswith('/v1/clusters'):
            self.delete('/v1/hosts/compute-9')
            self.delete('/v1/clusters/rack-9')
        if path.endswith('/maintenance'):
            self.delete(path.format(**self.names))
        self.end_recoveries()

    def test_a_field_of_an_answer_is_not_there_before_its_version(self):
        seen = set()
        for request, contract in self.guarded():
            for path, version in fields(contract.gives or {}):
                for asked in (microversion.MIN, before(version), version):
                    if asked < contract.since:
                        continue
                    answer = self.send(
                        request, asked, self.body(request, contract)
                    )
                    self.assertLess(answer.status_code, 300, answer.text)
                    self.undo(request)
                    found = at(answer.json, path)
                    shown = f'{request} at {asked}: {path} is {found}'
                    if asked < version:
                        self.assertEqual([], found, shown)
                    elif 'hosts' not in path or request[0] == 'GET':
                        self.assertNotEqual([], found, shown)
                        seen.add((request, path))
        self.assertLess(30, len(seen))

    def test_a_filter_is_refused_before_its_version(self):
        for request, contract in self.guarded():
            for name, schema in contract.filters.items():
                version = since.of(schema)
                if version <= contract.since:
                    continue
                params = {name: FILTERS[name]}
                if name == 'sort_key':
                    params[name] = schema['enum'][0]
                answer = self.send(request, before(version), params=params)
                told = f'{name}: is new in version {version}'
                self.assertSays(400, told, answer)
                answer = self.send(request, version, params=params)
                self.assertNotIn('is new in version', answer.text)

    def test_no_request_takes_a_parameter_that_the_table_has_not(self):
        for request, contract in self.guarded():
            answer = self.send(
                request, 'latest', self.body(request, contract),
                params={'nothing': '1'},
            )  # fmt: skip
            error = self.assertSays(400, 'unknown parameter', answer)
            self.assertEqual('nothing', error['field'])


class EveryListTest(TableTest):
    def lists(self):
        """Each request for a list, with the key of its entries."""
        for request, contract in self.guarded():
            schema = contract.gives or {}
            if '$ref' in schema:
                name = schema['$ref'].rpartition('/')[2]
                schema = answers.SCHEMAS[name]
            keys = schema.get('properties', {})
            if request[0] == 'GET' and 'links' in keys:
                yield request, contract, next(iter(keys))

    def test_a_limit_follows_one_rule(self):
        found = {path for (_, path), _, _ in self.lists()}
        self.assertLess({'/v1/services', '/v1/hosts/{host}/events'}, found)
        for request, _, key in self.lists():
            for bad in (
                '0',
                '00',
                '-1',
                '+1',
                'x',
                '',
                '1.5',
                '1e3',
                '٣',
                ' 1',
            ):
                answer = self.find(request, limit=bad)
                told = 'limit: allowed: whole numbers from 1 on'
                error = self.assertSays(400, told, answer)
                self.assertEqual('limit', error['field'])
            for good in ('1', '007', '9' * 5000):
                self.assertFine(200, self.find(request, limit=good))
            listed = self.find(request, limit='1').json[key]
            self.assertLessEqual(len(listed), 1, request)

    def test_an_unknown_word_is_refused_with_those_that_are_allowed(self):
        seen = set()
        for request, contract in self.guarded():
            for name, schema in contract.filters.items():
                if 'enum' not in schema:
                    continue
                for bad in ('nothing', '', schema['enum'][0].upper()):
                    answer = self.find(request, **{name: bad})
                    told = f'allowed: {", ".join(schema["enum"])}'
                    error = self.assertSays(400, told, answer)
                    self.assertEqual(name, error['field'])
                for word in schema['enum']:
                    self.assertFine(200, self.find(request, **{name: word}))
                seen.add((request[1], name))
        self.assertLess(
            {('/v1/recoveries', 'state'), ('/v1/recoveries', 'workflow')},
            seen,
        )

    def test_yes_and_no_are_two_words(self):
        for request, contract in self.guarded():
            for name, schema in contract.filters.items():
                if schema.get('type') != 'boolean':
                    continue
                for bad in ('', '1', 'yes', 'truee', 'None'):
                    answer = self.find(request, **{name: bad})
                    self.assertSays(400, f'{name}: allowed: true', answer)

    def test_a_parameter_is_given_once(self):
        for request, contract in self.guarded():
            for name in contract.filters:
                answer = self.find(request, **{name: ['1', '1']})
                told = f'{name}: is given more than once'
                self.assertSays(400, told, answer)
