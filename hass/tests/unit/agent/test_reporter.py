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

import dataclasses

from oslo_config import cfg

from hass.agent import facts
from hass.agent.guests import sights
from hass.agent import identity
from hass.agent.instances import teller
from hass.agent import orders
from hass.agent import reporter
from hass.conf import agent as options
from hass import exception
from hass import faults
from hass.rpc import messages
from hass.tests import base
from hass.tests import clocks
from hass.tests.unit.agent import engines

KEY = b'k' * 32
FACTS = facts.Facts({}, ['a'], None, False, 'off', {'beats': 'ok'})


class Engine(engines.SilentEngine):
    """Takes reports, unless it is away.

    :ivar understood: versions of messages
    """

    def __init__(self):
        self.away = False
        self.understood = messages.UNDERSTOOD
        self.taken = []
        self.signs = []
        self.answer = {'patrol_seconds': 0.5}
        self.orders = []

    def alive(self, envelope):
        self.signs.append(
            messages.unseal(messages.Alive, envelope, lambda host: [KEY])
        )

    def report(self, envelope):
        if self.away:
            raise exception.EngineUnreachable('report', 'away')
        if envelope['version'] not in self.understood:
            raise exception.MessageRefused('', 'envelope.version: an old one')
        report = messages.unseal(messages.Report, envelope, lambda host: [KEY])
        self.taken.append(report)
        if not self.orders:
            return self.answer
        told = messages.Orders(
            host=report.host,
            boot_id=report.boot_id,
            sequence=report.sequence,
            sent_at=report.sent_at,
            uptime=report.uptime,
            orders=self.orders,
        )
        return self.answer | {'orders': messages.seal(told, KEY)}


class ReporterCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.engine = Engine()
        self.facts = FACTS
        self.sights = sights.Sights(self.clock)
        self.reporter = self.make_reporter(backlog=3)

    def make_reporter(self, backlog):
        own = identity.Identity(self.clock, 'compute-1', 'boot-1', KEY)
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTIONS, 'agent')
        conf([], default_config_files=[])
        self.orders = orders.Orders(
            own, self.clock, {'restart': str.upper}, conf.agent, lambda: None
        )
        return reporter.Reporter(
            own,
            self.engine,
            self.clock,
            lambda: self.facts,
            report_seconds=10.0,
            backlog=backlog,
            sights=self.sights,
            orders=self.orders,
        )

    def allege(self, number):
        self.reporter.allege(faults.Layer.INSTANCE, {'number': str(number)})

    def told(self):
        return [
            each.payload['number']
            for report in self.engine.taken
            for each in report.faults
        ]


