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

import dataclasses
import datetime
from unittest import mock

from hass.db import models
from hass.db import notifications
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import host_failure
from hass.recovery.workflow import State
from hass.tests import fake_cloud
from hass.tests.scenario import base

HOST = 'compute-1'


class HostFailureTest(base.ScenarioTest):
    """A host dies: one story isolates it, the next one returns it."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]

    def test_power_loss_is_recovered_and_the_host_returns(self):
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_power_loss_is_decided_within_three_seconds(self):
        began = self.cloud.clock.monotonic()
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.assertLess(self.cloud.clock.monotonic() - began, 3)

    def test_hung_host_is_fenced_before_its_instances_move(self):
        self.host.hang()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(1, self.host.off_calls)
        self.assert_recovered(HOST, self.instances)

    def test_host_cut_off_from_every_network_is_fenced(self):
        self.host.lose_network()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.host.join_network()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_two_hosts_at_once(self):
        others = self.cloud.boot('compute-2', instances=3)
        self.host.lose_power_supply()
        self.cloud.hosts['compute-2'].lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.cloud.run_until_state('compute-2', 'returned')
        self.assert_recovered(HOST, self.instances)
        self.assert_recovered('compute-2', others)

    def test_third_host_within_the_window_is_held(self):
        for name in ('compute-2', 'compute-3'):
            self.cloud.boot(name, instances=1)
        for name in ('compute-2', 'compute-3'):
            self.cloud.hosts[name].hang()
            self.cloud.run_until_state(name, 'returned')
        self.host.hang()
        held = self.assert_held(HOST, 'restraint', 'max_fencings is 2')
        self.cloud.run_until(
            lambda: held.why in [a['why'] for a in self.cloud.pager.alarms]
        )
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_one_dark_network_of_a_host_is_no_suspicion(self):
        self.host.lose_network('management')
        self.cloud.tick(seconds=60)
        self.assertIsNone(self.cloud.newest(HOST))
        self.assert_untouched(HOST, self.instances)

    def test_agent_that_dies_alone_accuses_nobody(self):
        self.host.agent_killed = True
        self.assert_held(HOST, 'restraint', 'it answers on management')
        self.assert_untouched(HOST, self.instances)
        self.host.agent_killed = False
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assert_untouched(HOST, self.instances)

    def test_agent_and_nova_compute_dead_means_the_system_hangs(self):
        self.host.agent_killed = True
        self.host.host.kill_nova_compute()
        self.cloud.run_until_state(HOST, 'fencing')
        fault = self.cloud.newest(HOST).fault
        self.assertEqual('os', fault['layer'])

    def test_agent_stopped_on_purpose_starts_nothing(self):
        self.host.stop_agent()
        self.cloud.tick(seconds=2)
        self.host.agent_killed = True
        self.cloud.tick(seconds=300)
        self.assertIsNone(self.cloud.newest(HOST))

    def test_goodbye_without_return_pages_after_900_seconds(self):
        self.host.stop_agent()
        self.cloud.tick(seconds=2)
        self.host.agent_killed = True
        self.cloud.tick(seconds=905)
        self.assertIsNone(self.cloud.newest(HOST))
        self.assertIn('stopped on purpose', self.cloud.pager.alarms[0]['why'])

    def test_silent_bmc_means_held_and_no_evacuation(self):
        self.host.bmc_mute = True
        self.host.lose_power_supply()
        self.assert_held(HOST, 'restraint', 'cannot be read')
        self.assertEqual({}, self.cloud.verdict().evacuations)
        self.host.bmc_mute = False
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_bmc_that_reads_off_while_its_host_beats(self):
        self.host.bmc_reads = fencing.PowerState.OFF
        self.allege()
        self.assert_held(HOST, 'safety', 'beats although its BMC reads off')
        self.assert_untouched(HOST, self.instances)

    def test_beats_after_the_proof_end_the_evacuation(self):
        self.host.bmc_reads = fencing.PowerState.OFF
        self.host.bmc_deaf = True
        self.host.lose_network()

        def beats_again(turn):
            if turn.recovery.state == 'planning':
                self.host.join_network()
                self.cloud.clock.advance(0.5)
                self.cloud.hear(HOST)

        self.cloud.before_step = beats_again
        self.assert_held(HOST, 'safety', 'beats although its BMC reads off')

    def allege(self, times=1):
        for _ in range(times):
            with self.cloud.database.writer() as session:
                notifications.add(
                    session,
                    source='operator',
                    host=HOST,
                    layer=faults.Layer.OS,
                    payload={},
                )

    def test_alleged_fault_of_a_healthy_host_is_dismissed(self):
        self.allege()
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assert_untouched(HOST, self.instances)

    def test_the_same_host_reported_ten_times_has_one_recovery(self):
        self.host.lose_power_supply()
        self.allege(times=10)
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(
            ['host_failure', 'host_return'],
            [story.workflow for story in self.cloud.stories(HOST)],
        )
        self.assert_recovered(HOST, self.instances)

    def test_switch_of_all_hosts_dies(self):
        for host in self.cloud.hosts.values():
            host.lose_network()
        self.cloud.tick(seconds=120)
        for host in self.cloud.hosts.values():
            self.assertEqual(0, host.off_calls)
            host.join_network()
        self.cloud.tick(seconds=10)
        self.assert_untouched(HOST, self.instances)

    def test_engine_that_is_cut_off_suspects_nobody(self):
        self.cloud.engines['engine-1'].ears.cut_off = True
        self.cloud.tick(seconds=60)
        for host in self.cloud.hosts.values():
            self.assertEqual(0, host.off_calls)
        self.assertEqual([], self.cloud.stories(HOST))

    def test_engine_that_hears_the_host_vetoes(self):
        ears = self.cloud.engines['engine-1'].ears
        hear = ears.hear
        ears.hear = lambda beat, at: beat.host == HOST or hear(beat, at)
        # Over the bus engine-1 would hear of it.
        self.cloud.bus.dead = True
        self.cloud.tick(seconds=30)
        self.assertEqual(0, self.host.off_calls)
        self.assertIn('heard by engine-2', self.cloud.stories(HOST)[0].why)
        self.assert_untouched(HOST, self.instances)

    def test_what_is_held_has_its_evidence_too(self):
        self.host.bmc_mute = True
        self.host.hang()
        held = self.assert_held(HOST, 'restraint', 'cannot be read')
        self.assertIsNone(held.fault['layer'])
        self.assertEqual(held.why, held.fault['why'])
        told = {
            (one['detector'], one['seen_by'], one['verdict'])
            for one in held.fault['evidence']
        }
        self.assertLessEqual(
            {
                ('os_beat', 'engine-1', 'failed'),
                ('os_beat', 'engine-2', 'failed'),
                ('power_ipmi', 'engine-1', 'unknown'),
            },
            told,
        )

    def test_observing_cluster_is_told_and_not_touched(self):
        self.cloud = self.make_cloud(mode=models.Mode.OBSERVE)
        self.cloud.boot(HOST)
        self.cloud.hosts[HOST].hang()
        self.assert_held(HOST, 'restraint', 'only observes')
        self.assertEqual(0, self.cloud.hosts[HOST].off_calls)

    def test_asking_cluster_waits_for_consent(self):
        self.cloud = self.make_cloud(mode=models.Mode.ASK)
        instances = self.cloud.boot(HOST)
        self.cloud.hosts[HOST].hang()
        held = self.assert_held(HOST, 'safety', 'asks before it acts')
        self.cloud.tick(seconds=300)
        self.assertEqual(0, self.cloud.hosts[HOST].off_calls)
        self.wish(held, 'retry')
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, instances)

    def test_host_without_protected_instances_is_reported_not_fenced(self):
        self.cloud.boot('compute-4', protected=False)
        self.cloud.hosts['compute-4'].hang()
        self.assert_held('compute-4', 'restraint', 'reported and not fenced')
        self.assertEqual(0, self.cloud.hosts['compute-4'].off_calls)

    def test_cluster_without_another_usable_host_fences_nothing(self):
        for name in ('compute-2', 'compute-3', 'compute-4'):
            self.cloud.nova.computes[name].disabled = True
        self.host.hang()
        self.assert_held(HOST, 'capacity', 'is unprotected')
        self.assertEqual(0, self.host.off_calls)

    def test_host_powered_on_by_somebody_is_fenced_again(self):
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.host.host.power_on()
        self.cloud.run_until_state(HOST, 'returned')
        story = self.cloud.stories(HOST)[0]
        self.assertEqual(2, self.cloud.history(story).count('fencing'))
        self.assert_recovered(HOST, self.instances)

    def test_unprotected_instances_are_started_on_the_returned_host(self):
        others = self.cloud.boot(HOST, instances=2, protected=False)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)
        verdict = self.cloud.verdict()
        self.assertEqual(
            [[HOST], [HOST]], [verdict.running[one] for one in others]
        )

    def test_service_disabled_by_an_operator_stays_disabled(self):
        service = self.cloud.nova.computes[HOST]
        service.disabled, service.disabled_reason = True, 'new memory'
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertTrue(service.disabled)
        self.assertEqual('new memory', service.disabled_reason)
        self.assertFalse(service.forced_down)

    def test_nova_that_answers_500_delays_and_loses_nothing(self):
        self.host.lose_power_supply()
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.cloud.tick(seconds=20)
        self.cloud.compute.failing = None
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_lost_answers_are_not_repeated(self):
        self.cloud.compute.loses_answers = True
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_calls_that_never_arrived_are_repeated_after_settling(self):
        self.cloud.compute.drops_evacuations = 3
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)
        self.assertEqual(
            [2, 2, 2], [row.attempt for row in self.cloud.evacuations(HOST)]
        )

    def test_stopped_instance_is_left_where_it_is(self):
        self.cloud.nova.stop(self.instances[0])
        self.cloud.tick(seconds=2)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        states = sorted(row.state for row in self.cloud.evacuations(HOST))
        self.assertEqual(['done', 'done', 'left'], states)

    def test_local_root_disk_is_held_and_not_rebuilt(self):
        self.cloud.cluster_stores_nothing_shared()
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', 'its root disk is local')
        self.assertEqual({}, self.cloud.verdict().evacuations)

    def test_destination_that_dies_while_receiving(self):
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.receiving())
        destination = self.cloud.receiving()[0]
        self.cloud.hosts[destination].lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=1800)
        self.cloud.run_until_state(destination, 'returned')
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    def test_what_died_with_a_destination_is_not_waited_for_again(self):
        """Nova shows a dead migration as live for ever."""
        self.test_destination_that_dies_while_receiving()
        dead = next(
            one
            for one in self.cloud.nova.migrations
            if one.status == 'pre-migrating'
        )
        # As if it had once been evacuated off the host that dies now.
        dead.source = home = self.cloud.nova.show(dead.instance_uuid).host
        self.cloud.hosts[home].lose_power_supply()
        self.cloud.tick(seconds=2)
        self.cloud.run_until_state(home, 'returned')
        self.assert_recovered(home, [dead.instance_uuid], evacuated_once=False)

    def blip(self):
        """Hosts and engines lose power, and get it back together."""
        for host in self.cloud.hosts.values():
            host.host.power_off()
            host.bmc_reads = None
        for engine in self.cloud.engines.values():
            engine.alive = False
        self.cloud.tick(seconds=5)
        for host in self.cloud.hosts.values():
            host.host.power_on()
        for name in list(self.cloud.engines):
            self.cloud.start_engine(name)

    def test_a_boot_before_the_claim_tells_nothing_of_it(self):
        self.cloud.nova.pace = dataclasses.replace(
            self.cloud.nova.pace, scheduling=20.0, spawning=30.0
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        self.cloud.tick(seconds=2)
        self.blip()
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances)

    def test_what_an_unheard_boot_has_claimed_is_waited_for(self):
        """Its beats come when the claim has long been seen."""
        self.cloud.nova.pace = dataclasses.replace(
            self.cloud.nova.pace, scheduling=20.0, spawning=60.0
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        others = [
            one for name, one in self.cloud.hosts.items() if name != HOST
        ]
        for other in others:
            other.beats_filtered = True
            other.host.power_off()
            other.host.power_on()
        self.cloud.run_until(lambda: len(self.cloud.receiving()) == 3)
        self.cloud.tick(seconds=5)
        for row in self.cloud.evacuations(HOST):
            self.assertIn(row.migration_uuid, row.was['claimed_by'])
        for other in others:
            other.beats_filtered = False
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances)

    def test_a_domain_that_has_outlived_the_boot_is_waited_for(self):
        self.cloud.nova.pace = dataclasses.replace(
            self.cloud.nova.pace, spawning=30.0
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: len(self.cloud.receiving()) == 3)
        self.cloud.tick(seconds=2)
        row = self.cloud.evacuations(HOST)[0]
        asked = self.cloud.verdict().evacuations[row.instance_uuid]
        leftovers = self.cloud.hosts[row.destination].host.leftovers
        until = self.cloud.clock.monotonic() + 80
        leftovers[row.instance_uuid] = until
        self.blip()
        self.cloud.run_until(lambda: len(self.cloud.receiving()) == 5)
        self.cloud.tick(until - 5 - self.cloud.clock.monotonic())
        found = self.cloud.verdict().evacuations[row.instance_uuid]
        self.assertEqual(asked, found)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    def test_a_call_that_waits_for_its_destination_is_not_repeated(self):
        """Nova carries it out when that host is back, after its fencing."""
        self.cloud.nova.pace = dataclasses.replace(
            self.cloud.nova.pace, scheduling=2.0
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        queued = self.cloud.nova.evacuations[0].migration.destination
        self.cloud.hosts[queued].lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned', seconds=1800)
        self.cloud.run_until_state(queued, 'returned')
        self.assert_recovered(HOST, self.instances)

    def test_a_call_that_died_unclaimed_lends_its_record_to_the_next(self):
        """Nova carries the second call out under the record of the first."""
        self.cloud.nova.pace = dataclasses.replace(
            self.cloud.nova.pace, scheduling=2.0
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        lost = self.cloud.nova.evacuations[0]
        target = lost.migration.destination
        self.cloud.hosts[target].lose_power_supply()
        self.cloud.run_until(lambda: lost.destination == target)
        # Its nova-compute had read the message when it died.
        self.cloud.nova.evacuations.remove(lost)
        self.cloud.run_until_state(HOST, 'returned', seconds=1800)
        self.cloud.run_until_state(target, 'returned')
        self.assert_recovered(HOST, self.instances, evacuated_once=False)
        records = [
            one.status
            for one in self.cloud.nova.migrations
            if one.instance_uuid == lost.server.uuid
        ]
        self.assertEqual(['completed', 'completed'], records)

    def test_a_message_that_died_with_the_broker_is_sent_again(self):
        """Nova had accepted the call, and its destination is well."""
        self.cloud.nova.pace = dataclasses.replace(
            self.cloud.nova.pace, scheduling=2.0
        )
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        lost = self.cloud.nova.evacuations.pop(0)
        self.cloud.run_until_state(HOST, 'returned', seconds=400)
        self.assertEqual('completed', lost.migration.status)
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    def test_a_record_that_waits_since_long_ago_is_used_first(self):
        """It was left over, and Nova carries the next call out under it."""
        server = self.cloud.nova.show(self.instances[0])
        old = self.cloud.nova.record(
            server, 'evacuation', 'accepted', 'compute-4'
        )
        old.source = 'compute-4'
        old.created_at -= datetime.timedelta(days=9)
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual('done', old.status)
        self.assert_recovered(HOST, self.instances)

    def test_what_was_claimed_before_its_destination_booted_is_asked_anew(
        self,
    ):
        """No engine lived to see the claim, and the host took its time."""
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        for engine in self.cloud.engines.values():
            engine.alive = False
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        receivers = [self.cloud.hosts[it] for it in self.cloud.receiving()]
        for one in receivers:
            one.host.power_off()
        self.cloud.tick(seconds=180)
        for one in receivers:
            one.host.power_on()
        self.cloud.tick(seconds=10)
        for name in list(self.cloud.engines):
            self.cloud.start_engine(name)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    @mock.patch.dict(
        host_failure.HostFailure.deadlines,
        {State.EVACUATING: datetime.timedelta(seconds=20)},
    )
    def test_a_page_names_each_instance_that_does_not_arrive(self):
        self.host.lose_power_supply()
        self.cloud.run_until(lambda: self.cloud.nova.evacuations)
        for name in self.cloud.hosts.keys() - {HOST}:
            self.cloud.hosts[name].host.kill_nova_compute()
        held = self.assert_held(HOST, 'deadline', 'evacuating took longer')
        names = [self.cloud.nova.show(it).name for it in self.instances]
        self.assertIn(f'not arrived: {", ".join(sorted(names))}', held.why)

    def test_a_wall_clock_that_jumps_in_mid_recovery_changes_nothing(self):
        """The host's last beat does not move after the suspicion."""
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        self.cloud.clock.jump(10)
        self.cloud.run_until_state(HOST, 'returned', seconds=60)
        self.assert_recovered(HOST, self.instances)

    def test_released_recovery_gives_everything_back(self):
        self.cloud.nova.no_valid_host = True
        self.host.hang()
        held = self.hold_with_failed_evacuations()
        self.wish(held, 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        self.assertTrue(self.host.host.is_on)
        self.assertTrue(self.in_service(HOST))
        states = {self.cloud.nova.show(i).vm_state for i in self.instances}
        self.assertNotIn('error', states)
