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

"""What an engine cannot use is said in a line, and nothing is fenced."""

from hass.tests.functional.engine import base

HOST = 'a'


class TroubleTest(base.EngineTest):
    def hang(self, world):
        """One host hangs under the eyes of a real engine."""
        world.protect(HOST, 1)
        world.start()
        self.wait_ready(world)
        world.nova.machines[HOST].hang()

    def wait_why(self, world, words):
        story = self.wait_for(
            lambda: (story := world.story()) and words in story.why and story,
            why=f'a recovery that says {words!r}',
        )
        self.assertEqual(0, world.power_commands())
        self.assertEqual({}, world.nova.verdict().evacuations)
        self.assertNotIn('Traceback', world.said())
        return story

    def test_a_nova_that_is_too_old(self):
        world = self.make_world(highest=(2, 52))
        world.migrate()
        self.hang(world)
        line = 'it offers microversions 2.1 to 2.52, HASS needs 2.73'
        story = self.wait_why(world, 'Nova refuses: 406')
        self.assertEqual('confirming', story.state)
        self.wait_said(world, line)

    def test_a_bmc_with_other_credentials(self):
        world = self.make_world()
        world.migrate(password='wrong')
        self.hang(world)
        story = self.wait_why(world, 'its power state cannot be read: BMC')
        self.assertEqual(('held', 'restraint'), (story.state, story.held_kind))
        self.wait_said(world, story.why)
        self.assertNotIn('wrong', world.said())

    def test_a_nova_that_answers_500(self):
        world = self.make_world()
        world.migrate()
        self.hang(world)
        world.nova.server.answer = 500
        self.wait_why(world, '500')
