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


import collections

from hass.agent.instances import ear
from hass.agent.instances import teller
from hass.agent.instances import translation
from hass.faults import Incident
from hass.tests import base

NOVA = (
    '<domain><metadata><nova:instance xmlns:nova='
    '"http://openstack.org/xmlns/libvirt/nova/1.1"/></metadata></domain>'
)
KILLED = translation.lifecycle(5, 5)
STARTED = translation.lifecycle(2, 0)
RUNNING, UNKNOWN = (1, 1), (5, 0)


class Source:
    """Says what a test gave it."""

    def __init__(self):
        self.words: collections.deque[ear.Word] = collections.deque()
        self.descriptions = collections.defaultdict(lambda: NOVA)
        self.asked = []

    def word(self, seconds):
        return self.words.popleft() if self.words else None

    def describe(self, uuid):
        self.asked.append(uuid)
        return self.descriptions[uuid]


class TellerTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.source = Source()
        self.told: list[teller.Event] = []
        self.teller = teller.Teller(self.source, self.told.append)

    def hear(self, uuid, change, at=1.0):
        self.source.words.append(ear.Heard(at, uuid, change))
        self.teller.turn()

    def list(self, **states):
        self.source.words.append(ear.Begun())
        self.source.words.append(ear.Listed(2.0, states))
        self.teller.turn()

    def test_an_event_becomes_what_the_engine_is_told(self):
        self.hear('a', KILLED, at=7.0)
        (event,) = self.told
        self.assertEqual(
            ('a', Incident.KILLED, 7.0, 'libvirt lost its process'),
            (event.instance, event.incident, event.at, event.detail),
        )

    def test_what_was_missed_is_told_and_says_so(self):
        self.list(a=RUNNING)
        self.list(a=UNKNOWN)
        self.assertIn(teller.MISSED, self.told[0].detail)

    def test_a_domain_that_is_not_of_nova_is_named_in_the_log_once(self):
        self.source.descriptions['a'] = '<domain/>'
        with self.assertLogs('hass.agent.instances', 'INFO') as logs:
            for _each in range(3):
                self.hear('a', STARTED)
                self.hear('a', KILLED)
        self.assertEqual([], self.told)
        self.assertEqual(1, len(logs.output))

    def test_a_domain_that_vanished_while_it_was_looked_at_is_told(self):
        self.source.descriptions['a'] = None
        self.hear('a', KILLED)
        self.assertEqual(1, len(self.told))

    def test_nobody_is_asked_when_it_happens(self):
        self.list(a=RUNNING)
        self.assertEqual(['a'], self.source.asked)
        self.hear('a', KILLED)
        self.assertEqual(['a'], self.source.asked)

    def test_a_domain_that_came_back_is_looked_at_again(self):
        self.list(a=RUNNING)
        self.list()
        self.list(a=RUNNING)
        self.assertEqual(['a', 'a'], self.source.asked)

    def test_a_turn_has_an_end(self):
        for number in range(2 * teller.AT_ONCE):
            self.source.words.append(ear.Heard(1.0, str(number), KILLED))
        self.teller.turn()
        self.assertEqual(teller.AT_ONCE, len(self.told))
