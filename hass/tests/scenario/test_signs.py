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

"""What counts as a sign of life, and what is no sign of death."""

from hass.db import hosts
from hass.db import notifications
from hass import faults
from hass.fencing import base as fencing
from hass.simulation.virtual import units
from hass.tests.scenario import base

HOST = 'compute-1'


class FilteredTest(base.ScenarioTest):
    """A firewall drops beats and pings of a host; the bus works."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]
        self.cloud.tick(seconds=35)

    def report(self):
        """A report reaches an engine that dies at once."""
        self.cloud.clock.advance(0.01)
        with self.cloud.database.writer() as session:
            hosts.record_report(
                session,
                HOST,
                boot_id=self.host.boot_id(),
                addresses={},
                domains=None,
                system_uuid=None,
                resume_guests=False,
                clock_at=None,
            )

    def silence_the_bus(self):
        """It sends no signs of life over the bus: an older agent."""
        self.cloud._carry_sign = lambda host, uptime: None

    def test_a_host_that_speaks_over_the_bus_is_left_alone(self):
        self.host.filtered = True
        self.cloud.tick(seconds=120)
        self.assertEqual(0, self.host.off_calls)
        self.assertEqual([], self.cloud.stories(HOST))
        self.assert_untouched(HOST, self.instances)

    def test_a_guest_that_dies_on_it_is_brought_back(self):
        self.host.filtered = True
        self.cloud.tick(seconds=30)
        (killed, *_) = self.instances
        self.host.host.kill_guest(killed)
        self.cloud.guests.tell(self.host, killed, faults.Incident.KILLED)
        self.cloud.run_until_state(killed, 'finished', seconds=60)
        self.assertEqual([], self.cloud.stories(HOST))

    def test_a_service_that_dies_on_it_is_restarted(self):
        self.host.filtered = True
        self.cloud.tick(seconds=30)
        self.host.units.set(faults.SidePath.COMPUTE, units.Run.FAILED)
        self.cloud.run_until_state(HOST, 'finished', seconds=90)
        self.assertEqual(1, self.host.units.restarts)

    def test_somebody_is_told_that_it_is_filtered(self):
        self.host.filtered = True
        self.cloud.tick(seconds=40)
        (page,) = [
            alarm
            for alarm in self.cloud.pager.alarms
            if alarm['subject'] == HOST
        ][:1]
        self.assertIn('spoke over the message bus', str(page['why']))

    def test_it_is_recovered_when_it_dies_at_last(self):
        self.host.filtered = True
        self.cloud.tick(seconds=60)
        self.host.hang()
        self.host.filtered = False
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)

    def test_its_power_supply_dies_as_well(self):
        self.host.filtered = True
        self.cloud.tick(seconds=60)
        self.host.lose_power_supply()
        self.host.filtered = False
        self.cloud.run_until_state(HOST, 'returned', seconds=120)
        self.assert_recovered(HOST, self.instances)

    def test_somebody_else_alleges_a_fault_of_it(self):
        self.host.filtered = True
        self.cloud.tick(seconds=10)
        with self.cloud.database.writer() as session:
            notifications.add(
                session,
                source='monitor',
                host=HOST,
                layer=faults.Layer.OS,
                payload={},
            )
        self.cloud.run_until_state(HOST, 'dismissed', seconds=60)
        self.assertIn('the message bus', self.cloud.newest(HOST).why)
        self.assert_untouched(HOST, self.instances)

    def test_one_engine_alone_takes_it_from_the_bus(self):
        """The other one judges by that engine's row."""
        takers = list(self.cloud.engines.values())[:1]
        carry = self.cloud._carry_sign

        def to_one(host, uptime):
            everybody, self.cloud.engines = (
                self.cloud.engines,
                {one.name: one for one in takers},
            )
            carry(host, uptime)
            self.cloud.engines = everybody

        self.cloud._carry_sign = to_one
        self.host.filtered = True
        self.cloud.tick(seconds=60)
        self.assertEqual(0, self.host.off_calls)
        self.assert_untouched(HOST, self.instances)

    def test_a_report_after_the_suspicion_vetoes(self):
        self.silence_the_bus()
        self.host.filtered = True
        self.cloud.run_until_state(HOST, 'confirming')
        self.report()
        self.cloud.run_until_state(HOST, 'dismissed', seconds=60)
        self.assert_untouched(HOST, self.instances)

    def test_a_report_before_the_first_off_goes_back(self):
        self.silence_the_bus()
        self.host.filtered = True

        def speak(turn):
            if turn.recovery.state == 'fencing':
                self.cloud.before_step = lambda turn: None
                self.report()

        self.cloud.before_step = speak
        self.cloud.run_until_state(HOST, 'dismissed', seconds=60)
        self.assertEqual(0, self.host.off_calls)
        self.assert_untouched(HOST, self.instances)

    def test_a_bmc_that_reads_off_while_the_agent_reports_is_not_believed(
        self,
    ):
        self.silence_the_bus()
        self.host.bmc_reads = fencing.PowerState.OFF
        self.host.filtered = True

        def speak(turn):
            if turn.recovery.state == 'planning':
                self.cloud.before_step = lambda turn: None
                self.report()

        self.cloud.before_step = speak
        self.assert_held(HOST, 'safety', 'beats although its BMC reads off')
        self.assertEqual({}, self.cloud.verdict().evacuations)


