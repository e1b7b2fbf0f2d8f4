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

"""Asks agents of other hosts whether they reach a host."""

from collections.abc import Collection, Mapping
import logging
import threading

from hass import asks
from hass import clock as clocks
from hass.engine import listener as listeners
from hass import exception

LOG = logging.getLogger(__name__)

AGAIN_SECONDS = 0.4
"""Who has not answered is asked again: datagrams get lost."""


class Peers:
    """The agents that this engine hears, as witnesses.

    What they say is signed, and still no more than what they say: it may
    speak for a host, and never be all that speaks against one.
    """

    def __init__(
        self, listener: listeners.Listener, clock: clocks.Clock
    ) -> None:
        self._listener = listener
        self._clock = clock

    def reach(
        self,
        host: str,
        addresses: Mapping[str, str],
        of: Collection[str],
        seconds: float,
    ) -> dict[str, dict[str, bool]]:
        """Who of the named reaches the host, by network; takes a while.

        :param addresses: network to the host's IP address there; those of
            eight networks are asked about
        :param of: names of the hosts to ask; the host itself is left out
        :param seconds: how long to wait; an agent takes up to 0.6 s itself
            when an address is silent
        :returns: by peer and network; who did not answer is not in it
        """
        networks = sorted(addresses)[: asks.MAX_ADDRESSES]
        question = _Question(
            [addresses[network] for network in networks],
            {asks.make_nonce(): peer for peer in of if peer != host},
        )
        if not networks or not question.peers:
            return {}
        for nonce in question.peers:
            self._listener.expect(nonce, question.take)
        try:
            self._wait(question, self._clock.monotonic() + seconds)
        finally:
            for nonce in question.peers:
                self._listener.forget(nonce)
        return {
            peer: dict(zip(networks, answers, strict=True))
            for peer, answers in question.answers().items()
        }

    def _wait(self, question: '_Question', until: float) -> None:
        while missing := question.missing():
            left = until - self._clock.monotonic()
            if left <= 0:
                return
            for nonce, peer in missing.items():
                self._send(peer, question.addresses, nonce)
            question.wait(min(left, AGAIN_SECONDS))

    def _send(self, peer: str, addresses: list[str], nonce: str) -> None:
        try:
            self._listener.reach(peer, addresses, nonce)
        except exception.Invalid as error:
            LOG.error('%s cannot be asked: %s', peer, error)


class _Question:
    """One question to several peers; the listening thread answers it."""

    def __init__(self, addresses: list[str], peers: dict[str, str]) -> None:
        self.addresses = addresses
        self.peers = peers
        self._answers: dict[str, tuple[bool, ...]] = {}
        self._came = threading.Condition()

    def take(self, answer: asks.Reached) -> None:
        """Note the answer, if it is of who was asked."""
        if answer.host != self.peers[answer.nonce]:
            return
        if len(answer.answers) == len(self.addresses):
            with self._came:
                self._answers[answer.nonce] = answer.answers
                self._came.notify_all()

    def missing(self) -> dict[str, str]:
        """Nonce and name of who has not answered."""
        with self._came:
            return {
                nonce: peer
                for nonce, peer in self.peers.items()
                if nonce not in self._answers
            }

    def wait(self, seconds: float) -> None:
        """Until all have answered, or for so long."""
        with self._came:
            self._came.wait_for(
                lambda: len(self._answers) == len(self.peers), seconds
            )

    def answers(self) -> dict[str, tuple[bool, ...]]:
        """The answers by name."""
        with self._came:
            return {
                self.peers[nonce]: said
                for nonce, said in self._answers.items()
            }
