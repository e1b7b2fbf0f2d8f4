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

"""Engines that race for one host, one slot, one claim; one of them wins."""

import datetime
import functools
import threading
import types
from typing import Any

from hass import clock
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import exception
from hass import faults
from hass.recovery import host_failure
from hass.recovery import runner
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Wait
from hass.tests import builders
from hass.tests import fake_cloud
from hass.tests.functional.db import base
from hass import until

ROUNDS = 4


class RecoveriesCase(base.DatabaseTest):
    def make(self, host='compute-1', **fields) -> models.Recovery:
        return self.database.write(builders.make_recovery, host, **fields)

    def take(self, recovery, engine='engine-1') -> models.Recovery:
        row = self.read(recoveries.get, recovery.uuid)
        taken = self.database.write(
            recoveries.take, row.id, row.claim, engine, 6
        )
        assert taken is not None
        return taken

    def open_one(self, session, /, workflow='host_failure', **fields):
        return recoveries.open_one(
            session,
            workflow=workflow,
            host='compute-1',
            cluster_id=None,
            state='confirming',
            deadline_seconds=60,
            engine='engine-2',
            why='silent for 3.0 s',
            **fields,
        )

    def hop(self, session, /, recovery, to, **fields):
        given: dict[str, Any] = {
            'ended': False,
            'deadline_seconds': 60,
            'wake_seconds': 0,
            'held_kind': None,
            'engine': 'engine-1',
            'why': 'why',
        } | fields
        return recoveries.record_hop(session, recovery, to=to, **given)

    def finish(self, session, recovery):
        """Its end and the next story, as the runner writes them."""
        ended = self.hop(session, recovery, 'finished', ended=True)
        recoveries.chain(
            session,
            ended,
            workflow='host_return',
            state='powering_on',
            deadline_seconds=300,
            engine='engine-1',
        )

    def open_stories(self):
        return [
            (one.workflow, one.state)
            for one in self.read(recoveries.open_ones)
        ]


@base.on_every_database
class StoriesTest(RecoveriesCase):
    def test_faults_are_counted_by_their_layer(self):
        for host, layer in (('a', 'power'), ('b', 'os'), ('c', 'power')):
            self.make(host, fault={'layer': layer, 'why': 'it died'})
        self.make('d')
        self.make('e', fault={'layer': 'power'}, workflow='host_return')
        self.assertEqual(
            {faults.Layer.POWER: 2, faults.Layer.OS: 1},
            self.read(recoveries.faults_counted),
        )

    def test_end_and_next_story_are_one_transaction(self):
        mine = self.take(self.make())

        def fail(session):
            self.finish(session, mine)
            raise exception.NotFound('host', 'x')

        self.assertRaises(exception.NotFound, self.database.write, fail)
        self.assertEqual([('host_failure', 'confirming')], self.open_stories())
        self.database.write(self.finish, mine)
        self.assertEqual([('host_return', 'powering_on')], self.open_stories())

    def test_nobody_opens_a_story_between_the_end_and_the_next_one(self):
        for _ in range(ROUNDS):
            self.prepare()
            mine = self.take(self.make())
            other = self.open(self.url)
            gave = base.at_once(
                lambda mine=mine: self.database.write(self.finish, mine),
                lambda other=other: other.write(self.open_one),
            )
            self.assertEqual([None, None], gave)
            self.assertEqual(
                [('host_return', 'powering_on')], self.open_stories()
            )

    def test_two_engines_supersede_a_return_once(self):
        for _ in range(ROUNDS):
            self.prepare()
            self.make(workflow='host_return', was={'service': 'enabled'})

            def open_one():
                return self.open(self.url).write(
                    self.open_one, supersede=['host_return']
                )

            gave = base.at_once(*[open_one] * 3)
            self.assertEqual([], [x for x in gave if isinstance(x, Exception)])
            opened = [one for one in gave if one is not None]
            self.assertEqual(1, len(opened))
            self.assertEqual('enabled', opened[0].was['service'])
            self.assertEqual(
                [('host_failure', 'confirming')], self.open_stories()
            )

    def test_the_claim_on_a_superseded_story_is_void(self):
        mine = self.take(self.make(workflow='host_return'))
        self.database.write(self.open_one, supersede=['host_return'])
        for late in (
            lambda session: recoveries.guard(session, mine),
            lambda session: self.hop(session, mine, 'awaiting_agent'),
            lambda session: recoveries.record_wait(session, mine, 1, 'x'),
        ):
            self.assertRaises(exception.LostClaim, self.database.write, late)

    def test_what_is_remembered_while_it_is_superseded_is_handed_on(self):
        """Each of the two transactions waits for the other."""
        mine = self.take(self.make(workflow='host_return'))
        guarded, going = threading.Event(), threading.Event()

        def remember(session):
            recoveries.guard(session, mine)
            guarded.set()
            going.wait(0.3)
            recoveries.remember(session, mine, {'service': 'as it was'})

        def supersede():
            guarded.wait(60)
            return self.open(self.url).write(
                self.open_one, supersede=['host_return']
            )

        _, opened = base.at_once(
            lambda: self.database.write(remember), supersede
        )
        self.assertEqual('as it was', opened.was['service'])


