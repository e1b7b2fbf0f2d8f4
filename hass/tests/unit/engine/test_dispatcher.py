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

"""Claims are taken, renewed and lost: real threads, a clock that is turned."""

import datetime
import functools
import threading
from typing import Any

from hass.db import models
from hass.db import recoveries
from hass.engine import dispatcher
from hass.engine import overview
from hass import exception
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks

CLAIM_SECONDS = 6.0
STEP_SECONDS = 15.0
CALL_SECONDS = 2.0
SETTINGS: dict[str, Any] = {
    'workers': 2,
    'scan_seconds': 30.0,
    'claim_seconds': CLAIM_SECONDS,
    'renew_seconds': 2.0,
    'step_seconds': STEP_SECONDS,
    'call_seconds': CALL_SECONDS,
}


class Steps:
    """Stands for the runner: each step says that it began, and waits."""

    def __init__(self):
        self.begun = []
        self.ended = []
        self.go = threading.Event()
        self.error = None
        self.left = threading.Event()

    def leave(self):
        self.left.set()

    def run(self, claimed):
        self.begun.append(claimed)
        self.go.wait(30)
        if self.error is not None:
            raise self.error
        try:
            claimed.deadline.check()
        except exception.ClaimExpired as late:
            self.ended.append(late)
            raise
        self.ended.append('in time')


class DispatcherCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        self.steps: Any = Steps()
        self.addCleanup(self.steps.go.set)
        self.dispatcher = self.make()

    def make(self, name='engine-1', **changes):
        settings = SETTINGS | changes
        return self.dispatch(self.database, name, **settings)

    def dispatch(self, database, name, **settings):
        return dispatcher.Dispatcher(
            database,
            self.steps,
            self.clock,
            overview.Overview(database, self.clock, 5.0),
            name,
            **settings,
        )

    def start(self, one):
        """Let it run until the test ends; no step holds that up."""
        one.start()
        self.addCleanup(one.stop)
        self.addCleanup(self.steps.go.set)

    def open(self, *hosts):
        with self.database.writer() as session:
            for host in hosts:
                builders.make_recovery(session, host)

    def row(self, host='compute-1'):
        with self.database.reader() as session:
            return recoveries.open_of_host(session, host)

    def wait_begun(self, count):
        self.wait_for(
            lambda: len(self.steps.begun) >= count, why=f'{count} steps'
        )

    def wait_ended(self, count=1):
        self.wait_for(
            lambda: len(self.steps.ended) >= count, why=f'{count} ends'
        )

    def turn(self, seconds, *dispatchers):
        """Time passes in steps of two seconds; claims are renewed."""
        for _ in range(int(seconds // 2)):
            self.clock.turn(2)
            for one in dispatchers or [self.dispatcher]:
                one.renew()


class ScanTest(DispatcherCase):
    def test_what_is_due_is_claimed_and_run(self):
        self.open('compute-1')
        self.assertEqual(1, self.dispatcher.scan())
        self.wait_begun(1)
        self.assertEqual('engine-1', self.row().claimed_by)

    def test_what_runs_is_not_started_again(self):
        self.open('compute-1')
        self.dispatcher.scan()
        self.assertEqual(0, self.dispatcher.scan())

    def test_a_claim_of_before_the_clock_was_set_back_runs_out_too(self):
        self.open('compute-1')
        self.dispatcher.scan()
        self.clock.set_wall(-3600)
        other = self.make('engine-2')
        self.watch(other, 7)
        self.assertEqual('engine-1', self.row().claimed_by)
        self.watch(other, 3)
        self.assertEqual('engine-2', self.row().claimed_by)

    def test_a_claim_that_is_renewed_is_nobody_elses(self):
        """By an engine whose database is not set back with the other's."""
        self.open('compute-1')
        self.dispatcher.scan()
        self.clock.set_wall(-3600)
        other = self.make('engine-2')
        for _ in range(15):
            self.renew_until(3600)
            self.watch(other, 2)
        self.assertEqual('engine-1', self.row().claimed_by)

    def test_a_claim_that_was_renewed_unseen_is_not_taken(self):
        """A replica tells engines what stood there before."""
        self.open('compute-1')
        self.dispatcher.scan()
        row: Any = self.row()
        with self.database.writer() as session:
            self.assertIsNone(
                recoveries.take(
                    session,
                    row.id,
                    row.claim,
                    'engine-2',
                    6.0,
                    row.claimed_until - datetime.timedelta(seconds=2),
                )
            )

    def watch(self, other, seconds):
        for _ in range(seconds):
            self.clock.turn(1)
            other.scan()

    def renew_until(self, seconds):
        row = self.row()
        with self.database.writer() as session:
            recoveries.renew(session, row.id, row.claim, seconds)

    def test_there_are_no_more_steps_than_workers(self):
        self.open('compute-1', 'compute-2', 'compute-3')
        self.assertEqual(2, self.dispatcher.scan())
        self.steps.go.set()
        self.wait_ended(2)
        self.wait_for(self.dispatcher.scan, why='a free place')

    def test_what_another_engine_holds_is_left_alone(self):
        self.open('compute-1')
        self.dispatcher.scan()
        other = self.make('engine-2')
        self.assertEqual(0, other.scan())
        self.clock.turn(CLAIM_SECONDS + CALL_SECONDS - 0.1)
        self.assertEqual(0, other.scan())

    def test_a_dead_engine_is_replaced_when_its_calls_have_arrived(self):
        self.open('compute-1')
        self.dispatcher.scan()
        self.clock.turn(CLAIM_SECONDS + CALL_SECONDS + 0.1)
        self.assertEqual(1, self.make('engine-2').scan())
        self.assertEqual('engine-2', self.row().claimed_by)

    def test_two_engines_never_hold_the_same_row(self):
        names = [f'compute-{n}' for n in range(1, 13)]
        self.open(*names)
        engines = [self.make(f'engine-{n}', workers=12) for n in range(3)]
        start = threading.Barrier(3)

        def scan(engine):
            start.wait(60)
            engine.scan()

        threads = [threading.Thread(target=scan, args=[e]) for e in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.wait_begun(len(names))
        subjects = [one.recovery.subject for one in self.steps.begun]
        self.assertEqual(sorted(names), sorted(subjects))

    def test_an_error_of_a_step_ends_the_step_alone(self):
        self.steps.go.set()
        for error in (exception.LostClaim('x'), ZeroDivisionError('y')):
            self.steps.error = error
            host = f'host-of-{type(error).__name__}'
            self.open(host)
            self.dispatcher.scan()
            self.wait_for(functools.partial(self.told, host), why='a line')

    def told(self, host):
        return f'{host}: ' in self.log.output


class RenewTest(DispatcherCase):
    def setUp(self):
        super().setUp()
        self.open('compute-1')
        self.dispatcher.scan()
        self.wait_begun(1)

    def test_a_renewed_claim_allows_to_act(self):
        self.turn(14)
        self.steps.go.set()
        self.wait_ended()
        self.assertEqual(['in time'], self.steps.ended)

    def test_a_claim_that_is_not_renewed_does_not(self):
        self.clock.turn(CLAIM_SECONDS)
        self.steps.go.set()
        self.wait_ended()
        self.assertIsInstance(self.steps.ended[0], exception.ClaimExpired)

    def test_renewals_hold_other_engines_off(self):
        self.turn(14)
        self.assertEqual(0, self.make('engine-2').scan())

    def test_a_step_that_hangs_may_act_no_more(self):
        self.turn(16)
        self.assertIn('a step of confirming hangs', self.log.output)
        self.steps.go.set()
        self.wait_ended()
        self.assertIsInstance(self.steps.ended[0], exception.ClaimExpired)

    def test_a_step_that_hangs_is_renewed_no_more(self):
        self.turn(20)
        until = self.row().claimed_until
        self.assertLessEqual(
            (until - self.clock.now()).total_seconds(),
            STEP_SECONDS + CLAIM_SECONDS - 20,
        )

    def test_the_place_of_a_step_that_hangs_is_free_again(self):
        self.open('compute-2', 'compute-3')
        self.assertEqual(1, self.dispatcher.scan())
        self.turn(16)
        self.assertEqual(1, self.dispatcher.scan())

    def test_a_hanging_step_is_taken_over_when_its_claim_has_run_out(self):
        self.turn(STEP_SECONDS + CLAIM_SECONDS + CALL_SECONDS + 2)
        self.assertEqual(1, self.make('engine-2').scan())

    def test_the_deadline_of_a_lost_claim_is_not_moved(self):
        with self.database.writer() as session:
            row = self.row()
            recoveries.take(session, row.id, row.claim, 'engine-2', 6)
        before = self.steps.begun[0].deadline.at()
        self.turn(4)
        self.assertEqual(before, self.steps.begun[0].deadline.at())

    def test_a_held_recovery_that_was_restored_is_not_renewed(self):
        """hass-manage db restored takes every claim away."""
        with self.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        self.turn(6)
        self.assertIsNone(self.row().claimed_by)
        self.assertIs(models.HeldKind.SAFETY, self.row().held_kind)


class LoopsTest(DispatcherCase):
    def test_the_bell_starts_a_scan_at_once(self):
        self.start(self.dispatcher)
        self.open('compute-1')
        self.dispatcher.wake()
        self.wait_begun(1)

    def test_a_step_that_ended_rings_the_bell(self):
        self.steps.go.set()
        self.open('compute-1', 'compute-2', 'compute-3')
        self.dispatcher.start()
        self.addCleanup(self.dispatcher.stop)
        self.wait_begun(3)

    def test_after_a_stop_nothing_is_taken(self):
        self.dispatcher.start()
        self.dispatcher.stop()
        self.open('compute-1')
        self.dispatcher.wake()
        self.assertIsNone(self.row().claimed_by)

    def test_a_stop_waits_for_the_turn_that_runs(self):
        self.open('compute-1')
        self.dispatcher.start()
        self.wait_begun(1)
        stopping = threading.Thread(target=self.dispatcher.stop)
        stopping.start()
        self.assertTrue(self.steps.left.wait(30))
        self.turn(10)
        self.assertTrue(stopping.is_alive())
        self.steps.go.set()
        stopping.join(30)
        self.assertFalse(stopping.is_alive())
        self.assertEqual(['in time'], self.steps.ended)

    def test_the_loops_outlive_a_database_that_fails(self):
        fickle: Any = Fickle(self.database)
        fickle.away = True
        loops = self.dispatch(fickle, 'engine-1', **SETTINGS)
        self.start(loops)
        self.wait_for(
            lambda: 'the scan for recoveries failed' in self.log.output,
            why='a scan that fails',
        )
        fickle.away = False
        self.open('compute-1')
        loops.wake()
        self.wait_begun(1)


class Fickle:
    """A database that does not always answer."""

    def __init__(self, database):
        self._database = database
        self.away = False

    def reader(self):
        if self.away:
            raise exception.DatabaseUnreachable('gone away')
        return self._database.reader()

    def writer(self):
        return self._database.writer()
