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

"""What exactly is sent to Nova, when, and how often."""

from concurrent import futures
import dataclasses
import datetime

import time

from hass import exception
from hass.tests.functional.nova_case import NovaTest
from hass.tests.functional.nova_case import RECOVERY
from hass.tests.functional import nova_fixture


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

    def test_disabling_forces_nothing_down(self):
        self.nova.disable(self.nova.service('a'), RECOVERY, self.deadline())
        self.assertEqual(
            [{'status': 'disabled', 'disabled_reason': f'hass:{RECOVERY}'}],
            self.bodies(),
        )

    def test_disabling_leaves_the_reason_of_somebody_else(self):
        self.disable('new disks on Friday')
        self.nova.disable(self.nova.service('a'), RECOVERY, self.deadline())
        self.assertEqual([], self.bodies())

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

    def test_what_is_left_to_operators_is_enabled_by_nobody_here(self):
        service = self.lose('a')
        self.nova.unforce(service, self.deadline())
        self.keep(service)
        service = self.nova.enable(service, RECOVERY, self.deadline())
        self.assertEqual(
            ('disabled', 'HASS: fenced 3 times', False),
            (service.status, service.disabled_reason, service.forced_down),
        )

    def test_what_somebody_else_disabled_keeps_that_reason(self):
        service = self.lose('a')
        self.disable('I will look at it first')
        self.assertEqual(
            'I will look at it first', self.keep(service).disabled_reason
        )

    def keep(self, service):
        return self.nova.keep_disabled(
            service, RECOVERY, 'HASS: fenced 3 times', self.deadline()
        )

    def test_the_mark_of_another_recovery_is_not_ours(self):
        service = self.lose('a')
        self.disable('hass:of another recovery')
        service = self.nova.enable(service, RECOVERY, self.deadline())
        self.assertEqual('disabled', service.status)


class LostAnswerTest(NovaTest):
    """An update of a service whose answer is lost: look, then wait."""

    def lose_answers(self, *, effect):
        act = self.nova._door.act

        def lost(*arguments):
            if effect:
                act(*arguments)
            raise exception.NovaUnreachable('update', 'read timed out')

        self.nova._door.act = lost

    def test_what_took_effect_is_not_waited_for(self):
        service = self.nova.service('a')
        self.lose_answers(effect=True)
        found = self.nova.force_down(service, RECOVERY, self.deadline())
        self.assertTrue(found.forced_down)

    def test_what_took_none_is_told(self):
        service = self.nova.service('a')
        self.lose_answers(effect=False)
        self.assertRaises(
            exception.NovaUnreachable,
            self.nova.force_down,
            service,
            RECOVERY,
            self.deadline(),
        )


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
        self.assertRegex(error.reason, r'\d\.\d s old')
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
                # Twice for each request: in front of it and of its body.
                if len(asked) > 2:
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

    def leave(self, sending):
        self.nova.evacuate(
            self.nova.server(self.instance),
            self.proofs('a'),
            frozenset({'a'}),
            None,
            self.deadline(),
            sending,
        )

    def test_that_a_call_leaves_is_said_before_it_has_any_effect(self):
        seen = []
        self.leave(lambda: seen.append(len(self.nova.migrations('a'))))
        self.assertEqual([0], seen)
        self.assertEqual(1, len(self.nova.migrations('a')))

    def test_a_call_that_is_held_back_then_has_no_effect(self):
        def lost():
            raise exception.LostClaim('r')

        self.assertRaises(exception.LostClaim, self.leave, lost)
        self.assertEqual([], self.nova.migrations('a'))

    def test_one_call_at_a_time_is_between_the_word_and_its_body(self):
        instances = [self.cloud.boot(f'vm{n}', 'a') for n in range(4)]
        inside, most = [], []

        def sending():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

        with futures.ThreadPoolExecutor(4) as pool:
            for one in instances:
                pool.submit(
                    self.nova.evacuate,
                    self.nova.server(one),
                    self.proofs('a'),
                    frozenset({'a'}),
                    None,
                    self.deadline(),
                    sending,
                )
        self.assertEqual([1] * 4, most)
        self.assertEqual(4, len(self.nova.migrations('a')))

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

    def test_what_users_wrote_on_servers_comes_with_them(self):
        instance = self.cloud.boot('web', 'a')
        self.cloud.cloud.show(instance).metadata['HA_Enabled'] = 'true'
        (server,) = self.nova.servers_on('a')
        self.assertEqual({'HA_Enabled': 'true'}, server.metadata)

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


class PortTest(NovaTest):
    """Ports as Neutron tells Nova."""

    def test_a_port_that_is_down_is_not_active(self):
        server = self.cloud.cloud.boot('web', 'a')
        (port,) = self.nova.ports(server.uuid)
        self.assertTrue(port.is_active)
        server.port_state = 'DOWN'
        (port,) = self.nova.ports(server.uuid)
        self.assertFalse(port.is_active)
