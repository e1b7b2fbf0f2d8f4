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


"""Instances fail on living hosts, their users act, and engines decide."""

import datetime
from typing import Any

from hass.db import clusters
from hass.db import losses
from hass.db import models
from hass.db import observations
from hass.db import recoveries
from hass import faults
from hass.faults import Incident
from hass.simulation.virtual import guests
from hass.tests import builders
from hass.tests import fake_cloud
from hass.tests.scenario import instance_base

HOST = instance_base.HOST
SOON = datetime.timedelta(seconds=30)


class SoonTest(instance_base.InstanceTest):
    """What agents tell waits for no turn of the patrol."""

    def test_its_recovery_is_opened_at_once(self):
        self.kill()
        self.assertEqual('confirming', self.cloud.newest(self.vm).state)

    def test_what_is_told_while_nova_is_asked_is_read_after(self):
        (other,) = self.cloud.boot(HOST, instances=1, prefix='other-')
        ask = self.cloud.compute.server

        def ask_slowly(*question):
            self.cloud.compute.server = ask
            self.host.host.kill_guest(other)
            self.cloud.guests.tell(self.host, other, Incident.KILLED)
            return ask(*question)

        self.cloud.compute.server = ask_slowly
        self.kill()
        self.assertEqual('confirming', self.cloud.newest(other).state)

    def test_an_engine_that_was_not_told_asks_nova_nothing_yet(self):
        self.record()
        self.cloud.tick(1)
        self.assertEqual([], self.cloud.stories(self.vm))
        self.cloud.tick(2)
        self.assertEqual(1, len(self.cloud.stories(self.vm)))

    def record(self):
        """The engine that was told died right after it had written it down."""
        self.host.host.kill_guest(self.vm)
        engines = [*self.cloud.engines.values()]
        for engine in engines:
            engine.no_database = True
        self.tell(Incident.KILLED)
        for engine in engines:
            engine.no_database = False


class LadderTest(instance_base.InstanceTest):
    def test_a_killed_process_is_back_within_seconds(self):
        self.kill()
        story = self.until('finished')
        self.assertEqual(['reboot'], self.asked())
        self.assertLess(story.ended_at - story.opened_at, SOON)
        self.assert_runs()

    def test_one_that_falls_after_the_last_look_is_named(self):
        ask = self.cloud.compute.ports

        def ask_and_fall(instance):
            found = ask(instance)
            if self.cloud.newest(self.vm).state == 'verifying':
                self.cloud.compute.ports = ask
                self.cloud.nova.touch(
                    self.server, vm_state='error', task_state=None
                )
            return found

        self.cloud.compute.ports = ask_and_fall
        self.kill()
        story = self.until('finished')
        with self.cloud.database.reader() as session:
            (loss,) = losses.all(session, is_open=True)
        self.assertEqual(
            (self.vm, story.uuid), (loss.instance_uuid, loss.recovery_uuid)
        )

    def test_one_that_does_not_start_is_moved_and_held_if_that_fails(self):
        self.host.host.unstartable.add(self.vm)
        self.cloud.nova.no_valid_host = True
        self.kill()
        held = self.held()
        self.assertEqual('safety', held.held_kind)
        self.assertIn('none brought it back', held.why)

    def test_a_reboot_that_nova_could_not_do_is_no_success(self):
        self.cloud.nova.servers[self.vm].needs_image = True
        self.cloud.nova.glance_is_up = False
        self.kill()
        story = self.until('finished')
        self.assertEqual(['reboot', 'stop', 'start'], self.asked())
        self.assertNotIn('verifying', self.cloud.history(story)[:4])
        self.assertLess(story.ended_at - story.opened_at, SOON)
        self.assert_runs()

    def test_what_cannot_succeed_is_not_asked_for(self):
        self.cloud.nova.cinder_is_up = False
        self.kill()
        self.cloud.tick(60)
        story = self.cloud.newest(self.vm, state='rebooting')
        self.assertIn('Cinder does not answer: 503', story.why)
        self.assertEqual([], self.asked())
        self.cloud.nova.cinder_is_up = True
        self.until('finished')
        self.assertEqual(['reboot'], self.asked())
        self.assert_runs()

    def test_somebody_is_told_when_it_waits_for_long(self):
        self.cloud.nova.neutron_is_up = False
        self.kill()
        held = self.held()
        self.assertEqual('restraint', held.held_kind)
        self.assertIn('Neutron does not answer: 503', held.why)
        self.cloud.nova.neutron_is_up = True
        self.until('finished')
        self.assert_runs()

    def test_a_port_that_stays_down_is_no_success(self):
        self.cloud.before_step = lambda turn: (
            turn.recovery.state == 'rebooting' and self.lose_port()
        )
        self.kill()
        self.until('verifying')
        self.cloud.tick(10)
        story = self.cloud.newest(self.vm)
        self.assertEqual('a port of it is not ACTIVE', story.why)

    def test_while_its_guest_boots_nova_is_asked_seldom(self):
        self.hang(always=True)
        self.until('verifying')
        self.assert_asked_seldom('verifying')

    def test_while_its_guest_is_silent_nova_is_asked_seldom(self):
        self.cloud.guests.hung.add(self.vm)
        self.until('confirming')
        self.assert_asked_seldom('confirming')

    def test_while_its_storage_fails_nova_is_asked_seldom(self):
        self.fail_storage()
        self.until('resuming')
        self.assert_asked_seldom('resuming')

    def fail_storage(self):
        """What an agent tells of it."""
        failed = guests.storage(self.cloud, self.host, faults.Verdict.FAILED)
        self.cloud.database.write(observations.put, failed)
        self.host.host.halted.add(self.vm)
        self.tell(Incident.PAUSED_BY_STORAGE)

    def assert_asked_seldom(self, state):
        """Nova, about the instance, within 20 seconds in that state."""
        asked = []
        ask = self.cloud.compute.server

        def count(uuid):
            asked.append(uuid)
            return ask(uuid)

        self.cloud.compute.server = count
        self.cloud.tick(20)
        self.assertEqual(state, self.cloud.newest(self.vm).state)
        self.assertIn(len(asked), range(2, 7))

    def lose_port(self):
        self.server.port_state = 'DOWN'

    def test_a_locked_one_is_brought_back_and_stays_locked(self):
        self.server.locked = True
        self.kill()
        self.until('finished')
        self.assertTrue(self.server.locked)
        self.assertEqual(['reboot'], self.asked())

    def test_a_host_that_is_silent_is_asked_for_nothing(self):
        self.cloud.guests.hung.add(self.vm)
        self.until('confirming')
        self.cloud.tick(55)
        self.host.agent_killed = True
        self.cloud.tick(30)
        self.assertEqual([], self.asked())

    def test_nova_that_takes_no_calls_is_asked_when_it_does(self):
        self.kill()
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.cloud.tick(30)
        self.assertEqual([], self.asked())
        self.cloud.compute.failing = None
        self.until('finished')
        self.assertEqual(['reboot'], self.asked())

    def test_the_same_fault_told_ten_times_has_one_recovery(self):
        self.kill()
        for _ in range(9):
            self.tell(Incident.KILLED)
        self.until('finished')
        self.assertEqual(1, len(self.cloud.stories(self.vm)))
        self.assertEqual(['reboot'], self.asked())


