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

"""Answers what engines ask by datagram, beside the beats.

A thread of its own takes few datagrams a turn and pauses between two turns:
a flood delays answers, but no beat.
"""

from collections.abc import Collection
import contextlib
import logging
import selectors
import socket
import threading
from typing import Protocol

from hass.agent import beats
from hass.agent import identity as identities
from hass import asks
from hass import clock as clocks
from hass import exception
from hass import refusals

LOG = logging.getLogger(__name__)

REACH_SECONDS = 0.6
"""How long addresses of another host have time to answer."""
REACHES = 5
"""So many are asked about at a time; more of them are refused."""
POKES_A_SECOND = 20
"""So many beats are sent back on a network."""
PAUSE_SECONDS = 0.02
WAIT_SECONDS = 1.0
DRAIN = 32

TOO_MANY = 'there are too many of its kind'


class Pinger(Protocol):
    """Looks at addresses of other hosts."""

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        """Those addresses that answer in time.

        :raises hass.exception.ConfigError: it is not allowed to look
        """


class Answers:
    """Believes a question that is signed with this host's key."""

    def __init__(
        self,
        identity: identities.Identity,
        sender: beats.Sender,
        pinger: Pinger,
        clock: clocks.Clock,
    ) -> None:
        self._identity = identity
        self._sender = sender
        self._pinger = pinger
        self._clock = clock
        self._allowance: dict[str, _Allowance] = {}
        self._refusals = refusals.Refusals(clock)
        self._lock = threading.Lock()
        self._ready = selectors.DefaultSelector()
        self._lines: dict[socket.socket, str] = {}
        # Who waits for the answer, by nonce: each network carries the
        # question, and the host is pinged once.
        self._reaches: dict[str, set[tuple[socket.socket, beats.Place]]] = {}

    def turn(self) -> None:
        """Wait a little for questions, and answer those that came."""
        lines = self._sender.lines()
        if lines != self._lines:
            self._lines = lines
            self._ready.close()
            self._ready = selectors.DefaultSelector()
            for line, network in lines.items():
                # It may be closed at any time.
                with contextlib.suppress(ValueError, OSError):
                    self._ready.register(line, selectors.EVENT_READ, network)
        # Beats open them one by one when the agent has just been started.
        seconds = WAIT_SECONDS if lines else 0.1
        for key, _events in self._ready.select(seconds):
            self._drain(key.fileobj, key.data)  # type: ignore[arg-type]

    def refusals(self) -> dict[str, int]:
        """How many questions were refused, by reason."""
        return self._refusals.counts()

    def _drain(self, line: socket.socket, network: str) -> None:
        for _each in range(DRAIN):
            try:
                datagram, place = line.recvfrom(asks.MAX_BYTES + 1)
            except OSError:
                return  # Nothing more, or it was closed.
            try:
                self._answer(datagram, line, network, place)
            except exception.MessageRefused as refused:
                self._refusals.note('question', refused)

    def _answer(
        self,
        datagram: bytes,
        line: socket.socket,
        network: str,
        place: beats.Place,
    ) -> None:
        ask = self._identity.asked(datagram)
        if isinstance(ask, asks.Reach):
            self._reach(ask, line, place)
        elif self._allow(network):
            self._sender.beat_back(line, place)
        else:
            raise exception.MessageRefused(ask.host, TOO_MANY)

    def _allow(self, network: str) -> bool:
        now = self._clock.monotonic()
        if network not in self._allowance:
            self._allowance[network] = _Allowance(now)
        return self._allowance[network].take(now)

    def _reach(
        self, ask: asks.Reach, line: socket.socket, place: beats.Place
    ) -> None:
        with self._lock:
            if ask.nonce in self._reaches:
                self._reaches[ask.nonce].add((line, place))
                return
            if len(self._reaches) >= REACHES:
                raise exception.MessageRefused(ask.host, TOO_MANY)
            self._reaches[ask.nonce] = {(line, place)}
        threading.Thread(
            target=self._look, args=(ask,), name='agent-reach', daemon=True
        ).start()

    def _look(self, ask: asks.Reach) -> None:
        answering: frozenset[str] | None = None
        try:
            answering = self._pinger.answering(ask.addresses)
        except exception.ConfigError as error:
            LOG.error('no engine can be told who is reached: %s', error)
        finally:
            with self._lock:
                waiting = self._reaches.pop(ask.nonce)
        if answering is not None:
            datagram = self._identity.reached(
                ask.nonce, [one in answering for one in ask.addresses]
            )
            for line, place in waiting:
                self._sender.reply(line, datagram, place)


class _Allowance:
    """So many a second, and no more than that at once."""

    def __init__(self, now: float) -> None:
        self._left = float(POKES_A_SECOND)
        self._at = now

    def take(self, now: float) -> bool:
        self._left += (now - self._at) * POKES_A_SECOND
        self._left = min(self._left, POKES_A_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
