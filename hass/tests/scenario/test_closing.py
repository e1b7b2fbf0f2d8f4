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

"""What should run and does not is named, whatever way it was lost."""

import datetime

from hass.db import hosts
from hass.db import instance_observations
from hass.db import losses
from hass.db import moments
from hass import exception
from hass import faults
from hass.recovery import closing
from hass.tests.scenario import base

HOST = 'compute-1'


class ClosingTest(base.ScenarioTest):
    def losses(self, **wanted):
        with self.cloud.database.reader() as session:
            return losses.all(session, **wanted)

    def server(self, uuid):
        return self.cloud.nova.servers[uuid]

    def suspend(self, instance, vm_state):
        """Nova has it so, as its user wanted."""
        server = self.cloud.nova.show(instance)
        self.cloud.nova.touch(server, vm_state=vm_state, task_state=None)

    def blip(self):
        for engine in self.cloud.engines.values():
            engine.alive = False
        for host in self.cloud.hosts.values():
            host.lose_power_supply()
        self.cloud.clock.advance(5)
        for host in self.cloud.hosts.values():
            host.host.power_on()
        self.cloud.clock.advance(30)
        for name in ('engine-1', 'engine-2'):
            self.cloud.start_engine(name)

    def paged(self):
        return [
            alarm['why']
            for alarm in self.cloud.pager.alarms
            if 'losses' in alarm
        ]

    def assert_paged(self, instance, words):
        self.cloud.run_until(self.paged, seconds=300)
        (loss,) = self.losses(instance=instance)
        self.assertIsNone(loss.ended_at)
        self.assertIn(words, self.paged()[-1])
        self.assertIn(self.server(instance).name, self.paged()[-1])
        return loss


class LeftTest(ClosingTest):
    """What Nova cannot evacuate has died with its host."""

    def lose(self, vm_state):
        (one,) = self.cloud.boot(HOST, instances=1)
        self.suspend(one, vm_state)
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        return one

    def test_a_resized_one_is_paged(self):
        self.assert_paged(self.lose('resized'), 'nobody has seen it run')

    def test_a_rescued_one_is_paged(self):
        self.assert_paged(self.lose('rescued'), 'nobody has seen it run')

    def test_a_paused_one_is_booted_anew(self):
        one = self.lose('paused')
        self.cloud.tick(120)
        self.assertEqual({one}, self.cloud.hosts[HOST].host.guests)
        self.assertEqual([], self.losses(is_open=True))

    def test_a_suspended_one_is_paged(self):
        self.assert_paged(self.lose('suspended'), 'it is suspended')

    def test_one_that_its_user_had_stopped_is_not(self):
        self.lose('stopped')
        self.cloud.tick(120)
        self.assertEqual([], self.losses())

    def test_one_that_its_user_stops_while_the_clock_is_behind_is_not(self):
        one = self.lose('rescued')
        self.assert_paged(one, 'nobody has seen it run')
        self.cloud.clock.jump(-3600)
        self.cloud.nova.acted(self.cloud.nova.show(one), 'stop')
        self.suspend(one, 'stopped')
        self.cloud.run_until(
            lambda: not self.losses(is_open=True), seconds=600
        )
        (ended,) = self.losses()
        self.assertEqual('stopped', ended.ended_how)

    def test_one_started_before_the_clock_was_set_back_is_paged(self):
        (one,) = self.cloud.boot(HOST, instances=1)
        self.suspend(one, 'rescued')
        self.cloud.nova.acted(self.cloud.nova.show(one), 'start')
        self.cloud.clock.jump(-3600)
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_paged(one, 'nobody has seen it run')

    def test_one_that_nova_stopped_runs_again_also_when_the_clock_is_behind(
        self,
    ):
        (one,) = self.cloud.boot(HOST, instances=1)
        self.cloud.nova.acted(self.cloud.nova.show(one), 'stop', user=None)
        self.suspend(one, 'stopped')
        self.cloud.tick(10)
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.newest(HOST), seconds=60)
        self.cloud.clock.jump(-3600)
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual([], self.losses())
        self.assert_recovered(HOST, [one])

    def test_one_that_its_user_deletes_is_lost_no_more(self):
        one = self.lose('suspended')
        loss = self.assert_paged(one, 'it is suspended')
        self.cloud.nova.delete(one)
        self.cloud.run_until(
            lambda: not self.losses(is_open=True), seconds=600
        )
        (ended,) = self.losses()
        self.assertEqual(loss.uuid, ended.uuid)
        self.assertEqual('deleted', ended.ended_how)