class UserTest(instance_base.InstanceTest):
    def test_a_stop_that_nova_has_not_finished_is_waited_for(self):
        self.server.task_state = 'powering-off-slowly'
        self.kill()
        self.cloud.tick(20)
        self.assertEqual([], self.cloud.stories(self.vm))
        self.cloud.nova.acted(self.server, 'stop')
        self.cloud.nova.runs(self.server, False)
        self.assert_left_alone('its user asked for: stop')

    def test_who_stops_it_while_it_is_looked_at_has_the_last_word(self):
        self.hold_confirming()
        self.cloud.nova.stop(self.vm)
        story = self.until('dismissed')
        self.assertIn('its user asked for: stop', story.why)
        self.assertEqual(['stop'], self.asked())
        self.assertEqual('stopped', self.server.vm_state)

    def hold_confirming(self):
        """A recovery that waits for its guest to be silent for long."""
        self.cloud.guests.hung.add(self.vm)
        self.until('confirming')

    def test_who_deletes_it_while_it_is_looked_at_is_obeyed(self):
        self.hold_confirming()
        self.cloud.nova.delete(self.vm)
        self.assertIn('deleted', self.until('dismissed').why)

    def test_a_user_who_acts_on_the_restarted_one_keeps_it(self):
        self.kill()
        self.until('verifying')
        self.cloud.nova.stop(self.vm)
        story = self.until('dismissed')
        self.assertIn('its user asked for: stop', story.why)
        self.assertEqual(['reboot', 'stop'], self.asked())
        self.assertEqual('stopped', self.server.vm_state)

    def test_an_event_of_another_host_is_no_fault(self):
        other = self.cloud.hosts['compute-2']
        self.cloud.guests.tell(other, self.vm, Incident.KILLED)
        self.assert_left_alone('Nova has it on compute-1')

    def test_an_instance_that_nova_does_not_know_holds_nothing_up(self):
        stranger = '11111111-2222-4333-8444-555555555555'
        self.cloud.guests.tell(self.host, stranger, Incident.KILLED)
        self.kill()
        self.until('finished')
        self.assertIn('Nova knows no such instance', self.answers())


