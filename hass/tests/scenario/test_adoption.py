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

"""What others do with the instances of a host that HASS recovers."""

import dataclasses
import datetime

import sqlalchemy as sa

from hass.db import models
from hass.tests.scenario import base

HOST = 'compute-1'
OTHER = 'compute-2'
AWAY = 'compute-4'


class AdoptionTest(base.ScenarioTest):
    """Nothing is asked for twice, whoever asked first."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]

    def slow(self, seconds):
        pace = self.cloud.nova.pace
        self.cloud.nova.pace = dataclasses.replace(pace, spawning=seconds)

    def asked(self):
        return [one.name for one in self.cloud.nova.actions].count('evacuate')

    def forget(self, *, recovery):
        """The last commits are lost at a fail-over of the database."""
        with self.cloud.database.writer() as session:
            session.execute(sa.delete(models.Evacuation))
            if recovery:
                session.execute(sa.delete(models.RecoveryHistory))
                session.execute(sa.delete(models.Recovery))
            else:
                session.execute(
                    sa.update(models.Recovery).values(state='planning')
                )

    def test_no_call_is_made_again_while_nova_leaves_the_first_one_out(self):
        """The database of a cell is down, or a replica of it lags behind."""
        self.slow(200.0)
        self.host.lose_power_supply()
        self.cloud.run_until(
            lambda: (
                len(self.cloud.receiving()) == len(self.instances)
                and all(one.migration_uuid for one in self.rows())
            ),
            seconds=60,
        )
        compute = self.cloud.compute
        left_out = ('migrations', 'migrations_of', 'actions_of')
        shown = {name: getattr(compute, name) for name in left_out}
        for name in left_out:
            setattr(compute, name, lambda *args, **kwargs: [])
        self.cloud.tick(seconds=90)
        for row in self.rows():
            self.assertIn('Nova leaves out its migrations', row.why)
        for name, show in shown.items():
            setattr(compute, name, show)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances)

    def rows(self):
        return self.cloud.evacuations(HOST)

    def test_what_an_operator_evacuates_while_it_is_held_is_adopted(self):
        self.slow(60.0)
        self.host.bmc_mute = True
        self.host.hang()
        self.cloud.run_until_state(HOST, 'held')
        self.host.lose_power_supply()
        self.cloud.nova.computes[HOST].forced_down = True
        for instance in self.instances:
            self.cloud.nova.evacuate(instance, AWAY, False)
        self.cloud.tick(seconds=2)
        self.host.bmc_mute = False
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(3, self.asked())
        self.assert_recovered(HOST, self.instances)

    def test_calls_whose_rows_were_lost_are_found_in_nova(self):
        self.slow(20.0)
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.asked() == 3, seconds=60)
        self.forget(recovery=False)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_calls_whose_recovery_was_lost_are_found_in_nova(self):
        self.slow(20.0)
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.asked() == 3, seconds=60)
        self.forget(recovery=True)
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_an_evacuation_that_nova_has_as_live_is_not_cleared(self):
        """Its record is old, its destination lives and does not see it."""
        first = self.cloud.nova.show(self.instances[0])
        move = self.cloud.nova.record(first, 'evacuation', 'accepted', OTHER)
        move.created_at -= datetime.timedelta(hours=1)
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.asked() == 2, seconds=60)
        self.cloud.tick(seconds=30)
        self.assertEqual(2, self.asked())
        self.cloud.nova.turn(move, 'error')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_an_unfinished_move_counts_however_old_it_is(self):
        first = self.cloud.nova.show(self.instances[0])
        move = self.cloud.nova.record(
            first, 'migration', 'post-migrating', OTHER
        )
        move.created_at -= datetime.timedelta(days=30)
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', OTHER)
        self.assertEqual(2, self.asked())

    def stands_for(self, seconds):
        """The agent of another host sees a domain of the first instance."""
        until = self.cloud.clock.monotonic() + seconds
        self.cloud.hosts[OTHER].host.leftovers[self.instances[0]] = until
        self.cloud.tick(3)

    def test_what_is_left_of_a_live_migration_is_waited_for(self):
        self.stands_for(40.0)
        first = self.cloud.nova.show(self.instances[0])
        self.cloud.nova.record(first, 'live-migration', 'running', OTHER)
        self.cloud.nova.touch(first, task_state='migrating')
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.asked() == 2, seconds=30)
        self.cloud.tick(10)
        self.assertEqual(2, self.asked())
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_domain_that_stays_elsewhere_is_held(self):
        self.stands_for(1000.0)
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', f'the agent of {OTHER} sees')
        self.assertEqual(2, self.asked())

    def test_what_is_held_in_one_story_does_not_block_another_host(self):
        self.slow(5.0)
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        first = self.cloud.nova.show(self.instances[0])
        self.cloud.nova.record(first, 'evacuation', 'accepted', AWAY)
        self.assert_held(HOST, 'safety', 'two live')
        self.cloud.run_until(lambda: first.host != HOST, seconds=30)
        new = first.host
        more = self.cloud.boot(new, instances=2)
        self.cloud.hosts[new].lose_power_supply()
        self.cloud.run_until(
            lambda: all(
                self.cloud.verdict().running.get(one, [new]) != [new]
                for one in more
            ),
            seconds=120,
        )
        verdict = self.cloud.verdict()
        self.assertEqual([], verdict.started_twice)
        self.assertEqual([], verdict.evacuated_unfenced)


class JudgedAnewTest(base.ScenarioTest):
    """A fate is judged at each planning, and right before the call."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.first = self.cloud.nova.show(self.instances[0])
        self.host = self.cloud.hosts[HOST]

    def do_in(self, state, act):
        """Somebody does something when the recovery is in a state."""
        done: list[bool] = []

        def look(turn):
            if turn.recovery.state == state and not done:
                done.append(True)
                act()

        self.cloud.before_step = look

    def assert_only_the_others_moved(self):
        verdict = self.cloud.verdict()
        self.assertEqual([], verdict.started_twice)
        self.assertEqual(set(self.instances[1:]), set(verdict.evacuations))

    def local_disks(self):
        for one in self.instances[1:]:
            self.cloud.nova.show(one).image_backed = False
        self.cloud.cluster_stores_nothing_shared()

    def test_a_local_disk_is_not_lost_when_an_operator_retries(self):
        self.local_disks()
        self.host.lose_power_supply()
        held = self.assert_held(HOST, 'safety', 'its root disk is local')
        self.wish(held, 'retry')
        self.cloud.tick(60)
        self.assert_only_the_others_moved()

    def test_a_local_disk_is_not_lost_when_the_host_was_powered_on(self):
        self.local_disks()
        self.do_in('evacuating', self.host.host.power_on)
        self.host.hang()
        self.cloud.tick(60)
        self.assert_only_the_others_moved()

    def test_a_disk_that_is_local_since_the_plan_is_not_lost(self):
        self.do_in('evacuating', self.local_disks)
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', 'its root disk is local')
        self.assert_only_the_others_moved()

    def delete(self):
        self.cloud.nova.acted(self.first, 'delete')
        self.cloud.nova.touch(self.first, task_state='deleting')

    def test_what_its_user_deletes_is_deleted_in_any_state(self):
        for state in ('confirming', 'planning', 'evacuating'):
            self.cloud = self.make_cloud()
            self.instances = self.cloud.boot(HOST, instances=3)
            self.first = self.cloud.nova.show(self.instances[0])
            self.do_in(state, self.delete)
            self.cloud.hosts[HOST].lose_power_supply()
            self.cloud.run_until_state(HOST, 'returned')
            self.assertTrue(self.first.deleted, state)
            self.assert_only_the_others_moved()

    def test_it_is_deleted_though_an_engine_dies_around_that(self):
        for moment in ('before', 'after'):
            self.cloud = self.make_cloud()
            self.instances = self.cloud.boot(HOST, instances=3)
            self.first = self.cloud.nova.show(self.instances[0])
            self.delete()

            def die(turn, moment=moment):
                if turn.recovery.state == 'planning':
                    self.cloud.before_step = None
                    self.cloud.kill_at = (self.cloud.steps, moment)

            self.cloud.before_step = die
            self.cloud.hosts[HOST].lose_power_supply()
            self.cloud.run_until_state(HOST, 'returned')
            self.assertTrue(self.first.deleted, moment)
            self.assert_only_the_others_moved()

    def test_what_its_user_stops_is_not_started(self):
        for state in ('confirming', 'planning', 'evacuating'):
            self.cloud = self.make_cloud()
            self.instances = self.cloud.boot(HOST, instances=3)
            self.first = self.cloud.nova.show(self.instances[0])
            self.do_in(state, lambda: self.cloud.nova.stop(self.instances[0]))
            self.cloud.hosts[HOST].lose_power_supply()
            self.cloud.run_until_state(HOST, 'returned')
            self.cloud.tick(10)
            self.assert_only_the_others_moved()
            self.assertEqual('stopped', self.first.vm_state, state)

    def test_a_resize_in_the_middle_is_left_to_nova(self):
        self.do_in(
            'evacuating',
            lambda: self.cloud.nova.touch(
                self.first, task_state='resize_migrating'
            ),
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.host.host.is_on, seconds=120)
        self.assert_only_the_others_moved()
