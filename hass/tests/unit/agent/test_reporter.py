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

from hass.agent import facts
from hass.agent import identity
from hass.agent import reporter
from hass import exception
from hass import faults
from hass.rpc import messages
from hass.tests import base
from hass.tests import clocks
from hass.tests.unit.agent import engines

KEY = b'k' * 32
FACTS = facts.Facts({}, ['a'], None, False, 'off', {'beats': 'ok'})


class Engine(engines.SilentEngine):
    """Takes reports, unless it is away."""

    def __init__(self):
        self.away = False
        self.taken = []
        self.answer = {'patrol_seconds': 0.5}

    def report(self, envelope):
        if self.away:
            raise exception.EngineUnreachable('report', 'away')
        self.taken.append(
            messages.unseal(messages.Report, envelope, lambda host: [KEY])
        )
        return self.answer


class ReporterTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.engine = Engine()
        self.facts = FACTS
        self.reporter = reporter.Reporter(
            identity.Identity(self.clock, 'compute-1', 'boot-1', KEY),
            self.engine,
            self.clock,
            lambda: self.facts,
            report_seconds=10.0,
            backlog=3,
        )

    def allege(self, number):
        self.reporter.allege(faults.Layer.INSTANCE, {'number': str(number)})

    def told(self):
        return [
            each.payload['number']
            for report in self.engine.taken
            for each in report.faults
        ]

    def test_what_does_not_change_is_told_now_and_then(self):
        for _second in range(25):
            self.reporter.turn()
            self.clock.turn(1)
        self.assertEqual(3, len(self.engine.taken))

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

    def test_it_says_when_nobody_watches(self):
        self.engine.answer = {'patrol_seconds': 31.0}
        with self.assertLogs('hass.agent.reporter', 'ERROR') as logs:
            self.reporter.turn()
        self.assertIn('nobody watches', logs.output[0])
