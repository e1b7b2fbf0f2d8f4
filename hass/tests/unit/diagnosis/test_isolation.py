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

"""What a cluster's rules say of a host that lost some networks."""

from hass.diagnosis import isolation
from hass.tests import base

Action = isolation.Action
ROWS = [
    {'lost': ['storage'], 'action': 'fence'},
    {'lost': ['management'], 'alive': ['storage'], 'action': 'report'},
    {'lost': ['management'], 'action': 'fence'},
]


class IsolationTest(base.TestCase):
    def decide(self, dark, alive, rows=ROWS):
        return isolation.decide(isolation.read(rows), dark, alive)

    def test_without_a_rule_a_host_is_reported(self):
        action, why = self.decide({'storage'}, {'management'}, None)
        self.assertIs(Action.REPORT, action)
        self.assertIn('it lost storage and is alive on management', why)

    def test_the_first_rule_that_fits_decides(self):
        action, why = self.decide({'management'}, {'storage', 'tenant'})
        self.assertIs(Action.REPORT, action)
        self.assertIn('rule 2', why)

    def test_a_rule_wants_all_of_its_networks_lost_and_alive(self):
        action, why = self.decide({'management'}, {'tenant'})
        self.assertIs(Action.FENCE, action)
        self.assertIn('rule 3', why)

    def test_more_lost_networks_fit_too(self):
        action, _why = self.decide({'management', 'storage'}, {'tenant'})
        self.assertIs(Action.FENCE, action)
