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

"""What operators read of the conditions that end a hold."""

from hass.tests import base
from hass import until
from hass.until import Kind
from hass.until import Until


class SentenceTest(base.TestCase):
    def test_every_kind_has_a_sentence(self):
        self.assertEqual({*Kind}, set(until.SENTENCES))

    def test_any_of_them_ends_it(self):
        self.assertEqual(
            'the BMC of compute-1 reads off, or compute-1 is heard again',
            until.sentence(
                [
                    Until(Kind.BMC_READS_OFF, 'compute-1'),
                    Until(Kind.HOST_HEARD, 'compute-1'),
                ]
            ),
        )

    def test_nothing_but_an_operator_ends_what_has_no_other_condition(self):
        self.assertIsNone(until.sentence([until.OPERATOR]))
        self.assertIsNone(until.sentence(until.of_all(None)))
        self.assertIsNone(until.sentence(until.of_all([{'kind': 'newer'}])))

    def test_what_ends_it_beside_an_operator_is_told(self):
        heard = Until(Kind.HOST_HEARD, 'compute-1')
        self.assertEqual(
            'compute-1 is heard again',
            until.sentence([until.OPERATOR, heard]),
        )

    def test_of_very_many_some_are_counted(self):
        told = until.sentence(
            [
                Until(Kind.INSTANCE_SETTLED, instance=f'vm-{number}')
                for number in range(7)
            ]
        )
        assert told is not None
        self.assertIn('vm-3 runs elsewhere', told)
        self.assertNotIn('vm-4', told)
        self.assertIn('or one of 3 more is seen', told)

    def test_time_that_grows_says_so(self):
        self.assertEqual('20 s have passed', str(until.every(20)))
        self.assertEqual(
            '20 s have passed (more each time)', str(until.anew(20))
        )