class BlipTest(ClosingTest):
    """Engines and hosts lose their power together, for a moment."""

    def test_what_ran_is_started_again(self):
        found = self.cloud.boot(HOST, instances=3)
        self.blip()
        self.cloud.run_until(
            lambda: self.cloud.hosts[HOST].host.guests == set(found),
            seconds=120,
        )
        self.cloud.run_until(lambda: not self.losses(is_open=True))
        self.assertEqual(['runs'] * 3, [x.ended_how for x in self.losses()])
        self.assertEqual([], self.paged())
        self.assertEqual([], self.cloud.verdict().started_twice)

    def test_what_nova_stopped_by_itself_is_owed_too(self):
        ours, theirs = self.cloud.boot(HOST, instances=2)
        self.cloud.nova.stop(theirs)
        self.cloud.tick(20)
        self.blip()
        server = self.cloud.nova.show(ours)
        self.cloud.nova.acted(server, 'stop', None)
        self.cloud.nova.runs(server, False)
        self.cloud.tick(120)
        self.assertEqual({ours}, self.cloud.hosts[HOST].host.guests)

    def test_what_does_not_start_is_paged(self):
        (one,) = self.cloud.boot(HOST, instances=1)
        self.cloud.hosts[HOST].host.unstartable.add(one)
        for name, host in self.cloud.hosts.items():
            if name != HOST:
                host.host.unstartable.add(one)
        self.blip()
        self.cloud.tick(60)
        self.assert_paged(one, 'that should run does not')

    def test_without_recoveries_of_instances_they_are_paged(self):
        (one,) = self.cloud.boot(
            HOST, instances=1, metadata={'HA_Layers': 'none'}
        )
        self.blip()
        self.assert_paged(one, 'nobody has seen it run')

    def test_a_reboot_that_fails_brings_nothing_back(self):
        """Nova goes on to call it active."""
        (one,) = self.cloud.boot(
            HOST, instances=1, metadata={'HA_Layers': 'none'}
        )
        self.blip()
        self.assert_paged(one, 'nobody has seen it run')
        self.cloud.nova.cinder_is_up = False
        self.cloud.nova.hard_reboot(one)
        self.cloud.tick(60)
        self.assertEqual('active', self.server(one).vm_state)
        self.assertEqual(1, len(self.losses(is_open=True)))


class IncompleteListTest(ClosingTest):
    """Nova leaves out a cell whose database is down, and says nothing."""

    def leave_out(self, seconds):
        list_all = self.cloud.compute.servers_on
        end = self.cloud.clock.monotonic() + seconds

        def list_some(host):
            down = self.cloud.clock.monotonic() < end
            return [] if down else list_all(host)

        self.cloud.compute.servers_on = list_some

    def test_what_ended_with_its_power_is_started(self):
        found = self.cloud.boot(HOST, instances=2)
        self.cloud.tick(15)
        self.leave_out(95)
        self.blip()
        host = self.cloud.hosts[HOST].host
        self.cloud.run_until(lambda: host.guests == set(found), seconds=240)

    def test_what_stayed_on_a_host_that_returns_is_started(self):
        """It fits nowhere else."""
        (one,) = self.cloud.boot(HOST, instances=1)
        self.cloud.tick(15)
        for name, compute in self.cloud.nova.computes.items():
            compute.capacity = 1 if name == HOST else 0
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until_state(HOST, 'awaiting_agent', seconds=1800)
        self.leave_out(60)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assertEqual({one}, self.cloud.hosts[HOST].host.guests)


class UnseenCutTest(ClosingTest):
    """Our order cut the power, and no engine was there to see that."""

    def cut_and_boot(self):
        found = self.cloud.boot(HOST, instances=2)
        host = self.cloud.hosts[HOST]
        host.hang()
        self.cloud.run_until(lambda: host.off_calls, seconds=60)
        for engine in self.cloud.engines.values():
            engine.alive = False
        host.host.power_on()
        self.cloud.clock.advance(200)
        return set(found)

    def assert_started(self, found):
        self.cloud.run_until(
            lambda: self.cloud.hosts[HOST].host.guests == found, seconds=120
        )
        story = self.cloud.newest(HOST, workflow='host_failure')
        self.assertEqual('dismissed', story.state)
        verdict = self.cloud.verdict()
        self.assertEqual({}, verdict.evacuations)
        self.assertEqual([], verdict.started_twice)

    def test_other_engines_start_what_it_ended(self):
        found = self.cut_and_boot()
        self.cloud.start_engine('engine-3')
        self.assert_started(found)

    def test_the_same_engines_start_what_it_ended(self):
        found = self.cut_and_boot()
        for engine in self.cloud.engines.values():
            engine.alive = True
        self.assert_started(found)


