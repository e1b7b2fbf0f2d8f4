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

"""safety.md §1: no evacuation without a proof for every host."""

from hass.db import evacuations
from hass.db import holds
from hass.db import hosts
from hass.db import recoveries
from hass.db import windows
from hass.fencing import base as fencing
from hass.recovery import proving
from hass.simulation import nova_rows
from hass.tests.scenario import base

HOST = 'compute-1'
OTHER = 'compute-2'


class SafetyProofsTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]
        self.agents_see_nothing()

    def agents_see_guests(self):
        for host in self.cloud.hosts.values():
            host.bus_lost = False
            if host.host.os_running:
                self.cloud.report(host)

    def report(self, name, domains):
        with self.cloud.database.writer() as session:
            hosts.record_report(
                session,
                name,
                boot_id=self.cloud.hosts[name].boot_id(),
                addresses={},
                domains=domains,
                system_uuid=None,
                resume_guests=False,
                clock_at=None,
            )

    def server(self, number=0):
        return self.cloud.nova.show(self.instances[number])

    def row(self, number=0):
        (row,) = [
            row
            for row in self.cloud.evacuations(HOST)
            if row.instance_uuid == self.instances[number]
        ]
        return row

    def test_a_proof_older_than_three_seconds_evacuates_nothing(self):
        """The look before the calls takes too long; later it does not."""
        looks: list[str] = []
        status = self.cloud.bmcs.status
        slow = True

        def begin(turn):
            looks.clear()
            if turn.recovery.state == 'evacuating':
                looks.append('the step begins')

        def look(target):
            if slow and len(looks) == 2:
                self.cloud.clock.advance(3.5)
            if looks:
                looks.append(target.name)
            return status(target)

        self.cloud.before_step = begin
        self.cloud.bmcs.status = look
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'evacuating')
        self.cloud.tick(seconds=2)
        self.assertEqual({}, self.cloud.verdict().evacuations)
        self.assertIn('the proof is 3.5 s old', self.row().why)
        slow = False
        self.cloud.run_until_state(HOST, 'returned', seconds=45)
        self.assert_recovered(HOST, self.instances)

    def test_a_bmc_of_another_system_is_no_working_fence(self):
        with self.cloud.database.writer() as session:
            row = hosts.get(session, HOST)
            row.bmc_guid = '12345678-1234-5678-1234-567812345678'
            row.system_uuid = '00000000-1234-5678-1234-567812345678'
        self.host.hang()
        self.assert_held(HOST, 'safety', 'without a working fence')
        self.assertEqual(0, self.host.off_calls)

    def test_an_unfinished_move_needs_proofs_of_both_ends(self):
        self.cloud.nova.record(
            self.server(), 'live-migration', 'running', OTHER
        )
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', f'may still run on {OTHER}')
        self.assertNotIn(self.instances[0], self.cloud.verdict().evacuations)
        self.assertEqual(
            ['held', 'done', 'done'], [self.row(n).state for n in range(3)]
        )

    def test_the_agent_of_a_living_end_can_clear_it(self):
        self.agents_see_guests()
        self.cloud.nova.record(
            self.server(), 'live-migration', 'running', OTHER
        )
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)

    def spawn_fails(self):
        """The destinations give up after their claim; Nova says ERROR."""
        for work in list(self.cloud.nova.evacuations):
            self.assertIs(nova_rows.Stage.SPAWNING, work.stage)
            self.cloud.nova.turn(work.migration, 'failed')
            self.cloud.nova.touch(
                work.server, vm_state='error', task_state=None
            )
            self.cloud.nova.evacuations.remove(work)

    def fail_first_attempts(self):
        self.host.lose_power_supply()
        self.cloud.run_until(
            lambda: len(self.cloud.receiving()) == 3, seconds=60
        )
        self.spawn_fails()

    def test_an_absent_domain_clears_the_destination_of_a_failed_attempt(
        self,
    ):
        self.agents_see_guests()
        self.fail_first_attempts()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    def test_without_it_the_instance_is_held(self):
        self.fail_first_attempts()
        self.assert_held(HOST, 'safety', 'neither proved off nor cleared')
        verdict = self.cloud.verdict()
        self.assertEqual({1}, set(verdict.evacuations.values()))

    def report_no_guests(self):
        for name, host in self.cloud.hosts.items():
            if host.host.os_running:
                self.report(name, [])

    def test_a_report_from_before_the_attempt_clears_nothing(self):
        self.report_no_guests()
        self.fail_first_attempts()
        self.cloud.tick(seconds=60)
        verdict = self.cloud.verdict()
        self.assertEqual({1}, set(verdict.evacuations.values()))

    def test_a_report_may_tell_what_was_seen_before_the_attempt(self):
        self.report_no_guests()
        self.fail_first_attempts()
        self.cloud.tick(seconds=2)
        self.report_no_guests()
        self.cloud.tick(seconds=60)
        verdict = self.cloud.verdict()
        self.assertEqual({1}, set(verdict.evacuations.values()))
        self.agents_see_guests()
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    def test_a_domain_that_another_agent_sees_holds_the_instance(self):
        self.report('compute-3', [self.instances[0]])
        self.cloud.nova.computes['compute-3'].disabled = True
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', 'the agent of compute-3 sees')
        self.assertNotIn(self.instances[0], self.cloud.verdict().evacuations)

    def test_a_dead_bmc_of_one_destination_holds_one_instance(self):
        """Whatever cannot be asked must not keep the others waiting."""
        move = self.cloud.nova.record(
            self.server(), 'evacuation', 'failed', OTHER
        )
        move.destination_node = OTHER
        self.cloud.hosts[OTHER].bmc_mute = True
        self.host.lose_power_supply()
        self.assert_held(HOST, 'safety', f'may still run on {OTHER}')
        self.assertEqual(
            ['held', 'done', 'done'], [self.row(n).state for n in range(3)]
        )

    def test_an_instance_is_in_one_recovery_at_a_time(self):
        """The second host to lose it waits until the first has ended."""
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        with self.cloud.database.reader() as session:
            owner = evacuations.open_of(session, self.instances[0])
            assert owner is not None
            self.assertEqual(HOST, owner.source)
        self.cloud.run_until_state(HOST, 'returned')
        with self.cloud.database.reader() as session:
            self.assertIsNone(evacuations.open_of(session, self.instances[0]))


