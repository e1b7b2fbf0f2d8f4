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

import hypothesis
from hypothesis import strategies

from hass import nova
from hass.nova import records
from hass.recovery import judgement
from hass.tests import base

MOMENT = datetime.datetime(2030, 1, 1)
Progress = judgement.Progress
HOUR = datetime.timedelta(hours=1)
LIVE = 'pre-migrating'


def move(number, status, **fields):
    """An evacuation record of Nova's, newer ones have higher numbers."""
    given = {
        'uuid': f'move-{number}',
        'id': number,
        'instance_uuid': 'vm-1',
        'source': 'compute-1',
        'destination': 'compute-2',
        'destination_node': 'compute-2',
        'status': status,
        'type': 'evacuation',
        'created_at': MOMENT,
        'updated_at': MOMENT,
    } | fields
    return nova.Migration(**given)


class JudgementTest(base.TestCase):
    def judged(self, progress, *moves, known=(), dead=(), waited=()):
        known = [*known, *waited]
        found = judgement.judge(known, moves, frozenset(dead), waited)
        self.assertIs(progress, found.progress)
        return found.migration

    def test_nothing_is_known_before_nova_shows_a_record(self):
        self.judged(Progress.UNKNOWN)

    def test_a_live_record_is_under_way(self):
        for status in ('accepted', LIVE):
            self.judged(Progress.LIVE, move(1, status))

    def test_a_record_that_is_done_has_moved(self):
        for status in ('done', 'completed'):
            self.judged(Progress.MOVED, move(1, status))

    def test_a_record_in_error_failed(self):
        for status in ('error', 'failed'):
            self.judged(Progress.FAILED, move(1, status))

    def test_records_from_before_the_call_do_not_count(self):
        self.judged(Progress.UNKNOWN, move(1, 'error'), known=['move-1'])

    def test_records_of_other_moves_do_not_count(self):
        self.judged(Progress.UNKNOWN, move(1, LIVE, type='live-migration'))

    def test_the_newest_record_counts(self):
        newest = self.judged(
            Progress.MOVED, move(2, 'done'), move(1, 'failed')
        )
        self.assertEqual('move-2', newest.uuid)

    def test_a_record_that_waited_before_is_what_nova_uses(self):
        idle = move(2, 'accepted', destination_node=None)
        for status, progress in (
            (LIVE, Progress.LIVE),
            ('done', Progress.MOVED),
            ('error', Progress.FAILED),
        ):
            used = self.judged(
                progress, move(1, status), idle, waited=['move-1']
            )
            self.assertEqual('move-1', used.uuid)

    def test_a_record_that_waits_as_before_is_not_used(self):
        waits = move(1, 'accepted', destination_node=None)
        self.judged(Progress.UNKNOWN, waits, waited=['move-1'])
        own = self.judged(
            Progress.LIVE,
            waits,
            move(2, 'accepted', destination_node=None),
            waited=['move-1'],
        )
        self.assertEqual('move-2', own.uuid)

    def test_an_earlier_record_at_work_beside_ours_is_a_danger(self):
        self.judged(
            Progress.TWICE, move(1, LIVE), move(2, LIVE), waited=['move-1']
        )

    def test_two_live_records_are_a_danger(self):
        self.judged(Progress.TWICE, move(1, LIVE), move(2, 'accepted'))

    def test_a_record_whose_destination_died_is_stuck(self):
        stuck = self.judged(Progress.STUCK, move(1, LIVE), dead=['move-1'])
        self.assertEqual('compute-2', stuck.destination)

    def test_of_two_live_records_a_dead_one_does_not_count(self):
        living = self.judged(
            Progress.LIVE, move(1, LIVE), move(2, LIVE), dead=['move-1']
        )
        self.assertEqual('move-2', living.uuid)

    def test_an_older_live_record_outweighs_a_newer_that_ended(self):
        for status in ('done', 'failed'):
            self.judged(Progress.LIVE, move(1, LIVE), move(2, status))


class QueuedTest(base.TestCase):
    """One action and one migration for each call that Nova took."""

    def queued(self, actions, moves, name='evacuate'):
        return judgement.queued(
            [
                nova.Action(name, 'req', MOMENT + hour * HOUR)
                for hour in actions
            ],
            [move(number, 'error') for number in range(moves)],
            MOMENT,
        )

    def test_an_action_without_a_migration_is_a_call_under_way(self):
        self.assertTrue(self.queued([1], 0))
        self.assertTrue(self.queued([1, 2], 1))

    def test_the_action_of_an_attempt_that_ended_is_not(self):
        self.assertFalse(self.queued([1], 1))

    def test_actions_of_long_ago_are_not(self):
        self.assertFalse(self.queued([-1], 0))

    def test_other_actions_are_not(self):
        self.assertFalse(self.queued([1], 0, name='stop'))


STATUSES = sorted(
    records.SUCCEEDED | {'accepted', LIVE, 'error', 'failed', 'strange'}
)
MOVES = strategies.lists(
    strategies.builds(
        move,
        strategies.integers(1, 9),
        strategies.sampled_from(STATUSES),
        type=strategies.sampled_from(['evacuation', 'live-migration']),
    ),
    unique_by=lambda one: one.id,
    max_size=5,
)
UUIDS = strategies.frozensets(
    strategies.sampled_from([f'move-{n}' for n in range(1, 10)])
)


class JudgementPropertiesTest(base.TestCase):
    """Whatever Nova shows."""

    @hypothesis.given(MOVES, UUIDS, UUIDS)
    def test_nothing_is_asked_again_while_a_record_lives(
        self, moves, known, dead
    ):
        living = [
            one
            for one in moves
            if one.type == 'evacuation'
            and one.live
            and one.uuid not in known | dead
        ]
        found = judgement.judge(known, moves, dead)
        if living:
            self.assertIn(found.progress, {Progress.LIVE, Progress.TWICE})

    @hypothesis.given(MOVES, UUIDS, UUIDS)
    def test_the_order_of_the_records_does_not_matter(
        self, moves, known, dead
    ):
        self.assertEqual(
            judgement.judge(known, moves, dead).progress,
            judgement.judge(known, moves[::-1], dead).progress,
        )


class ClaimedBeforeTest(base.TestCase):
    """Whether a destination had claimed before it booted."""

    def claimed(self, quiet, *, asked, up, **fields):
        moved = move(1, LIVE, quiet=quiet, **fields)
        return judgement.claimed_before(moved, asked, up)

    def test_a_claim_that_is_older_than_the_boot_came_before_it(self):
        self.assertTrue(self.claimed(300.0, asked=305.0, up=60.0))

    def test_one_that_may_be_younger_did_not(self):
        for up in (181.0, 300.0, 900.0):
            self.assertFalse(self.claimed(300.0, asked=305.0, up=up))

    def test_clocks_that_disagree_tell_nothing(self):
        """One of them was set since Nova was asked."""
        self.assertFalse(self.claimed(3600.0, asked=305.0, up=60.0))
        self.assertFalse(self.claimed(300.0, asked=3600.0, up=60.0))

    def test_one_that_is_written_as_older_than_its_call_tells_nothing(self):
        """By a conductor whose clock is slow."""
        written = MOMENT - datetime.timedelta(seconds=200)
        self.assertFalse(
            self.claimed(505.0, asked=305.0, up=60.0, updated_at=written)
        )

    def test_what_waits_was_not_claimed(self):
        self.assertFalse(
            self.claimed(300.0, asked=305.0, up=60.0, destination_node=None)
        )
