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

"""The account of agents, made as the page on security says."""

import uuid

from hass import exception
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport
from hass.tests import base
from hass.tests import documented
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

PAGE = 'doc/source/security.rst'
ACCOUNT = 'hass-agent'
PASSWORD = 'of-agents'


class Operators:
    """What an engine does for the API; agents must not reach it."""

    def __init__(self):
        self.asked = 0

    @transport.exposed
    def test_fence(self, context, host):
        self.asked += 1
        return {}


class AgentsAccountTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.rabbit = servers.rabbitmq()
        url = self.rabbit.virtual_host()
        self.ears = self.useFixture(ears.Ears(url))
        self.place = url.rpartition('/')[2]
        self.account = f'{ACCOUNT}-{uuid.uuid4().hex[:8]}'
        for words in self.documented():
            self.rabbit.control(*words)
        self.addCleanup(self.rabbit.control, 'delete_user', self.account)
        host = url.rpartition('@')[2]
        self.url = f'rabbit://{self.account}:{PASSWORD}@{host}'

    def documented(self):
        """What is to be typed, with names that are this test's own."""
        for command in documented.commands():
            if command.page != PAGE or command.words[0] != 'rabbitmqctl':
                continue
            own = {ACCOUNT: self.account}
            words = [own.get(word, word) for word in command.words[1:]]
            if '-p' in words:
                words[words.index('-p') + 1] = self.place
            if words[0] == 'add_user':
                # It would be asked for.
                words.append(PASSWORD)
            yield words

    def connect(self):
        connected = transport.connect(ears.make_conf(self.url))
        self.addCleanup(connected.cleanup)
        return connected

    def test_reports_pass_and_are_answered(self):
        engine = api.EngineAPI(self.connect(), 10.0)
        me = self.ears.make_identity()
        answer = engine.gate(me.seal(messages.GateRequest))
        self.assertEqual({'open': True, 'why': 'no recovery is open'}, answer)

    def test_nothing_passes_that_is_for_operators(self):
        operators = Operators()
        served = transport.connect(self.ears.conf)
        self.addCleanup(served.cleanup)
        server = transport.server(
            served, transport.OPERATORS, 'engine-1', [operators]
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        api.OperatorAPI(served, 20.0).test_fence('compute-1')
        self.assertEqual(1, operators.asked)
        thief = api.OperatorAPI(self.connect(), 3.0)
        self.assertRaises(
            exception.EngineUnreachable, thief.test_fence, 'compute-1'
        )
        api.OperatorAPI(served, 20.0).test_fence('compute-1')
        self.assertEqual(2, operators.asked)
