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

"""Engines that are killed, stopped and cut off while they work."""

from hass.tests.openstack import base
from tools.minicloud import faults

FAILURE = (
    'confirming',
    'fencing',
    'forcing_down',
    'planning',
    'evacuating',
    'verifying',
)
RETURN = (
    'powering_on',
    'awaiting_agent',
    'settling',
    'unforcing',
    'enabling',
    'restarting',
)
STORIES = 3
"""As many tries to catch a short state."""
SLOW_SECONDS = 0.3
"""What Nova takes for each answer, so that no state is too short."""


class EngineTest(base.OpenStackTest):
    """An engine fails while it works on a recovery."""

    seconds = 900

    def test_an_engine_killed_while_a_host_failure_is_taken_over(self):
        self.kill_in_each(FAILURE, 'host_failure')

    def test_an_engine_killed_while_a_host_return_is_taken_over(self):
        self.kill_in_each(RETURN, 'host_return')

    def test_an_engine_that_was_stopped_writes_nothing_when_continued(self):
        host = self.cloud.busiest()
        servers = self.cloud.on(host)
        faults.power_cut(self.lab, host)
        _, stopped = self.wait_for_engine_at_work(host, 'evacuating')
        faults.engine_stop_signal(self.lab, stopped)
        story = self.wait_for_story(host, 'finished')
        self.assertNotEqual(f'engine{stopped}', story.history[-1].engine)
        faults.engine_cont(self.lab, stopped)
        self.assert_recovered(host)
        self.assert_moved_once(servers)

    def test_an_engine_cut_off_condemns_nobody_and_the_other_works(self):
        faults.cut_engine(self.lab, 1)
        self.let_pass(
            10,
            lambda: not self.stories(),
            'the engine that was cut off suspected somebody',
        )
        host = self.cloud.busiest()
        faults.power_cut(self.lab, host)
        story = self.wait_for_story(host, 'finished')
        self.assertEqual({'engine2'}, {line.engine for line in story.history})
        self.wait_for_return(host)
        faults.join_engine(self.lab, 1)
        self.assert_recovered(host)

    def test_an_engine_that_hears_no_host_leaves_it_to_the_other(self):
        """It still reaches the database, Nova and the BMCs."""
        faults.cut_engine(self.lab, 2, ('storage', 'tenant'))
        host = self.cloud.busiest()
        faults.hang(self.lab, host)
        self.assert_recovered(host)

    # Killing.

    def kill_in_each(self, states, workflow):
        """Kill the engine at work in each state, in a few stories."""
        missing = list(states)
        for _ in range(STORIES):
            if missing:
                missing = self.one_story(missing, workflow)
        self.assertEqual([], missing, 'never killed in these states')

    def one_story(self, states, workflow):
        """Let a host fail; returns the states that were missed."""
        host = self.cloud.busiest()
        for extra in self.cloud.boot(host, 'extra'):
            self.addCleanup(self.cloud.delete, extra)
        self.begin_anew()
        faults.nova_api_slow(self.lab, SLOW_SECONDS)
        faults.hang(self.lab, host)
        killed = {s for s in states if self.kill_in(host, workflow, s)}
        faults.nova_api_slow(self.lab, 0)
        self.assert_recovered(host)
        return [state for state in states if state not in killed]

    def kill_in(self, host, workflow, state):
        """Kill the engine at work in a state; whether it was still in it."""
        story, engine = self.wait_for_engine_at_work(
            host, *self.from_on(state), workflow=workflow
        )
        if story.state != state:
            return False
        faults.engine_kill9(self.lab, engine)
        died = self.cloud.story(story.uuid)
        self.wait_for(
            lambda: self.taken_over(died),
            why=f'{died.state} to be taken over from engine{engine}',
        )
        faults.engine_start(self.lab, engine)
        return died.state == state

    def from_on(self, state):
        """The states of its story that are not before a state."""
        story = RETURN if state in RETURN else FAILURE
        ends = {'returned', 'finished', 'held', 'dismissed'}
        return {*story[story.index(state) :], *ends}

    def taken_over(self, died):
        now = self.cloud.story(died.uuid)
        lines = now.history[len(died.history) :]
        engines = {line.engine for line in lines} | {now.engine}
        return bool(engines - {died.engine, None})
