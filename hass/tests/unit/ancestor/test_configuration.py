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

"""What is read of NCU-HASS's hass.conf."""

import pathlib

import fixtures
import sqlalchemy as sa

from hass.ancestor import arrival
from hass.ancestor import configuration
from hass.ancestor import tables
from hass import exception
from hass.tests import base

GUIDE = """
[openstack]
openstack_admin_account = admin
openstack_admin_password = ADMIN_PASS

[ipmi]
vendor = HP
compute1 = 192.168.2.11
HP-Compute2 = 192.168.2.12

[ipmi_user]
compute1 = root,calvin
HP-Compute2 = root , s3cret!%  ; of the old rack

[ipmi_sensor]
ipmi_watched_sensors = 02-CPU,02-CPU 1,02-CPU

[mysql]
mysql_ip = controller
mysql_username = hass
mysql_password = HASSDB_PASS
mysql_db = hass

[default]
shared_storage = true
"""


class ConfigurationTest(base.TestCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = folder / 'hass.conf'

    def read(self, text):
        self.path.write_text(text)
        return configuration.read(self.path)

    def assertRefused(self, reason, text):
        error = self.assertRaises(exception.ConfigError, self.read, text)
        self.assertEqual(f'--config: {self.path} {reason}', str(error))

    def test_the_file_of_the_installation_guide(self):
        found = self.read(GUIDE)
        self.assertEqual(
            {
                'compute1': configuration.Bmc(
                    '192.168.2.11', 'root', 'calvin'
                ),
                'hp-compute2': configuration.Bmc(
                    '192.168.2.12', 'root', 's3cret!%'
                ),
            },
            found.bmcs,
        )
        self.assertEqual(['02-CPU', '02-CPU 1'], found.sensors)
        self.assertEqual({}, found.refused)
        self.assertTrue(found.shared_storage)
        self.assertEqual(['openstack', 'default'], found.sections)
        self.assertEqual(
            'mysql+pymysql://hass:HASSDB_PASS@controller/hass',
            tables.choose(None, found.database)
            .difference_update_query(['charset'])
            .render_as_string(hide_password=False),
        )

    def test_passwords_are_in_no_picture_of_what_was_read(self):
        pictured = repr(self.read(GUIDE))
        for secret in ('calvin', 's3cret', 'HASSDB_PASS', 'ADMIN_PASS'):
            self.assertNotIn(secret, pictured)

    def test_sensors_as_the_sources_name_them(self):
        found = self.read(
            '[ipmi]\n[ipmi_sensor]\nhardware_sensors = ["01-Inlet Ambient"]\n'
        )
        self.assertEqual(['01-Inlet Ambient'], found.sensors)

    def test_a_bmc_that_cannot_be_taken_says_why(self):
        found = self.read(
            '[ipmi]\nno-user = 192.0.2.1\ncomma = 192.0.2.2\n'
            '[ipmi_user]\nno-address = a,b\ncomma = root,one,two\n'
        )
        self.assertEqual({}, found.bmcs)
        self.assertEqual(
            {
                'comma': '[ipmi_user] is not USER,PASSWORD with one comma',
                'no-address': '[ipmi] has no address for it',
                'no-user': '[ipmi_user] has no user for it',
            },
            found.refused,
        )

    def test_a_file_of_something_else_is_refused(self):
        self.assertRefused(
            'has no section [ipmi]: it is not of NCU-HASS', '[DEFAULT]\n'
        )
        self.assertRefused('line 1 stands before any section', 'a = secret\n')
        self.assertRefused(
            'cannot be understood: line 2', '[ipmi]\n= secret\n'
        )
        self.path.write_bytes(b'\xff\xfe')
        error = self.assertRaises(
            exception.ConfigError, configuration.read, self.path
        )
        self.assertIn('is no text in UTF-8', str(error))

    def test_a_file_that_is_not_there_is_named(self):
        error = self.assertRaises(
            exception.ConfigError, configuration.read, self.path
        )
        self.assertEqual(
            f'--config: {self.path} cannot be read: No such file or directory',
            str(error),
        )


class PlaceTest(base.TestCase):
    """Where the tables are said to be."""

    def test_a_url_without_password_is_given_that_of_the_file(self):
        configured = sa.make_url('mysql+pymysql://hass:pw@old/hass')
        url = tables.choose('mysql+pymysql://hass@new/ha', configured)
        self.assertEqual(('new', 'pw'), (url.host, url.password))
        url = tables.choose('mysql+pymysql://hass:own@new/ha', configured)
        self.assertEqual('own', url.password)

    def test_nothing_says_where_they_are(self):
        error = self.assertRaises(
            exception.ConfigError, tables.choose, None, None
        )
        self.assertEqual(
            '--database: must be given: [mysql] mysql_ip is not set',
            str(error),
        )

    def test_a_bad_url_is_not_shown(self):
        error = self.assertRaises(
            exception.ConfigError, tables.choose, 'pass//word', None
        )
        self.assertEqual(
            '--database: not a URL of the form '
            'driver://user:password@host/name',
            str(error),
        )


class LayersTest(base.TestCase):
    def test_each_digit_stands_for_a_layer(self):
        self.assertEqual(
            ['power', 'network', 'guest_network'],
            arrival.layers_of('1001001'),
        )

    def test_what_is_no_layer_string_names_none(self):
        for string in ('', '111', '0000000', '11111111', '1111a11'):
            self.assertIsNone(arrival.layers_of(string), string)
