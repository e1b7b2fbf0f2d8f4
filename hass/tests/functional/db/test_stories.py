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

"""Notifications, observations, recoveries and evacuations."""

import datetime
import uuid

from hass.db import evacuations
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import observations
from hass.db import recoveries
from hass import exception
from hass import faults
from hass.tests import builders
from hass.tests.functional.db import base

State = models.EvacuationState
MOMENT = datetime.datetime(2020, 1, 1, 0, 0, 0, 5)


def seen(late=0, verdict=faults.Verdict.HEALTHY, **fields):
    return faults.Observation(
        subject='compute-1',
        layer=fields.pop('layer', faults.Layer.OS),
        detector='beats',
        verdict=verdict,
        seen_at=MOMENT + datetime.timedelta(microseconds=late),
        **fields,
    )


def intend(instance=None, state=State.PENDING):
    return evacuations.Intention(
        instance_uuid=instance or str(uuid.uuid4()),
        instance_name='vm-1',
        project_id='blue',
        state=state,
        was={'vm_state': 'active'},
    )


@base.on_every_database
class NotificationsTest(base.DatabaseTest):
    def test_a_notification_is_settled_once(self):
        made = self.database.write(builders.make_notification)
        recovery = self.database.write(builders.make_recovery)
        opened = models.NotificationState.OPENED
        settle = notifications.settle
        self.assertEqual(1, len(self.read(notifications.new_ones)))
        self.assertTrue(
            self.database.write(settle, made.id, opened, 'why', recovery.id)
        )
        self.assertFalse(self.database.write(settle, made.id, opened, 'no'))
        self.assertEqual([], self.read(notifications.new_ones))
        found = self.read(notifications.get, made.uuid)
        self.assertIs(opened, found.state)
        self.assertEqual(('why', recovery.id), (found.why, found.recovery_id))

    def test_notifications_of_a_host(self):
        self.database.write(builders.make_notification, 'compute-1')
        self.database.write(builders.make_notification, 'compute-2')
        (found,) = self.read(notifications.all, host='compute-2')
        self.assertIs(faults.Layer.POWER, found.layer)

    def test_an_unknown_notification_is_not_found(self):
        self.assertNotFound('notification x', notifications.get, 'x')


@base.on_every_database
class ObservationsTest(base.DatabaseTest):
    def test_the_newest_look_is_kept(self):
        failed = seen(1, faults.Verdict.FAILED, detail='silent')
        self.database.write(observations.put, seen(), failed, seen())
        found = self.read(observations.of_host, 'compute-1')
        self.assertEqual([failed], found)

    def test_each_network_has_its_own_look(self):
        looks = [seen(network='management'), seen(network='storage')]
        self.database.write(observations.put, *looks)
        self.assertEqual(looks, self.read(observations.of_host, 'compute-1'))

    def test_looks_come_lowest_layer_first(self):
        power = seen(layer=faults.Layer.POWER)
        self.database.write(observations.put, seen(), power)
        found = self.read(observations.of_host, 'compute-1')
        self.assertEqual([power, seen()], found)

    def test_two_engines_may_put_the_first_look_at_once(self):
        def put(late):
            self.open(self.url).write(observations.put, seen(late))

        self.assertEqual(
            [None, None], base.at_once(lambda: put(0), lambda: put(1))
        )
        found = self.read(observations.of_host, 'compute-1')
        self.assertEqual([seen(1)], found)


