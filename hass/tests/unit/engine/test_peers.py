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

import threading

from hass import asks
from hass import clock
from hass.engine import peers
from hass.tests import base

PLACES = {'management': '192.0.2.1', 'storage': '198.51.100.1'}


class Agents:
    """Stands for the listener: agents that answer as the test says.

    :ivar reach_only: the addresses that each agent reaches; None: is silent
    """

    def __init__(self):
        self.reach_only = {}
        self.asked = []
        self.waiting = {}
        self.lose = 0
        self.speaker = ''
        self.too_few = False

    def expect(self, nonce, then):
        self.waiting[nonce] = then

    def forget(self, nonce):
        del self.waiting[nonce]

    def reach(self, peer, addresses, nonce):
        self.asked.append(peer)
        known = self.reach_only.get(peer)
        if self.lose:
            self.lose -= 1
        elif known is not None:
            answers = [one in known for one in addresses]
            self.answer(peer, nonce, answers[self.too_few :])
        return 1

    def answer(self, peer, nonce, answers):
        speaker = self.speaker or peer
        answer = asks.Reached(speaker, 'boot-1', nonce, tuple(answers))
        threading.Thread(target=self.waiting[nonce], args=[answer]).start()


class PeersTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.agents = Agents()
        self.peers: peers.Peers = peers.Peers(
            self.agents,  # type: ignore[arg-type]
            self.clock,
        )

    def reach(self, *of, seconds=10.0, addresses=PLACES):
        return self.peers.reach('compute-1', addresses, of, seconds)

    def test_each_peer_says_what_it_reaches(self):
        self.agents.reach_only = {
            'compute-2': ['192.0.2.1'],
            'compute-3': ['192.0.2.1', '198.51.100.1'],
        }
        began = self.clock.monotonic()
        self.assertEqual(
            {
                'compute-2': {'management': True, 'storage': False},
                'compute-3': {'management': True, 'storage': True},
            },
            self.reach('compute-2', 'compute-3'),
        )
        self.assertLess(self.clock.monotonic() - began, 9)
        self.assertEqual({}, self.agents.waiting)

    def test_who_is_silent_is_left_out(self):
        self.agents.reach_only = {'compute-2': []}
        self.assertEqual(
            {'compute-2': {'management': False, 'storage': False}},
            self.reach('compute-2', 'compute-3', seconds=0.3),
        )

    def test_a_lost_question_is_asked_again(self):
        self.agents.reach_only = {'compute-2': []}
        self.agents.lose = 1
        self.assertIn('compute-2', self.reach('compute-2'))
        self.assertEqual(['compute-2'] * 2, self.agents.asked)

    def test_the_host_itself_is_no_witness(self):
        self.assertEqual({}, self.reach('compute-1'))
        self.assertEqual([], self.agents.asked)

    def test_without_an_address_nobody_is_asked(self):
        self.assertEqual({}, self.reach('compute-2', addresses={}))

    def test_no_more_networks_than_fit_a_question(self):
        many = {f'net-{number}': f'192.0.2.{number}' for number in range(12)}
        self.agents.reach_only = {'compute-2': []}
        said = self.reach('compute-2', addresses=many)
        self.assertEqual(asks.MAX_ADDRESSES, len(said['compute-2']))

    def test_who_was_not_asked_has_no_voice(self):
        self.agents.reach_only = {'compute-2': ['192.0.2.1']}
        self.agents.speaker = 'compute-9'
        self.assertEqual({}, self.reach('compute-2', seconds=0.3))

    def test_an_answer_to_something_else_is_none(self):
        self.agents.reach_only = {'compute-2': ['192.0.2.1']}
        self.agents.too_few = True
        self.assertEqual({}, self.reach('compute-2', seconds=0.3))
