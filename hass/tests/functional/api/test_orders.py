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

"""Lists in every order that they know, page by page."""

import datetime
from typing import Any

import sqlalchemy as sa

from hass.db import clusters
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

LISTS: dict[str, Any] = {
    'clusters': models.Cluster,
    'hosts': models.Host,
    'instances': models.Instance,
    'losses': models.Loss,
    'notifications': models.Notification,
    'recoveries': models.Recovery,
}
NAMES = ('delta', 'alpha', 'charlie', 'bravo')


@stores.on_every_database
class OrderTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        with self.database.writer() as session:
            for name in NAMES:
                cluster = clusters.create(session, name)
                hosts.add(session, cluster, name, agent_key='key')
                builders.make_instance(session, name)
                builders.make_notification(session, name)
                builders.make_loss(session, f'i-{name}', name)
                builders.make_recovery(session, name)

    def keys(self, listed):
        answer = self.get(f'/v1/{listed}?sort_key=nothing')
        error = self.assertSays(400, 'sort_key: unknown value', answer)
        return error['message'].partition('allowed: ')[2].split(', ')

    def walked(self, listed, query=''):
        """All entries, one a page."""
        paths, found = [f'/v1/{listed}?limit=1{query}'], []
        for path in paths:
            page = self.assertFine(200, self.get(path))
            found += page[listed]
            for link in page['links']:
                paths.append('/v1/' + link['href'].partition('/v1/')[2])
        return found

    def test_each_is_walked_by_each_key_in_both_directions(self):
        for listed in LISTS:
            every = {one['uuid'] for one in self.walked(listed)}
            for key in self.keys(listed):
                up = self.walked(listed, f'&sort_key={key}')
                down = self.walked(listed, f'&sort_key={key}&sort_dir=desc')
                told = f'{listed} by {key}'
                self.assertEqual(every, {one['uuid'] for one in up}, told)
                self.assertEqual(len(every), len(up), told)
                self.assertEqual(up, down[::-1], told)
                values = [one[key] for one in up]
                self.assertEqual(sorted(values), values, told)

    def test_a_direction_alone_is_that_of_age(self):
        for listed in LISTS:
            up = self.walked(listed, '&sort_dir=asc')
            down = self.walked(listed, '&sort_dir=desc')
            self.assertEqual(up, down[::-1])
            as_ever = self.walked(listed)
            newest_first = listed in ('losses', 'recoveries')
            self.assertEqual(down if newest_first else up, as_ever)

    def test_what_is_older_than_a_moment_is_left_out(self):
        for listed, model in LISTS.items():
            (key, *_) = self.keys(listed)
            with self.database.writer() as session:
                row = session.scalars(sa.select(model).limit(1)).one()
                now = moments.read_now(session)
                setattr(row, key, now - datetime.timedelta(days=2))
                old = row.uuid
            day = f'{(now - datetime.timedelta(days=1)).isoformat()}Z'
            found = {one['uuid'] for one in self.walked(listed)}
            newer = {
                one['uuid'] for one in self.walked(listed, f'&since={day}')
            }
            self.assertEqual({old}, found - newer, listed)

    def test_what_is_no_moment_is_refused(self):
        for bad in ('', 'yesterday', '12', '9999-12-31T23:59:59-12:00'):
            answer = self.get('/v1/losses', params={'since': bad})
            error = self.assertSays(400, 'must be a moment', answer)
            self.assertEqual('since', error['field'])