class ReporterTest(ReporterCase):
    def test_what_does_not_change_is_told_now_and_then(self):
        for _second in range(25):
            self.reporter.turn()
            self.clock.turn(1)
        self.assertEqual(3, len(self.engine.taken))

    def test_signs_of_life_are_sent_to_engines_that_want_them(self):
        self.engine.answer = {'patrol_seconds': 0.5, 'signs': True}
        self.reporter.turn()
        self.reporter.show_life()
        self.assertEqual(1, len(self.engine.signs))

    def test_older_engines_are_sent_no_signs_of_life(self):
        self.reporter.turn()
        self.reporter.show_life()
        self.assertEqual([], self.engine.signs)

    def test_signs_of_life_do_not_pile_up_while_no_engine_answers(self):
        self.test_signs_of_life_are_sent_to_engines_that_want_them()
        self.engine.away = True
        self.clock.turn(10)
        self.reporter.turn()
        self.reporter.show_life()
        self.assertEqual(1, len(self.engine.signs))

    def test_a_change_is_told_at_once(self):
        self.reporter.turn()
        self.facts = facts.Facts({}, [], None, False, 'off', {})
        self.clock.turn(1)
        self.reporter.turn()
        self.assertEqual([], self.engine.taken[-1].domains)

    def see(self, verdict, age):
        sight = messages.Sight(
            faults.SidePath.STORAGE, 'storage_file', verdict, age, '', f'{age}'
        )
        self.facts = dataclasses.replace(FACTS, sights=[sight])
        self.reporter.turn()
        self.clock.turn(1)

    def test_another_verdict_is_told_at_once_another_age_is_not(self):
        for age in range(3):
            self.see(faults.Verdict.HEALTHY, float(age))
        self.assertEqual(1, len(self.engine.taken))
        self.see(faults.Verdict.FAILED, 0.5)
        self.assertEqual(2, len(self.engine.taken))
        told = self.engine.taken[-1].observations[0]
        self.assertEqual(
            (faults.Verdict.FAILED, 0.5), (told.verdict, told.age)
        )

    def test_faults_wait_for_an_engine_and_keep_their_order(self):
        self.engine.away = True
        for number in range(3):
            self.allege(number)
            self.reporter.turn()
            self.clock.turn(1)
        self.engine.away = False
        self.reporter.turn()
        self.assertEqual(['0', '1', '2'], self.told())
        self.assertEqual(
            [3.0, 2.0, 1.0],
            [each.age for each in self.engine.taken[-1].faults],
        )
        self.clock.turn(10)
        self.reporter.turn()
        self.assertEqual([], self.engine.taken[-1].faults)

    def test_the_line_is_bounded_and_the_oldest_gives_way(self):
        self.engine.away = True
        for number in range(5):
            self.allege(number)
        self.engine.away = False
        self.reporter.turn()
        self.assertEqual(['2', '3', '4'], self.told())
        self.assertEqual(2, self.reporter.dropped)

    def tell(self, number):
        self.reporter.tell(
            teller.Event(
                str(number), 'a', faults.Incident.KILLED, 100.0, 'x' * 999
            )
        )

    def told_events(self):
        return [
            event.id for each in self.engine.taken for event in each.events
        ]

    def test_events_wait_for_an_engine_beside_the_faults(self):
        self.engine.away = True
        self.allege(0)
        for number in range(3):
            self.tell(number)
            self.assertFalse(self.reporter.turn())
        self.engine.away = False
        self.reporter.turn()
        self.assertEqual(['0'], self.told())
        self.assertEqual(['0', '1', '2'], self.told_events())
        self.assertEqual(255, len(self.engine.taken[-1].events[0].detail))

    def test_it_wants_to_go_on_while_more_waits(self):
        self.reporter = self.make_reporter(backlog=1000)
        for number in range(reporter.EVENTS_AT_ONCE + 1):
            self.tell(number)
        self.assertTrue(self.reporter.turn())
        self.assertFalse(self.reporter.turn())
        self.assertEqual(
            [str(number) for number in range(501)], self.told_events()
        )

    def look(self, number, verdict=faults.Verdict.HEALTHY, detail=''):
        self.sights.put(
            sights.Look(
                f'{number}',
                'guest_network',
                faults.Layer.GUEST_NETWORK,
                verdict,
                self.clock.monotonic(),
                detail,
            )
        )

    def told_looks(self):
        return [
            (look.instance, look.verdict, look.age)
            for each in self.engine.taken
            for look in each.guests
        ]

    def test_looks_that_are_news_are_told_once(self):
        self.facts = dataclasses.replace(FACTS, domains=['0', '1'])
        self.look(0, detail='x' * 999)
        self.clock.turn(1)
        for _again in range(2):
            self.reporter.turn()
        self.look(0)
        self.look(1, faults.Verdict.UNKNOWN)
        self.reporter.turn()
        self.assertEqual(
            [('0', 'healthy', 1.0), ('1', 'unknown', 0.0)], self.told_looks()
        )
        self.assertEqual(120, len(self.engine.taken[0].guests[0].detail))

    def test_a_look_waits_until_its_domain_is_told_too(self):
        self.look(7)
        self.reporter.turn()
        self.assertEqual([], self.told_looks())
        self.facts = dataclasses.replace(FACTS, domains=['7'])
        self.reporter.turn()
        self.assertEqual([('7', 'healthy', 0.0)], self.told_looks())

    def test_looks_wait_for_an_engine_and_the_newest_counts(self):
        self.facts = dataclasses.replace(FACTS, domains=['0'])
        self.engine.away = True
        for verdict in (faults.Verdict.HEALTHY, faults.Verdict.FAILED):
            self.look(0, verdict)
            self.reporter.turn()
        self.engine.away = False
        self.reporter.turn()
        self.assertEqual([('0', 'failed', 0.0)], self.told_looks())

    def test_all_looks_are_told_now_and_then(self):
        self.facts = dataclasses.replace(FACTS, domains=['0'])
        self.look(0)
        for _turn in range(5):
            self.reporter.turn()
            self.clock.turn(150)
        self.assertEqual(
            [0.0, 300.0, 600.0], [at for *_, at in self.told_looks()]
        )

    def test_more_looks_than_a_report_holds_follow_at_once(self):
        many = reporter.LOOKS_AT_ONCE + 1
        names = [f'{number}' for number in range(many)]
        self.facts = dataclasses.replace(FACTS, domains=names)
        for name in names:
            self.look(name)
        self.assertTrue(self.reporter.turn())
        self.assertFalse(self.reporter.turn())
        self.assertEqual(many, len(self.told_looks()))

    def fail_service(self):
        sight = messages.Sight(
            faults.SidePath.COMPUTE,
            'compute_systemd',
            faults.Verdict.FAILED,
            0.5,
        )
        self.facts = dataclasses.replace(FACTS, sights=[sight])

    def test_while_a_service_has_failed_it_asks_for_orders(self):
        self.fail_service()
        for _second in range(10):
            self.reporter.turn()
            self.clock.turn(1)
        self.assertEqual(10, len(self.engine.taken))
        self.clock.turn(reporter.EAGER_SECONDS)
        self.engine.taken.clear()
        for _second in range(10):
            self.reporter.turn()
            self.clock.turn(1)
        self.assertEqual(1, len(self.engine.taken))

    def test_what_came_of_an_order_is_told_until_an_engine_takes_it(self):
        self.engine.orders = [messages.Order('1', 'restart', 'compute', 30.0)]
        self.reporter.turn()
        self.engine.orders, self.engine.away = [], True
        self.orders.turn()
        self.reporter.turn()
        self.engine.away = False
        self.reporter.turn()
        self.assertEqual(
            [messages.OrderResult('1', True, 'COMPUTE')],
            self.engine.taken[-1].results,
        )
        self.clock.turn(10)
        self.reporter.turn()
        self.assertEqual([], self.engine.taken[-1].results)

    def test_it_says_when_nobody_watches(self):
        self.engine.answer = {'patrol_seconds': 31.0}
        with self.assertLogs('hass.agent.reporter', 'ERROR') as logs:
            self.reporter.turn()
        self.assertIn('nobody watches', logs.output[0])


