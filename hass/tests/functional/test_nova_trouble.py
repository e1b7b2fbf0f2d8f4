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

"""What a Nova in trouble, or an old one, looks like from outside."""

import dataclasses
import logging
import math

import fixtures

from hass import exception
from hass.tests.functional.nova_case import NovaTest
from hass.tests.functional.nova_case import RECOVERY
from hass.tests.functional import nova_fixture


class TroubleTest(NovaTest):
    """What a Nova in trouble looks like from outside."""

    def test_500_is_a_failure_and_leaves_no_trace(self):
        instance = self.cloud.boot('web', 'a')
        server = self.nova.server(instance)
        self.lose('a')
        self.nova.check_versions()
        self.cloud.server.answer = 500
        error = self.assertRaises(
            exception.NovaFailed,
            self.nova.evacuate,
            server,
            self.proofs('a'),
            frozenset({'a'}),
            None,
            self.deadline(),
        )
        self.assertIn('500', error.reason)
        self.cloud.server.answer = None
        self.assertEqual([], self.nova.migrations('a'))

    def test_503_is_a_failure_too(self):
        self.cloud.server.answer = 503
        self.assertRaises(exception.NovaFailed, self.nova.services)
        self.assertEqual(math.inf, self.nova.answers_since(60).longest)

    def test_a_refusal_is_an_answer(self):
        self.cloud.server.answer = 403
        self.assertRaises(exception.NovaRefused, self.nova.services)
        self.assertLess(self.nova.answers_since(60).longest, 60)

    def test_a_cell_that_is_down_hides_no_service_of_another(self):
        self.cloud.cloud.computes['a'].in_down_cell = True
        told = {one.host for one in self.nova.services()}
        self.assertEqual({'b', 'c'}, told)

    def test_a_service_of_a_cell_that_is_down_is_not_told_of(self):
        self.cloud.cloud.computes['a'].in_down_cell = True
        self.assertRaises(exception.NovaFailed, self.nova.service, 'a')

    def test_a_nova_that_does_not_answer_is_unreachable(self):
        self.cloud.server.hang()
        self.assertRaises(exception.NovaUnreachable, self.nova.services)
        self.assertEqual(math.inf, self.nova.answers_since(60).longest)
        self.cloud.server.resume()
        self.assertEqual(3, len(self.nova.services()))

    def test_a_nova_that_does_not_listen_is_unreachable(self):
        self.nova.services()
        self.cloud.server.stop()
        self.assertRaises(exception.NovaUnreachable, self.nova.services)

    def test_a_call_without_an_answer_may_take_effect_later(self):
        instance = self.cloud.boot('web', 'a')
        server = self.nova.server(instance)
        self.lose('a')
        self.nova.check_versions()
        self.cloud.server.hang()
        self.assertRaises(
            exception.NovaUnreachable,
            self.nova.evacuate,
            server,
            self.proofs('a'),
            frozenset({'a'}),
            None,
            self.deadline(),
        )
        self.assertEqual([], self.cloud.cloud.migrations)
        self.cloud.server.resume()
        self.wait_for(
            lambda: len(self.cloud.cloud.migrations) == 1,
            why='the queued call is carried out',
        )

    def test_a_lost_answer_is_told_by_the_records(self):
        instance = self.cloud.boot('web', 'a')
        server = self.nova.server(instance)
        self.lose('a')
        self.nova.check_versions()
        self.cloud.server.mute()
        self.assertRaises(
            exception.NovaUnreachable,
            self.nova.evacuate,
            server,
            self.proofs('a'),
            frozenset({'a'}),
            None,
            self.deadline(),
        )
        self.cloud.server.resume()
        self.wait_for_status(instance, 'done')

    def test_disabling_alone_would_block_on_the_dead_compute(self):
        # Why force_down() is one PUT.
        self.cloud.power_off('a')
        service = self.nova.service('a')
        forced = dataclasses.replace(service, forced_down=True)
        after = self.nova.force_down(forced, RECOVERY, self.deadline())
        self.assertEqual('disabled', after.status)
        # No answer came in time: what it did was looked for.
        self.assertFalse(after.forced_down)

    def test_garbage_is_a_failure(self):
        for garbage in (
            b'',
            b'<html>',
            b'[]',
            b'{}',
            b'{"services": 1}',
            b'{"services": [1]}',
            b'{"services": [{"id": "u"}]}',
            b'{"services": [null]}',
            b'\xff\xfe',
        ):
            self.cloud.server.garbage = garbage
            self.assertRaises(exception.NovaFailed, self.nova.services)

    def test_garbage_in_a_list_of_servers_names_the_field(self):
        self.cloud.server.garbage = b'{"servers": [{"id": "u"}]}'
        error = self.assertRaises(
            exception.NovaFailed, self.nova.servers_on, 'a'
        )
        self.assertIn("no usable field 'name'", error.reason)

    def test_a_list_without_an_end_ends(self):
        self.cloud.server.garbage = (
            b'{"migrations": [{"uuid": 1}], "migrations_links": [1]}'
        )
        self.assertRaises(exception.NovaFailed, self.nova.migrations, 'a')

    def test_a_uuid_with_a_path_in_it_is_not_sent(self):
        self.assertRaises(
            exception.Invalid, self.nova.server, '../os-services'
        )