class TimesTest(base.ScenarioTest):
    """What hung fell silent on both ways at once: nothing is waited for."""

    def test_a_hang_is_fenced_as_soon_as_ever(self):
        self.cloud.boot(HOST, instances=1)
        host = self.cloud.hosts[HOST]
        self.cloud.tick(seconds=35)
        host.hang()
        hung_at = self.cloud.clock.monotonic()
        self.cloud.run_until(lambda: host.off_calls, seconds=15)
        self.assertLess(self.cloud.clock.monotonic() - hung_at, 9.5)


class WordsOfNovaTest(base.ScenarioTest):
    """What a person does to the service in Nova is no evidence."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]
        self.cloud.tick(seconds=35)

    def test_forcing_a_host_down_does_not_condemn_its_silent_agent(self):
        self.cloud.nova.computes[HOST].forced_down = True
        self.host.agent_killed = True
        self.cloud.tick(seconds=60)
        self.assertEqual(0, self.host.off_calls)

    def test_disabling_a_host_does_not_condemn_its_silent_agent(self):
        compute = self.cloud.nova.computes[HOST]
        compute.disabled, compute.disabled_reason = True, 'by an operator'
        self.host.agent_killed = True
        self.cloud.tick(seconds=60)
        self.assertEqual(0, self.host.off_calls)

    def test_a_nova_compute_that_was_stopped_before_condemns_nobody(self):
        """The agent still spoke: no one cause has silenced both."""
        self.host.units.set(units.COMPUTE, units.Run.STOPPED)
        self.cloud.tick(seconds=40)
        self.host.agent_killed = True
        self.cloud.tick(seconds=60)
        self.assertEqual(0, self.host.off_calls)


class NotYetHeardTest(base.ScenarioTest):
    """Engines start before the agents."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=1)
        self.host = self.cloud.hosts[HOST]
        self.cloud.tick(seconds=35)
        for engine in self.cloud.engines.values():
            engine.alive = False

    def start(self, after):
        self.cloud.clock.advance(after)
        self.cloud.start_engine('engine-3')

    def test_an_agent_that_starts_late_is_no_suspicion(self):
        self.host.agent_killed = True
        self.start(after=90)
        self.cloud.tick(seconds=60)
        self.host.agent_killed = False
        self.cloud.tick(seconds=30)
        self.assertEqual([], self.cloud.stories(HOST))

    def test_a_host_that_is_off_is_found_at_once(self):
        self.host.lose_power_supply()
        self.start(after=90)
        self.cloud.run_until_state(HOST, 'returned', seconds=90)
        self.assert_recovered(HOST, self.instances)

    def test_a_host_that_hung_is_found_when_it_had_its_time(self):
        self.host.hang()
        self.start(after=90)
        self.cloud.tick(seconds=300)
        self.assertEqual([], self.cloud.stories(HOST))
        self.cloud.run_until_state(HOST, 'returned', seconds=600)
        self.assert_recovered(HOST, self.instances)


class OwnClockTest(base.ScenarioTest):
    def test_an_engine_whose_clock_is_wrong_judges_nobody_and_pages(self):
        engine = self.cloud.engines['engine-1']
        engine.clock.jump(3600)
        self.cloud.tick(seconds=10)
        self.assertIn('3600 s ahead of', engine.hands.witness.deaf())
        pages = [str(one['why']) for one in self.cloud.pager.alarms]
        self.assertTrue(any('until its clock is set' in one for one in pages))
        engine.clock.jump(-3600)
        self.cloud.tick(seconds=10)
        self.assertEqual('', engine.hands.witness.deaf())