@base.on_every_database
class RecoveriesTest(base.DatabaseTest):
    def take(self, recovery) -> models.Recovery:
        taken = self.database.write(
            recoveries.take, recovery.id, 0, 'engine-1', 6
        )
        assert taken is not None
        return taken

    def test_there_is_one_open_story_of_a_host(self):
        self.database.write(builders.make_recovery)
        with self.database.writer() as session:
            again = recoveries.open_one(
                session,
                workflow='host_return',
                host='compute-1',
                cluster_id=None,
                state='powering_on',
                deadline_seconds=60,
                engine='engine-1',
                why='why',
            )
        self.assertIsNone(again)

    def test_two_engines_open_one_story_between_them(self):
        self.database.write(builders.make_cluster)

        def open_one():
            return self.open(self.url).write(
                recoveries.open_one,
                workflow='host_failure',
                host='compute-1',
                cluster_id=None,
                state='confirming',
                deadline_seconds=60,
                engine='engine-1',
                why='no beat on any network',
            )

        gave = base.at_once(*[open_one] * 4)
        self.assertEqual([], [x for x in gave if isinstance(x, Exception)])
        self.assertEqual(1, len(self.read(recoveries.open_ones)))

    def test_a_story_that_supersedes_inherits_what_was_remembered(self):
        made = self.database.write(
            builders.make_recovery,
            workflow='host_return',
            was={'service': 'enabled', 'attempts': 3},
        )
        again = self.database.write(
            recoveries.open_one,
            workflow='host_failure',
            host='compute-1',
            cluster_id=None,
            state='confirming',
            deadline_seconds=60,
            engine='engine-1',
            why='it died again',
            supersede=['host_return'],
        )
        assert again is not None
        self.assertEqual('enabled', again.was['service'])
        self.assertNotIn('attempts', again.was)
        found = self.read(recoveries.get, made.uuid)
        self.assertEqual('dismissed', found.state)
        self.assertIsNone(found.open_key)

    def test_a_step_of_a_lost_claim_is_thrown_away(self):
        made = self.database.write(builders.make_recovery)
        first = self.take(made)
        self.database.write(recoveries.take, made.id, 1, 'e-2', 6)
        self.assertRaises(
            exception.LostClaim,
            self.database.write,
            recoveries.record_wait,
            first,
            1,
            'why',
        )
        self.assertFalse(
            self.database.write(recoveries.renew, made.id, first.claim, 6)
        )

    def test_a_claim_that_was_given_back_is_not_renewed(self):
        made = self.database.write(builders.make_recovery)
        mine = self.take(made)
        self.database.write(recoveries.release, mine)
        self.assertFalse(
            self.database.write(recoveries.renew, made.id, mine.claim, 6)
        )
        self.assertEqual([(made.id, 1)], self.read(recoveries.due, 2, 9))

    def test_a_guarded_write_holds_the_row_until_it_is_committed(self):
        made = self.database.write(builders.make_recovery)
        mine = self.take(made)
        self.database.write(recoveries.guard, mine)
        self.database.write(recoveries.take, made.id, 1, 'e-2', 6)
        self.assertRaises(
            exception.LostClaim, self.database.write, recoveries.guard, mine
        )

    def test_a_held_recovery_is_paged_by_one_engine(self):
        self.database.write(builders.make_recovery, state='held')
        gave = base.at_once(
            *[
                lambda: self.open(self.url).write(recoveries.to_page, 600)
                for _ in range(2)
            ]
        )
        self.assertEqual(1, sum(len(found) for found in gave))

    def test_after_a_restore_every_open_recovery_is_held(self):
        made = self.database.write(builders.make_recovery, state='fencing')
        mine = self.take(made)
        held = self.database.write(
            recoveries.hold_open_ones, 'hass-manage', 'restored'
        )
        self.assertEqual(1, held)
        found = self.read(recoveries.get, made.uuid)
        self.assertEqual('held', found.state)
        self.assertIs(models.HeldKind.SAFETY, found.held_kind)
        self.assertEqual('restored', found.why)
        line = self.read(recoveries.history_of, made.id)[-1]
        self.assertEqual(
            ('fencing', 'held', 'hass-manage', 'restored'),
            (line.from_state, line.to_state, line.engine, line.why),
        )
        self.assertEqual([], self.read(recoveries.due, 2, 9))
        self.assertFalse(
            self.database.write(recoveries.renew, made.id, mine.claim, 6)
        )


