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

"""What is not protected is never evacuated, and stops nobody's fencing."""

from hass.db import clusters
from hass.db import instances
from hass.entitlement import Protects
from hass.tests.scenario import base

HOST = 'compute-1'
YES, NO = {'HA_Enabled': 'true'}, {'HA_Enabled': 'false'}


class ProtectionTest(base.ScenarioTest):
    def protect(self, protects):
        with self.cloud.database.writer() as session:
            clusters.update(
                session, self.cloud.cluster.uuid, protects=protects
            )

    def boot(self, count=1, **fields):
        return self.cloud.boot(HOST, count, protected=False, **fields)

    def lose_host(self):
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until_state(HOST, 'returned')

    def assert_only_moved(self, moved, stayed):
        """Those run elsewhere, these where they ran, all of them once."""
        verdict = self.cloud.verdict(moved)
        self.assertEqual(set(moved), set(verdict.evacuations))
        self.assert_recovered(HOST, moved)
        for instance in stayed:
            self.assertEqual([HOST], verdict.running[instance])

    def test_of_tagged_ones_and_others_the_tagged_move(self):
        self.protect(Protects.TAGGED)
        tagged = self.boot(2, metadata=YES)
        others = [*self.boot(), *self.boot(metadata=NO)]
        self.lose_host()
        self.assert_only_moved(tagged, others)

    def test_where_all_are_protected_those_of_services_stay(self):
        self.protect(Protects.ALL)
        plain = self.boot(2)
        amphorae = self.boot(prefix='amphora-')
        denying = self.boot(metadata=NO)
        self.lose_host()
        self.assert_only_moved(plain, [*amphorae, *denying])

    def test_a_chosen_one_moves_whatever_its_tag_says(self):
        self.protect(Protects.TAGGED)
        chosen = self.cloud.boot(HOST, 1, metadata=NO)
        self.lose_host()
        self.assert_only_moved(chosen, [])

    def test_where_the_chosen_are_protected_tags_say_nothing(self):
        chosen = self.cloud.boot(HOST, 1)
        tagged = self.boot(metadata=YES)
        self.lose_host()
        self.assert_only_moved(chosen, tagged)

    def test_a_choice_goes_with_its_instance_to_another_cluster(self):
        with self.cloud.database.writer() as session:
            elsewhere = clusters.create(session, 'elsewhere')
            (moved,) = self.boot()
            instances.protect(session, elsewhere, moved, 'moved', 'demo')
        self.lose_host()
        self.assert_only_moved([moved], [])

    def test_who_asks_no_more_is_left_before_nova_is_asked(self):
        self.protect(Protects.TAGGED)
        staying, moving = self.boot(2, metadata=YES)

        def change_mind(turn):
            if turn.recovery.state == 'evacuating':
                server = self.cloud.nova.servers[staying]
                server.metadata['HA_Enabled'] = 'false'

        self.cloud.before_step = change_mind
        self.lose_host()
        self.assert_only_moved([moving], [staying])
        left, _done = self.cloud.evacuations(HOST)
        self.assertEqual('left', left.state)
        self.assertIn('not protected now', left.why)
