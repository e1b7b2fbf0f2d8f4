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

"""What every workflow must do. A new one passes this before it is believed.

What its tables and traits promise is read in unit/recovery/test_workflow.py,
for each that is installed.
"""

import collections
from typing import ClassVar

from hass.recovery import workflow
from hass import states
from hass.tests.scenario import base

TURNS = 2
"""In each state so many turns are fatal to the engine that takes them."""


class WorkflowContract(base.ScenarioTest):
    """Derive from it, name the workflow, and write how it begins.

    Every entry point of hass.workflows has such a test: another test looks.

    :cvar name: of the workflow
    :cvar ends: the state that it ends in when all goes well
    """

    name: ClassVar[str]
    ends: ClassVar[states.State]

    def begin(self) -> None:
        """What it recovers from happens, and opens it."""
        raise NotImplementedError

    def subject(self) -> str:
        """What the recovery is of."""
        raise NotImplementedError

    def assert_mended(self) -> None:
        """All is well again, and nothing was done twice."""
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        self.turns: collections.Counter[str] = collections.Counter()
        self.killed = 0

    def recover_with_engines_that_die(self, moment: str) -> None:
        """Each is killed around its turn; another one takes over.

        :param moment: *before* the turn, when the last one is committed, or
            *after* it, when it has acted and is not committed
        """

        def maybe_kill(turn: workflow.Turn) -> None:
            if turn.recovery.workflow != self.name:
                return
            self.turns[turn.recovery.state] += 1
            if self.turns[turn.recovery.state] <= TURNS:
                self.cloud.kill_at = (self.cloud.steps, moment)
                self.killed += 1

        self.cloud.before_step = maybe_kill
        self.begin()
        self.cloud.run_until(self._is_over)
        story = self.cloud.newest(self.subject(), workflow=self.name)
        assert story is not None
        self.assertEqual(self.ends, story.state, story.why)
        passed = {*self.cloud.history(story)} - states.ENDED
        self.assertEqual(passed, set(self.turns))
        self.assertGreaterEqual(self.killed, len(passed))
        self.assert_mended()

    def _is_over(self) -> bool:
        """Whether it has ended; dead engines are started again."""
        for name, engine in list(self.cloud.engines.items()):
            if not engine.alive:
                self.cloud.start_engine(name)
        story = self.cloud.newest(self.subject(), workflow=self.name)
        return story is not None and story.ended_at is not None

    def test_it_ends_though_engines_die_before_its_turns(self):
        self.recover_with_engines_that_die('before')

    def test_it_ends_though_engines_die_after_its_turns(self):
        self.recover_with_engines_that_die('after')