@base.on_every_database
class InstancesTest(RecoveriesCase):
    """Stories of instances: one each, and counted by their host."""

    def make_story(self, session, uuid, host='compute-1'):
        cluster = builders.make_recovery(session, f'of-{uuid}').cluster_id
        return recoveries.open_for(
            session,
            uuid,
            workflow='instance_failure',
            cluster_id=cluster or 0,
            state='confirming',
            deadline_seconds=60,
            engine='engine-1',
            why='killed',
            fault={'host': host, 'event': 'killed'},
        )

    def story(self, uuid, host='compute-1'):
        return self.database.write(self.make_story, uuid, host)

    def test_an_instance_has_one_open_story(self):
        first = self.story('a')
        again = self.database.write(
            recoveries.open_for,
            'a',
            workflow='instance_failure',
            cluster_id=first.cluster_id or 0,
            state='confirming',
            deadline_seconds=60,
            engine='engine-2',
            why='killed',
            fault={'host': 'compute-1'},
        )
        self.assertIsNone(again)
        found = self.read(recoveries.open_of_instance, 'a')
        self.assertEqual(first.uuid, found.uuid)

    def test_a_host_story_ends_those_of_its_instances_alone(self):
        self.story('a'), self.story('b', 'compute-2')
        self.database.write(self.open_one, supersede=['instance_failure'])
        self.assertIsNone(self.read(recoveries.open_of_instance, 'a'))
        self.assertIsNotNone(self.read(recoveries.open_of_instance, 'b'))

    def test_open_ones_are_counted_by_host(self):
        cluster = self.story('a').cluster_id
        self.story('b'), self.story('c', 'compute-2')
        self.assertEqual(
            {'compute-1': 2, 'compute-2': 1},
            self.read(recoveries.failed_on, 'instance_failure', cluster),
        )

    def test_those_that_went_to_a_state_lately_are_found(self):
        story = self.story('a')
        mine = self.take(story)
        arguments = (60, story.cluster_id, ['rebooting', 'migrating'])
        self.assertEqual(set(), self.read(recoveries.gone_to, *arguments))
        self.database.write(self.hop, mine, 'rebooting')
        self.assertEqual({story.id}, self.read(recoveries.gone_to, *arguments))

    def test_one_that_is_held_by_restraint_is_seen(self):
        story = self.story('a')
        arguments = ('instance_failure', story.cluster_id)
        self.assertFalse(self.read(recoveries.is_restrained, *arguments))
        restraint = models.HeldKind.RESTRAINT
        self.database.write(
            self.hop, self.take(story), 'held', held_kind=restraint
        )
        self.assertTrue(self.read(recoveries.is_restrained, *arguments))

    def test_earlier_stories_are_found_by_their_subject(self):
        story = self.story('a')
        self.story('b')
        (found,) = self.read(
            recoveries.of_subject_within, 'a', 'instance_failure', 60
        )
        self.assertEqual(story.uuid, found.uuid)


