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

import sys
from unittest import mock

from oslo_config import cfg
from oslo_db import exception as oslo_exception
import sqlalchemy as sa

from hass.db import session as db
from hass import exception
from hass.tests import base
from hass.tests import builders


class UrlTest(base.TestCase):
    def check(self, url=None) -> sa.URL:
        conf = cfg.ConfigOpts()
        db.register_opts(conf)
        conf([], project='hass', default_config_files=[])
        if url is not None:
            conf.set_override('connection', url, 'database')
        return db.check_url(conf)

    def assertRefused(self, reason, url):
        error = self.assertRaises(exception.ConfigError, self.check, url)
        self.assertEqual(f'[database] connection: {reason}', str(error))

    def test_the_default_is_a_file(self):
        self.assertEqual('/var/lib/hass/hass.sqlite', self.check().database)

    def test_what_is_no_url_is_refused_without_showing_it(self):
        for url in ('', 'secret@host', 'mysql+pymysql//hass:secret@host/h'):
            self.assertRefused(
                'not a URL of the form driver://user:password@host/name', url
            )

    def test_a_driver_that_is_not_tested_is_refused(self):
        self.assertRefused(
            'driver mysql is not supported, use one of sqlite, '
            'mysql+pymysql, postgresql+psycopg, postgresql+psycopg2',
            'mysql://hass:secret@host/hass',
        )

    def test_a_port_that_is_no_number_is_refused_without_showing_it(self):
        self.assertRefused(
            'not a URL of the form driver://user:password@host/name',
            'mysql+pymysql://hass:secret@host:port/hass',
        )

    def test_a_driver_that_is_missing_is_named(self):
        with mock.patch.dict(sys.modules, {'pymysql': None}):
            self.assertRefused(
                'driver mysql+pymysql is not installed: import of pymysql '
                'halted; None in sys.modules',
                'mysql+pymysql://hass:secret@host/hass',
            )

    def test_mariadb_is_told_that_letters_may_be_long(self):
        url = self.check('mysql+pymysql://hass:secret@host/hass')
        self.assertEqual('utf8mb4', url.query['charset'])

    def test_a_folder_that_is_not_there_is_an_outage_in_one_line(self):
        database = builders.open_database('sqlite:////no/such/x.sqlite')
        error = self.assertRaises(
            exception.DatabaseUnreachable,
            database.read,
            lambda session: session.connection(),
        )
        self.assertEqual(
            'the database cannot be used now: unable to open database file: '
            '/no/such/x.sqlite',
            str(error),
        )


class LuckTest(base.TestCase):
    """Which failures are bad luck, so that another try may succeed."""

    def operational(self, code):
        cause = Exception('why')
        cause.sqlstate = code  # type: ignore[attr-defined]
        return sa.exc.OperationalError('SELECT 1', {}, cause)

    def test_deadlocks_are(self):
        self.assertTrue(db.passes(oslo_exception.DBDeadlock()))

    def test_what_no_server_answered_is(self):
        self.assertTrue(db.passes(self.operational(None)))

    def test_a_server_that_is_starting_is(self):
        self.assertTrue(db.passes(self.operational('57P03')))

    def test_a_missing_table_is_not(self):
        self.assertFalse(db.passes(self.operational('42P01')))

    def test_a_duplicate_key_is_not(self):
        self.assertFalse(db.passes(oslo_exception.DBDuplicateEntry()))
