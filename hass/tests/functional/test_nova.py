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

"""hass.nova against a Nova that speaks HTTP.

LifeTest asks nothing of its Nova that a real one does not have: another
fixture with the same verbs is enough to run it there.
"""

from concurrent import futures
import dataclasses
import datetime
import logging
import uuid

import fixtures

from hass import clock as hass_clock
from hass import exception
from hass.fencing import base as fencing
from hass import nova
from hass.tests import base
from hass.tests import clocks
from hass.tests.functional import nova_fixture

RECOVERY = '4ab2ae6e-7b53-4fe7-a0a2-5e67a4d3ad3f'


class Off(fencing.Fencer):
    """A device that says off of every host."""

    def status(self, target):
        return fencing.PowerState.OFF

    def off(self, target, deadline):
        """It is."""

    def on(self, target, deadline):
        """It stays off."""


def off(host, read_at):
    """A proof as the device gave it at that moment."""
    clock = clocks.HandClock()
    clock.boottime = read_at
    return fencing.prove(Off(), fencing.Target(host, None), clock)


class NovaTest(base.TestCase):
    """One client, and the verbs of a recovery."""

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(self.make_nova())
        self.clock = self.cloud.clock
        self.nova = self.cloud.client()
        self.a, self.b, self.c = self.cloud.hosts

    def make_nova(self):
        return nova_fixture.SimulatedNova()

    def deadline(self, seconds=30):
        return hass_clock.FixedDeadline(self.clock, seconds)

    def proofs(self, *hosts, age=0.0):
        read_at = self.clock.monotonic() - age
        return {host: off(host, read_at) for host in hosts}

    def lose(self, host):
        """Power off, and forced down as a recovery does it."""
        self.cloud.power_off(host)
        service = self.nova.service(host)
        return self.nova.force_down(service, RECOVERY, self.deadline())

    def evacuate(self, instance, *, target=None, age=0.0, deadline=None):
        server = self.nova.server(instance)
        self.nova.evacuate(
            server,
            self.proofs(server.host, age=age),
            nova.must_prove(server, self.nova.migrations_of(instance)),
            target,
            deadline or self.deadline(),
        )

    def newest(self, instance):
        return self.nova.migrations_of(instance)[0]

    def wait_for_status(self, instance, status):
        self.wait_for(
            lambda: self.newest(instance).status == status,
            seconds=self.seconds / 2,
            why=f'migration {status}',
        )

    def refusal(self, call, *arguments):
        error = self.assertRaises(exception.NovaRefused, call, *arguments)
        return error.status