@base.on_every_database
class ClaimsTest(RecoveriesCase):
    def take_first(self, recovery_id):
        return self.open(self.url).write(
            recoveries.take, recovery_id, 0, 'engine', 6
        )

    def test_two_engines_claim_a_row_once(self):
        for _ in range(ROUNDS):
            self.prepare()
            made = self.make()
            gave = base.at_once(
                *[functools.partial(self.take_first, made.id)] * 4
            )
            self.assertEqual(1, sum(one is not None for one in gave))

    def test_what_a_dead_engine_claims_for_long_is_taken_as_it_stood(self):
        """The clock was set back since: its claim ends in an hour."""
        made = self.make()
        self.database.write(recoveries.take, made.id, 0, 'engine-1', 3600)
        (seen,) = self.read(recoveries.claimed_ahead, 6)
        self.assertEqual((made.id, 1), (seen.id, seen.claim))
        for ends_at, engine in (
            (seen.until - datetime.timedelta(microseconds=1), None),
            (seen.until, 'engine-2'),
        ):
            taken = self.database.write(
                recoveries.take, made.id, seen.claim, 'engine-2', 6, ends_at
            )
            self.assertEqual(engine, taken and taken.claimed_by)
        self.assertEqual([], self.read(recoveries.claimed_ahead, 6))

    def test_what_only_a_newer_engine_can_do_is_left_to_it(self):
        made = self.make(workflow='of_next_year')
        self.assertEqual([], self.read(recoveries.due, 2, 9))
        self.database.write(
            recoveries.take, made.id, made.claim, 'engine-2', 3600
        )
        self.assertEqual([], self.read(recoveries.claimed_ahead, 6))

    def test_whoever_was_taken_over_writes_nothing(self):
        mine = self.take(self.make())
        self.take(mine, 'engine-2')
        for late in (
            lambda session: recoveries.guard(session, mine),
            lambda session: self.hop(session, mine, 'fencing'),
            lambda session: recoveries.record_wait(session, mine, 1, 'x'),
        ):
            self.assertRaises(exception.LostClaim, self.database.write, late)
        self.assertEqual(1, len(self.read(recoveries.history_of, mine.id)))

    def test_a_taker_over_waits_for_what_the_holder_is_writing(self):
        mine = self.take(self.make())
        guarded, going = threading.Event(), threading.Event()

        def write(session):
            recoveries.guard(session, mine)
            guarded.set()
            going.wait(0.3)
            recoveries.remember(session, mine, {'off_sent': True})

        def take_over():
            guarded.wait(60)
            return self.open(self.url).write(
                recoveries.take, mine.id, mine.claim, 'engine-2', 6
            )

        _, theirs = base.at_once(lambda: self.database.write(write), take_over)
        self.assertEqual({'off_sent': True}, theirs.was)

    def test_a_held_one_is_free_for_engines_of_this_release_alone(self):
        """Former ones look at any held one anew as soon as it wakes."""
        mine = self.take(self.make())
        held = self.database.write(
            self.hop,
            mine,
            'held',
            held_kind=models.HeldKind.SAFETY,
            until=[until.OPERATOR],
        )
        self.database.write(recoveries.release, held)
        free = self.read(recoveries.due, 2, 10)
        self.assertEqual([(held.id, held.claim)], [tuple(x) for x in free])
        row = self.read(recoveries.get, held.uuid)
        self.assertIsNone(row.claimed_by)
        self.assertGreater(row.claimed_until, self.read(moments.read_now))
        anew = self.hop_to(self.take(row), 'confirming')
        self.assertIsNone(anew.claimed_until)

    def hop_to(self, mine, state):
        """As a runner leaves it."""
        recorded = self.database.write(self.hop, mine, state)
        self.database.write(recoveries.release, recorded)
        return self.read(recoveries.get, recorded.uuid)


