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

"""Hears the beats: arrivals are kept in memory, per host and network."""

import collections
from collections.abc import Mapping, Sequence
import dataclasses
import logging
import selectors
import socket
import threading

from hass import beats
from hass import clock as clocks
from hass import exception

LOG = logging.getLogger(__name__)

RECEIVE_BYTES = 4 * 1024 * 1024
WAIT_SECONDS = 0.5
DRAIN = 512
OFFSET_SECONDS = 60.0
LOG_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What has been heard of a host.

    All moments are seconds of this machine's CLOCK_BOOTTIME.

    :ivar by_network: arrival of the newest beat on each network
    :ivar last: arrival of the newest beat on any network
    :ivar sent: the moment by which the newest beat must have been sent:
        a beat that lay in a queue is not taken for a fresh one
    :ivar uptime: the host's own CLOCK_BOOTTIME in its newest beat
    :ivar planned: the newest beat said that the agent is being stopped
    :ivar clock_jump: the host's wall clock is over 60 s off ours
    """

    host: str
    boot_id: str
    by_network: Mapping[str, float]
    last: float
    sent: float
    uptime: float
    planned: bool
    clock_jump: bool


class _Offset:
    """The smallest (arrival - uptime) of the last one to two minutes.

    It is the difference of two clocks plus the shortest way a beat took.
    The minimum is renewed, because two clocks run apart.
    """

    def __init__(self) -> None:
        self._since = 0.0
        self._now = self._before = float('inf')

    def sent(self, arrival: float, uptime: float) -> float:
        """When a beat must have been sent, as our clock has it."""
        if arrival - self._since > OFFSET_SECONDS:
            self._since = arrival
            self._before, self._now = self._now, float('inf')
        self._now = min(self._now, arrival - uptime)
        return uptime + min(self._now, self._before)


class _Host:
    """The memory of one host; only the listening thread writes it."""

    def __init__(self) -> None:
        self.replay = beats.Replay()
        self.boot_id = ''
        self.sequence = -1
        self.offset = _Offset()
        self.by_network: dict[str, float] = {}
        self.heard: Heard | None = None

    def take(self, beat: beats.Beat, arrival: float, wall: float) -> None:
        jump = self.replay.accept(
            beat.host,
            beat.boot_id,
            beat.sequence,
            beat.sent_at,
            wall,
            beat.network,
        )
        if beat.boot_id != self.boot_id:
            self.boot_id = beat.boot_id
            self.sequence = -1
            self.offset = _Offset()
        sent = self.offset.sent(arrival, beat.uptime)
        uptime, planned = beat.uptime, beat.planned
        if self.heard is not None and beat.sequence < self.sequence:
            # Networks overtake each other: this one is not the newest.
            sent, uptime = self.heard.sent, self.heard.uptime
            planned = self.heard.planned
        self.sequence = max(beat.sequence, self.sequence)
        self.by_network = self.by_network | {beat.network: arrival}
        self.heard = Heard(
            host=beat.host,
            boot_id=beat.boot_id,
            by_network=self.by_network,
            last=arrival,
            sent=sent,
            uptime=uptime,
            planned=planned,
            clock_jump=jump,
        )


class Listener:
    """One thread, one UDP socket for each address.

    :param keys: the keys that a host may sign with; called for each beat
    :param addresses: (address, port) to receive beats on
    """

    def __init__(
        self,
        clock: clocks.Clock,
        keys: beats.Keys,
        addresses: Sequence[tuple[str, int]],
    ) -> None:
        self._clock = clock
        self._keys = keys
        self._addresses = addresses
        self._hosts: dict[str, _Host] = {}
        self._refusals: collections.Counter[str] = collections.Counter()
        self._refused_at = -LOG_SECONDS
        self._since = clock.monotonic()
        self._turned_at = self._since
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
        self._since = self._turned_at = self._clock.monotonic()
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

    def heard(self, host: str) -> Heard | None:
        """What has been heard of a host; None: nothing at all."""
        known = self._hosts.get(host)
        return None if known is None else known.heard

    def heard_after(self, host: str, moment: float) -> bool:
        """Whether a beat came that was sent after that moment."""
        heard = self.heard(host)
        return heard is not None and heard.sent > moment

    def listening_since(self) -> float:
        """When this listener began to listen."""
        return self._since

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
        return dict(self._refusals)

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
        """Take what has come, but leave the other sockets their turn."""
        for _each in range(DRAIN):
            try:
                datagram = receiver.recv(beats.MAX_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as error:
                LOG.warning('a beat could not be received: %s', error)
                return
            self.take(datagram)

    def take(self, datagram: bytes) -> None:
        """Believe a datagram, or count why not."""
        try:
            beat = beats.unpack(datagram, self._keys)
            host = self._hosts.get(beat.host) or _Host()
            host.take(beat, self._clock.monotonic(), beats.wall(self._clock))
        except exception.MessageRefused as refused:
            self._refuse(refused)
        else:
            self._hosts[beat.host] = host

    def _refuse(self, refused: exception.MessageRefused) -> None:
        self._refusals[refused.reason] += 1
        now = self._clock.monotonic()
        if now - self._refused_at >= LOG_SECONDS:
            self._refused_at = now
            LOG.warning(
                'beat: %s (%d refused since the start)',
                refused,
                self._refusals.total(),
            )


def bind(address: str, port: int) -> socket.socket:
    """A UDP socket for beats, with room for a burst of them.

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
            '[engine] listen', f'{address}:{port}: {error.strerror}'
        ) from None
    return receiver
