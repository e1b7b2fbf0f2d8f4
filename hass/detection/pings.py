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

"""Pings to many addresses side by side: one socket for each IP family.

icmplib makes and reads the packets. Its own multiping() takes a socket for
each address, and each of them gets the answers to all.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
import contextlib
import ipaddress
import secrets
import selectors
import socket
import struct

import icmplib

from hass import clock as clock_
from hass import exception

ECHO_REPLIES = {4: 0, 6: 129}
"""The type of an answer, by IP version: RFC 792, RFC 4443."""
BURST = 32
"""So many pings leave before it is looked for answers."""
RECEIVE_BYTES = 1024 * 1024
SOL_RAW = 255
ICMP_FILTER = 1
ICMPV6_FILTER = 1

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Place = contextlib.AbstractContextManager[None]


class Pinger:
    """Asks addresses for an echo, for a limited time.

    Raw sockets need CAP_NET_RAW; without it Linux's ping sockets are used,
    which ``net.ipv4.ping_group_range`` may forbid.

    :param seconds: how long a look takes if somebody does not answer
    :param count: pings to an address, spread over the time; one answer to
        any of them is enough
    """

    def __init__(
        self, seconds: float, count: int, clock: clock_.Clock
    ) -> None:
        self._seconds = seconds
        self._count = count
        self._clock = clock
        self._privileged = True

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        """Those addresses that answer; what is no IP address does not.

        :raises hass.exception.ConfigError: the system allows no pings
        """
        (answered,) = self.answering_from(
            [(contextlib.nullcontext(), addresses)]
        )
        return answered

    def answering_from(
        self, places: Sequence[tuple[Place, Collection[str]]]
    ) -> Sequence[frozenset[str]]:
        """As answering(), from several places in the time of one.

        :param places: each is entered while its sockets are opened
        :raises hass.exception.ConfigError: the system allows no pings
        """
        with contextlib.ExitStack() as stack:
            opened = []
            for place, addresses in places:
                with place:
                    opened.append(
                        [
                            stack.enter_context(line)
                            for line in self._lines(addresses)
                        ]
                    )
            self._ask([line for lines in opened for line in lines])
            return [
                frozenset().union(*(line.answered for line in lines))
                for lines in opened
            ]

    def _lines(self, addresses: Iterable[str]) -> 'list[_Line]':
        asked: dict[int, dict[str, IpAddress]] = {}
        for text in addresses:
            with contextlib.suppress(ValueError):
                address = ipaddress.ip_address(text)
                asked.setdefault(address.version, {})[text] = address
        return [self._line(*each) for each in sorted(asked.items())]

    def _line(self, version: int, asked: dict[str, IpAddress]) -> '_Line':
        try:
            return _Line(version, asked, self._privileged)
        except icmplib.SocketPermissionError:
            if not self._privileged:
                raise exception.ConfigError(
                    'CAP_NET_RAW', 'this service may not send pings'
                ) from None
        self._privileged = False
        return self._line(version, asked)

    def _ask(self, lines: 'list[_Line]') -> None:
        began = self._clock.monotonic()
        for turn in range(1, self._count + 1):
            for line in lines:
                line.send()
            until = began + self._seconds * turn / self._count
            for line in lines:
                self._listen(line, until)

    def _listen(self, line: '_Line', until: float) -> None:
        line.receive(0)
        while line.silent():
            left = until - self._clock.monotonic()
            if left <= 0:
                return
            line.receive(left)


class _Line:
    """One socket, and the addresses asked through it."""

    def __init__(
        self, version: int, asked: dict[str, IpAddress], privileged: bool
    ) -> None:
        kind = icmplib.ICMPv4Socket if version == 4 else icmplib.ICMPv6Socket
        self._line = kind(privileged=privileged)
        self._line.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES
        )
        if privileged:
            _hear_replies_only(self._line.sock, version)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._line.sock, selectors.EVENT_READ)
        self._reply = ECHO_REPLIES[version]
        self._asked = list(asked.items())
        self._id = secrets.randbelow(1 << 16)
        self._payload = secrets.token_bytes(8)
        self.answered: set[str] = set()

    def __enter__(self) -> '_Line':
        return self

    def __exit__(self, *_raised: object) -> None:
        self._ready.close()
        self._line.close()

    def silent(self) -> bool:
        """Whether anybody has not answered yet."""
        return len(self.answered) < len(self._asked)

    def send(self) -> None:
        """A ping to everybody who has not answered yet."""
        for number, (text, _address) in enumerate(self._asked):
            if text in self.answered:
                continue
            if number % BURST == 0:
                self.receive(0)
            request = icmplib.ICMPRequest(
                text, self._id, number, self._payload
            )
            # No route, or no room in the queue: it has not answered.
            with contextlib.suppress(icmplib.ICMPLibError):
                self._line.send(request)
                self._id = request.id  # The kernel may choose another.

    def receive(self, seconds: float) -> None:
        """Take the answers that are there, or come within the time."""
        while self._ready.select(seconds):
            seconds = 0
            with contextlib.suppress(icmplib.ICMPLibError):
                self._take(self._line.receive(timeout=1))

    def _take(self, reply: icmplib.ICMPReply) -> None:
        if reply.type != self._reply or reply.id != self._id:
            return
        if reply.sequence < len(self._asked):
            text, address = self._asked[reply.sequence]
            if ipaddress.ip_address(reply.source) == address:
                self.answered.add(text)


def _hear_replies_only(raw: socket.socket, version: int) -> None:
    """Linux hands each raw socket all ICMP packets of the machine."""
    reply = ECHO_REPLIES[version]
    if version == 4:
        refused = struct.pack('=I', ~(1 << reply) & 0xFFFFFFFF)
        raw.setsockopt(SOL_RAW, ICMP_FILTER, refused)
        return
    words = [0xFFFFFFFF] * 8
    words[reply // 32] &= ~(1 << reply % 32)
    raw.setsockopt(
        socket.IPPROTO_ICMPV6, ICMPV6_FILTER, struct.pack('=8I', *words)
    )
