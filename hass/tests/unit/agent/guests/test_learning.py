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


from hass.agent.guests import learning
from hass.faults import Verdict
from hass.tests import base


class LearningTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.learnt = learning.Learning()

    def look(self, answers, *guests, at=0.0):
        """A character a look: ! an answer, . none."""
        for turn, character in enumerate(answers):
            for guest in guests:
                self.learnt.note(guest, character == '!', at + turn)

    def begin(self, *guests):
        for guest in guests:
            self.learnt.begin(guest)

    def verdict(self, guest='a'):
        word = self.learnt.word(guest)
        return word and word.verdict

    def test_who_never_answered_is_unknown_for_ever(self):
        self.begin('a')
        for _hour in range(1000):
            self.look('.', 'a')
            self.assertIs(Verdict.UNKNOWN, self.verdict())

    def test_who_answers_is_healthy_at_once(self):
        self.begin('a')
        self.look('..!', 'a')
        self.assertIs(Verdict.HEALTHY, self.verdict())

    def test_one_answer_is_not_enough_to_miss_somebody(self):
        self.begin('a')
        self.look('!....', 'a')
        self.assertIs(Verdict.UNKNOWN, self.verdict())

    def test_three_misses_in_a_row_are_a_failure(self):
        self.begin('a')
        self.look('!!..!', 'a')
        self.look('..', 'a', at=10.0)
        self.assertIsNone(self.verdict())
        self.look('.', 'a', at=12.0)
        word = self.learnt.word('a')
        assert word is not None
        self.assertEqual((Verdict.FAILED, 10.0), (word.verdict, word.since))

    def test_it_has_failed_until_it_answers(self):
        self.begin('a')
        self.look('!!...', 'a')
        self.learnt.fail('a')
        self.look('...', 'a')
        self.assertTrue(self.learnt.has_failed('a'))
        self.look('!', 'a')
        self.assertFalse(self.learnt.has_failed('a'))
        self.assertIs(Verdict.HEALTHY, self.verdict())

    def test_who_answered_before_it_was_restarted_is_missed_after_one(self):
        self.begin('a')
        self.look('!!', 'a')
        for _restart in range(2):
            self.begin('a')
            self.look('...', 'a')
            self.assertIs(Verdict.UNKNOWN, self.verdict())
            self.look('!...', 'a')
            self.assertIs(Verdict.FAILED, self.verdict())

    def test_who_starts_anew_has_to_answer_anew(self):
        self.begin('a')
        self.look('!!', 'a')
        self.begin('a')
        self.look('.....', 'a')
        self.assertIs(Verdict.UNKNOWN, self.verdict())

    def test_looks_that_were_not_taken_are_no_misses(self):
        self.begin('a')
        self.look('!!..', 'a')
        self.learnt.excuse('a')
        self.look('..', 'a')
        self.assertIsNone(self.verdict())

    def test_who_is_doubted_is_unknown_at_the_first_miss(self):
        self.begin('a')
        self.look('!!', 'a')
        self.learnt.doubt('a')
        self.look('.', 'a')
        self.assertIs(Verdict.UNKNOWN, self.verdict())
        self.look('..', 'a')
        self.assertIs(Verdict.FAILED, self.verdict())

    def test_an_answer_takes_the_doubt_away(self):
        self.begin('a')
        self.look('!!', 'a')
        self.learnt.doubt('a')
        self.look('!', 'a')
        self.assertIs(Verdict.HEALTHY, self.verdict())
        self.look('.', 'a')
        self.assertIsNone(self.verdict())

    def test_many_at_once_are_not_the_guests_fault(self):
        self.begin('a', 'b', 'c', 'd')
        self.look('!!', 'a', 'b', 'c', 'd')
        self.look('...', 'a', 'b')
        self.look('!!!', 'c', 'd')
        word = self.learnt.word('a')
        assert word is not None
        self.assertIs(Verdict.UNKNOWN, word.verdict)
        self.assertIn('2 guests fell silent at once', word.why)

    def test_who_stays_silent_when_the_others_are_back_has_failed(self):
        self.begin('a', 'b')
        self.look('!!', 'a', 'b')
        self.look('....', 'a', 'b')
        self.assertIs(Verdict.UNKNOWN, self.verdict())
        self.look('!', 'b')
        self.look('.', 'a')
        self.assertIs(Verdict.FAILED, self.verdict())

    def test_a_few_of_many_fail_each_for_itself(self):
        guests = [f'{number}' for number in range(10)]
        self.begin(*guests)
        self.look('!!', *guests)
        self.look('...', *guests[:4])
        self.look('!!!', *guests[4:])
        self.assertIs(Verdict.FAILED, self.verdict('0'))

    def test_those_that_failed_before_are_not_counted(self):
        self.begin('a', 'b', 'c')
        self.look('!!', 'a', 'b', 'c')
        self.look('...', 'a')
        self.learnt.fail('a')
        self.look('...', 'b')
        self.assertIs(Verdict.FAILED, self.verdict('b'))

    def test_of_strangers_nothing_is_said(self):
        self.look('!!...', 'a')
        self.learnt.excuse('a')
        self.learnt.forget('a')
        self.assertIsNone(self.verdict())