class AgainTest(ClosingTest):
    def test_what_a_reset_ends_while_its_fence_is_awaited_is_started(self):
        """The story is given back, and never saw its host off."""
        (one,) = self.cloud.boot(HOST, instances=1)
        host = self.cloud.hosts[HOST]
        host.bmc_deaf = True
        host.hang()
        self.cloud.run_until_state(HOST, 'held', seconds=120)
        host.bmc_deaf = False
        host.host.power_off()
        host.host.power_on()
        self.cloud.run_until_state(HOST, 'dismissed', seconds=120)
        self.cloud.run_until(lambda: host.host.guests == {one}, seconds=60)
        self.cloud.run_until(
            lambda: not self.losses(is_open=True), seconds=600
        )
        self.assertEqual(['runs'], [x.ended_how for x in self.losses()])

    def test_a_second_failure_forgets_no_unprotected_instance(self):
        self.cloud.boot(HOST, instances=1)
        (cheap,) = self.cloud.boot(HOST, instances=1, protected=False)
        host = self.cloud.hosts[HOST]
        host.lose_power_supply()

        def cut(turn):
            """Nova's own look has stopped it, and its host dies again."""
            if turn.recovery.state == 'restarting':
                self.cloud.before_step = None
                server = self.cloud.nova.show(cheap)
                self.cloud.nova.acted(server, 'stop', None)
                self.cloud.nova.runs(server, False)
                host.lose_power_supply()

        self.cloud.before_step = cut
        self.cloud.run_until(
            lambda: len(self.cloud.stories(HOST)) > 2, seconds=200
        )
        self.cloud.run_until_state(HOST, 'returned')
        self.cloud.tick(30)
        self.assertEqual({cheap}, host.host.guests)

    def test_a_stop_that_nova_carries_out_late_ends_nothing(self):
        """What was stopped to be started anew, as Nova had it active."""
        self.cloud.boot(HOST, instances=1)
        (cheap,) = self.cloud.boot(HOST, instances=1, protected=False)
        self.cloud.tick(15)
        stop = self.cloud.compute.stop
        late: list[float] = []

        def stop_late(server, deadline):
            if late:
                return stop(server, deadline)
            late.append(self.cloud.clock.monotonic() + 25)
            raise exception.NovaUnreachable('stop', 'timed out')

        self.cloud.compute.stop = stop_late
        host = self.cloud.hosts[HOST]
        host.hang()
        self.cloud.run_until(
            lambda: late and self.cloud.clock.monotonic() > late[0],
            seconds=200,
        )
        self.cloud.nova.stop(cheap)
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.cloud.tick(30)
        self.assertEqual({cheap}, host.host.guests)

    def test_what_is_released_while_its_host_is_dead_is_paged(self):
        (one,) = self.cloud.boot(HOST, instances=1)
        host = self.cloud.hosts[HOST]
        host.bmc_mute = True
        host.hang()
        held = self.cloud.run_until_state(HOST, 'held')
        self.wish(held, 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assert_paged(one, 'compute-1 is silent')


class PortTest(ClosingTest):
    def test_a_port_that_stays_down_is_paged_until_it_is_up(self):
        (one,) = self.cloud.boot(HOST, instances=1)
        self.server(one).port_state = 'DOWN'
        self.cloud.hosts[HOST].lose_power_supply()
        loss = self.assert_paged(one, 'of its ports are not ACTIVE')
        self.server(one).port_state = 'ACTIVE'
        self.cloud.run_until(lambda: not self.losses(is_open=True))
        (ended,) = self.losses()
        self.assertEqual((loss.uuid, 'runs'), (ended.uuid, ended.ended_how))


class KilledTest(ClosingTest):
    """An engine that dies around the last step forgets nothing."""

    def end(self, moment):
        (one,) = self.cloud.boot(HOST, instances=1)
        self.suspend(one, 'rescued')
        self.cloud.hosts[HOST].lose_power_supply()

        def kill(turn):
            enabled = not self.cloud.nova.computes[HOST].disabled
            if turn.recovery.state == 'enabling' and enabled:
                self.cloud.before_step = None
                self.cloud.kill_at = (self.cloud.steps, moment)

        self.cloud.before_step = kill
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_paged(one, 'nobody has seen it run')
        self.assertEqual(1, len(self.losses()))
        living = [one for one in self.cloud.engines.values() if one.alive]
        self.assertEqual(1, len(living))

    def test_before_it(self):
        self.end('before')

    def test_after_it(self):
        self.end('after')


class ListedNoMoreTest(ClosingTest):
    """Somebody has undefined a domain, and no event told of it."""

    def find(self, listed, looked_ago):
        (one,) = self.cloud.boot(HOST, instances=1)
        with self.cloud.database.writer() as session:
            now = moments.read_now(session)
            seen = instance_observations.Seen(
                one,
                'libvirt_domain',
                faults.Layer.INSTANCE,
                faults.Verdict.HEALTHY,
                now - datetime.timedelta(seconds=looked_ago),
            )
            instance_observations.put(session, HOST, [seen])
            row = hosts.get(session, HOST)
            row.domains = [one] if listed else []
            row.reported_at = now
        (found,) = self.cloud.engines['engine-1'].hands.closer.find(
            self.cloud.database.reader,
            [closing.Owed(one)],
            closing.Scene(HOST, now),
        )
        return found.outcome

    def test_an_old_look_tells_nothing_of_what_is_listed_no_more(self):
        self.assertIs(closing.Outcome.LOST, self.find(False, looked_ago=60))

    def test_what_is_listed_runs_as_it_was_seen(self):
        self.assertIs(closing.Outcome.RUNS, self.find(True, looked_ago=60))

    def test_what_was_seen_a_moment_ago_may_be_listed_next_time(self):
        self.assertIs(closing.Outcome.RUNS, self.find(False, looked_ago=2))