class AccessTest(NovaTest):
    """Logging in, versions and secrets."""

    def test_a_wrong_password_is_refused(self):
        client = self.cloud.client(password='wrong')
        error = self.assertRaises(exception.NovaRefused, client.services)
        self.assertEqual((401, 'login'), (error.status, error.call))
        self.assertNotIn('wrong', str(error))

    def test_a_keystone_that_does_not_listen_is_unreachable(self):
        client = self.cloud.client(auth_url='http://127.0.0.1:1/v3')
        self.assertRaises(exception.NovaUnreachable, client.services)

    def test_a_region_without_nova_is_named(self):
        client = self.cloud.client(region_name='elsewhere')
        error = self.assertRaises(exception.NovaFailed, client.services)
        self.assertIn('elsewhere', str(error))
        server = self.nova.server(self.cloud.boot('web', 'a'))
        self.assertRaises(
            exception.NovaFailed, client.stop, server, self.deadline()
        )

    def test_an_endpoint_may_be_given(self):
        client = self.cloud.client(
            endpoint_override=self.cloud.server.endpoint, region_name=None
        )
        self.assertEqual(3, len(client.services()))

    def test_bad_options_are_named(self):
        for changes, option in (
            ({'auth_type': None}, '[nova] auth_type'),
            ({'auth_type': 'magic'}, '[nova] auth_type'),
            ({'auth_url': None}, '[nova] auth_url'),
        ):
            error = self.assertRaises(
                exception.ConfigError, self.cloud.client, **changes
            )
            self.assertEqual(option, error.option)

    def test_no_secret_is_logged(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        # Another test of this process may have set the services' levels.
        self.useFixture(
            fixtures.FakeLogger('keystoneauth', level=logging.DEBUG)
        )
        self.nova = self.cloud.client()
        instance = self.cloud.boot('web', 'a')
        self.lose('a')
        self.evacuate(instance)
        self.cloud.server.answer = 500
        error = self.assertRaises(exception.NovaFailed, self.nova.services)
        told = log.output + repr(error) + str(error) + repr(self.nova)
        self.assertIn('evacuate', log.output)
        for token in self.cloud.server.keystone.tokens():
            self.assertNotIn(token, told)
        self.assertNotIn(self.cloud.server.user.password, told)


class OldNovaTest(NovaTest):
    """A Nova before 2.73."""

    def make_nova(self):
        return nova_fixture.SimulatedNova(highest=(2, 60))

    def test_it_is_named_with_what_was_found_and_what_is_needed(self):
        error = self.assertRaises(
            exception.NovaTooOld, self.nova.check_versions
        )
        self.assertEqual(
            'Nova, versions: it offers microversions 2.1 to 2.60, HASS needs '
            '2.73',
            str(error),
        )

    def test_nothing_else_works_either(self):
        self.assertEqual(406, self.refusal(self.nova.services))


class MiddleAgedNovaTest(NovaTest):
    """A Nova between what is needed and what is used."""

    def make_nova(self):
        return nova_fixture.SimulatedNova(highest=(2, 90))

    def test_evacuations_are_sent_at_its_highest(self):
        instance = self.cloud.boot('web', 'a')
        self.lose('a')
        self.evacuate(instance)
        self.assertEqual('compute 2.90', self.cloud.server.calls[-1].version)

    def test_2_95_is_too_new_for_it(self):
        client = self.cloud.client(evacuate_microversion='2.95')
        self.assertRaises(exception.NovaTooOld, client.check_versions)
