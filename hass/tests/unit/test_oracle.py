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

import contextlib
import io
import json
import os
import tempfile
import unittest

from hass_oracle import __main__ as oracle
from hass_oracle import checker
from hass_oracle import ledger
from hass_oracle.ledger import Kind


class Tale:
    """A ledger that is told line by line, a second apart."""

    def __init__(self):
        folder = tempfile.TemporaryDirectory()
        self.folder = folder
        self.path = os.path.join(folder.name, 'ledger')
        self.second = 0.0
        self._ledger = ledger.Ledger(self.path, self._tick)

    def _tick(self):
        self.second += 1
        return self.second

    def __call__(self, line):
        """Tell 'EVENT HOST [INSTANCE [DETAIL…]]'; '-' is nothing."""
        event, host, instance, detail = (line.split(maxsplit=3) + ['-'] * 3)[
            :4
        ]
        self._ledger.append(
            Kind(event),
            '' if host == '-' else host,
            None if instance == '-' else instance,
            '' if detail == '-' else detail,
        )

    def judged(self, **wishes):
        return checker.check(ledger.read(self.path), **wishes)


class OracleTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.tell = Tale()
        self.addCleanup(self.tell.folder.cleanup)

    def tale(self, *lines):
        for line in lines:
            self.tell(line)

    def power_cut(self):
        self.tale(
            'on c1', 'on c2', 'start c1 a', 'fault c1 - power_cut', 'off c1'
        )

    def test_an_instance_that_runs_although_deleted_is_told(self):
        self.power_cut()
        self.tale('delete c1 a', 'evacuate c1 a', 'start c2 a')
        result = self.tell.judged()
        self.assertFalse(result.ok)
        self.assertEqual(
            [('a', 'c2')],
            [(one.instance, one.host) for one in result.runs_deleted],
        )

    def test_a_deleted_instance_that_ended_is_neither_lost_nor_told(self):
        self.power_cut()
        self.tale('delete c1 a')
        result = self.tell.judged(expect=['a'])
        self.assertTrue(result.ok)

    def test_a_clean_evacuation_is_well(self):
        self.power_cut()
        self.tale('evacuate c1 a', 'start c2 a', 'on c1')
        result = self.tell.judged(expect=['a'], expect_on=['c1', 'c2'])
        self.assertTrue(result.ok)
        self.assertEqual({'a': 2}, result.instances)
        self.assertEqual({'a': ['c2']}, result.running)

    def test_a_fault_is_followed_by_its_times(self):
        self.power_cut()
        self.tale('evacuate c1 a', 'start c2 a', 'on c1')
        (fault,) = self.tell.judged().faults
        self.assertEqual('power_cut', fault.kind)
        self.assertEqual(1, fault.off_s)
        self.assertEqual(2, fault.first_evacuate_s)
        self.assertEqual(3, fault.all_started_s)
        self.assertEqual(4, fault.on_s)
        self.assertEqual(1, fault.evacuations)

    def test_two_hosts_at_once_fail(self):
        self.tale('on c1', 'on c2', 'start c1 a', 'start c2 a')
        result = self.tell.judged()
        self.assertFalse(result.ok)
        self.assertEqual('also runs on c1', result.started_twice[0].why)

    def test_twice_on_one_host_fails(self):
        self.tale('on c1', 'start c1 a', 'start c1 a')
        self.assertEqual(1, len(self.tell.judged().started_twice))

    def test_a_hang_leaves_guests_running(self):
        self.tale('on c1', 'on c2', 'start c1 a', 'fault c1 - hang')
        self.tale('evacuate c1 a', 'start c2 a')
        result = self.tell.judged()
        self.assertEqual(1, len(result.started_twice))
        self.assertEqual(1, len(result.evacuated_unfenced))

    def test_evacuation_before_off_fails(self):
        self.tale('on c1', 'on c2', 'start c1 a', 'evacuate c1 a')
        self.tale('off c1', 'start c2 a', 'on c1')
        result = self.tell.judged(expect=['a'])
        self.assertFalse(result.ok)
        self.assertEqual([], result.started_twice)
        self.assertEqual('c1', result.evacuated_unfenced[0].host)

    def test_evacuation_after_the_host_is_on_again_fails(self):
        self.power_cut()
        self.tale('on c1', 'evacuate c1 a', 'start c2 a')
        self.assertEqual(1, len(self.tell.judged().evacuated_unfenced))

    def test_an_unknown_source_is_who_ran_the_instance_last(self):
        self.tale('on c1', 'on c2', 'start c1 a', 'evacuate - a')
        self.assertEqual('c1', self.tell.judged().evacuated_unfenced[0].host)

    def test_a_host_nobody_saw_off_is_not_off(self):
        self.tale('evacuate c9 a')
        self.assertEqual(1, len(self.tell.judged().evacuated_unfenced))

    def test_an_earlier_destination_must_be_off_too(self):
        self.power_cut()
        self.tale('on c3', 'evacuate c1 a', 'start c2 a', 'evacuate c1 a')
        result = self.tell.judged()
        self.assertEqual('c2', result.evacuated_unfenced[0].host)
        self.assertEqual({'a': 2}, result.evacuations)

    def test_a_second_call_after_the_destination_died_is_well(self):
        self.power_cut()
        self.tale('on c3', 'evacuate c1 a', 'start c2 a', 'off c2')
        self.tale('evacuate c1 a', 'start c3 a')
        self.assertTrue(self.tell.judged(expect=['a']).ok)

    def test_a_refused_call_does_not_count(self):
        self.tale('on c1', 'start c1 a', 'evacuate c1 a call req-1')
        self.tale('evacuate c1 a refused 400 req-1')
        result = self.tell.judged()
        self.assertTrue(result.ok)
        self.assertEqual({}, result.evacuations)

    def test_a_refusal_takes_back_its_own_call_only(self):
        self.tale('on c1', 'start c1 a', 'evacuate c1 a call req-1')
        self.tale('off c1', 'evacuate c1 a call req-2')
        self.tale('evacuate c1 a refused 409 req-2')
        result = self.tell.judged(expect=[])
        self.assertEqual(1, len(result.evacuated_unfenced))

    def test_a_lost_instance_is_a_wrong_end(self):
        self.power_cut()
        result = self.tell.judged(expect=['a', 'b'])
        self.assertFalse(result.ok)
        self.assertEqual(['a', 'b'], result.lost)

    def test_whom_a_power_off_ended_is_expected_back(self):
        self.power_cut()
        self.assertEqual(['a'], self.tell.judged().lost)

    def test_whom_somebody_stopped_is_not_expected_back(self):
        self.power_cut()
        self.tale('evacuate c1 a', 'start c2 a', 'stop c2 a')
        self.assertTrue(self.tell.judged().ok)

    def test_a_host_that_is_not_on_is_a_wrong_end(self):
        self.power_cut()
        result = self.tell.judged(expect=[], expect_on=['c1', 'c2', 'c3'])
        self.assertFalse(result.ok)
        self.assertEqual(['c1', 'c3'], result.not_on)

    def test_a_start_on_a_dead_host_cannot_be(self):
        self.tale('on c1', 'off c1', 'start c1 a')
        self.assertEqual(1, len(self.tell.judged().impossible))

    def test_lines_are_judged_by_their_time(self):
        with open(self.tell.path, 'w') as out:
            for at, event in ((3, 'off'), (1, 'on'), (2, 'start')):
                line = {'at': at, 'event': event, 'host': 'c1'}
                out.write(json.dumps(line | {'instance': 'a'}) + '\n')
        self.assertTrue(self.tell.judged(expect=[]).ok)


class CommandTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.tell = Tale()
        self.addCleanup(self.tell.folder.cleanup)

    def run_on_ledger(self, *options):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = oracle.main([self.tell.path, *options])
        return code, out.getvalue(), err.getvalue()

    def test_the_verdict_is_json(self):
        self.tell('on c1')
        self.tell('start c1 a')
        code, out, _ = self.run_on_ledger('--expect', 'a')
        self.assertEqual(0, code)
        self.assertTrue(json.loads(out)['ok'])

    def test_a_breach_exits_1(self):
        self.tell('evacuate c1 a')
        code, out, _ = self.run_on_ledger()
        self.assertEqual(1, code)
        self.assertFalse(json.loads(out)['ok'])

    def test_a_broken_line_is_named(self):
        self.tell('on c1')
        with open(self.tell.path, 'a') as out:
            out.write('{"at": 1, "event": "burn", "host": "c1"}\n')
        code, _, err = self.run_on_ledger()
        self.assertEqual(2, code)
        self.assertIn('line 2', err)
