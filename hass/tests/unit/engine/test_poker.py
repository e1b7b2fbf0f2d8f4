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

"""An agent that should answer a question and does not is mute."""

from hass import beats
from hass.diagnosis import quality
from hass.engine import hearing
from hass.engine import poker
from hass.tests import base
from hass.tests import clocks

HOST = 'compute-1'


class Agent:
    """Beats each second on two networks, and when it is asked to."""

    def __init__(self, clock):
        self.clock = clock
        self.memory = hearing.Hearing(quality.Wish())
        self.answers = True
        self.boot = 'boot-1'
        self.sequence = 0
        self.asked = 0
        self.heard = self.memory.heard
        self.liveness = self.memory.liveness

    def beat(self, learn=True):
        self.sequence += 1
        now, wall = self.clock.monotonic(), beats.wall(self.clock)
        for network in ('management', 'storage'):
            self.memory.take(
                beats.Beat(HOST, self.boot, self.sequence, wall, now, network),
                now,
                wall,
                learn,
            )

    def poke(self, host):
        self.asked += 1
        if self.answers:
            self.clock.turn(0.01)
            self.beat(learn=False)
        return 2


class PokerTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.agent = Agent(self.clock)
        self.poker = poker.Poker(self.agent, self.clock, self.clock.turn)

    def live(self, seconds):
        """Beats every second, and turns of the patrol between them."""
        for _ in range(seconds):
            self.agent.beat()
            for _each in range(4):
                self.clock.turn(0.25)
                self.poker.learn([HOST])

    def test_an_agent_that_answers_is_asked_once(self):
        self.agent.beat()
        self.clock.turn(0.5)
        answer = self.poker.ask(HOST)
        self.assertTrue(answer.answered)
        self.assertEqual(1, self.agent.asked)
        self.assertEqual([], self.poker.mute())

    def test_an_agent_that_always_answered_and_does_not_is_mute(self):
        self.live(60)
        self.agent.answers = False
        answer = self.poker.ask(HOST)
        self.assertTrue(answer.mute)
        self.assertEqual([HOST], self.poker.mute())

    def test_a_beat_ends_the_muteness(self):
        self.test_an_agent_that_always_answered_and_does_not_is_mute()
        self.clock.turn(0.3)
        self.agent.beat()
        self.assertEqual([], self.poker.mute())
        self.assertFalse(self.poker.ask(HOST).mute)

    def test_an_agent_that_never_answered_is_not_mute(self):
        self.agent.answers = False
        self.live(60)
        self.assertFalse(self.poker.ask(HOST).mute)
        self.assertEqual([], self.poker.mute())

    def test_a_new_boot_has_to_be_seen_answering_anew(self):
        self.live(60)
        self.agent.boot = 'boot-2'
        self.agent.answers = False
        self.live(5)
        self.assertFalse(self.poker.ask(HOST).mute)

    def test_where_much_is_lost_no_answer_means_little(self):
        self.live(60)
        for _ in range(100):
            self.agent.beat()
            self.agent.sequence += 3  # These were sent and lost.
            self.clock.turn(4)
        self.agent.answers = False
        self.assertFalse(self.poker.ask(HOST).mute)

    def test_who_is_known_to_answer_is_left_alone(self):
        self.live(60)
        self.assertEqual(poker.SEEN_TWICE, self.agent.asked)
