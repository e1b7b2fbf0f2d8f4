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

"""What an engine and an agent tell of themselves."""

import threading

import prometheus_client

from hass.agent import backlog
from hass.agent import gauges as agent_gauges
from hass import beats
from hass.engine import gauges as engine_gauges
from hass.engine import pools
from hass.tests import base
from hass.tests.unit.engine import test_listener
from hass.tests.unit.engine import test_rounds


def value(collector, name, **labels):
    """One number, as Prometheus would read it."""
    registry = prometheus_client.CollectorRegistry()
    registry.register(collector)
    return registry.get_sample_value(name, labels)


class PoolTest(base.TestCase):
    def test_it_counts_what_runs_and_what_waits(self):
        pool = pools.Pool(1, 'one')
        self.addCleanup(pool.shutdown)
        go = threading.Event()
        tasks = [pool.submit(go.wait) for _ in range(3)]
        self.assertEqual(3, pool.unfinished)
        go.set()
        for task in tasks:
            task.result(10)
        self.wait_for(lambda: not pool.unfinished, why='all have ended')

    def test_a_task_that_fails_has_ended_too(self):
        pool = pools.Pool(1, 'one')
        self.addCleanup(pool.shutdown)
        failing = pool.submit(int, 'x')
        self.assertIsInstance(failing.exception(10), ValueError)
        self.wait_for(lambda: not pool.unfinished, why='it has ended')


class EngineTest(base.TestCase):
    def test_it_tells_of_its_rooms(self):
        pool = pools.Pool(1, 'one')
        self.addCleanup(pool.shutdown)
        told = engine_gauges.Gauges(
            refused={
                'beat': lambda: {beats.Refusal.FORGED: 3},
                'panic': lambda: {'x': 1, 'y': 1},
            },
            pools={'patrol': pool},
            busy=lambda: 2,
            workers=16,
            deaf_seconds=lambda: 0.5,
        )
        for wanted, name, labels in (
            (3, 'hass_refused_total', {'kind': 'beat', 'reason': 'forged'}),
            (2, 'hass_refused_total', {'kind': 'panic', 'reason': 'other'}),
            (0, 'hass_engine_tasks', {'pool': 'patrol'}),
            (2, 'hass_engine_recoveries', {}),
            (16, 'hass_engine_workers', {}),
            (0.5, 'hass_engine_ears_age_seconds', {}),
        ):
            self.assertEqual(wanted, value(told, name, **labels), name)


class BeatTest(test_listener.ListenerCase):
    def counted(self, ending, **labels):
        name = f'hass_beat_delay_seconds_{ending}'
        return value(self.listener.delays, name, **labels)

    def test_beats_and_their_delay_are_counted(self):
        self.hear()
        late = self.beat()
        self.clock.turn(2)
        self.listener.take(late)
        self.assertEqual(2, self.counted('count'))
        self.assertEqual(2.0, self.counted('sum'))
        self.assertEqual(1, self.counted('bucket', le='0.001'))

    def test_what_is_refused_is_no_beat(self):
        self.listener.take(b'garbage')
        self.assertEqual(0, self.counted('count'))


class LookTest(test_rounds.RoundsCase):
    def test_looks_are_timed_and_failed_ones_counted(self):
        self.power.says[test_rounds.HOST] = test_rounds.mute()
        self.pass_time(60)
        looks = value(
            self.rounds.looks,
            'hass_look_seconds_count',
            detector='power_ipmi',
        )
        self.assertEqual(len(self.power.looks), looks)
        failed = value(
            self.rounds.failed_looks,
            'hass_looks_failed_total',
            detector='power_ipmi',
        )
        self.assertEqual(self.power.looks.count(test_rounds.HOST), failed)


class Reporter:
    def __init__(self):
        self.faults: backlog.Backlog[int] = backlog.Backlog('faults', 2)

    def backlogs(self):
        return {'faults': self.faults}

    def age_seconds(self):
        return 7.0


class Sender:
    def counts(self):
        return {'sent': 5, 'failed': 1}


class AgentTest(base.TestCase):
    def test_it_tells_of_its_parts(self):
        reporter = Reporter()
        for number in range(3):
            reporter.faults.add(number)
        told = agent_gauges.Gauges(
            Sender(), reporter, lambda: {'beats': 'ok', 'guests': 'late'}
        )
        for wanted, name, labels in (
            (5, 'hass_agent_beats_total', {'outcome': 'sent'}),
            (1, 'hass_agent_beats_total', {'outcome': 'failed'}),
            (2, 'hass_agent_waiting', {'kind': 'faults'}),
            (1, 'hass_agent_dropped_total', {'kind': 'faults'}),
            (7, 'hass_agent_report_age_seconds', {}),
            (1, 'hass_agent_part_working', {'part': 'beats'}),
            (0, 'hass_agent_part_working', {'part': 'guests'}),
        ):
            self.assertEqual(wanted, value(told, name, **labels), name)