class UsersTurnTest(instance_base.InstanceTest):
    """Nova restarts none that is rescued, or whose move is unconfirmed."""

    def setUp(self):
        super().setUp()
        self.turn('resized')

    def turn(self, vm_state):
        self.cloud.nova.touch(self.server, vm_state=vm_state, task_state=None)

    def test_one_that_ended_is_named_until_it_runs(self):
        for state in ('resized', 'rescued'):
            self.turn(state)
            self.kill()
            story = self.until('dismissed')
            self.assertIn(f'restarts none that is {state}', story.why)
            self.assertEqual([self.vm], self.lost())
            self.turn('active')
            self.host.host.start_guest(self.vm)
            self.cloud.run_until(lambda: not self.lost())
        self.assertEqual([], self.asked())

    def test_it_is_named_by_what_is_seen_since_and_not_before(self):
        self.kill()
        self.host.bus_lost = True
        self.cloud.tick(60)
        story = self.cloud.newest(self.vm, state='confirming')
        self.assertEqual('its agent has not looked at it since', story.why)
        self.host.bus_lost = False
        self.until('dismissed')
        self.assertEqual([self.vm], self.lost())

    def test_one_that_hangs_is_held_until_its_user_acts(self):
        self.hang()
        self.assertIn('restarts none that is resized', self.held().why)
        self.assertEqual([], self.asked())
        self.cloud.nova.confirm_resize(self.vm)
        self.until('dismissed')

    def test_one_that_its_watchdog_has_reset_is_back(self):
        self.tell(Incident.WATCHDOG_RESET)
        self.until('finished')
        self.assertEqual([], self.asked())

    def lost(self):
        with self.cloud.database.reader() as session:
            return [
                one.instance_uuid for one in losses.all(session, is_open=True)
            ]


class RestraintTest(instance_base.InstanceTest):
    def set_mode(self, mode):
        with self.cloud.database.writer() as session:
            clusters.update(session, self.cloud.cluster.uuid, mode=mode)

    def test_an_operator_who_is_asked_may_consent(self):
        self.set_mode(models.Mode.ASK)
        self.kill()
        held = self.held()
        self.assertIn('retry the recovery to hard reboot it', held.why)
        self.wish(held, 'retry')
        self.until('finished')
        self.assertEqual(['reboot'], self.asked())

    def test_what_is_released_untouched_is_dismissed(self):
        self.set_mode(models.Mode.ASK)
        self.kill()
        self.wish(self.held(), 'release')
        self.until('dismissed')
        self.assertEqual([], self.asked())

    def test_what_was_stopped_is_started_when_it_is_given_back(self):
        self.cloud.conf.set_override('verify_seconds', 10, 'recovery')
        self.hang(always=True)
        self.cloud.run_until(
            lambda: self.server.vm_state == 'stopped', seconds=60
        )
        self.host.host.unstartable.add(self.vm)
        self.cloud.nova.no_valid_host = True
        held = self.held()
        self.host.host.unstartable.clear()
        self.cloud.nova.reset_state(self.vm, 'active')
        self.cloud.nova.runs(self.server, False)
        self.wish(held, 'release')
        self.until('dismissed')
        self.assertEqual('active', self.server.vm_state)
        self.assert_runs()

    def test_a_host_story_ends_those_of_its_instances(self):
        self.cloud.guests.hung.add(self.vm)
        self.until('confirming')
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        (story,) = self.cloud.stories(self.vm)
        self.assertEqual('dismissed', story.state)
        self.assertIn('itself is suspected', story.why)
        self.assert_recovered(HOST, [self.vm])

    def test_what_dies_while_its_host_is_suspected_is_brought_back_after(self):
        """A recovery of a host that is dismissed looks at no instance."""
        self.suspect_host()
        self.kill()
        self.cloud.tick(5)
        self.assertEqual([], self.cloud.stories(self.vm))
        self.assertIn(f'of {HOST} is open', self.answers()[-1])
        self.clear_host()
        self.until('finished')
        self.assert_runs()

    def test_what_dies_on_a_host_that_stays_disabled_is_brought_back(self):
        """Its return is held until somebody acts: that may take days."""
        with self.cloud.database.writer() as session:
            builders.make_recovery(
                session, HOST, state='held', workflow='host_return'
            )
        self.kill()
        self.until('finished')
        self.assert_runs()

    def test_what_runs_again_when_its_host_is_recovered_is_left_alone(self):
        self.suspect_host()
        self.kill()
        self.cloud.tick(5)
        self.host.host.start_guest(self.vm)
        self.cloud.nova.runs(self.server, True)
        self.cloud.tick(20)
        self.clear_host()
        self.cloud.tick(60)
        for story in self.cloud.stories(self.vm):
            self.assertEqual('dismissed', story.state)
        self.assertNotIn('reboot', self.asked())
        self.assert_runs()

    def suspect_host(self):
        with self.cloud.database.writer() as session:
            builders.make_recovery(
                session, HOST, state='held', workflow='host_failure'
            )

    def clear_host(self):
        with self.cloud.database.writer() as session:
            story: Any = recoveries.open_of_host(session, HOST)
            recoveries.end(session, story, 'dismissed', 'engine', 'heard')

    def test_a_layer_that_is_not_protected_is_left_alone(self):
        with self.cloud.database.writer() as session:
            clusters.update(
                session,
                self.cloud.cluster.uuid,
                layers=[faults.Layer.POWER, faults.Layer.GUEST_OS],
            )
        self.cloud.tick(1)
        self.kill()
        self.assert_left_alone('does not protect layer instance')

    def test_what_a_guest_does_by_itself_opens_nothing(self):
        for incident in (
            Incident.REBOOTED,
            Incident.SHUT_DOWN,
            Incident.AGENT_LOST,
        ):
            self.tell(incident)
        self.cloud.tick(5)
        self.assertEqual([], self.cloud.stories(self.vm))