@base.on_every_database
class OperatorsTest(RecoveriesCase):
    def test_only_what_is_held_takes_a_wish(self):
        made = self.make(state='fencing')
        sentence = f'recovery {made.uuid} is fencing, not held'
        self.assertRefused(
            sentence, recoveries.wish, made.uuid, models.Wish.RETRY
        )
        self.assertRefused(sentence, recoveries.acknowledge, made.uuid)

    def test_a_wish_wakes_what_sleeps_for_long(self):
        made = self.make(state='held')
        mine = self.take(made)
        self.database.write(
            recoveries.record_wait, mine, until.LONGEST_SECONDS, ''
        )
        self.database.write(recoveries.release, mine)
        self.assertEqual([], self.read(recoveries.due, 2, 9))
        self.database.write(recoveries.wish, made.uuid, models.Wish.RELEASE)
        self.assertEqual([(made.id, 1)], self.read(recoveries.due, 2, 9))

    def test_a_wish_that_comes_too_late_is_refused_not_kept(self):
        """An engine goes on with it at the same moment."""
        made = self.make(state='held')
        mine = self.take(made)
        guarded, going = threading.Event(), threading.Event()

        def leave(session):
            recoveries.guard(session, mine)
            guarded.set()
            going.wait(0.3)
            self.hop(session, mine, 'confirming')

        def wish():
            guarded.wait(60)
            self.open(self.url).write(
                recoveries.wish, made.uuid, models.Wish.RETRY
            )

        _, refused = base.at_once(lambda: self.database.write(leave), wish)
        self.assertIsInstance(refused, exception.Conflict)
        self.assertIsNone(self.read(recoveries.get, made.uuid).wish)

    def test_a_retry_that_ends_as_before_stays_acknowledged(self):
        made = self.hold_acknowledged_then_retry(self.silent)
        self.database.write(self.hop, made, 'held', **self.silent)
        self.assertEqual([], self.database.write(recoveries.to_page, 0))

    def test_another_reason_is_paged_though_the_last_was_acknowledged(self):
        for other in (
            {'held_kind': models.HeldKind.CAPACITY},
            self.silent | {'until': [until.OPERATOR]},
            self.silent
            | {'until': [until.Until(until.Kind.BMC_ANSWERS, 'compute-9')]},
        ):
            made = self.hold_acknowledged_then_retry(self.silent)
            self.database.write(self.hop, made, 'held', **other)
            paged = self.database.write(recoveries.to_page, 300)
            self.assertEqual([made.uuid], [one.uuid for one in paged])

    def test_one_paged_before_the_clock_was_set_back_is_paged_again(self):
        made = self.make(state='held', held_kind=models.HeldKind.SAFETY)
        self.database.write(recoveries.to_page, 300)
        with self.database.writer() as session:
            row = recoveries.get(session, made.uuid)
            an_hour = datetime.timedelta(hours=1)
            row.alarmed_at = moments.read_now(session) + an_hour
        self.assertEqual(1, len(self.database.write(recoveries.to_page, 300)))

    silent: Any = {
        'held_kind': models.HeldKind.SAFETY,
        'until': [until.Until(until.Kind.BMC_ANSWERS, 'compute-1')],
    }

    def hold_acknowledged_then_retry(self, held):
        self.hosts_made = getattr(self, 'hosts_made', 0) + 1
        made = self.make(f'compute-{self.hosts_made}')
        mine = self.database.write(self.hop, self.take(made), 'held', **held)
        self.database.write(recoveries.to_page, 300)
        self.database.write(recoveries.acknowledge, made.uuid)
        self.database.write(recoveries.wish, made.uuid, models.Wish.RETRY)
        return self.database.write(self.hop, mine, 'confirming')

    def test_what_goes_on_or_ends_is_held_by_nothing(self):
        for to, ended in (('confirming', False), ('finished', True)):
            made = self.hold_acknowledged_then_retry(self.silent)
            row = self.database.write(self.hop, made, to, ended=ended)
            self.assertEqual(
                (None, None, None), (row.held_kind, row.until, row.looked_at)
            )

    def test_what_ends_from_outside_is_held_by_nothing(self):
        made = self.make()
        self.database.write(self.hop, self.take(made), 'held', **self.silent)
        with self.database.writer() as session:
            row = recoveries.get(session, made.uuid)
            recoveries.end(session, row, 'dismissed', 'engine-1', 'why')
        row = self.read(recoveries.get, made.uuid)
        self.assertEqual(
            (None, None, None), (row.held_kind, row.until, row.looked_at)
        )

    def test_restraint_that_is_renewed_stays_acknowledged(self):
        restraint = models.HeldKind.RESTRAINT
        made = self.make(state='held', held_kind=restraint)
        self.database.write(recoveries.acknowledge, made.uuid)
        mine = self.database.write(self.hop, self.take(made), 'confirming')
        self.database.write(self.hop, mine, 'held', held_kind=restraint)
        self.assertEqual([], self.database.write(recoveries.to_page, 300))

    def test_a_restore_forgets_wishes_and_pages_again(self):
        made = self.make(
            state='held',
            wish=models.Wish.RETRY,
            held_kind=models.HeldKind.SAFETY,
        )
        self.database.write(recoveries.acknowledge, made.uuid)
        self.database.write(recoveries.hold_open_ones, 'hass-manage', 'why')
        self.assertEqual([], self.read(recoveries.due, 2, 9))
        self.assertEqual(1, len(self.database.write(recoveries.to_page, 300)))

    def test_a_restore_leaves_alone_what_has_ended_meanwhile(self):
        mine = self.take(self.make())
        guarded, going = threading.Event(), threading.Event()

        def end(session):
            recoveries.guard(session, mine)
            guarded.set()
            going.wait(0.3)
            self.hop(session, mine, 'dismissed', ended=True)

        def restore():
            guarded.wait(60)
            return self.open(self.url).write(
                recoveries.hold_open_ones, 'hass-manage', 'why'
            )

        base.at_once(lambda: self.database.write(end), restore)
        self.assertEqual(
            'dismissed', self.read(recoveries.get, mine.uuid).state
        )