class LifeTest(NovaTest):
    """The calls of a recovery, in its order."""

    def test_versions_are_enough(self):
        self.assertGreaterEqual(self.nova.check_versions().highest, (2, 73))

    def test_services_are_usable_until_they_are_forced_down(self):
        self.assertLessEqual(
            {self.a, self.b}, nova.usable_hosts(self.nova.services())
        )
        self.lose(self.a)
        usable = nova.usable_hosts(self.nova.services())
        self.assertNotIn(self.a, usable)
        self.assertIn(self.b, usable)

    def test_a_host_that_nova_does_not_know_is_none(self):
        self.assertIsNone(self.nova.service('no-such-host'))

    def test_a_server_that_nova_does_not_know_is_none(self):
        self.assertIsNone(self.nova.server(str(uuid.uuid4())))

    def test_force_down_disables_with_our_mark(self):
        service = self.lose(self.a)
        self.assertEqual(
            ('disabled', f'hass:{RECOVERY}', True),
            (service.status, service.disabled_reason, service.forced_down),
        )

    def test_an_evacuation_from_accepted_to_completed(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        self.evacuate(instance)
        self.wait_for_status(instance, 'done')
        server = self.nova.server(instance)
        self.assertIn(server.host, (self.b, self.c))
        self.assertEqual('ACTIVE', server.status)
        self.assertEqual(self.newest(instance).destination, server.host)
        service = self.nova.service(self.a)
        self.assertEqual(
            400, self.refusal(self.nova.unforce, service, self.deadline())
        )
        self.cloud.power_on(self.a)
        self.wait_for_status(instance, 'completed')
        service = self.nova.unforce(service, self.deadline())
        self.assertFalse(service.forced_down)
        service = self.nova.enable(service, RECOVERY, self.deadline())
        self.assertEqual(
            ('enabled', None), (service.status, service.disabled_reason)
        )

    def test_the_target_is_the_destination(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        self.evacuate(instance, target=self.c)
        self.wait_for_status(instance, 'done')
        self.assertEqual(self.c, self.nova.server(instance).host)

    def test_an_evacuation_is_an_action_of_the_instance(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        self.evacuate(instance)
        self.assertEqual('evacuate', self.nova.actions_of(instance)[0].name)
        late = self.clock.now() + datetime.timedelta(hours=1)
        self.assertEqual([], self.nova.actions_of(instance, late))

    def test_a_service_that_nova_believes_up_is_not_evacuated(self):
        instance = self.cloud.boot('web', self.a)
        self.assertEqual(400, self.refusal(self.evacuate, instance))

    def test_a_target_that_nova_does_not_know_is_refused(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        server = self.nova.server(instance)
        self.assertEqual(
            404,
            self.refusal(
                self.nova.evacuate,
                server,
                self.proofs(self.a),
                frozenset({self.a}),
                'no-such-host',
                self.deadline(),
            ),
        )

    def test_servers_of_a_host_leave_it_when_they_are_evacuated(self):
        gone, other = (
            self.cloud.boot('web', self.a),
            self.cloud.boot('db', self.b),
        )
        before = self.clock.now() - datetime.timedelta(minutes=1)
        self.assertIn(gone, [one.uuid for one in self.nova.servers_on(self.a)])
        self.lose(self.a)
        self.evacuate(gone)
        self.wait_for_status(gone, 'done')
        self.assertEqual([], self.nova.servers_on(self.a))
        changed = self.nova.servers_changed_since(before)
        self.assertLessEqual({gone, other}, {one.uuid for one in changed})

    def test_a_migration_just_accepted_is_seen_with_a_moment(self):
        # Nova's own changes-since would hide it.
        instance = self.cloud.boot('web', self.a)
        before = self.clock.now() - datetime.timedelta(minutes=1)
        self.lose(self.a)
        self.evacuate(instance)
        found = self.nova.migrations(self.a, since=before)
        self.assertEqual([instance], [one.instance_uuid for one in found])

    def test_stop_and_start(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.assertEqual(
            409, self.refusal(self.nova.start, server, self.deadline())
        )
        self.nova.stop(server, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).vm_state == 'stopped',
            why='stopped',
        )
        self.nova.start(server, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).vm_state == 'active',
            why='started',
        )

    def test_reset_state(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.nova.reset_state(server, 'error', self.deadline())
        self.assertEqual('ERROR', self.nova.server(instance).status)
        self.assertEqual(
            400,
            self.refusal(
                self.nova.reset_state, server, 'happy', self.deadline()
            ),
        )


class ServiceTest(NovaTest):
    """What exactly is sent about a service."""

    def bodies(self):
        return [
            call.body
            for call in self.cloud.server.calls
            if call.method == 'PUT'
        ]

    def disable(self, reason):
        compute = self.cloud.cloud.computes['a']
        compute.disabled, compute.disabled_reason = True, reason

    def test_force_down_is_one_put(self):
        self.lose('a')
        self.assertEqual(
            [
                {
                    'status': 'disabled',
                    'disabled_reason': f'hass:{RECOVERY}',
                    'forced_down': True,
                }
            ],
            self.bodies(),
        )

    def test_a_disabled_service_keeps_its_own_reason(self):
        self.disable('new disks on Friday')
        service = self.lose('a')
        self.assertEqual([{'forced_down': True}], self.bodies())
        self.assertEqual('new disks on Friday', service.disabled_reason)

    def test_what_is_done_is_not_sent_again(self):
        service = self.lose('a')
        self.nova.force_down(service, RECOVERY, self.deadline())
        self.nova.force_down(self.nova.service('a'), RECOVERY, self.deadline())
        self.assertEqual(1, len(self.bodies()))

    def test_unforce_sends_nothing_else(self):
        service = self.lose('a')
        self.nova.unforce(service, self.deadline())
        self.assertEqual({'forced_down': False}, self.bodies()[-1])
        self.assertEqual('disabled', self.nova.service('a').status)

    def test_a_service_that_another_disabled_stays_disabled(self):
        service = self.lose('a')
        self.disable('I will look at it first')
        service = self.nova.enable(service, RECOVERY, self.deadline())
        self.assertEqual(
            ('disabled', 'I will look at it first'),
            (service.status, service.disabled_reason),
        )

    def test_the_mark_of_another_recovery_is_not_ours(self):
        service = self.lose('a')
        self.disable('hass:of another recovery')
        service = self.nova.enable(service, RECOVERY, self.deadline())
        self.assertEqual('disabled', service.status)


class SendingTest(NovaTest):
    """When an evacuation does not leave, and how it leaves."""

    def setUp(self):
        super().setUp()
        self.instance = self.cloud.boot('web', 'a')
        self.lose('a')

    def sent(self):
        return [
            call
            for call in self.cloud.server.calls
            if call.path.endswith('/action')
        ]

    def test_it_names_2_94(self):
        self.evacuate(self.instance, target='b')
        (call,) = self.sent()
        self.assertEqual('compute 2.94', call.version)
        self.assertEqual({'evacuate': {'host': 'b'}}, call.body)

    def test_without_a_target_the_body_is_empty(self):
        self.evacuate(self.instance)
        self.assertEqual({'evacuate': {}}, self.sent()[0].body)

    def test_2_95_is_sent_by_explicit_choice(self):
        self.nova = self.cloud.client(evacuate_microversion='2.95')
        self.evacuate(self.instance)
        self.assertEqual('compute 2.95', self.sent()[0].version)

    def test_after_the_deadline_nothing_is_sent(self):
        self.assertRaises(
            exception.ClaimExpired,
            self.evacuate,
            self.instance,
            deadline=self.deadline(-1),
        )
        self.assertEqual([], self.sent())

    def test_no_act_is_sent_after_its_deadline(self):
        server = self.nova.server(self.instance)
        service = self.nova.service('a')
        late = self.deadline(-1)
        count = len(self.cloud.seen('PUT'))
        for act in (
            lambda: self.nova.start(server, late),
            lambda: self.nova.stop(server, late),
            lambda: self.nova.reset_state(server, 'error', late),
            lambda: self.nova.unforce(service, late),
            lambda: self.nova.enable(service, RECOVERY, late),
        ):
            self.assertRaises(exception.ClaimExpired, act)
        self.assertEqual([], self.sent())
        self.assertEqual(count, len(self.cloud.seen('PUT')))

    def test_a_stale_proof_is_refused(self):
        error = self.assertRaises(
            exception.ProofMissing, self.evacuate, self.instance, age=3.5
        )
        self.assertEqual('a', error.host)
        self.assertIn('3.5 s old', error.reason)
        self.assertEqual([], self.sent())

    def test_novas_own_host_is_needed_even_if_nobody_says_so(self):
        server = self.nova.server(self.instance)
        error = self.assertRaises(
            exception.ProofMissing,
            self.nova.evacuate,
            server,
            {},
            frozenset(),
            None,
            self.deadline(),
        )
        self.assertEqual('a', error.host)
        self.assertEqual([], self.sent())

    def test_a_server_that_is_nowhere_cannot_be_proved(self):
        server = dataclasses.replace(
            self.nova.server(self.instance), host=None
        )
        self.assertRaises(
            exception.ProofMissing,
            self.nova.evacuate,
            server,
            self.proofs('a'),
            frozenset(),
            None,
            self.deadline(),
        )

    def test_the_destination_of_an_attempt_must_be_proved_too(self):
        self.cloud.cloud.pace = dataclasses.replace(
            nova_fixture.PACE, spawning=600
        )
        self.evacuate(self.instance, target='b')
        self.wait_for_status(self.instance, 'pre-migrating')
        error = self.assertRaises(
            exception.ProofMissing, self.evacuate, self.instance, target='c'
        )
        self.assertEqual('b', error.host)
        self.assertEqual(1, len(self.sent()))

    def test_a_deadline_that_passes_in_the_log_in_stops_the_call(self):
        # The new client has to log in before it may act.
        fresh = self.cloud.client()
        fresh.check_versions()
        server = self.nova.server(self.instance)
        self.cloud.server.keystone.forget_tokens()
        asked = []

        class Passing:
            """Is over as soon as the log-in is."""

            def at(self):
                return 0.0

            def check(self):
                asked.append(True)
                if len(asked) > 1:
                    raise exception.ClaimExpired(1.0)

        self.assertRaises(
            exception.ClaimExpired,
            fresh.evacuate,
            server,
            self.proofs('a'),
            frozenset({'a'}),
            None,
            Passing(),
        )
        # The first went out with a token that was no good any more.
        self.assertEqual(1, len(self.sent()))
        self.assertEqual([], self.nova.migrations('a'))

    def test_an_expired_token_is_renewed(self):
        self.cloud.server.keystone.forget_tokens()
        self.evacuate(self.instance)
        self.wait_for_status(self.instance, 'done')


class CountTest(NovaTest):
    """Few calls: a list for all, not a call for each."""

    def test_a_turn_is_one_list_of_migrations(self):
        instances = [self.cloud.boot(f'vm{n}', 'a') for n in range(10)]
        self.lose('a')
        for instance in instances:
            self.evacuate(instance)
        self.cloud.server.calls.clear()
        found = self.nova.migrations('a')
        self.assertEqual(set(instances), {one.instance_uuid for one in found})
        self.assertEqual(['GET /os-migrations'], self.cloud.seen())

    def test_migrations_off_all_hosts_are_one_list(self):
        server = self.cloud.cloud.show(self.cloud.boot('web', 'a'))
        self.cloud.cloud.record(server, 'evacuation', 'failed', 'b')
        server.host = 'b'
        self.cloud.cloud.record(server, 'live-migration', 'running', 'c')
        self.cloud.server.calls.clear()
        found = self.nova.migrations(kind=None)
        self.assertEqual(['b', 'a'], [one.source for one in found])
        self.assertEqual(['GET /os-migrations'], self.cloud.seen())

    def test_servers_of_a_host_are_one_list(self):
        for number in range(10):
            self.cloud.boot(f'vm{number}', 'a')
        self.cloud.server.calls.clear()
        self.assertEqual(10, len(self.nova.servers_on('a')))
        self.assertEqual(['GET /servers/detail'], self.cloud.seen())

    def test_one_log_in_is_enough(self):
        for _ in range(3):
            self.nova.services()
        self.assertEqual(1, len(self.cloud.server.keystone.tokens()))

    def test_calls_may_go_out_side_by_side(self):
        instances = [self.cloud.boot(f'vm{n}', 'a') for n in range(20)]
        self.lose('a')
        self.cloud.server.keystone.forget_tokens()
        with futures.ThreadPoolExecutor(20) as pool:
            for sent in [pool.submit(self.evacuate, i) for i in instances]:
                sent.result()
        self.assertEqual(20, len(self.nova.migrations('a')))

    def test_old_migrations_are_not_paged_through(self):
        instance = self.cloud.boot('web', 'a')
        server = self.cloud.cloud.show(instance)
        for _ in range(5):
            self.cloud.cloud.record(server, 'evacuation', 'completed', 'b')
        late = self.clock.now() + datetime.timedelta(hours=1)
        self.assertEqual([], self.nova.migrations('a', since=late))


class PageTest(NovaTest):
    """A Nova that gives three entries at a time."""

    def make_nova(self):
        return nova_fixture.SimulatedNova(page=3)

    def test_servers_come_in_pages(self):
        booted = {self.cloud.boot(f'vm{n}', 'a') for n in range(7)}
        found = [one.uuid for one in self.nova.servers_on('a')]
        self.assertEqual(sorted(booted), sorted(found))
        self.assertEqual(3, len(self.cloud.seen()))

    def test_a_last_page_that_is_full_ends_the_list(self):
        for number in range(6):
            self.cloud.boot(f'vm{number}', 'a')
        self.assertEqual(6, len(self.nova.servers_on('a')))

    def test_migrations_come_in_pages_newest_first(self):
        server = self.cloud.cloud.show(self.cloud.boot('web', 'a'))
        for _ in range(8):
            self.cloud.cloud.record(server, 'evacuation', 'failed', 'b')
        found = [one.id for one in self.nova.migrations('a')]
        self.assertEqual([8, 7, 6, 5, 4, 3, 2, 1], found)


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

    def test_a_nova_that_does_not_answer_is_unreachable(self):
        self.cloud.server.hang()
        self.assertRaises(exception.NovaUnreachable, self.nova.services)
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
        self.assertRaises(
            exception.NovaUnreachable,
            self.nova.force_down,
            forced,
            RECOVERY,
            self.deadline(),
        )

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
