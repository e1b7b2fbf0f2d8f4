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

"""What the runner makes of the results of a step."""

import datetime

import fixtures

from hass.db import models
from hass.db import recoveries
from hass import exception
from hass.recovery import runner
from hass.recovery import workflow
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Wait
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass import until

CLAIM_SECONDS = 6.0
HELD_SECONDS = 60.0
STALE_SECONDS = 120.0


class Next(workflow.Workflow):
    """The story that follows."""

    name = 'host_return'
    initial = State.POWERING_ON
    transitions = {State.POWERING_ON: frozenset({State.RETURNED})}
    deadlines = {State.POWERING_ON: datetime.timedelta(minutes=5)}

    def held(self, turn):
        raise AssertionError('nobody holds it')


class Story(workflow.Workflow):
    """Its states do what the test has written down for them."""

    name = 'host_failure'
    initial = State.CONFIRMING
    transitions = {
        State.CONFIRMING: frozenset({State.FENCING, State.DISMISSED}),
        State.FENCING: frozenset({State.FINISHED}),
        State.HELD: frozenset({State.CONFIRMING}),
    }
    deadlines = {
        State.CONFIRMING: datetime.timedelta(minutes=2),
        State.FENCING: datetime.timedelta(minutes=2),
    }

    def __init__(self):
        self.plan = {}
        self.turns = []

    def _do(self, turn):
        self.turns.append(turn)
        answer = self.plan[turn.recovery.state]
        answer = answer.pop(0) if isinstance(answer, list) else answer
        answer = answer(turn) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    confirming = fencing = held = _do


class RunnerCase(base.TestCase):
    """One claimed recovery, and a story that does as it is told."""

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        self.story = Story()
        self.runner = runner.Runner(
            self.database,
            {'host_failure': self.story},
            self.clock,
            'engine-1',
            held_seconds=HELD_SECONDS,
            stale_seconds=STALE_SECONDS,
        )
        self.make_recovery()

    def make_recovery(self, **fields):
        with self.database.writer() as session:
            made = builders.make_recovery(session, **fields)
        self.recovery_id = made.id

    def told(self):
        """What the world is to be told of, but for the opening."""
        with self.database.reader() as session:
            rows = session.query(models.Outgoing).order_by('id').all()
        return [(row.body['from'], row.body['to']) for row in rows][1:]

    def run_story(self, **plan):
        self.story.plan = plan
        claimed = self.claim()
        self.runner.run(claimed)
        return self.row()

    def claim(self, engine='engine-1'):
        with self.database.writer() as session:
            claim = session.get_one(models.Recovery, self.recovery_id).claim
            row = recoveries.take(
                session, self.recovery_id, claim, engine, CLAIM_SECONDS
            )
        assert row is not None
        deadline = runner.ClaimDeadline(self.clock, CLAIM_SECONDS)
        deadline.renewed(self.clock.monotonic())
        return runner.Claimed(row, deadline, self.clock.monotonic())

    def row(self):
        with self.database.reader() as session:
            return session.get_one(models.Recovery, self.recovery_id)

    def history(self):
        with self.database.reader() as session:
            return [
                row.to_state
                for row in recoveries.history_of(session, self.recovery_id)
            ]

    def wakes_in(self, row):
        return (row.wake_at - self.clock.now()).total_seconds()


class WaitTest(RunnerCase):
    def test_a_wait_stays_and_gives_the_claim_back(self):
        row = self.run_story(confirming=Wait(1.5, 'for a peer'))
        self.assertEqual('confirming', row.state)
        self.assertEqual(('for a peer', 1), (row.why, row.attempt))
        self.assertEqual(1.5, self.wakes_in(row))
        self.assertIsNone(row.claimed_by)
        self.assertEqual(['confirming'], self.history())

    def test_a_wait_for_nothing_goes_on_under_the_claim(self):
        row = self.run_story(confirming=[Wait(0, 'again'), Wait(1, 'now')])
        self.assertEqual(2, row.attempt)
        self.assertEqual(1, row.claim)

    def test_a_runner_that_leaves_gives_the_claim_back_untouched(self):
        self.runner.leave()
        row = self.run_story(confirming=Wait(1, 'for a peer'))
        self.assertEqual(('confirming', 0), (row.state, row.attempt))
        self.assertEqual((None, None), (row.claimed_by, row.claimed_until))

    def test_a_runner_that_leaves_ends_its_turn_and_begins_no_other(self):
        def leave(turn):
            self.runner.leave()
            return Hop(State.FENCING, 'no beat')

        row = self.run_story(confirming=leave, fencing=Wait(1, 'not asked'))
        self.assertEqual(('fencing', 0), (row.state, row.attempt))
        self.assertEqual(0.0, self.wakes_in(row))
        self.assertEqual((None, None), (row.claimed_by, row.claimed_until))

    def test_an_error_is_a_wait_with_its_sentence(self):
        error = exception.BmcUnreachable('10.0.0.1', 'no answer in 2.0 s')
        row = self.run_story(confirming=error)
        self.assertEqual('BMC 10.0.0.1: no answer in 2.0 s', row.why)
        self.assertEqual(0.5, self.wakes_in(row))

    def test_errors_in_a_row_wait_longer_up_to_a_limit(self):
        waits = []
        for _ in range(7):
            row = self.run_story(confirming=exception.HassError('no'))
            waits.append(self.wakes_in(row))
        self.assertEqual([0.5, 1, 2, 4, 8, 8, 8], waits)

    def test_an_error_nobody_foresaw_is_logged_and_tried_again(self):
        row = self.run_story(confirming=ZeroDivisionError('secret'))
        self.assertEqual('unexpected ZeroDivisionError', row.why)
        self.assertIn('an error nobody foresaw', self.log.output)
        self.assertEqual('confirming', row.state)


