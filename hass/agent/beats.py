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

"""Sends the beats: one for each network and engine, never waiting.

What engines ask comes in on the same sockets: see answers.py.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
import contextlib
import logging
import socket
from typing import Any

from hass.agent import identity as identities
from hass.conf import agent as conf

LOG = logging.getLogger(__name__)

ANY_NETWORK = 'default'

Place = tuple[Any, ...]
"""A socket's address, as the socket module has it."""


class Sender:
    """Beats on every network, from its local address, to every engine.

    A network that fails is told once and tried again with each beat.

    :param networks: name to this host's address there, '' for any
    """

    def __init__(
        self,
        identity: identities.Identity,
        networks: Mapping[str, str],
        engines: Iterable[conf.EngineAddress],
    ) -> None:
        self._identity = identity
        self._engines = tuple(engines)
        self._networks = networks or {
            engine.network or ANY_NETWORK: '' for engine in self._engines
        }
        self._sockets: dict[tuple[str, bool], socket.socket] = {}
        self._trouble: dict[conf.EngineAddress, str] = {}
        self._closed = False
        self._mute = False
        self._planned = False
        self._counts = Counter(sent=0, failed=0)

    def beat(self, planned: bool = False) -> None:
        """One beat on each network to each of its engines."""
        self._planned = planned
        for network in self._networks:
            datagram = self._identity.beat(network, planned)
            for engine in self._engines:
                if engine.network in ('', network):
                    self._send(network, engine, datagram)

    def lines(self) -> dict[socket.socket, str]:
        """The sockets that beats leave by, with their networks."""
        if self._closed:
            return {}
        return {
            line: network
            for (network, _six), line in list(self._sockets.items())
        }

    def beat_back(self, line: socket.socket, to: Place) -> None:
        """One beat to who asked for it, where the question came in.

        After the goodbye it is a goodbye as well.
        """
        network = self.lines().get(line)
        if network is not None:
            self.reply(line, self._identity.beat(network, self._planned), to)

    def reply(self, line: socket.socket, datagram: bytes, to: Place) -> None:
        """Send once, and tell nobody if that fails: it is asked again."""
        if not (self._closed or self._mute):
            with contextlib.suppress(OSError):
                line.sendto(datagram, to)

    def counts(self) -> Mapping[str, int]:
        """How many beats the network took (sent), and did not (failed)."""
        return dict(self._counts)

    def mute(self, mute: bool) -> None:
        """Send nothing for a while, as if the host hung."""
        self._mute = mute

    def close(self) -> None:
        """Nothing is sent after this."""
        self._closed = True
        for sender in self._sockets.values():
            sender.close()

    def _send(
        self, network: str, engine: conf.EngineAddress, datagram: bytes
    ) -> None:
        if self._closed or self._mute:
            return
        trouble = ''
        try:
            self._socket(network, engine).sendto(
                datagram, (engine.address, engine.port)
            )
        except OSError as error:
            trouble = str(error.strerror or error)
        self._counts['failed' if trouble else 'sent'] += 1
        self._tell(network, engine, trouble)

    def _socket(
        self, network: str, engine: conf.EngineAddress
    ) -> socket.socket:
        six = ':' in engine.address
        made = self._sockets.get((network, six))
        if made is None:
            made = _bound(self._networks[network], six)
            self._sockets[network, six] = made
        return made

    def _tell(
        self, network: str, engine: conf.EngineAddress, trouble: str
    ) -> None:
        if self._closed or trouble == self._trouble.get(engine, ''):
            return
        self._trouble[engine] = trouble
        LOG.log(
            logging.WARNING if trouble else logging.INFO,
            'beats on %s to %s: %s',
            network,
            engine.address,
            trouble or 'sent again',
        )


def _bound(address: str, six: bool) -> socket.socket:
    """A socket that never blocks, bound to the local address."""
    family = socket.AF_INET6 if six else socket.AF_INET
    sender = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sender.setblocking(False)
        if address:
            sender.bind((address, 0))
    except OSError:
        sender.close()
        raise
    return sender
