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

"""When an instance counts as brought back."""

from hass.faults import Layer
from hass import nova
from hass.recovery import standing
from hass.tests import base
from hass.tests.unit.recovery import test_intent
from hass.tests.unit.recovery import test_symptoms

SINCE = test_symptoms.at(10)
well, failed = test_symptoms.well, test_symptoms.failed
ACTIVE, DOWN = nova.Port('port', 'ACTIVE'), nova.Port('port', 'DOWN')


class StandingTest(base.TestCase):
    def lacks(self, *looks, since=SINCE, **fields):
        return standing.lacks(
            test_intent.server(**fields), looks, test_symptoms.TOLD_AT, since
        )

    def test_one_that_all_see_is_back(self):
        looks = [well(layer, 11) for layer in standing.WORDS]
        self.assertEqual([], self.lacks(well(Layer.INSTANCE, 11), *looks))
        self.assertEqual(
            'Nova, its guest agent, its network', standing.told(looks, SINCE)
        )

    def test_nova_has_to_say_active(self):
        self.assertEqual(['Nova has it error'], self.lacks(vm_state='error'))

    def test_what_was_seen_before_the_restart_says_nothing(self):
        self.assertEqual(1, len(self.lacks(well(Layer.INSTANCE, 9))))

    def test_where_nothing_was_restarted_what_is_known_counts(self):
        look = well(Layer.INSTANCE, 9)
        self.assertEqual([], self.lacks(look, since=None))

    def test_who_answered_before_has_to_answer_again(self):
        (why,) = self.lacks(failed(Layer.GUEST_OS, 11))
        self.assertEqual('its guest agent does not answer yet', why)

    def test_who_never_answered_need_not(self):
        look = failed(Layer.GUEST_NETWORK, 11)
        look.healthy_at = None
        self.assertEqual([], self.lacks(look))

    def test_a_port_that_was_up_has_to_be_up(self):
        self.assertFalse(standing.lacks_port([DOWN], []))
        self.assertFalse(standing.lacks_port([ACTIVE], ['port']))
        self.assertTrue(standing.lacks_port([DOWN], ['port']))

    def test_a_fall_is_seen_after_the_start(self):
        self.assertFalse(standing.fell([failed(Layer.INSTANCE, 11)], SINCE))
        self.assertTrue(standing.fell([failed(Layer.INSTANCE, 14)], SINCE))
