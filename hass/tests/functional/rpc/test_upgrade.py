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

"""Engines and agents are upgraded one after the other, over a real broker."""

import uuid

import fixtures

from hass.agent.instances import teller
from hass import beats
from hass import exception
from hass import faults
from hass.rpc import messages
from hass.rpc import transport
from hass.tests.functional.rpc import ears
from hass.tests.functional.rpc.former import faults as former_faults
from hass.tests.functional.rpc.former import messages as former
from hass.tests.functional.rpc import test_rabbit

KEY = ears.KEY.encode()


class FormerEngine:
    """Believes what an engine of the former version believes.

    :ivar taken: the reports
    :ivar refused: why others were none
    :ivar left: why agents said goodbye
    """

    def __init__(self):
        self.taken: list[former.Report] = []
        self.refused: list[str] = []
        self.left: list[str] = []

    def _answer(self, kind, envelope):
        try:
            return former.unseal(kind, envelope, lambda host: [KEY]), {}
        except exception.MessageRefused as refused:
            self.refused.append(refused.reason)
            return None, {'refused': refused.reason}

    @transport.exposed
    def report(self, context, envelope):
        report, answer = self._answer(former.Report, envelope)
        if report is not None:
            self.taken.append(report)
        return answer | {'patrol_seconds': 0.5}

    @transport.exposed
    def goodbye(self, context, envelope):
        goodbye, answer = self._answer(former.Goodbye, envelope)
        if goodbye is not None:
            self.left.append(goodbye.why)
        return answer

    @transport.exposed
    def gate(self, context, envelope):
        _, answer = self._answer(former.GateRequest, envelope)
        return answer or {'open': True, 'why': 'no recovery is open'}


class FormerAgentTest(test_rabbit.RabbitCase):
    """An agent that is not upgraded yet, and engines that are."""

    def seal(self, kind, **fields):
        clock = self.ears.clock
        message = kind(
            host=ears.HOST,
            boot_id='boot-1',
            sequence=int(clock.monotonic() * 1e6),
            sent_at=beats.wall(clock),
            uptime=clock.monotonic(),
            **fields,
        )
        return former.seal(message, KEY)

    def test_its_versions_differ(self):
        """Else this would test nothing."""
        self.assertEqual('1.2', former.VERSION)
        self.assertEqual('1.3', messages.VERSION)

    def test_it_is_believed(self):
        engine, instance = self.connect(), str(uuid.uuid4())
        killed = former.InstanceEvent(
            str(uuid.uuid4()), instance, former_faults.Incident.KILLED, 1.0
        )
        storage = former.Sight(
            former_faults.SidePath.STORAGE,
            'storage_file',
            former_faults.Verdict.HEALTHY,
            0.5,
        )
        alleged = former.Allegation(former_faults.Layer.OS, 0.5, {'a': 'b'})
        answer = engine.report(
            self.seal(
                former.Report,
                addresses={'management': '127.0.0.2'},
                domains=[instance],
                system_uuid=None,
                resume_guests=False,
                watchdog='off',
                health={'beats': 'ok'},
                observations=[storage],
                faults=[alleged],
                events=[killed],
            )
        )
        # It leaves alone what it does not know.
        self.assertEqual({'patrol_seconds': None, 'signs': True}, answer)
        self.assertEqual([instance], self.ears.host().domains)
        self.assertEqual(
            {'agent:storage_file'},
            {one.detector for one in self.ears.observations()},
        )
        self.assertEqual(
            {faults.Layer.OS, faults.Layer.INSTANCE},
            {one.layer for one in self.ears.notifications()},
        )

    def test_its_goodbye_and_its_gate_are_heard(self):
        engine = self.connect()
        self.assertTrue(engine.gate(self.seal(former.GateRequest))['open'])
        self.assertEqual(
            {}, engine.goodbye(self.seal(former.Goodbye, why='stopped'))
        )
        self.assertIsNotNone(self.ears.host().planned_until)


class FormerEngineTest(test_rabbit.RabbitCase):
    """Engines that are not upgraded yet, and an agent that is."""

    serves = False

    def setUp(self):
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch('hass.agent.reporter.PLAIN_SECONDS', 1.0)
        )
        self.engine = FormerEngine()
        connected = transport.connect(self.ears.conf)
        self.addCleanup(connected.cleanup)
        self.server = transport.server(
            connected, transport.REPORTS, 'engine-0', [self.engine]
        )
        self.server.start()
        self.addCleanup(self.stop_engine)
        self.agent = self.make_agent()

    def stop_engine(self):
        self.server.stop()
        self.server.wait()

    def tell(self, incident):
        """Something befalls an instance; the event's id."""
        event = teller.Event(
            id=str(uuid.uuid4()),
            instance=str(uuid.uuid4()),
            incident=incident,
            at=self.ears.clock.monotonic(),
            detail='',
        )
        self.agent.tell(event)
        return event.id

    def events(self):
        """Ids of what the former engine heard of."""
        return [
            event.id for report in self.engine.taken for event in report.events
        ]

    def test_it_is_believed_until_it_has_news(self):
        known = self.tell(faults.Incident.KILLED)
        self.wait_for(lambda: known in self.events(), why='the event')
        self.assertEqual([], self.engine.refused)

    def test_what_they_do_not_know_waits_for_one_that_does(self):
        news = self.tell(faults.Incident.NETWORK_LOST)
        self.wait_for(lambda: self.engine.refused, why='it to be refused')
        self.assertIn('envelope.version', self.engine.refused[0])
        known = self.tell(faults.Incident.KILLED)
        self.wait_for(lambda: known in self.events(), why='the other event')
        self.assertNotIn(news, self.events())
        self.ears.serve()
        self.stop_engine()
        self.wait_for(
            lambda: [
                one.payload.get('event') for one in self.ears.notifications()
            ] == ['network_lost'],
            why='it to be told to an engine that knows it',
        )  # fmt: skip

    def test_its_goodbye_is_heard(self):
        self.wait_for(lambda: self.engine.taken, why='the first report')
        self.agent.stop()
        self.assertEqual(['stopped'], self.engine.left)
