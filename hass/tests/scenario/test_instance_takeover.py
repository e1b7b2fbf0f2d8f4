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


"""Engines are killed while they bring an instance back."""

import collections

from hass.tests import fake_cloud
from hass.tests.scenario import instance_base

STEPS = 4
"""Turns until Nova has rebooted it; the others only look."""
TURNS = 2
LADDER = ['reboot', 'stop', 'start', 'migrate', 'confirmResize']


class InstanceTakeoverTest(instance_base.InstanceTest):
    """Nothing is asked of Nova twice, and the other engine goes on."""

    def kill_at(self, step, moment):
        self.cloud.steps = 0
        self.cloud.kill_at = (step, moment)
        self.kill()
        self.until('finished')
        self.assertEqual(['reboot'], self.asked())
        self.assert_runs()

    def climb(self, moment):
        """Only the last rung helps; in each state two turns are fatal."""
        self.cloud.conf.set_override('verify_seconds', 40, 'recovery')
        turns: collections.Counter[str] = collections.Counter()

        def maybe_kill(turn):
            turns[turn.recovery.state] += 1
            if turns[turn.recovery.state] <= TURNS:
                self.cloud.kill_at = (self.cloud.steps, moment)

        self.cloud.before_step = maybe_kill
        self.hang(always=True)
        self.cloud.run_until(self.is_over)
        self.assertEqual(LADDER, self.asked())
        self.assertNotEqual(instance_base.HOST, self.server.host)
        self.assert_runs(self.server.host)

    def is_over(self):
        """Whether it has ended; dead engines are started again."""
        for name, engine in list(self.cloud.engines.items()):
            if not engine.alive:
                self.cloud.start_engine(name)
        story = self.cloud.newest(self.vm)
        return story is not None and story.state in ('finished', 'held')

    def test_engines_that_die_before_their_turns_climb_once(self):
        self.climb('before')

    def test_engines_that_die_after_their_turns_climb_once(self):
        self.climb('after')

    def test_a_call_that_never_left_is_sent_once_more(self):
        self.lose_call(sent=False)
        self.until('finished')
        self.assertEqual(['reboot'], self.asked())
        self.assert_runs()

    def test_a_call_whose_sender_died_is_not_sent_again(self):
        self.lose_call(sent=True)
        self.until('finished')
        self.assertEqual(['reboot'], self.asked())
        self.assert_runs()

    def lose_call(self, *, sent):
        """The engine dies while it calls Nova."""
        send = self.cloud.compute.hard_reboot

        def die(server, deadline):
            self.cloud.compute.hard_reboot = send
            if sent:
                send(server, deadline)
            raise fake_cloud.Killed

        self.cloud.compute.hard_reboot = die
        self.kill()
        self.cloud.run_until(
            lambda: not all(e.alive for e in self.cloud.engines.values())
        )

    def test_an_engine_that_was_stopped_sends_nothing_late(self):
        """SIGSTOP before the call, the other one finishes, SIGCONT."""
        send = self.cloud.compute.hard_reboot

        def stop(server, deadline):
            self.cloud.compute.hard_reboot = send
            stopped = next(
                one for one in self.cloud.engines.values() if one.working
            )
            stopped.alive = False
            self.until('finished')
            stopped.alive = True
            send(server, deadline)

        self.cloud.compute.hard_reboot = stop
        self.kill()
        self.until('finished')
        self.assertIn('the right to act ended', self.cloud.refusals[0])
        self.assertEqual(['reboot'], self.asked())
        self.assert_runs()


def _add(name, step, moment):
    def test(self):
        getattr(self, name)(step, moment)

    test.__name__ = f'test_{name}_{step:02}_{moment}'
    setattr(InstanceTakeoverTest, test.__name__, test)


for _moment in ('before', 'after'):
    for _step in range(1, STEPS + 1):
        _add('kill_at', _step, _moment)
