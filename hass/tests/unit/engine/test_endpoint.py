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
import json
import os
from typing import Any
from unittest import mock

import fixtures
from oslo_config import cfg

from hass.agent import identity
from hass import beats
from hass.db import clusters
from hass.db import hosts
from hass.db import instance_observations
from hass.db import migration
from hass.db import models
from hass.db import notifications
from hass.db import observations
from hass.db import orders
from hass.db import recoveries
from hass.db import services
from hass.db import session as db
from hass.engine import endpoint
from hass.engine import hearing
from hass.engine import keys
from hass.engine import overview
from hass.engine import signs
from hass.engine import strangers
from hass import faults
from hass.rpc import messages
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks

KEY = 'k' * 32
CONTEXT = None
INSTANCE = 'd6f3a1de-2f6e-4c9c-b9c5-6a1d7f7b9a10'


class Ears(dict):
    heard = dict.get

    def __init__(self, clock):
        super().__init__()
        self._clock = clock
        self._told = hearing.Told()

    def tell(self, host, boot_id, uptime):
        now = self._clock.monotonic()
        return self._told.take(host, boot_id, uptime, now, self.get(host))

    def told(self, host):
        return self._told.newest(host)


class Keyring:
    """Enciphers by turning round."""

    def decrypt(self, secret, what):
        return secret[::-1]


def make_database(test, clock):
    conf = cfg.ConfigOpts()
    db.register_opts(conf)
    conf([], default_config_files=[])
    path = os.path.join(
        test.useFixture(fixtures.TempDir()).path, 'hass.sqlite'
    )
    conf.set_override('connection', f'sqlite:///{path}', 'database')
    database = db.Database(conf, clock)
    test.addCleanup(database.close)
    migration.sync(database)
    return database


class EndpointTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = make_database(self, self.clock)
        with self.database.writer() as session:
            cluster = clusters.create(session, 'cluster-1')
            hosts.add(session, cluster, 'compute-1', agent_key=KEY[::-1])
        self.ears = Ears(self.clock)
        self.rung = []
        self.keys = keys.AgentKeys(self.database, Keyring(), self.clock)
        self.strangers = strangers.Strangers(self.clock)
        self.endpoint = self.make_endpoint()
        self.agent = self.make_agent()

    def make_endpoint(self):
        return endpoint.ReportsEndpoint(
            self.database,
            self.keys,
            self.ears,
            self.clock,
            overview.Overview(self.database, self.clock, 5.0),
            lambda: self.rung.append('rung'),
            self.strangers,
        )

    def make_agent(self, host='compute-1', boot='boot-1', key=KEY):
        return identity.Identity(self.clock, host, boot, key.encode())

    def make_report(self, agent=None, **changes):
        fields = {
            'addresses': {'management': '192.0.2.1'},
            'domains': ['a'],
            'system_uuid': 'u',
            'resume_guests': False,
            'watchdog': 'off',
            'health': {},
            'observations': [],
            'faults': [],
        }
        return (agent or self.agent).seal(messages.Report, **fields | changes)

    def report(self, *args, **changes):
        return self.endpoint.report(
            CONTEXT, self.make_report(*args, **changes)
        )

    def goodbye(self):
        return self.endpoint.goodbye(
            CONTEXT, self.agent.seal(messages.Goodbye, why='stopped')
        )

    def gate(self, **fields):
        return self.endpoint.gate(
            CONTEXT, self.agent.seal(messages.GateRequest, **fields)
        )

    def alive(self, key=KEY):
        agent = self.make_agent(key=key)
        self.clock.turn(1)
        signs.SignsEndpoint(self.endpoint).alive(
            CONTEXT, agent.seal(messages.Alive)
        )

    def host(self):
        with self.database.reader() as session:
            return hosts.get(session, 'compute-1')

    def open_recovery(self, workflow, state):
        with self.database.writer() as session:
            recoveries.open_one(
                session,
                workflow=workflow,
                host='compute-1',
                cluster_id=None,
                state=state,
                deadline_seconds=None,
                engine='engine-1',
                why='it is so',
            )

    def order(self, state='restarting', boot='boot-1', seconds=30):
        """A recovery wants nova-compute to be restarted."""
        until = self.clock.now() + datetime.timedelta(seconds=seconds)
        wanted = orders.Order.make(
            'restart', 'compute-1', boot, 'compute', until
        )
        with self.database.writer() as session:
            builders.make_recovery(
                session,
                workflow='service_failure',
                state=state,
                was={orders.KEY: wanted.to_dict()},
            )
        return wanted

    def kept(self):
        """The order as its recovery has it, and when that goes on."""
        with self.database.reader() as session:
            found = recoveries.open_of_host(session, 'compute-1')
            assert found is not None
        order = orders.Order.of(found.was)
        assert order is not None
        return order, found.wake_at

    def ordered(self, answer, report):
        return self.agent.ordered(report, answer['orders'])

    def test_an_order_is_in_the_answer_until_its_result_is_told(self):
        wanted = self.order()
        for _time in range(2):
            self.clock.turn(1)
            report = self.make_report()
            answer = self.endpoint.report(CONTEXT, report)
            (order,) = self.ordered(answer, report)
            self.assertEqual(
                (wanted.id, 'restart', 'compute'),
                (order.id, order.kind, order.subject),
            )
        self.assertEqual(28.0, order.seconds)
        result = messages.OrderResult(wanted.id, True, 'restarted')
        self.assertNotIn('orders', dict(self.report(results=[result])))
        order, wake_at = self.kept()
        self.assertEqual((True, 'restarted'), (order.done, order.detail))
        self.assertEqual(self.clock.now(), wake_at)

    def test_an_order_is_for_one_boot(self):
        self.order(boot='boot-0')
        self.assertNotIn('orders', dict(self.report()))

    def test_an_order_is_for_a_time(self):
        self.order(seconds=-1)
        self.assertNotIn('orders', dict(self.report()))

    def test_an_order_is_for_a_state_of_its_recovery(self):
        self.order(state='verifying')
        self.assertNotIn('orders', dict(self.report()))

    def test_orders_are_signed_with_the_key_that_the_agent_has(self):
        with self.database.writer() as session:
            hosts.rotate_key(session, 'compute-1', 'n' * 32)
        self.order()
        report = self.make_report()
        answer = self.endpoint.report(CONTEXT, report)
        self.assertEqual(1, len(self.ordered(answer, report)))

    def test_a_report_is_written_down(self):
        self.report(domains=['a', 'b'])
        host = self.host()
        self.assertEqual(['a', 'b'], host.domains)
        self.assertEqual('boot-1', host.boot_id)
        self.assertEqual(self.clock.now(), host.reported_at)

    def test_the_answer_tells_when_an_engine_last_watched(self):
        self.assertIsNone(self.report()['patrol_seconds'])
        with self.database.writer() as session:
            services.enter(session, 'engine-1', '1')
        self.clock.turn(40)
        self.assertEqual(40.0, self.report()['patrol_seconds'])

    def make_event(self, **changes):
        fields: dict[str, Any] = {
            'id': '5c3f0d3c-9b8e-4a53-8d68-d1f0c9b1d6f1',
            'instance': INSTANCE,
            'incident': faults.Incident.PANICKED,
            'age': 5.0,
        }
        return messages.InstanceEvent(**fields | changes)

    def notifications(self):
        with self.database.reader() as session:
            return notifications.new_ones(session)

    def test_an_event_of_an_instance_becomes_a_notification(self):
        event = self.make_event(detail='told by pvpanic')
        self.report(events=[event])
        (found,) = self.notifications()
        self.assertEqual(
            (event.id, 'compute-1', faults.Layer.GUEST_OS, 5.0),
            (
                found.uuid,
                found.host,
                found.layer,
                (found.received_at - found.generated_at).total_seconds(),
            ),
        )
        self.assertEqual(
            {
                'instance': event.instance,
                'event': 'panicked',
                'detail': 'told by pvpanic',
            },
            found.payload,
        )

    def test_what_befell_an_instance_is_looked_at_now(self):
        self.report()
        self.assertEqual([], self.rung)
        self.report(events=[self.make_event()])
        self.assertEqual(['rung'], self.rung)

    def test_an_event_that_comes_twice_is_one(self):
        again = self.make_event(age=9.0)
        self.report(events=[self.make_event()])
        self.report(events=[again, again])
        self.assertEqual(1, len(self.notifications()))

    def test_an_event_that_names_no_instance_is_refused(self):
        for field in ('id', 'instance'):
            event = self.make_event(**{field: 'x'})
            answer = self.report(events=[event])
            self.assertEqual(
                {'refused': f'report.events.{field}: a UUID is wanted'}, answer
            )
        self.assertEqual([], self.notifications())

    def make_look(self, **changes):
        fields: dict[str, Any] = {
            'instance': INSTANCE,
            'detector': 'guest_network',
            'layer': faults.Layer.GUEST_NETWORK,
            'verdict': faults.Verdict.HEALTHY,
            'age': 5.0,
            'detail': '192.0.2.9 answers',
        }
        return messages.InstanceLook(**fields | changes)

    def looks(self):
        with self.database.reader() as session:
            return instance_observations.of_instance(
                session, INSTANCE, 'compute-1'
            )

    def test_every_message_that_is_believed_is_a_sign_of_life(self):
        for send in (self.report, self.goodbye, self.gate, self.alive):
            self.clock.turn(1)
            send()
            self.assertEqual(
                self.clock.monotonic(), self.ears.told('compute-1')
            )

    def test_a_message_that_is_refused_is_no_sign_of_life(self):
        self.alive(key='x' * 32)
        self.assertIsNone(self.ears.told('compute-1'))
        self.assertEqual({beats.Refusal.FORGED: 1}, self.endpoint.refusals())

    def test_a_sign_of_life_writes_nothing(self):
        self.alive()
        self.assertIsNone(self.host().reported_at)

    def test_engines_ask_for_signs_of_life(self):
        self.assertIs(True, self.report()['signs'])

    def test_a_look_at_an_instance_is_kept(self):
        self.report(domains=[INSTANCE], guests=[self.make_look()])
        (found,) = self.looks()
        self.assertEqual(
            ('guest_network', 'compute-1', 'healthy', '192.0.2.9 answers'),
            (found.detector, found.host, found.verdict, found.detail),
        )
        age = self.clock.now() - found.seen_at
        self.assertEqual(5.0, age.total_seconds())

    def test_of_instances_elsewhere_a_host_has_no_say(self):
        for domains in ([], None, ['a']):
            self.report(domains=domains, guests=[self.make_look()])
        self.assertEqual([], self.looks())

    def test_a_look_that_fits_nowhere_is_refused(self):
        for wrong, why in (
            ({'instance': 'x'}, 'instance: a UUID is wanted'),
            (
                {'layer': faults.Layer.POWER},
                'layer: one of instance, guest_os, guest_network is wanted',
            ),
            ({'detector': ''}, 'detector: 1 to 64 characters are wanted'),
            ({'detector': 'x' * 65}, 'detector: 1 to 64 characters are'),
        ):
            look = self.make_look(**wrong)
            answer = self.report(domains=[INSTANCE], guests=[look])
            self.assertIn(f'report.guests.{why}', answer['refused'])
        self.assertEqual([], self.looks())

    def test_reports_of_agents_a_version_older_are_taken(self):
        for version, unknown in (
            ('1.1', ('events', 'guests')),
            ('1.2', ('guests',)),
        ):
            envelope = self.make_report(domains=[version])
            body = json.loads(envelope['body'])
            for field in unknown:
                body.pop(field, None)
            envelope['body'] = json.dumps(body)
            envelope['version'] = version
            kind = messages.Report.kind
            mac = beats.sign(kind, envelope['body'].encode(), KEY.encode())
            self.endpoint.report(CONTEXT, envelope | {'mac': mac.hex()})
            self.assertEqual([version], self.host().domains)

    def test_an_alleged_fault_becomes_a_notification(self):
        fault = messages.Allegation(faults.Layer.INSTANCE, 5.0, {'a': 'b'})
        self.report(faults=[fault])
        with self.database.reader() as session:
            found = notifications.new_ones(session)[0]
        self.assertEqual(
            ('agent', 'compute-1', {'a': 'b'}, 5.0),
            (
                found.source,
                found.host,
                found.payload,
                (found.received_at - found.generated_at).total_seconds(),
            ),
        )

    def test_what_an_agent_saw_is_not_taken_for_a_look_from_outside(self):
        sight = messages.Sight(
            faults.Layer.NETWORK,
            'network_icmp',
            faults.Verdict.HEALTHY,
            2.0,
        )
        self.report(observations=[sight])
        with self.database.reader() as session:
            (found,) = observations.of_host(session, 'compute-1')
        self.assertEqual('agent:network_icmp', found.detector)
        age = self.clock.now() - found.seen_at
        self.assertEqual(2.0, age.total_seconds())

    def test_an_address_that_cannot_be_pinged_is_refused(self):
        answer = self.report(addresses={'management': '-f 192.0.2.1'})
        self.refuse(answer, "report.addresses: 'management' has no IP address")

    def test_what_ails_an_agent_is_told_once(self):
        with self.assertLogs('hass.engine.endpoint', 'WARNING') as logs:
            for health in ({'guests': 'late'}, {'guests': 'late'}, {}):
                self.report(health=health)
                self.clock.turn(1)
        self.assertEqual(
            [
                'agent of compute-1: its loop guests is late',
                'agent of compute-1: well again',
            ],
            [record.getMessage() for record in logs.records],
        )

    def test_a_goodbye_holds_for_900_seconds_or_until_the_next_report(self):
        self.goodbye()
        left = self.host().planned_until - self.clock.now()
        self.assertEqual(900.0, left.total_seconds())
        self.report()
        self.assertIsNone(self.host().planned_until)

    def refuse(self, answer, reason):
        self.assertEqual({'refused': reason}, answer)
        self.assertIsNone(self.host().reported_at)

    def test_a_forged_report_leaves_no_trace(self):
        forger = self.make_agent(key='x' * 32)
        self.refuse(self.report(forger), beats.Refusal.FORGED)

    def test_a_host_may_not_speak_for_another(self):
        with self.database.writer() as session:
            cluster = clusters.get(session, 'cluster-1')
            hosts.add(session, cluster, 'compute-2', agent_key='j' * 32)
        liar = self.make_agent(host='compute-1', key='j' * 32)
        goodbye = liar.seal(messages.Goodbye, why='stopped')
        gate = liar.seal(messages.GateRequest)
        with self.assertLogs('hass.audit', 'WARNING') as audited:
            self.refuse(self.report(liar), beats.Refusal.FORGED)
            self.refuse(
                self.endpoint.goodbye(CONTEXT, goodbye), beats.Refusal.FORGED
            )
            self.refuse(
                self.endpoint.gate(CONTEXT, gate), beats.Refusal.FORGED
            )
        self.assertIsNone(self.host().planned_until)
        (line,) = audited.output
        self.assertIn('"action": "report", "host": "compute-1"', line)
        self.assertIn('"why": "its signature fits no key', line)

    def test_refusals_are_logged_now_and_then_and_all_are_counted(self):
        forger = self.make_agent(key='x' * 32)
        with self.assertLogs('hass.audit', 'WARNING') as audited:
            for _each in range(20):
                self.report(forger)
                self.clock.turn(1)
        self.assertEqual(2, len(audited.output))
        self.assertIn('"refused_since_start": 11', audited.output[1])
        self.assertEqual({beats.Refusal.FORGED: 20}, self.endpoint.refusals())

    def test_who_is_refused_is_remembered_without_an_address(self):
        for host, key in (('compute-1', 'x' * 32), ('compute-9', KEY)):
            wrong = self.make_agent(host=host, key=key)
            self.report(wrong)
            self.clock.turn(10)
            self.report(wrong)
        self.assertEqual(
            [('compute-1', True, ''), ('compute-9', False, '')],
            [
                (one.name, one.known, one.address)
                for one in self.strangers.now()
            ],
        )

    def test_a_stranger_is_refused(self):
        stranger = self.make_agent(host='compute-9')
        self.refuse(self.report(stranger), beats.Refusal.UNKNOWN_HOST)

    def test_a_wrong_envelope_is_refused_with_the_field(self):
        answer = self.endpoint.report(CONTEXT, {'version': 5})
        self.assertIn('envelope', answer['refused'])
        self.assertEqual(
            {beats.Refusal.UNREADABLE: 1}, self.endpoint.refusals()
        )

    def test_a_replay_is_refused_and_counted(self):
        envelope = self.make_report()
        self.endpoint.report(CONTEXT, envelope)
        answer = self.endpoint.report(CONTEXT, envelope)
        self.assertEqual({'refused': beats.Refusal.REPLAYED}, answer)
        self.assertEqual({beats.Refusal.REPLAYED: 1}, self.endpoint.refusals())

    def test_an_engine_that_saw_nothing_refuses_an_old_report(self):
        envelope = self.make_report()
        self.clock.turn(61)
        self.refuse(
            self.make_endpoint().report(CONTEXT, envelope),
            beats.Refusal.CLOCK,
        )

    def test_beats_show_that_a_report_is_old(self):
        envelope = self.make_report()
        self.clock.turn(40)
        self.hear()
        self.refuse(
            self.endpoint.report(CONTEXT, envelope), beats.Refusal.STALE
        )

    def test_beats_show_how_long_a_report_was_under_way(self):
        envelope = self.make_report(
            domains=[INSTANCE],
            events=[self.make_event(age=5.0)],
            guests=[self.make_look(age=1.0)],
        )
        self.clock.turn(4)
        self.hear()
        self.endpoint.report(CONTEXT, envelope)
        (told,) = self.notifications()
        (look,) = self.looks()
        self.assertEqual(
            [4.0, 9.0, 5.0],
            [
                (self.clock.now() - at).total_seconds()
                for at in (
                    self.host().reported_at,
                    told.generated_at,
                    look.seen_at,
                )
            ],
        )

    def hear(self):
        """A beat of this moment."""
        self.ears['compute-1'] = hearing.Heard(
            host='compute-1',
            boot_id='boot-1',
            by_network={},
            last=self.clock.monotonic(),
            sent=self.clock.monotonic(),
            since=0.0,
            uptime=self.clock.monotonic(),
            planned=False,
            clock_jump=False,
        )

    def test_a_goodbye_is_not_taken_twice(self):
        envelope = self.agent.seal(messages.Goodbye, why='stopped')
        self.endpoint.goodbye(CONTEXT, envelope)
        self.report()
        self.endpoint.goodbye(CONTEXT, envelope)
        self.assertIsNone(self.host().planned_until)

    def rotate(self, *issued):
        """Issue keys; time enough passes for the engine to read them."""
        for key in issued:
            with self.database.writer() as session:
                hosts.rotate_key(session, 'compute-1', key[::-1])
        self.pass_time()

    def pass_time(self, seconds=2):
        self.clock.turn(seconds)
        self.keys.refresh()

    def test_a_new_key_counts_at_once_and_its_use_ends_the_old_one(self):
        self.report()
        self.clock.turn(2)
        self.rotate('n' * 32)
        self.assertNotIn('refused', self.report())
        self.clock.turn(1)
        self.assertNotIn('refused', self.report(self.make_agent(key='n' * 32)))
        self.pass_time()
        self.assertEqual({'refused': beats.Refusal.FORGED}, self.report())

    def test_an_agent_stays_believed_whatever_it_was_not_given(self):
        self.rotate('m' * 32, 'n' * 32)
        self.pass_time(7 * 86400)
        self.assertNotIn('refused', self.report())
        void = self.report(self.make_agent(key='m' * 32))
        self.assertEqual({'refused': beats.Refusal.FORGED}, void)

    def test_a_key_that_is_replaced_while_it_is_first_used_counts(self):
        self.rotate('m' * 32)
        self.report(self.make_agent(key='m' * 32))
        self.rotate('n' * 32)
        self.assertNotIn('refused', self.report(self.make_agent(key='m' * 32)))
        self.assertEqual({'refused': beats.Refusal.FORGED}, self.report())

    def test_the_gate_ends_no_key_that_the_agent_uses(self):
        """It reads the file of the key anew, and the agent runs on."""
        self.rotate('n' * 32)
        gate = self.make_agent(key='n' * 32).seal(messages.GateRequest)
        self.assertIs(True, self.endpoint.gate(CONTEXT, gate)['open'])
        self.pass_time()
        self.assertNotIn('refused', self.report())

    def test_the_gate_is_open_when_nothing_is_wrong(self):
        self.assertIs(True, self.gate()['open'])

    def test_the_gate_is_closed_while_a_recovery_is_open(self):
        self.open_recovery('host_failure', 'evacuating')
        answer = self.gate()
        self.assertIs(False, answer['open'])
        self.assertIn('(host_failure) is evacuating: it is so', answer['why'])

    def test_the_gate_opens_once_the_returning_host_is_awaited(self):
        self.open_recovery('host_return', 'powering_on')
        self.assertIs(False, self.gate()['open'])
        with self.database.writer() as session:
            open_one = recoveries.open_of_host(session, 'compute-1')
            assert open_one is not None
            open_one.state = 'awaiting_agent'
        self.assertIs(True, self.gate()['open'])

    def test_a_forced_gate_is_told_and_starts_no_recovery(self):
        self.gate(forced=True)
        with self.database.reader() as session:
            found = notifications.all(session)
        self.assertEqual(
            [models.NotificationState.IGNORED], [each.state for each in found]
        )
        self.assertIn('forced', found[0].payload['event'])


class OperatorTest(base.TestCase):
    def test_the_bell_and_the_fence_are_passed_on(self):
        wake = mock.Mock()
        served = endpoint.OperatorEndpoint(
            wake, lambda host: {'state': 'working', 'why': host}
        )
        served.wake(CONTEXT)
        wake.assert_called_once_with()
        self.assertEqual(
            {'state': 'working', 'why': 'compute-1'},
            served.test_fence(CONTEXT, 'compute-1'),
        )