@base.on_every_database
class EvacuationsTest(base.DatabaseTest):
    def prepare(self):
        super().prepare()
        self.recovery = self.database.write(builders.make_recovery)

    def plan(self, *wanted, recovery=None):
        return self.database.write(
            evacuations.plan,
            (recovery or self.recovery).id,
            'compute-1',
            list(wanted),
        )

    def rows(self, recovery=None):
        number = (recovery or self.recovery).id
        return self.read(evacuations.of_recovery, number)

    def settle(self, state):
        (row,) = self.rows()
        return self.database.write(evacuations.settle, row, state, 'why')

    def test_a_plan_is_written_once(self):
        wanted = [intend(), intend()]
        for _ in range(2):
            self.assertEqual([], self.plan(*wanted))
        self.assertEqual(
            [one.instance_uuid for one in wanted],
            [row.instance_uuid for row in self.rows()],
        )
        self.assertEqual(
            {State.PENDING: 2},
            {
                state: number
                for state, number in self.read(
                    evacuations.counts, self.recovery.id
                ).items()
                if number
            },
        )

    def test_an_instance_has_one_open_evacuation_over_all_recoveries(self):
        other = self.database.write(builders.make_recovery, 'compute-2')
        shared, free = intend(), intend()
        self.plan(shared)
        self.assertEqual(
            [shared.instance_uuid], self.plan(shared, free, recovery=other)
        )
        self.assertEqual(1, len(self.rows(other)))
        found = self.read(evacuations.open_of, shared.instance_uuid)
        self.assertEqual(self.recovery.id, found.recovery_id)

    def test_two_engines_plan_an_instance_once(self):
        other = self.database.write(builders.make_recovery, 'compute-2')
        shared = intend()

        def plan(recovery):
            return self.open(self.url).write(
                evacuations.plan, recovery.id, 'compute-1', [shared]
            )

        gave = base.at_once(lambda: plan(self.recovery), lambda: plan(other))
        self.assertEqual([[], [shared.instance_uuid]], sorted(gave))

    def test_one_engine_asks_nova(self):
        self.plan(intend())
        (row,) = self.rows()
        request = evacuations.request
        self.assertTrue(self.database.write(request, row, 'compute-2'))
        self.assertFalse(self.database.write(request, row, 'compute-3'))
        (row,) = self.rows()
        self.assertIs(State.REQUESTED, row.state)
        self.assertEqual(('compute-2', 1), (row.target, row.attempt))
        self.assertIsNotNone(row.requested_at)

    def test_what_is_done_frees_its_instance(self):
        self.plan(intend())
        self.assertTrue(self.settle(State.DONE))
        (row,) = self.rows()
        self.assertIsNone(row.open_key)
        self.assertIsNotNone(row.ended_at)
        self.assertFalse(self.settle(State.LEFT))

    def test_what_is_held_keeps_its_instance_until_it_is_let_go(self):
        self.plan(intend())
        self.settle(State.HELD)
        (row,) = self.rows()
        self.assertEqual(row.instance_uuid, row.open_key)
        self.assertEqual(
            1, self.database.write(evacuations.let_go, self.recovery.id)
        )
        (row,) = self.rows()
        self.assertIsNone(row.open_key)
        self.assertIs(State.HELD, row.state)

    def test_what_is_held_can_be_tried_again(self):
        self.plan(intend())
        self.settle(State.HELD)
        self.assertEqual(
            1, self.database.write(evacuations.reopen, self.recovery.id)
        )
        (row,) = self.rows()
        self.assertIs(State.PENDING, row.state)
        self.assertIsNone(row.ended_at)

    def lose_a_call(self, instance):
        """Its answer is overdue: it may be carried out at any moment."""
        self.plan(intend(instance))
        (row,) = self.rows()
        self.database.write(evacuations.request, row, 'compute-2')
        (row,) = self.rows()
        self.database.write(evacuations.sent, row)
        (row,) = self.rows()
        self.database.write(evacuations.ask_again, row, 'why', may_come=True)
        return self.rows()[0].was['may_come']

    def test_what_an_unanswered_call_may_move_is_not_left(self):
        """Whatever a plan of the same recovery makes of it later."""
        instance = str(uuid.uuid4())
        self.lose_a_call(instance)
        for state in (State.LEFT, State.HELD):
            self.assertEqual([], self.plan(intend(instance, state)))
            (row,) = self.rows()
            self.assertIs(State.PENDING, row.state)
            self.assertEqual(instance, row.open_key)

    def test_nor_by_the_recovery_of_its_next_host(self):
        instance = str(uuid.uuid4())
        call = self.lose_a_call(instance)
        self.settle(State.LEFT)
        other = self.database.write(builders.make_recovery, 'compute-2')
        self.plan(intend(instance, State.LEFT), recovery=other)
        (row,) = self.rows(other)
        self.assertIs(State.PENDING, row.state)
        self.assertEqual(call, row.was['may_come'])

    def test_moments_of_a_row_are_the_databases(self):
        self.plan(intend())
        self.settle(State.DONE)
        with self.database.reader() as session:
            now = moments.read_now(session)
        (row,) = self.rows()
        late = abs(now - row.ended_at)
        self.assertLess(late, datetime.timedelta(seconds=60))


@base.on_every_database
class LastFencingTest(base.DatabaseTest):
    """Which recovery has powered off a host that has not come back since."""

    def add(self, workflow, state, was, history=()):
        with self.database.writer() as session:
            ended = state in ('finished', 'returned', 'dismissed')
            story = builders.make_recovery(
                session,
                workflow=workflow,
                state=state,
                was=was,
                ended_at=moments.read_now(session) if ended else None,
                open_key=None if ended else recoveries.host_key('compute-1'),
            )
            for one in history:
                recoveries.append_history(
                    session, story.id, None, one, 'engine-1', 'why', story
                )
            return story.id

    def fence(self):
        return self.add('host_failure', 'finished', {'off_sent': True})

    def found(self):
        story = self.read(recoveries.last_fencing_of, 'compute-1')
        return story and story.id

    def test_a_return_that_was_released_does_not_bring_it_back(self):
        fencing = self.fence()
        self.add('host_return', 'dismissed', {'released': True})
        self.assertEqual(fencing, self.found())
        self.add('host_failure', 'held', {})
        self.assertEqual(fencing, self.found())

    def test_a_return_that_has_ended_otherwise_does(self):
        self.fence()
        self.add('host_return', 'returned', {})
        self.assertIsNone(self.found())

    def test_so_does_one_that_was_released_when_its_agent_beat(self):
        self.fence()
        self.add('host_return', 'dismissed', {'released': True}, ['settling'])
        self.assertIsNone(self.found())

    def test_so_does_a_failure_that_came_to_nothing(self):
        """Somebody has heard the host."""
        self.fence()
        self.add('host_return', 'dismissed', {'released': True})
        self.add('host_failure', 'dismissed', {})
        self.assertIsNone(self.found())

    def test_what_was_given_back_was_powered_on(self):
        self.add('host_failure', 'dismissed', {'off_sent': True})
        self.assertIsNone(self.found())

    def test_a_new_order_is_waited_for(self):
        self.fence()
        self.add('host_return', 'dismissed', {'released': True})
        self.add('host_failure', 'fencing', {'off_sent': True})
        self.assertIsNone(self.found())