class HopTest(RunnerCase):
    def test_hops_are_followed_under_one_claim_to_the_end(self):
        row = self.run_story(
            confirming=Hop(State.FENCING, 'it is off'),
            fencing=Hop(State.FINISHED, 'done'),
        )
        self.assertEqual(['confirming', 'fencing', 'finished'], self.history())
        self.assertEqual(1, row.claim)
        self.assertIsNone(row.claimed_by)
        self.assertIsNone(row.open_key)
        self.assertEqual(self.clock.now(), row.ended_at)

    def test_each_hop_is_told_and_logged_in_one_line(self):
        told = self.useFixture(fixtures.FakeLogger('hass.recovery.runner'))
        self.run_story(
            confirming=Hop(State.FENCING, 'it is off'),
            fencing=Wait(1, 'for the BMC'),
        )
        self.assertEqual([('confirming', 'fencing')], self.told())
        self.assertEqual(
            'compute-1: confirming -> fencing: it is off\n', told.output
        )

    def test_a_state_begins_with_its_own_deadline_and_no_attempts(self):
        self.run_story(confirming=Wait(1, 'x'))
        row = self.run_story(
            confirming=Hop(State.FENCING, 'y'), fencing=Wait(1, 'z')
        )
        self.assertEqual(1, row.attempt)
        self.assertEqual(
            120, (row.deadline_at - row.state_since).total_seconds()
        )

    def test_a_hop_outside_of_the_table_is_not_recorded(self):
        self.assertRaises(
            exception.IllegalHop,
            self.run_story,
            confirming=Hop(State.EVACUATING, 'too quick'),
        )
        self.assertEqual('confirming', self.row().state)

    def test_the_last_look_within_the_transaction_may_replace_the_hop(self):
        held = workflow.hold(models.HeldKind.RESTRAINT, 'one too many')
        row = self.run_story(
            confirming=Hop(State.FENCING, 'it is off', within=lambda _: held)
        )
        self.assertEqual(('held', 'one too many'), (row.state, row.why))
        self.assertEqual(['confirming', 'held'], self.history())

    def test_the_last_look_may_agree(self):
        row = self.run_story(
            confirming=Hop(State.FENCING, 'it is off', within=lambda _: None),
            fencing=Wait(1, ''),
        )
        self.assertEqual('fencing', row.state)

    def test_what_the_last_look_wrote_goes_with_a_hop_that_fails(self):
        def fail(session):
            recoveries.set_fault(session, self.recovery_id, {'layer': 'power'})
            raise exception.NotFound('cluster', 'x')

        self.assertRaises(
            exception.NotFound,
            self.run_story,
            confirming=Hop(State.FENCING, 'it is off', within=fail),
        )
        self.assertEqual(
            ({}, 'confirming'), (self.row().fault, self.row().state)
        )

    def test_the_next_story_opens_in_the_same_transaction(self):
        self.remember(service={'status': 'enabled'}, off_sent=True)
        self.run_story(
            confirming=Hop(State.FENCING, 'it is off'),
            fencing=Hop(State.FINISHED, 'done', then=Next),
        )
        with self.database.reader() as session:
            found = recoveries.open_of_host(session, 'compute-1')
        assert found is not None
        self.assertEqual(
            ('host_return', 'powering_on'), (found.workflow, found.state)
        )
        self.assertEqual({'service': {'status': 'enabled'}}, found.was)
        self.assertEqual(self.row().ended_at, found.opened_at)

    def remember(self, **was):
        with self.database.writer() as session:
            row = session.get_one(models.Recovery, self.recovery_id)
            recoveries.remember(session, row, was)


