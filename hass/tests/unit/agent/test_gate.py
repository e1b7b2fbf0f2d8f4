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

import types
from unittest import mock

from hass.agent import gate
from hass.agent import identity
from hass import clock
from hass.cmd import agent as command
from hass import exception
from hass.rpc import messages
from hass.tests import base
from hass.tests.unit.agent import engines

KEY = b'k' * 32


class Engine(engines.SilentEngine):
    """Answers what it is told to, in order; the last answer stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def gate(self, envelope):
        self.asked.append(
            messages.unseal(messages.GateRequest, envelope, lambda host: [KEY])
        )
        answer = self.answers[0]
        if len(self.answers) > 1:
            self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class GateTest(base.TestCase):
    def make_gate(self, *answers):
        self.engine = Engine(*answers)
        self.said: list[str] = []
        return gate.Gate(
            identity.Identity(clock.SystemClock(), 'compute-1', 'boot-1', KEY),
            self.engine,
            self.said.append,
            poll_seconds=0.01,
            call_seconds=1.0,
        )

    def test_it_waits_until_an_engine_says_open(self):
        closed = {'open': False, 'why': 'recovery R is evacuating'}
        self.make_gate(
            exception.EngineUnreachable('gate', 'no answer'),
            exception.EngineUnreachable('gate', 'no answer'),
            closed,
            closed,
            {'open': True, 'why': 'no recovery is open'},
        ).wait_open()
        self.assertEqual(
            [
                'closed: no engine answers: no answer',
                'closed: recovery R is evacuating',
                'open: no recovery is open',
            ],
            self.said,
        )

    def test_an_answer_that_says_nothing_does_not_open(self):
        self.make_gate(
            {}, {'open': 'yes'}, {'open': True, 'why': 'so'}
        ).wait_open()
        self.assertEqual(3, len(self.engine.asked))

    def test_a_refused_question_does_not_open(self):
        self.make_gate(
            exception.MessageRefused('', 'no such host'), {'open': True}
        ).wait_open()
        self.assertEqual(
            'closed: the engine refuses to answer: no such host', self.said[0]
        )

    def test_force_opens_and_is_reported(self):
        with self.assertLogs('hass.agent.gate', 'CRITICAL'):
            self.make_gate({'open': False}).force('root')
        self.assertEqual(['open: forced by root'], self.said)
        self.assertTrue(self.engine.asked[0].forced)

    def test_force_opens_without_an_engine(self):
        self.make_gate(exception.EngineUnreachable('gate', 'no answer')).force(
            'root'
        )
        self.assertEqual(['open: forced by root'], self.said)

    def test_only_root_forces_it(self):
        with mock.patch('os.geteuid', autospec=True, return_value=1000):
            error = self.assertRaises(
                exception.ConfigError,
                command.wait,
                types.SimpleNamespace(force=True),
            )
        self.assertIn('only root', str(error))