class LastReportTest(base.ScenarioTest):
    """A dead host's last report lists what was evacuated off it."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=1)
        self.host = self.cloud.hosts[HOST]
        self.cloud.tick(seconds=12)

    def release_while_off(self):
        """Its board is dead: an operator wants no more of its return."""
        self.host.power_supply = False
        self.host.lose_power_supply()
        self.cloud.run_until_state(HOST, 'powering_on')
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        self.cloud.run_until_state(HOST, 'held')
        self.wish(self.cloud.newest(HOST), 'release')
        self.cloud.run_until_state(HOST, 'dismissed')
        with self.cloud.database.reader() as session:
            self.assertEqual(self.instances, hosts.get(session, HOST).domains)

    def lose_the_next_host(self):
        name = self.cloud.nova.servers[self.instances[0]].host
        self.assertNotEqual(HOST, name)
        self.cloud.hosts[name].lose_power_supply()
        return name

    def assert_saved(self, name):
        self.cloud.run_until(
            lambda: self.cloud.newest(
                name, workflow='host_failure', state='finished'
            ),
            seconds=60,
        )
        verdict = self.cloud.verdict(self.instances)
        self.assertEqual([], verdict.started_twice)
        self.assertEqual([], verdict.evacuated_unfenced)
        self.assertEqual([], verdict.lost)

    def run_until_held(self, name):
        self.cloud.run_until(
            lambda: self.cloud.newest(name, state='held'), seconds=300
        )
        held = self.cloud.newest(name)
        self.assertIn(f'the agent of {HOST} sees a domain', held.why)
        self.assertIn(f'{HOST} is proved off', holds.goes_on_when(held) or '')
        return held

    def test_a_host_that_is_off_hinders_nothing_after_a_release(self):
        self.release_while_off()
        self.assert_saved(self.lose_the_next_host())

    def test_nor_when_it_is_suspected_anew(self):
        """Its new recovery has nothing to save, and so powers nothing off."""
        self.cloud.conf.set_override('quiet_seconds', 10, 'detection')
        self.release_while_off()
        self.cloud.run_until_state(HOST, 'held', seconds=60)
        self.assert_saved(self.lose_the_next_host())

    def test_the_hold_ends_when_the_proof_can_be_had(self):
        self.release_while_off()
        self.host.bmc_mute = True
        name = self.lose_the_next_host()
        held = self.run_until_held(name)
        self.host.bmc_mute = False
        self.assert_saved(name)
        with self.cloud.database.reader() as session:
            told = [row.why for row in recoveries.history_of(session, held.id)]
        self.assertIn(f'goes on by itself: {HOST} is proved off', told)

    def proof(self):
        """What is said of the dead host while the next one is recovered."""
        name, found = self.lose_the_next_host(), []
        prover = proving.Prover(self.cloud.engines['engine-1'].hands)

        def look(turn):
            story = turn.recovery
            if (story.subject, story.state) == (name, 'evacuating'):
                found.append(prover.prove_absent(turn, HOST))

        self.cloud.before_step = look
        self.cloud.run_until(lambda: found, seconds=60)
        return found[0]

    def test_a_host_that_was_seen_since_is_not_proved_off(self):
        """Somebody has powered it on; its BMC lies when it is silent again."""
        self.release_while_off()
        self.host.power_supply = True
        self.host.host.power_on()
        self.cloud.run_until(lambda: self.host.host.os_running, seconds=60)
        self.cloud.tick(seconds=2)
        self.host.hang()
        self.host.bmc_reads = fencing.PowerState.OFF
        proof = self.proof()
        self.assertIs(proving.Lacks.TRUST, proof.lacks)
        self.assertIn('it beats although its BMC reads off', proof.why)

    def test_an_evacuation_by_hand_proves_no_host_off(self):
        """Nobody has powered that host off: the guest may run there yet."""
        with self.cloud.database.writer() as session:
            windows.begin_for_host(session, HOST, 36000, 'a new board')
        self.cloud.say_goodbye(self.host)
        self.host.lose_power_supply()
        self.cloud.tick(seconds=70)
        self.cloud.nova.evacuate(self.instances[0], None, False)
        self.cloud.tick(seconds=10)
        self.assertIs(proving.Lacks.ORDER, self.proof().lacks)
