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

"""Hears the beats: arrivals are kept in memory, per host and network.

Questions to agents leave by the sockets that their beats come in at, so that
a firewall which lets beats in lets the questions out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import itertools
import logging
import selectors
import socket
import threading
from typing import Any

import prometheus_client

from hass import asks
from hass import beats
from hass import clock as clocks
from hass.diagnosis import accrual
from hass.diagnosis import quality
from hass.engine import hearing
from hass.engine import poker
from hass.engine import strangers as strangers_
from hass import exception
from hass import refusals

LOG = logging.getLogger(__name__)

RECEIVE_BYTES = 4 * 1024 * 1024
WAIT_SECONDS = 0.5
DRAIN = 512
POKED_SECONDS = 1.0
"""Beats that come so soon after a question are no measure of the rest."""
LATE_SECONDS = 0.25
"""A listener that is later than this learns nothing from arrivals."""
DELAYS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

NoteUse = Callable[[str, Callable[[bytes], bool]], None]
Way = tuple[socket.socket, tuple[Any, ...]]
"""Our socket, and the address of theirs as the socket module has it."""


class Listener:
    """One thread, one UDP socket for each address.

    :param keys: the keys that a host may sign with; called for each beat
    :param addresses: (address, port) to receive beats on
    :param wish: the quality of detection that is wanted
    :param note_use: is called for each beat that is believed, with its host
        and what tells whether a key has signed it
    :param strangers: is told what is refused; None: nobody is
    :ivar delays: how late the beats came, for Prometheus
    """

    def __init__(
        self,
        clock: clocks.Clock,
        keys: beats.Keys,
        addresses: Sequence[tuple[str, int]],
        wish: quality.Wish,
        note_use: NoteUse = lambda host, is_signed: None,
        strangers: strangers_.Strangers | None = None,
    ) -> None:
        self._clock = clock
        self._note_use = note_use
        self._strangers = strangers or strangers_.Strangers(clock)
        self._hearing = hearing.Hearing(wish)
        self._poker = poker.Poker(self, clock)
        self._told = hearing.Told()
        self._keys = keys
        self._addresses = addresses
        self._poked: dict[str, float] = {}
        self._ways: dict[str, dict[str, Way]] = {}
        self._expected: dict[
            str, tuple[float, Callable[[asks.Reached], None]]
        ] = {}
        self._refusals = refusals.Refusals(clock)
        self.delays = prometheus_client.Histogram(
            'hass_beat_delay_seconds',
            'How much longer a beat was under way than the fastest of its '
            'host in the last minutes.',
            buckets=DELAYS,
            registry=None,
        )
        self._turned_at = clock.monotonic()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._selector: selectors.BaseSelector | None = None

    def start(self) -> None:
        """Bind the sockets and listen.

        :raises ConfigError: an address cannot be bound
        """
        self._selector = selectors.DefaultSelector()
        for address, port in self._addresses:
            self._selector.register(bind(address, port), selectors.EVENT_READ)
        self._turned_at = self._clock.monotonic()
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._run,
            args=(self._selector,),
            name='listener',
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and close the sockets."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def heard(self, host: str) -> hearing.Heard | None:
        """What has been heard of a host; None: nothing at all."""
        return self._hearing.heard(host)

    def liveness(self, host: str) -> accrual.Host:
        """What its silence, on each path and on all, gives reason for."""
        return self._hearing.liveness(host)

    def heard_after(self, host: str, moment: float) -> bool:
        """Whether a beat came that was sent after that moment."""
        heard = self.heard(host)
        return heard is not None and heard.sent > moment

    def tell(self, host: str, boot_id: str, uptime: float) -> float:
        """A signed message of the host came over the bus.

        :returns: when it must have been sent, on our CLOCK_BOOTTIME
        """
        now = self._clock.monotonic()
        return self._told.take(host, boot_id, uptime, now, self.heard(host))

    def told(self, host: str) -> float | None:
        """When the newest message that is no beat was sent."""
        return self._told.newest(host)

    def poke(self, host: str) -> int:
        """Ask for a beat now on every network that beats came in on.

        :returns: how many datagrams went out
        """
        self._poked[host] = self._clock.monotonic()
        return self.ask(asks.Poke(host, self._boot(host), asks.make_nonce()))

    def learn(self, hosts: Iterable[str]) -> None:
        """See now and then which agents answer; for the patrol."""
        self._poker.learn(hosts)

    def probe(self, host: str) -> bool:
        """Whether a host should answer and does not; takes half a second."""
        return self._poker.ask(host).mute

    def mute(self) -> list[str]:
        """Hosts that were asked lately, should have answered and did not."""
        return self._poker.mute()

    def ask(self, ask: asks.Poke | asks.Reach) -> int:
        """Send a question to an agent on all its networks.

        It is signed with each key of the host: the agent has one of them.

        :returns: how many datagrams went out
        :raises Invalid: the question does not fit a datagram
        """
        ways = list(self._ways.get(ask.host, {}).values())
        packed = [asks.pack(ask, key) for key in self._keys(ask.host)]
        sent = 0
        for (line, place), datagram in itertools.product(ways, packed):
            try:
                line.sendto(datagram, place)
                sent += 1
            except OSError as error:
                LOG.debug('%s at %s: %s', ask.host, place[0], error)
        return sent

    def reach(
        self,
        peer: str,
        addresses: Sequence[str],
        nonce: str,
    ) -> int:
        """Ask an agent which addresses of another host answer it."""
        return self.ask(
            asks.Reach(peer, self._boot(peer), nonce, tuple(addresses))
        )

    def expect(self, nonce: str, then: Callable[[asks.Reached], None]) -> None:
        """Call back, in the listening thread, with answers of this nonce."""
        self._expected[nonce] = self._clock.monotonic(), then

    def forget(self, nonce: str) -> None:
        """Answers of this nonce come too late from now on."""
        self._expected.pop(nonce, None)

    def _boot(self, host: str) -> str:
        heard = self.heard(host)
        return '' if heard is None else heard.boot_id

    def ears(self) -> float:
        """When the listening thread last finished a turn."""
        return self._turned_at

    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens; tells the ports that the system chose."""
        if self._selector is None:
            return []
        return [
            key.fileobj.getsockname()[:2]  # type: ignore[union-attr]
            for key in self._selector.get_map().values()
        ]

    def refusals(self) -> Mapping[str, int]:
        """How many beats were refused, by reason."""
        return self._refusals.counts()

    def _run(self, selector: selectors.BaseSelector) -> None:
        try:
            while not self._stopping.is_set():
                for key, _events in selector.select(WAIT_SECONDS):
                    self._drain(key.fileobj)  # type: ignore[arg-type]
                self._turned_at = self._clock.monotonic()
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
            selector.close()

    def _drain(self, receiver: socket.socket) -> None:
        for datagram, place in received(
            receiver, asks.MAX_BYTES + 1, DRAIN, 'a beat'
        ):
            self.take(datagram, (receiver, place))

    def take(self, datagram: bytes, way: Way | None = None) -> None:
        """Believe a datagram, or count why not.

        :param way: how it came
        """
        try:
            if datagram.startswith(asks.MAGIC):
                self._take_answer(datagram)
            else:
                self._take_beat(datagram, way)
        except exception.MessageRefused as refused:
            place = None if way is None else way[1][0]
            self._refusals.note('beat', refused, place)
            self._strangers.note(refused, place)

    def _take_beat(self, datagram: bytes, way: Way | None) -> None:
        beat = beats.unpack(datagram, self._keys)
        now = self._clock.monotonic()
        late = now - self._turned_at - WAIT_SECONDS > LATE_SECONDS
        poked = now - self._poked.get(beat.host, -POKED_SECONDS)
        learn = not late and poked >= POKED_SECONDS
        heard = self._hearing.take(beat, now, beats.wall(self._clock), learn)
        self.delays.observe(now - heard.sent)
        self._note_use(beat.host, lambda key: beats.is_signed(datagram, [key]))
        if way is not None:
            known = self._ways.get(beat.host, {})
            self._ways[beat.host] = known | {beat.network: way}

    def _take_answer(self, datagram: bytes) -> None:
        """What nobody waits for any more is late, and that is all."""
        answer = asks.unpack(datagram, self._keys)
        if not isinstance(answer, asks.Reached):
            raise exception.MessageRefused(
                answer.host, beats.Refusal.UNREADABLE
            )
        expected = self._expected.get(answer.nonce)
        if expected is not None:
            asked_at, then = expected
            self._told.asked(answer.host, asked_at)
            then(answer)


def received(
    receiver: socket.socket, size: int, most: int, what: str
) -> Iterator[tuple[bytes, Any]]:
    """What has come, but leave the other sockets their turn.

    :param most: so many datagrams at a time
    :param what: is expected, for the log
    :returns: datagrams of at most ``size`` bytes, and where they came from
    """
    for _each in range(most):
        try:
            yield receiver.recvfrom(size)
        except BlockingIOError:
            return
        except OSError as error:
            LOG.warning('%s could not be received: %s', what, error)
            return


def bind(
    address: str, port: int, option: str = '[engine] listen'
) -> socket.socket:
    """A UDP socket that never blocks, with room for a burst of beats.

    :param option: that names the address
    :raises ConfigError: the address cannot be bound
    """
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        receiver.setblocking(False)
        receiver.bind((address, port))
    except OSError as error:
        receiver.close()
        raise exception.ConfigError(
            option, f'{address}:{port}: {error.strerror}'
        ) from None
    return receiver
