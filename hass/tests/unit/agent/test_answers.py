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

import socket
import threading

from hass.agent import answers
from hass.agent import beats as sending
from hass.agent import identity
from hass import asks
from hass import beats
from hass import clock
from hass.conf import agent as options
from hass import exception
from hass.tests import base

KEY = b'k' * 32
HERE, THERE = '192.0.2.1', '192.0.2.2'


class Pinger:
    """Answers at once, or when the test lets it."""

    def __init__(self):
        self.go = threading.Event()
        self.go.set()
        self.asked = []
        self.error = None

    def answering(self, addresses):
        self.asked.append(tuple(addresses))
        self.go.wait(30)
        if self.error:
            raise self.error
        return frozenset({HERE}.intersection(addresses))


class AnswersTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.SystemClock()
        self.engine = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.engine.close)
        self.engine.bind(('127.0.0.1', 0))
        self.engine.settimeout(10)
        self.identity = identity.Identity(
            self.clock, 'compute-1', 'boot-1', KEY
        )
        self.sender = sending.Sender(
            self.identity,
            {'management': '127.0.0.1', 'storage': '127.0.0.2'},
            [options.EngineAddress('', *self.engine.getsockname())],
        )
        self.addCleanup(self.sender.close)
        self.pinger = Pinger()
        self.addCleanup(self.pinger.go.set)
        self.answers = answers.Answers(
            self.identity, self.sender, self.pinger, self.clock
        )
        self.sender.beat()
        self.places = {}
        for _network in range(2):
            beat, place = self.receive()
            self.places[beat.network] = place

    def receive(self):
        datagram, place = self.engine.recvfrom(2000)
        read = asks.unpack if datagram[:3] == b'HA1' else beats.unpack
        return read(datagram, lambda host: [KEY]), place

    def ask(self, ask, network='management', key=KEY):
        self.engine.sendto(asks.pack(ask, key), self.places[network])

    def poke(self, network='management', boot='boot-1', key=KEY):
        self.ask(asks.Poke('compute-1', boot, asks.make_nonce()), network, key)

    def reach(self, *addresses, nonce=None, network='management'):
        nonce = nonce or asks.make_nonce()
        self.ask(asks.Reach('compute-1', '', nonce, addresses), network)
        return nonce

    def turn_until(self, condition, why):
        def look():
            self.answers.turn()
            return condition()

        self.wait_for(look, why=why)

    def refused(self, reason, count=1):
        self.turn_until(
            lambda: self.answers.refusals().get(reason, 0) >= count,
            why=f'{count} refused because {reason}',
        )

    def assert_silence(self):
        self.engine.setblocking(False)
        self.assertRaises(BlockingIOError, self.engine.recvfrom, 2000)

    def test_a_poke_is_answered_by_a_beat_on_its_network(self):
        for network in ('storage', 'management'):
            self.poke(network)
            self.answers.turn()
            beat, place = self.receive()
            self.assertEqual(network, beat.network)
            self.assertEqual(self.places[network], place)

    def test_the_beat_has_the_next_number(self):
        self.sender.beat()
        before = max(self.receive()[0].sequence for _network in range(2))
        self.poke()
        self.answers.turn()
        self.assertGreater(self.receive()[0].sequence, before)

    def test_after_a_goodbye_it_is_a_goodbye_too(self):
        self.sender.beat(planned=True)
        self.receive(), self.receive()
        self.poke()
        self.answers.turn()
        self.assertTrue(self.receive()[0].planned)

    def test_a_flood_of_pokes_gets_twenty_beats_a_second(self):
        began = self.clock.monotonic()
        for _poke in range(100):
            self.poke()
        self.refused(answers.TOO_MANY, 50)
        self.engine.setblocking(False)
        beats_back = 0
        try:
            while True:
                self.receive()
                beats_back += 1
        except BlockingIOError:
            spent = self.clock.monotonic() - began
        self.assertLessEqual(beats_back, 20 * (1 + spent))

    def test_a_flood_on_one_network_leaves_the_other_its_voice(self):
        for _poke in range(100):
            self.poke('storage')
        self.refused(answers.TOO_MANY, 20)
        self.poke('management')
        self.answers.turn()
        while self.receive()[0].network != 'management':
            pass

    def test_who_may_not_ask_gets_no_answer(self):
        self.poke(key=b'x' * 32)
        self.refused(beats.Refusal.FORGED)
        self.poke(boot='boot-0')
        self.refused(beats.Refusal.OLD_BOOT)
        self.engine.sendto(b'GET / HTTP/1.1\r\n', self.places['storage'])
        self.refused(beats.Refusal.UNREADABLE)
        self.ask(asks.Reached('compute-1', '', asks.make_nonce(), (True,)))
        self.refused(beats.Refusal.UNREADABLE, 2)
        self.ask(asks.Poke('compute-2', '', asks.make_nonce()))
        self.refused(beats.Refusal.UNKNOWN_HOST)
        self.assert_silence()

    def test_it_says_which_addresses_answer(self):
        nonce = self.reach(THERE, HERE)
        self.answers.turn()
        answer, _place = self.receive()
        self.assertEqual(
            asks.Reached('compute-1', 'boot-1', nonce, (False, True)), answer
        )

    def test_one_question_on_two_networks_is_asked_once(self):
        self.pinger.go.clear()
        nonce = self.reach(HERE)
        self.answers.turn()
        self.reach(HERE, nonce=nonce, network='storage')
        self.answers.turn()
        self.pinger.go.set()
        places = {self.receive()[1] for _network in range(2)}
        self.assertEqual(set(self.places.values()), places)
        self.assertEqual([(HERE,)], self.pinger.asked)

    def test_few_hosts_are_asked_about_at_a_time(self):
        self.pinger.go.clear()
        for _reach in range(answers.REACHES + 2):
            self.reach(HERE)
        self.refused(answers.TOO_MANY, 2)
        self.pinger.go.set()
        for _reach in range(answers.REACHES):
            self.receive()
        self.assert_silence()

    def test_who_may_not_ping_says_nothing(self):
        self.pinger.error = exception.ConfigError('CAP_NET_RAW', 'no pings')
        self.reach(HERE)
        self.turn_until(
            lambda: 'no pings' in self.log.output, why='an error line'
        )
        self.assert_silence()

    def test_a_host_that_hangs_answers_nothing(self):
        self.sender.mute(True)
        self.poke()
        self.reach(HERE)
        self.turn_until(lambda: self.pinger.asked, why='the pings')
        self.assert_silence()
        self.sender.mute(False)
        self.poke()
        self.turn_until(lambda: self.receive(), why='a beat')

    def test_after_the_end_nothing_is_heard(self):
        self.sender.close()
        self.poke()
        self.answers.turn()
        self.assert_silence()