class Decided(host_failure.HostFailure):
    """It has condemned its host; what is left is to count the fencing.

    :ivar together: where the engines meet before they record the hop
    :ivar inside: where they meet within their transactions
    """

    together: threading.Barrier
    inside: threading.Barrier | None = None

    def confirming(self, turn):
        self.together.wait(60)
        fault = faults.Fault(
            turn.recovery.subject, faults.Layer.POWER, 'its BMC reads off'
        )
        return Hop(
            State.FENCING,
            fault.why,
            within=lambda session: self._meet_and_count(session, turn, fault),
        )

    def fencing(self, turn):
        return Wait(1, 'that is all')

    def _meet_and_count(self, session, turn, fault):
        if self.inside is not None:
            self.inside.wait(60)
        return self._count(session, turn, fault)


class FencingsCase(RecoveriesCase):
    """Two engines, two hosts of a cluster, and one slot that is left."""

    meet_inside = False

    def engine(self, name, story, database):
        return runner.Runner(
            database,
            {'host_failure': story},
            clock.SystemClock(),
            name,
            held_seconds=60,
            stale_seconds=120,
        )

    def story(self, limit):
        nothing: Any = types.SimpleNamespace(
            fencer=None, compute=None, witness=None, clock=None
        )
        conf = fake_cloud.make_conf(
            self.make_folder(), fencing__max_fencings=limit
        )
        return Decided(nothing, conf)

    def condemn(self, story, engine, recovery, database):
        mine = self.take(recovery, engine)
        deadline = runner.ClaimDeadline(clock.SystemClock(), 6)
        claimed = runner.Claimed(mine, deadline, 0)

        def run():
            self.engine(engine, story, database).run(claimed)

        return run

    def race(self, limit):
        story = self.story(limit)
        story.together = threading.Barrier(2)
        if self.meet_inside:
            story.inside = threading.Barrier(2)
        rows = [self.make(f'compute-{n}') for n in (1, 2)]
        gave = base.at_once(
            *[
                self.condemn(story, f'engine-{n}', row, self.open(self.url))
                for n, row in enumerate(rows)
            ]
        )
        self.assertEqual([None, None], gave)
        return [self.read(recoveries.get, row.uuid) for row in rows]


