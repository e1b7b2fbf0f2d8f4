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

import collections
import re

from hass.api import contracts
from hass.api import routes
from hass.db import models
from hass.db import services
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

LISTS = {
    path: contract
    for (method, path), contract in contracts.CONTRACTS.items()
    if method == 'GET'
    and 'marker' in contract.filters
    # Nova is asked for an instance as well.
    and '{instance}' not in path
}
VALUES = {
    'cluster': 'rack-1',
    'host': 'compute-1',
    'open': 'true',
    'since': '2026-01-31T12:00:00Z',
}


@stores.on_every_database
class StatementsTest(base.ApiTest):
    """A list asks for each kind of thing once, however long it is."""

    def setUp(self):
        super().setUp()
        names = [f'compute-{number}' for number in range(5)]
        self.make_cluster('rack-1', names)
        self.make_cluster('rack-2', [])
        for host in names:
            self.protect(host)
        with self.database.writer() as session:
            for name in names:
                services.enter(session, name, '1.0')
                builders.make_notification(session, name)
                builders.make_loss(session, f'i-{name}')
                builders.make_recovery(session, name)

    def kinds(self, path, **options):
        """How often each table is what a statement asks for."""
        with self.statements() as seen:
            self.assertFine(200, self.get(path, **options))
        asked = [re.search(r'\bFROM (\w+)', one) for one in seen]
        return collections.Counter(one[1] for one in asked if one)

    def assertOnceEach(self, path, **options):
        kinds = self.kinds(path, **options)
        tables = set(models.Base.metadata.tables)
        self.assertLessEqual(1, len(kinds), path)
        self.assertEqual(set(), set(kinds) - tables, path)
        self.assertEqual({1}, set(kinds.values()), f'{path}: {kinds}')

    def test_lists_are_those_of_the_routes(self):
        served = {path for path, _, suffix in routes.ROUTES if suffix == 'all'}
        self.assertEqual(set(), served - set(LISTS))

    def test_each_kind_is_asked_for_once(self):
        for path in LISTS:
            self.assertOnceEach(path.format(cluster='rack-1'))

    def test_with_any_filter_too(self):
        for path, contract in LISTS.items():
            for name in set(contract.filters) - {'marker'}:
                (value, *_) = contract.filters[name].get('enum', ['3'])
                value = VALUES.get(name, value)
                where = path.format(cluster='rack-1')
                self.assertOnceEach(where, params={name: value})

    def test_on_the_second_page_too(self):
        for path in LISTS:
            where = path.format(cluster='rack-1')
            first = self.get(where, params={'limit': '1'}).json
            (link,) = first['links']
            self.assertOnceEach('/v1/' + link['href'].partition('/v1/')[2])
