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

"""What is known of one evacuate call when its engine is lost."""

import functools

from hass.db import evacuations
from hass.db import moments
from hass.tests import base
from hass.tests import builders


class CallsTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.database = builders.make_database(self)
        with self.database.writer() as session:
            builders.make_host(session, 'compute-1')
            self.story = builders.make_recovery(session, 'compute-1')
            evacuations.plan(
                session,
                self.story.id,
                'compute-1',
                [evacuations.Intention('vm', 'vm', 'blue')],
            )

    def row(self):
        with self.database.reader() as session:
            (found,) = evacuations.of_recovery(session, self.story.id)
            return found

    def write(self, act, *arguments):
        row = self.row()
        with self.database.writer() as session:
            return act(session, row, *arguments)

    def test_what_was_intended_and_not_sent_never_left(self):
        self.assertFalse(evacuations.never_left(self.row()))
        self.write(evacuations.request, None)
        self.assertTrue(evacuations.never_left(self.row()))

    def test_what_was_sent_may_have_left(self):
        self.write(evacuations.request, None)
        self.assertIsNotNone(self.write(evacuations.sent))
        self.assertFalse(evacuations.never_left(self.row()))
        self.write(evacuations.answered)
        self.assertFalse(evacuations.never_left(self.row()))

    def test_nothing_is_sent_of_a_row_that_was_turned_meanwhile(self):
        self.write(evacuations.request, None)
        read = self.row()
        self.write(evacuations.ask_again, 'given up')
        with self.database.writer() as session:
            self.assertIsNone(evacuations.sent(session, read))

    def test_a_later_call_is_judged_by_itself(self):
        self.write(evacuations.request, None)
        self.write(evacuations.sent)
        self.write(evacuations.ask_again, 'refused')
        self.write(evacuations.request, None)
        self.assertTrue(evacuations.never_left(self.row()))

    def test_a_call_of_an_older_engine_may_have_left(self):
        """It writes requested_at, and knows nothing of the rest."""
        self.write(evacuations.request, None)
        self.write(evacuations.ask_again, 'it had not left')
        with self.database.writer() as session:
            (row,) = evacuations.of_recovery(session, self.story.id)
            row.state = evacuations.State.REQUESTED
            row.requested_at = moments.read_now(session)
        self.assertFalse(evacuations.never_left(self.row()))

    def test_what_was_sent_lacks_an_answer_until_that_comes(self):
        self.write(evacuations.request, None)
        self.assertIsNone(evacuations.unanswered_since(self.row()))
        was = self.write(evacuations.sent)
        self.assertEqual(
            was['call']['sent_at'], evacuations.unanswered_since(self.row())
        )
        self.write(evacuations.answered)
        self.assertIsNone(evacuations.unanswered_since(self.row()))

    def test_of_a_call_of_an_older_engine_nothing_is_known(self):
        self.write(evacuations.request, None)
        self.write(evacuations.sent)
        with self.database.writer() as session:
            (row,) = evacuations.of_recovery(session, self.story.id)
            row.requested_at = moments.read_now(session)
        self.assertIsNone(evacuations.unanswered_since(self.row()))

    def test_what_may_come_was_not_sent_after_now(self):
        """The clock was set back since."""
        self.write(evacuations.request, 'compute-2')
        self.write(evacuations.sent)
        self.write(functools.partial(evacuations.ask_again, may_come=True), '')
        with self.database.writer() as session:
            (row,) = evacuations.of_recovery(session, self.story.id)
            row.was = row.was | {
                'may_come': {
                    'target': 'compute-2',
                    'sent_at': '2999-01-01T00:00:00',
                }
            }
            session.flush()
            evacuations.set_back(session, self.story.id)
            now = moments.read_now(session).isoformat()
        call = self.row().was['may_come']
        self.assertEqual('compute-2', call['target'])
        self.assertLessEqual(call['sent_at'], now)

    def test_a_refusal_rests_from_now_when_the_clock_was_set_back(self):
        later = '2999-01-01T00:00:00'
        with self.database.writer() as session:
            (row,) = evacuations.of_recovery(session, self.story.id)
            row.was = row.was | {
                'refusal': {'kind': 'place', 'since': later, 'last': later}
            }
            session.flush()
            evacuations.set_back(session, self.story.id)
            now = moments.read_now(session).isoformat()
        refusal = self.row().was['refusal']
        self.assertEqual('place', refusal['kind'])
        self.assertLessEqual(refusal['since'], now)
        self.assertLessEqual(refusal['last'], now)
