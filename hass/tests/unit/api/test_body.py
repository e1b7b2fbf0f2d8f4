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

from hass.api import body
from hass.api.schemas import clusters
from hass.api.schemas import fences
from hass.api.schemas import formats
from hass.api.schemas import hosts
from hass.api.schemas import notifications
from hass import exception
from hass.tests import base

CLUSTER = {'name': 'rack-1'}


class CheckTest(base.TestCase):
    def refused(self, value, schema):
        error = self.assertRaises(exception.Invalid, body.check, value, schema)
        return str(error)

    def test_a_field_is_named_by_its_path(self):
        value = CLUSTER | {'hosts': [{'name': 'a'}, {'name': 'b', 'bmc': {}}]}
        self.assertEqual(
            'hosts.1.bmc.address: is missing',
            self.refused(value, clusters.CREATE),
        )

    def test_allowed_fields_are_named(self):
        self.assertEqual(
            'colour: unknown field; allowed: hosts, isolation, layers, mode, '
            'name, protects, shared_storage, targets',
            self.refused(CLUSTER | {'colour': 'red'}, clusters.CREATE),
        )

    def test_a_field_that_nobody_could_read_is_escaped_and_shortened(self):
        for field, shown in (
            ('\u202e', "'\\u202e': unknown field"),
            ('a\nb', "'a\\nb': unknown field"),
            ('x' * 9999, f'{"x" * 255}…: unknown field'),
        ):
            said = self.refused(CLUSTER | {field: 1}, clusters.CREATE)
            self.assertEqual(shown, said.partition(';')[0])

    def test_allowed_types_are_named(self):
        self.assertEqual(
            'shared_storage: wrong type; allowed: boolean',
            self.refused(CLUSTER | {'shared_storage': 1}, clusters.CREATE),
        )

    def test_every_object_is_closed_or_says_what_is_in_it(self):
        for schema in (
            clusters.CREATE, clusters.UPDATE, hosts.ADD, hosts.UPDATE,
            notifications.CREATE, body.NOTHING,
        ):  # fmt: skip
            self.assertEqual(False, schema['additionalProperties'])

    def test_sizes_are_limited(self):
        many = {f'label-{number}': 'x' for number in range(65)}
        for value in (
            {'name': 'a', 'labels': many},
            {'name': 'a', 'labels': {'x': 'y' * 256}},
            {'name': 'a' * 191},
            {'name': 'a', 'bmc': {'address': 'a' * 256}},
            {'name': 'a', 'bmc': {'address': 'a', 'port': 65536}},
        ):
            self.refused(value, hosts.ADD)

    def test_what_is_allowed_is_named_on_both_sides(self):
        for number in (0, 65536):
            bmc = {'address': 'a', 'port': number}
            self.assertEqual(
                'bmc.port: allowed: 1 to 65535',
                self.refused({'name': 'a', 'bmc': bmc}, hosts.ADD),
            )

    def test_lists_that_are_empty_too_long_or_repeat_are_told_so(self):
        for layers, words in (
            ([], 'layers: must not be empty; allowed: power, hardware, os'),
            (['os', 'os'], 'layers: holds an entry more than once'),
        ):
            said = self.refused(CLUSTER | {'layers': layers}, clusters.CREATE)
            self.assertIn(words, said)
        many = {f'label-{number}': 'x' for number in range(65)}
        self.assertEqual(
            'labels: holds 65 entries; allowed: 64 at most',
            self.refused({'name': 'a', 'labels': many}, hosts.ADD),
        )

    def test_blanks_are_no_reason(self):
        for reason in ('', ' ', '\t\n', '\u3000'):
            self.assertIn(
                'reason: must be 1 to 255 characters long, not blanks alone',
                self.refused({'reason': reason}, fences.WAIVE),
            )
        body.check({'reason': ' seen in the rack\nby ann'}, fences.WAIVE)

    def test_a_trailing_newline_is_part_of_no_name(self):
        self.refused({'name': 'compute-1\n'}, hosts.ADD)


class NamesTest(base.TestCase):
    def refused(self, value, schema):
        error = self.assertRaises(exception.Invalid, body.check, value, schema)
        return str(error)

    def test_a_name_is_read_as_it_is_stored(self):
        for name in ('rack 1', 'Ü-7', '機架', 'a.b', '...', "o'hara"):
            body.check({'name': name}, clusters.CREATE)
        for name in (
            '', '.', '..', ' a', 'a ', 'a\u00a0', 'a\n', 'a\tb', 'a\x9fb',
            'a\u200bb', '\u202eb-kcar', '\ufeffa', 'a\u2028b', '\ud800',
        ):  # fmt: skip
            self.assertIn(
                'visible characters',
                self.refused({'name': name}, clusters.CREATE),
            )

    def test_a_bmc_has_an_address_or_a_host_name(self):
        for address in (
            '192.0.2.1', '2001:db8::1', 'bmc-1', 'bmc_1.example.org',
            '1st.example.org', 'a' * 63 + '.example.', 'fe80::1%eth0',
        ):  # fmt: skip
            body.check({'name': 'a', 'bmc': {'address': address}}, hosts.ADD)
        for address in (
            '', '192.0.2.300', '192.0.2', '1', '2001:db8::1::2', 'bmc-', '-b',
            'a..b', 'a b', 'a:623', '[2001:db8::1]', 'a' * 64, '-oProxy=x',
            'bmc\n', '.',
        ):  # fmt: skip
            self.assertIn(
                'must be an IP address or a host name',
                self.refused(
                    {'name': 'a', 'bmc': {'address': address}}, hosts.ADD
                ),
            )


class FormatsTest(base.TestCase):
    def test_moments_become_utc(self):
        moment = formats.to_moment('2026-01-31T12:00:00-05:00')
        self.assertEqual('2026-01-31T17:00:00', moment.isoformat())

    def test_one_instance_has_one_spelling(self):
        spelling = '6b1c3a4e-0f7d-4d65-9f43-0a5a5b1c2d3e'
        body.check(spelling, formats.UUID)
        for other in (spelling.upper(), spelling.replace('-', ''), 'x'):
            self.assertRaises(
                exception.Invalid, body.check, other, formats.UUID
            )
