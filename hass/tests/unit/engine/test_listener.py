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

from collections.abc import Callable
import socket

from hass import asks
from hass import beats
from hass.diagnosis import quality
from hass.engine import listener
from hass.engine import strangers
from hass import exception
from hass.tests import base
from hass.tests import clocks

KEYS = {'compute-1': [b'k' * 32], 'compute-2': [b'j' * 32]}


class ListenerCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.signed: list[tuple[str, Callable[[bytes], bool]]] = []
        self.strangers = strangers.Strangers(self.clock)
        self.listener = listener.Listener(
            self.clock,
            lambda host: KEYS.get(host, ()),
            [('127.0.0.1', 0)],
            quality.Wish(),
            lambda host, is_signed: self.signed.append((host, is_signed)),
            self.strangers,
        )
        self.sequence = 0

    def beat(self, network='management', host='compute-1', **changes):
        self.sequence += 1
        fields = {
            'host': host,
            'boot_id': 'boot-1',
            'sequence': self.sequence,
            'sent_at': beats.wall(self.clock),
            'uptime': self.clock.monotonic() - 400.0,
            'network': network,
        }
        return beats.pack(beats.Beat(**fields | changes), KEYS[host][0])

    def hear(self, *args, **kwargs):
        self.listener.take(self.beat(*args, **kwargs))
        return self.heard()

    def heard(self):
        found = self.listener.heard('compute-1')
        assert found is not None
        return found


class ListenerTest(ListenerCase):
    def test_who_never_spoke_is_not_heard(self):
        self.assertIsNone(self.listener.heard('compute-1'))
        self.assertFalse(self.listener.heard_after('compute-1', 0.0))

    def test_networks_are_told_apart(self):
        self.hear('management')
        self.clock.turn(2)
        heard = self.hear('storage')
        self.assertEqual(
            {'management': 1000.0, 'storage': 1002.0}, heard.by_network
        )
        self.assertEqual(1002.0, heard.last)

    def test_a_beat_from_a_queue_is_as_old_as_it_is(self):
        self.hear()
        self.clock.turn(1)
        late = self.beat()
        self.clock.turn(5)
        self.listener.take(late)
        heard = self.heard()
        self.assertEqual((1006.0, 1001.0), (heard.last, heard.sent))
        self.assertFalse(self.listener.heard_after('compute-1', 1003.0))

    def test_hearing_survives_clocks_that_run_apart(self):
        for _hour in range(50):
            heard = self.hear()
            self.clock.turn(3600)
            self.clock.boottime += 1
        self.assertEqual(heard.last, heard.sent)

    def test_the_newest_beat_speaks_whichever_comes_last(self):
        early = self.beat('storage')
        self.clock.turn(0.1)
        self.hear('management', planned=True)
        self.listener.take(early)
        heard = self.heard()
        self.assertTrue(heard.planned)
        self.assertIn('storage', heard.by_network)

    def test_a_beat_after_the_goodbye_takes_it_back(self):
        self.assertTrue(self.hear(planned=True).planned)
        self.assertFalse(self.hear().planned)

    def test_a_new_boot_is_heard(self):
        self.hear()
        self.clock.turn(60)
        heard = self.hear(boot_id='boot-2', sequence=1, uptime=3.0)
        self.assertEqual('boot-2', heard.boot_id)
        self.assertEqual(1060.0, heard.sent)
        self.clock.turn(1)
        heard = self.hear(boot_id='boot-2', sequence=2, uptime=4.0)
        self.assertEqual((1060.0, 1061.0), (heard.since, heard.last))

    def test_a_clock_jump_is_told_and_does_not_silence(self):
        self.hear()
        self.clock.turn(1)
        heard = self.hear(sent_at=beats.wall(self.clock) + 3600)
        self.assertTrue(heard.clock_jump)
        self.assertEqual(1001.0, heard.last)

    def test_refusals_are_counted_and_leave_no_trace(self):
        datagram = self.beat()
        self.listener.take(datagram)
        self.clock.turn(1)
        self.listener.take(datagram)
        self.listener.take(b'GET / HTTP/1.1\r\n\r\n')
        forged = beats.Beat('compute-2', 'b', 1, 1.0, 1.0, 'management')
        self.clock.turn(10)
        with self.assertLogs('hass.audit', 'WARNING') as audited:
            self.listener.take(beats.pack(forged, b'k' * 32))
        self.assertIn(
            '"action": "beat", "host": "compute-2"', audited.output[0]
        )
        self.assertEqual(
            {
                beats.Refusal.REPLAYED: 1,
                beats.Refusal.UNREADABLE: 1,
                beats.Refusal.FORGED: 1,
            },
            self.listener.refusals(),
        )
        self.assertEqual(1000.0, self.heard().last)
        self.assertIsNone(self.listener.heard('compute-2'))

    def test_which_key_signed_a_beat_can_be_told(self):
        self.hear()
        ((host, is_signed),) = self.signed
        self.assertEqual('compute-1', host)
        self.assertTrue(is_signed(b'k' * 32))
        self.assertFalse(is_signed(b'n' * 32))

    def test_a_beat_that_is_refused_is_signed_with_no_key(self):
        beat = self.beat()
        self.listener.take(beat)
        self.listener.take(beat)
        self.assertEqual(1, len(self.signed))

    def test_who_is_refused_is_remembered_with_its_address(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
            for host in ('compute-2', 'compute-9'):
                for sequence in (1, 2):
                    beat = beats.Beat(host, 'b', sequence, 1.0, 1.0, 'm')
                    datagram = beats.pack(beat, b'x' * 32)
                    self.listener.take(datagram, (ours, ('192.0.2.7', 4000)))
                    self.clock.turn(10)
        self.assertEqual(
            [('compute-2', True), ('compute-9', False)],
            [(one.name, one.known) for one in self.strangers.now()],
        )
        self.assertEqual(
            {'192.0.2.7'}, {one.address for one in self.strangers.now()}
        )


class AnswerTest(ListenerCase):
    def setUp(self):
        super().setUp()
        self.answers: list[asks.Reached] = []
        self.nonce = asks.make_nonce()
        self.listener.expect(self.nonce, self.answers.append)

    def answer(self, host='compute-1', key=b'k' * 32):
        answer = asks.Reached(host, 'boot-1', self.nonce, (True,))
        self.listener.take(asks.pack(answer, key))
        return answer

    def test_an_answer_reaches_who_waits_for_it(self):
        self.assertEqual([self.answer()], self.answers)

    def test_a_late_answer_is_nobodys(self):
        self.listener.forget(self.nonce)
        self.answer()
        self.assertEqual([], self.answers)
        self.assertEqual({}, self.listener.refusals())

    def test_a_forged_answer_is_refused(self):
        self.answer(key=b'x' * 32)
        self.assertEqual([], self.answers)
        self.assertEqual({beats.Refusal.FORGED: 1}, self.listener.refusals())

    def test_engines_answer_no_questions(self):
        poke = asks.Poke('compute-1', '', self.nonce)
        self.listener.take(asks.pack(poke, b'k' * 32))
        self.assertEqual(
            {beats.Refusal.UNREADABLE: 1}, self.listener.refusals()
        )

    def test_who_was_never_heard_cannot_be_poked(self):
        self.assertEqual(0, self.listener.poke('compute-1'))


class SocketTest(ListenerCase):
    def test_beats_come_in_over_the_wire(self):
        self.listener.start()
        self.addCleanup(self.listener.stop)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for host in KEYS:
                sender.sendto(
                    self.beat(host=host), self.listener.addresses()[0]
                )
        self.wait_for(
            lambda: all(self.listener.heard(host) for host in KEYS),
            why='a beat of each host',
        )

    def test_a_poke_goes_back_the_way_of_the_newest_beat(self):
        KEYS['compute-1'].insert(0, b'new' * 11)
        self.addCleanup(KEYS['compute-1'].pop, 0)
        self.listener.start()
        self.addCleanup(self.listener.stop)
        place = self.listener.addresses()[0]
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as left,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as now,
        ):
            now.settimeout(10)
            left.sendto(self.beat(), place)
            self.wait_for(lambda: self.listener.heard('compute-1'), why='it')
            self.clock.turn(1)
            now.sendto(self.beat(), place)
            self.wait_for(lambda: self.heard().last == 1001.0, why='it')
            # One for each key that the agent may have.
            self.assertEqual(2, self.listener.poke('compute-1'))
            for key in KEYS['compute-1']:
                datagram, came_from = now.recvfrom(2000)
                poke = asks.unpack(datagram, {'compute-1': [key]}.__getitem__)
                self.assertEqual('boot-1', poke.boot_id)
                self.assertEqual(place, came_from)

    def test_an_address_of_others_is_a_configuration_error(self):
        error = self.assertRaises(
            exception.ConfigError, listener.bind, '192.0.2.1', 0
        )
        self.assertIn('192.0.2.1', str(error))


