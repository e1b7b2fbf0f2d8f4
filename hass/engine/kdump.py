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

"""Hears kernels that have panicked: see detection/os_kdump.py."""

from collections.abc import Callable, Mapping, Sequence
import ipaddress
import logging
import selectors
import socket
import threading

from hass import clock as clocks
from hass.detection import os_kdump
from hass.engine import listener
from hass import exception
from hass import refusals

LOG = logging.getLogger(__name__)

OPTION = '[detection] kdump_listen'
WAIT_SECONDS = 0.5
DRAIN = 64
TELL_SECONDS = 5.0
"""A panic of the same host is told again after this."""


class Kdump:
    """One thread, one UDP socket for each address.

    :param addresses: (address, port) to listen at; none: do not listen
    :param host_of: the name of the host that has an IP address
    :param lives: whether a host gave a sign of life after a moment
    :param panicked: called at once, in the listening thread, with the host
        and the moment on the clock's monotonic(); must be quick
    """

    def __init__(
        self,
        clock: clocks.Clock,
        addresses: Sequence[tuple[str, int]],
        host_of: Callable[[str], str | None],
        lives: Callable[[str, float], bool],
        panicked: Callable[[str, float], None],
    ) -> None:
        self._clock = clock
        self._addresses = addresses
        self._host_of = host_of
        self._lives = lives
        self._panicked = panicked
        self._newest: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._refusals = refusals.Refusals(clock)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._sockets: list[socket.socket] = []

    def start(self) -> None:
        """Bind the sockets and listen.

        :raises ConfigError: an address cannot be bound
        """
        self._stopping.clear()
        if not self._addresses:
            return
        for address, port in self._addresses:
            self._sockets.append(listener.bind(address, port, OPTION))
        self._thread = threading.Thread(
            target=self._run, name='kdump', daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and close the sockets."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for receiver in self._sockets:
            receiver.close()
        self._sockets = []

    def ports(self) -> list[int]:
        """Where it listens; tells the ports that the system chose."""
        return [receiver.getsockname()[1] for receiver in self._sockets]

    def panicked_at(self, host: str) -> float | None:
        """When the host last told of a panic, if nothing shows it lives."""
        at = self._newest.get(host)
        return None if at is None or self._lives(host, at) else at

    def refusals(self) -> Mapping[str, int]:
        """How many datagrams were refused, by reason."""
        return self._refusals.counts()

    def take(self, datagram: bytes, address: str) -> None:
        """Believe a datagram, or count why not.

        :param address: the IP address that it came from
        """
        try:
            os_kdump.check(datagram)
            self._take(_plain(address))
        except exception.MessageRefused as refused:
            self._refusals.note('fence_kdump', refused, address)

    def _take(self, address: str) -> None:
        host = self._host_of(address)
        if host is None:
            raise exception.MessageRefused(
                '', 'its address is that of no host, or of several'
            )
        now = self._clock.monotonic()
        self._newest[host] = now
        if now - self._told.get(host, -TELL_SECONDS) >= TELL_SECONDS:
            self._told[host] = now
            LOG.warning('%s: its kernel told that it has panicked', host)
            self._panicked(host, now)

    def _run(self) -> None:
        with selectors.DefaultSelector() as ready:
            for receiver in self._sockets:
                ready.register(receiver, selectors.EVENT_READ)
            while not self._stopping.is_set():
                for key, _events in ready.select(WAIT_SECONDS):
                    self._drain(key.fileobj)  # type: ignore[arg-type]

    def _drain(self, receiver: socket.socket) -> None:
        size = os_kdump.BYTES + 1
        for datagram, place in listener.received(
            receiver, size, DRAIN, 'fence_kdump'
        ):
            self.take(datagram, place[0])


def _plain(address: str) -> str:
    """As hosts' addresses are written: no scope, no IPv4 within IPv6."""
    found = ipaddress.ip_address(address.partition('%')[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(found)
