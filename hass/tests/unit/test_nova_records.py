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

from hass import exception
from hass import nova
from hass.nova import records
from hass.tests import base

SERVICE = {
    'id': 'u',
    'host': 'a',
    'status': 'enabled',
    'state': 'up',
    'forced_down': False,
    'disabled_reason': None,
    'updated_at': '2030-01-01T10:00:00.000000',
    'zone': 'nova',
}


def migration(status):
    moment = datetime.datetime(2030, 1, 1)
    return nova.Migration(
        'm', 1, 'vm', 'a', 'b', 'b', status, 'evacuation', moment, None
    )


class RecordsTest(base.TestCase):
    def read(self, **changes):
        return nova.Service.read('list services', SERVICE | changes)

    def test_a_service_is_read_with_its_types(self):
        self.assertEqual(
            nova.Service(
                'u', 'a', 'enabled', 'up', False, None,
                datetime.datetime(2030, 1, 1, 10), 'nova',
            ),
            self.read(),
        )  # fmt: skip

    def test_a_moment_with_a_zone_becomes_utc(self):
        self.assertEqual(
            datetime.datetime(2030, 1, 1, 9),
            self.read(updated_at='2030-01-01T10:00:00+01:00').updated_at,
        )

    def test_a_wrong_type_is_named(self):
        error = self.assertRaises(
            exception.NovaFailed, self.read, forced_down='no'
        )
        self.assertEqual(
            'Nova, list services: the answer holds no usable field '
            "'forced_down'",
            str(error),
        )

    def test_texts_are_nothing_but_texts(self):
        good = records.Record('show', {'metadata': {'a': 'b'}})
        self.assertEqual({'a': 'b'}, good.texts('metadata'))
        for value in (None, ['a'], {'a': 1}, {'a': None}):
            bad = records.Record('show', {'metadata': value})
            error = self.assertRaises(
                exception.NovaFailed, bad.texts, 'metadata'
            )
            self.assertIn("no usable field 'metadata'", str(error))

    def test_a_bad_moment_is_named(self):
        error = self.assertRaises(
            exception.NovaFailed, self.read, updated_at='yesterday'
        )
        self.assertIn("'updated_at'", str(error))

    def test_a_service_of_a_cell_that_is_down_is_no_service(self):
        # Since 2.69 Nova answers so for it.
        error = self.assertRaises(
            exception.NovaFailed,
            nova.Service.read,
            'list services',
            {'binary': 'nova-compute', 'host': 'a', 'status': 'UNKNOWN'},
        )
        self.assertIn("'id'", str(error))

    def test_a_list_in_place_of_an_object_is_refused(self):
        self.assertRaises(
            exception.NovaFailed, records.Record, 'any call', ['a']
        )

    def test_usable_is_enabled_and_up_and_not_forced_down(self):
        self.assertEqual(
            {'a'},
            nova.usable_hosts(
                [
                    self.read(),
                    self.read(host='b', status='disabled'),
                    self.read(host='c', state='down'),
                    self.read(host='d', forced_down=True),
                ]
            ),
        )

    def test_a_migration_is_live_until_it_ended(self):
        live = ('accepted', 'pre-migrating', 'running', 'finished', 'new one')
        ended = ('done', 'completed', 'error', 'failed', 'cancelled')
        self.assertEqual(
            [True] * 5 + [False] * 5,
            [migration(status).live for status in live + ended],
        )

    def test_done_and_failed_exclude_each_other(self):
        said = {
            status: (migration(status).done, migration(status).failed)
            for status in ('done', 'completed', 'error', 'failed', 'accepted')
        }
        self.assertEqual(
            {
                'done': (True, False),
                'completed': (True, False),
                'error': (False, True),
                'failed': (False, True),
                'accepted': (False, False),
            },
            said,
        )