class ToldTest(ListenerCase):
    """When what came over the bus was sent."""

    def tell(self, ago=0.0, boot_id='boot-1'):
        uptime = self.clock.monotonic() - ago - 400.0
        return self.listener.tell('compute-1', boot_id, uptime)

    def test_who_told_nothing_has_told_nothing(self):
        self.hear()
        self.assertIsNone(self.listener.told('compute-1'))

    def test_beats_show_how_long_it_was_under_way(self):
        self.hear()
        self.clock.turn(10)
        self.assertEqual(1007.0, self.tell(ago=3.0))
        self.assertEqual(1007.0, self.listener.told('compute-1'))

    def test_without_beats_the_quickest_shows_it(self):
        self.tell()
        self.clock.turn(10)
        self.tell(ago=3.0)
        self.assertEqual(1007.0, self.listener.told('compute-1'))

    def test_what_comes_late_takes_nothing_back(self):
        self.tell()
        self.clock.turn(10)
        self.tell()
        self.tell(ago=9.0)
        self.assertEqual(1010.0, self.listener.told('compute-1'))

    def test_an_answer_was_sent_after_it_was_asked(self):
        self.hear()
        nonce = asks.make_nonce()
        self.listener.expect(nonce, lambda answer: None)
        self.clock.turn(1)
        self.listener.take(
            asks.pack(
                asks.Reached('compute-1', 'boot-1', nonce, (True,)),
                KEYS['compute-1'][0],
            )
        )
        self.assertEqual(1000.0, self.listener.told('compute-1'))
