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

"""What the tables of the workflows promise, and that their picture is true."""

import pathlib
import runpy

from hass import exception
from hass.recovery import host_failure
from hass.recovery import workflow
from hass.tests import base
from hass import workflows

ROOT = pathlib.Path(__file__).parents[4]
WORKFLOWS = tuple(map(workflow.named, workflows.names()))
State = workflow.State


def every_state(story):
    return set(story.transitions).union(*story.transitions.values())


class TablesTest(base.TestCase):
    def test_each_is_what_its_name_says(self):
        self.assertEqual(
            workflows.names(), tuple(story.name for story in WORKFLOWS)
        )

    def test_every_state_has_a_method(self):
        for story in WORKFLOWS:
            for state in every_state(story) - workflow.ENDED:
                self.assertTrue(callable(getattr(story, state)), state)

    def test_every_state_that_can_be_entered_can_be_left(self):
        for story in WORKFLOWS:
            unfinished = every_state(story) - workflow.ENDED
            self.assertEqual(unfinished, set(story.transitions))

    def test_every_unfinished_state_but_held_has_a_deadline(self):
        for story in WORKFLOWS:
            self.assertEqual(
                set(story.transitions) - {State.HELD}, set(story.deadlines)
            )

    def test_every_state_can_reach_an_end(self):
        for story in WORKFLOWS:
            for state in story.transitions:
                found = reachable(story, state)
                self.assertTrue(found & workflow.ENDED, state)

    def test_every_state_can_be_reached_from_the_first_one(self):
        for story in WORKFLOWS:
            found = reachable(story, story.initial) | {story.initial}
            found |= {State.HELD} | reachable(story, State.HELD)
            self.assertEqual(every_state(story) | {State.HELD}, found)

    def test_nothing_follows_an_end(self):
        for story in WORKFLOWS:
            self.assertEqual(set(), workflow.ENDED & set(story.transitions))

    def test_giving_back_is_the_only_way_from_a_touched_recovery(self):
        """What touches a host's service or power leads to no dismissal."""
        for story in WORKFLOWS:
            if story.traits.subject is not workflows.Subject.HOST:
                continue
            before = {
                state
                for state, following in story.transitions.items()
                if State.DISMISSED in following
            }
            looking = {State.CONFIRMING, State.HELD, State.GIVING_BACK}
            self.assertEqual(set(), before - looking)

    def test_every_unfinished_state_may_be_held(self):
        for story in WORKFLOWS:
            for state in story.transitions:
                story.check(state, State.HELD)

    def test_what_has_ended_is_not_held(self):
        for state in workflow.ENDED:
            self.assertRaises(
                exception.IllegalHop,
                host_failure.HostFailure.check,
                state,
                State.HELD,
            )

    def test_a_hop_outside_of_the_table_is_refused(self):
        error = self.assertRaises(
            exception.IllegalHop,
            host_failure.HostFailure.check,
            State.CONFIRMING,
            State.EVACUATING,
        )
        self.assertEqual(
            'host_failure: confirming may not be followed by evacuating',
            str(error),
        )

    def test_all_that_a_workflow_declares_of_states_is_of_its_own(self):
        for story in WORKFLOWS:
            traits = story.traits
            for named in (
                traits.silent_in,
                traits.spares_in,
                traits.services_run_in,
                traits.orders_in,
            ):
                self.assertEqual(
                    set(), named - set(story.transitions), story.name
                )

    def test_what_supersedes_or_gives_way_is_installed_and_another(self):
        for story in WORKFLOWS:
            traits = story.traits
            others = {*traits.supersedes, *traits.superseded_by}
            self.assertEqual(
                set(), others - set(workflows.names()) | {story.name} & others
            )

    def test_only_what_isolates_its_host_fences_it(self):
        for story in WORKFLOWS:
            if story.traits.fences:
                self.assertTrue(story.traits.isolates, story.name)
                self.assertIn(State.FENCING, story.transitions)


class PictureTest(base.TestCase):
    def test_the_committed_picture_shows_the_tables(self):
        """If it does not, run tox -e genstates."""
        drawing = runpy.run_path(str(ROOT / 'tools/states_to_dot.py'))
        self.assertEqual(drawing['page'](), drawing['PAGE'].read_text())


def reachable(story, state):
    """The states that can follow, at once or later, not through held."""
    found: set[State] = set()
    ahead = [state]
    while ahead:
        new = story.transitions.get(ahead.pop(), frozenset()) - found
        found |= new
        ahead += new
    return found