@base.on_every_database
class FencingsTest(FencingsCase):
    def test_the_last_slot_is_taken_by_one_engine(self):
        for _ in range(ROUNDS):
            self.prepare()
            rows = self.race(limit=1)
            self.assertEqual(
                ['fencing', 'held'], sorted(row.state for row in rows)
            )
            (held,) = [row for row in rows if row.state == 'held']
            self.assertIs(models.HeldKind.RESTRAINT, held.held_kind)
            self.assertIn('max_fencings is 1', held.why)
            self.assertEqual('power', held.fault['layer'])

    def test_two_slots_are_enough_for_two(self):
        rows = self.race(limit=2)
        self.assertEqual(['fencing', 'fencing'], [row.state for row in rows])

    def fenced(self, seconds=600, but=0, **only):
        return self.database.read(
            recoveries.fenced_within, seconds, but=but, **only
        )

    def test_other_clusters_do_not_count(self):
        first = self.take(self.make('compute-1'))
        self.database.write(self.hop, first, 'fencing')
        other = self.database.write(builders.make_cluster, 'rack-2')
        mine = first.cluster_id
        self.assertEqual([], self.fenced(cluster_id=other.id))
        self.assertEqual(['compute-1'], self.fenced(cluster_id=mine))
        self.assertEqual([], self.fenced(but=first.id))

    def test_a_host_that_was_fenced_twice_counts_once(self):
        mine = self.take(self.make('compute-1'))
        for state in ('fencing', 'forcing_down', 'fencing'):
            mine = self.database.write(self.hop, mine, state)
        self.assertEqual(['compute-1'], self.fenced())

    def test_what_is_older_than_the_window_does_not_count(self):
        mine = self.take(self.make('compute-1'))
        self.database.write(self.hop, mine, 'fencing')
        pause = threading.Event()
        pause.wait(0.05)
        self.assertEqual([], self.fenced(seconds=0.04))


@base.on_every_database
class SuspectsTest(RecoveriesCase):
    def suspects(self, seconds=600, fleeting=30):
        return self.database.read(
            recoveries.suspects_within, seconds, fleeting
        )

    def test_they_count_whether_their_recovery_has_ended_or_not(self):
        self.make('compute-1')
        ended = self.take(self.make('compute-2'))
        self.database.write(self.hop, ended, 'finished', ended=True)
        self.assertEqual({'compute-1', 'compute-2'}, self.suspects())

    def test_one_that_was_soon_seen_alive_does_not_count(self):
        alive = self.take(self.make('compute-1'))
        self.database.write(self.hop, alive, 'dismissed', ended=True)
        self.assertEqual(set(), self.suspects())
        self.assertEqual({'compute-1'}, self.suspects(fleeting=0))

    def test_what_is_older_than_the_window_does_not_count(self):
        self.make('compute-1')
        threading.Event().wait(0.05)
        self.assertEqual(set(), self.suspects(seconds=0.04))


@base.on_servers
class FencingsInsideTest(FencingsCase):
    """Both engines are inside their transactions before either counts."""

    meet_inside = True

    def test_the_last_slot_is_taken_by_one_engine(self):
        for _ in range(ROUNDS):
            self.prepare()
            rows = self.race(limit=1)
            self.assertEqual(
                ['fencing', 'held'], sorted(row.state for row in rows)
            )
