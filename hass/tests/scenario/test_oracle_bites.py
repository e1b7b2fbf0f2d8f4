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

"""The oracle must object when what keeps instances single is taken out."""

import fixtures

from hass.fencing import base as fencing
from hass.tests.scenario import base

HOST = 'compute-1'


class OracleBitesTest(base.ScenarioTest):
    """HASS without one of its safeguards, and who notices."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=3)
        self.host = self.cloud.hosts[HOST]

    def breaches(self, found):
        return sorted({breach.instance for breach in found})

    def test_without_fencing_instances_run_twice_and_the_oracle_says_so(self):
        self.host.bmc_reads = fencing.PowerState.OFF
        self.host.bmc_deaf = True
        self.host.hang()
        self.cloud.run_until_state(HOST, 'powering_on', seconds=120)
        self.assertTrue(self.host.host.is_on)
        verdict = self.cloud.verdict(self.instances)
        self.assertFalse(verdict.ok)
        everybody = sorted(self.instances)
        self.assertEqual(everybody, self.breaches(verdict.evacuated_unfenced))
        self.assertEqual(everybody, self.breaches(verdict.started_twice))

    def test_without_evacuations_rows_instances_are_asked_for_twice(self):
        self.agents_see_nothing()
        self.forget_what_was_asked()
        verdict = self.lose_power_and_then_a_destination()
        self.assertFalse(verdict.ok)
        self.assertNotEqual([], verdict.started_twice)
        self.assertLess(1, max(verdict.evacuations.values()))

    def test_with_both_the_oracle_is_content(self):
        verdict = self.lose_power_and_then_a_destination()
        self.assertTrue(verdict.ok)
        self.assertEqual(1, max(verdict.evacuations.values()))

    def forget_what_was_asked(self):
        """No row says that Nova was called, no record of Nova's does."""
        for name, answer in (('request', True), ('sent', {})):
            self.useFixture(
                fixtures.MonkeyPatch(
                    f'hass.recovery.requesting.evacuations.{name}',
                    lambda *_, answer=answer: answer,
                )
            )
        self.cloud.compute.migrations = lambda *_, **__: []

    def lose_power_and_then_a_destination(self):
        """Whoever asks again gets another destination than at first."""
        self.host.lose_power_supply()
        self.cloud.run_until(self.cloud.receiving, seconds=60)
        for name in self.cloud.receiving()[:1]:
            self.cloud.nova.computes[name].disabled = True
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        return self.cloud.verdict(self.instances)