class HeldTest(RunnerCase):
    def hold(self, kind):
        return self.run_story(confirming=workflow.hold(kind, 'why'))

    def test_restraint_and_capacity_expire(self):
        for kind in (models.HeldKind.RESTRAINT, models.HeldKind.CAPACITY):
            self.assertEqual(HELD_SECONDS, self.wakes_in(self.hold(kind)))
            self.run_story(
                held=Hop(State.CONFIRMING, ''), confirming=Wait(1, '')
            )

    def test_a_deadline_is_looked_at_anew_later_and_later(self):
        row = self.hold(models.HeldKind.DEADLINE)
        self.assertEqual([until.anew().to_dict()], row.until)
        self.assertEqual(until.ANEW_SECONDS, self.wakes_in(row))

    def test_safety_without_a_condition_waits_for_an_operator(self):
        row = self.hold(models.HeldKind.SAFETY)
        self.assertEqual([until.OPERATOR.to_dict()], row.until)
        self.assertEqual(until.LONGEST_SECONDS, self.wakes_in(row))
        self.assertIsNone(row.deadline_at)
        self.assertIsNone(row.claimed_by)

    def test_what_is_held_is_an_error_in_the_log(self):
        self.hold(models.HeldKind.SAFETY)
        self.assertIn(
            'ERROR hass.recovery.runner: compute-1: confirming -> held: why',
            self.log.output,
        )


class OverdueTest(RunnerCase):
    def test_a_state_that_takes_too_long_is_held(self):
        self.run_story(confirming=Wait(60, 'the BMC is slow'))
        self.clock.turn(121)
        with self.database.writer() as session:
            row = session.get_one(models.Recovery, self.recovery_id)
            row.turned_at = self.clock.now()
        row = self.run_story()
        self.assertEqual(('held', 'deadline'), (row.state, row.held_kind))
        self.assertEqual(
            'confirming took longer than 120 s: the BMC is slow', row.why
        )

    def test_held_is_never_overdue(self):
        safety = models.HeldKind.SAFETY
        self.run_story(confirming=workflow.hold(safety, 'why'))
        self.clock.turn(10 * 86400)
        row = self.run_story(held=Wait(1, 'still'))
        self.assertEqual('still', row.why)

    def test_what_nobody_worked_on_begins_anew(self):
        self.run_story(
            confirming=Hop(State.FENCING, ''), fencing=Wait(1, 'for the BMC')
        )
        self.clock.turn(STALE_SECONDS + 1)
        row = self.run_story(confirming=Wait(1, 'looking'))
        self.assertEqual('confirming', row.state)
        self.assertEqual(
            ['confirming', 'fencing', 'confirming'], self.history()
        )

    def test_an_outage_in_the_first_state_costs_its_time_not_a_human(self):
        self.clock.turn(STALE_SECONDS + 1)
        row = self.run_story(confirming=Wait(1, 'looking'))
        self.assertEqual('confirming', row.state)
        self.assertEqual(self.clock.now(), row.state_since)
        self.assertGreater(row.deadline_at, self.clock.now())


class LostTest(RunnerCase):
    """Whoever lost the right to act changes nothing any more."""

    def run_and_lose(self, answer):
        def lose(turn):
            self.claim('engine-2')
            return answer

        self.assertRaises(exception.LostClaim, self.run_story, confirming=lose)

    def test_a_result_under_a_lost_claim_is_thrown_away(self):
        for answer in (Wait(1, 'x'), Hop(State.FENCING, 'x')):
            self.run_and_lose(answer)
            row = self.row()
            self.assertEqual('confirming', row.state)
            self.assertEqual('no beat on any network', row.why)
            self.assertEqual('engine-2', row.claimed_by)
        self.assertEqual(['confirming'], self.history())
        self.assertEqual([], self.told())

    def test_nothing_is_remembered_under_a_lost_claim(self):
        def lose(turn):
            self.claim('engine-2')
            turn.remember(off_sent=True)

        self.assertRaises(exception.LostClaim, self.run_story, confirming=lose)
        self.assertEqual({}, self.row().was)

    def test_an_act_after_the_deadline_ends_the_turn_unrecorded(self):
        def late(turn):
            self.clock.turn(CLAIM_SECONDS)
            turn.deadline.check()

        self.assertRaises(
            exception.ClaimExpired, self.run_story, confirming=late
        )
        self.assertEqual(0, self.row().attempt)


class ClaimDeadlineTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.deadline = runner.ClaimDeadline(self.clock, CLAIM_SECONDS)

    def test_it_ends_a_second_before_the_claim(self):
        self.deadline.renewed(self.clock.monotonic())
        self.clock.turn(CLAIM_SECONDS - 1)
        self.deadline.check()
        self.clock.turn(0.1)
        self.assertRaises(exception.ClaimExpired, self.deadline.check)

    def test_it_counts_from_the_start_of_the_renewal(self):
        """However long the commit took."""
        started = self.clock.monotonic()
        self.clock.turn(4)
        self.deadline.renewed(started)
        self.clock.turn(1.1)
        self.assertRaises(exception.ClaimExpired, self.deadline.check)

    def test_a_claim_that_was_never_committed_allows_nothing(self):
        self.assertRaises(exception.ClaimExpired, self.deadline.check)

    def test_what_was_revoked_is_not_renewed(self):
        self.deadline.revoke()
        self.deadline.renewed(self.clock.monotonic())
        self.assertRaises(exception.ClaimExpired, self.deadline.check)

    def test_a_wall_clock_that_is_set_does_not_move_it(self):
        self.deadline.renewed(self.clock.monotonic())
        self.clock.set_wall(86400)
        self.deadline.check()