class FormerEngineTest(ReporterCase):
    """An engine that is not upgraded yet gets what it knows."""

    def setUp(self):
        super().setUp()
        self.engine.understood = frozenset({'1.2'})

    def befall(self, incident):
        event = teller.Event(
            incident, 'an instance', incident, self.clock.monotonic(), ''
        )
        self.reporter.tell(event)

    def incidents(self):
        return [
            event.incident for one in self.engine.taken for event in one.events
        ]

    def test_news_wait_and_the_rest_goes_on(self):
        self.befall(faults.Incident.NETWORK_LOST)
        self.befall(faults.Incident.KILLED)
        self.assertFalse(self.reporter.turn())
        self.assertEqual([faults.Incident.KILLED], self.incidents())
        self.assertFalse(self.reporter.turn())
        self.assertEqual(1, len(self.engine.taken))

    def test_once_upgraded_it_gets_the_news(self):
        self.befall(faults.Incident.NETWORK_LOST)
        self.reporter.turn()
        self.engine.understood = messages.UNDERSTOOD
        self.clock.turn(reporter.PLAIN_SECONDS)
        self.reporter.turn()
        self.assertEqual([faults.Incident.NETWORK_LOST], self.incidents())

    def test_an_engine_that_knows_no_version_of_ours_is_told_of(self):
        self.engine.understood = frozenset()
        self.assertFalse(self.reporter.turn())
        self.assertIn('not reported', self.log.output)
