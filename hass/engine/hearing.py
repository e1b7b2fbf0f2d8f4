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

"""What has been heard of each host, and what its silence gives reason for.

The listener hands beats in, from one thread; others may ask meanwhile.
"""

from collections.abc import Mapping
import dataclasses
import threading

from hass import beats
from hass.diagnosis import accrual
from hass.diagnosis import quality

OFFSET_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What has been heard of a host.

    All moments are seconds of this machine's CLOCK_BOOTTIME.

    :ivar by_network: arrival of the newest beat on each network
    :ivar last: arrival of the newest beat on any network
    :ivar sent: the moment by which the newest beat must have been sent:
        a beat that lay in a queue is not taken for a fresh one
    :ivar since: arrival of the first beat of this boot
    :ivar uptime: the host's own CLOCK_BOOTTIME in its newest beat
    :ivar planned: the newest beat said that the agent is being stopped
    :ivar clock_jump: the host's wall clock is over 60 s off ours
    """

    host: str
    boot_id: str
    by_network: Mapping[str, float]
    last: float
    sent: float
    since: float
    uptime: float
    planned: bool
    clock_jump: bool


class Offset:
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

    def __init__(self, wish: quality.Wish) -> None:
        self.liveness = accrual.Host(wish)
        self.replay = beats.Replay()
        self.boot_id = ''
        self.since = 0.0
        self.sequence = -1
        self.offset = Offset()
        self.by_network: dict[str, float] = {}
        self.heard: Heard | None = None

    def take(
        self, beat: beats.Beat, arrival: float, wall: float, learn: bool
    ) -> Heard:
        jump = self.replay.accept(
            beat.host,
            beat.boot_id,
            beat.sequence,
            beat.sent_at,
            wall,
            beat.network,
        )
        if beat.boot_id != self.boot_id:
            self.boot_id, self.since = beat.boot_id, arrival
            self.sequence = -1
            self.offset = Offset()
        sent = self.offset.sent(arrival, beat.uptime)
        uptime, planned = beat.uptime, beat.planned
        if self.heard is not None and beat.sequence < self.sequence:
            # Networks overtake each other: this one is not the newest.
            sent, uptime = self.heard.sent, self.heard.uptime
            planned = self.heard.planned
        self.sequence = max(beat.sequence, self.sequence)
        self.liveness.beat(
            beat.network,
            arrival,
            beat.uptime,
            beat.boot_id,
            beat.sequence,
            learn,
        )
        self.by_network = self.by_network | {beat.network: arrival}
        self.heard = Heard(
            host=beat.host,
            boot_id=beat.boot_id,
            by_network=self.by_network,
            last=arrival,
            sent=sent,
            since=self.since,
            uptime=uptime,
            planned=planned,
            clock_jump=jump,
        )
        return self.heard


class Hearing:
    """The memory of all hosts.

    :param wish: the quality of detection that is wanted
    """

    def __init__(self, wish: quality.Wish) -> None:
        self._wish = wish
        self._hosts: dict[str, _Host] = {}

    def take(
        self, beat: beats.Beat, arrival: float, wall: float, learn: bool = True
    ) -> Heard:
        """A signed beat came.

        :param arrival: CLOCK_BOOTTIME of this engine
        :param wall: our wall clock, as messages carry it
        :param learn: whether it came when we were punctual ourselves
        :returns: what has been heard of its host now
        :raises MessageRefused: it is old
        """
        host = self._hosts.get(beat.host) or _Host(self._wish)
        heard = host.take(beat, arrival, wall, learn)
        self._hosts[beat.host] = host
        return heard

    def heard(self, host: str) -> Heard | None:
        """What has been heard of a host; None: nothing at all."""
        known = self._hosts.get(host)
        return None if known is None else known.heard

    def liveness(self, host: str) -> accrual.Host:
        """What its silence, on each path and on all, gives reason for."""
        known = self._hosts.get(host)
        return accrual.Host(self._wish) if known is None else known.liveness


class Told:
    """When each host sent its newest message that is no beat.

    One engine takes each message that comes over the bus. Its row of the
    ``services`` table tells the others, of hosts whose beats are missing.
    Any thread may ask and tell.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offsets: dict[str, tuple[str, Offset]] = {}
        self._sent: dict[str, float] = {}

    def take(
        self,
        host: str,
        boot_id: str,
        uptime: float,
        arrival: float,
        heard: Heard | None,
    ) -> float:
        """A signed message came.

        :param uptime: the host's CLOCK_BOOTTIME when it was sent
        :param arrival: CLOCK_BOOTTIME of this engine
        :param heard: what beats told of the host
        :returns: when it must have been sent, as our clock has it: it may
            have lain in a queue
        """
        with self._lock:
            boot, offset = self._offsets.get(host, ('', Offset()))
            if boot != boot_id:
                offset = Offset()
                self._offsets[host] = boot_id, offset
            sent = offset.sent(arrival, uptime)
            if heard is not None and heard.boot_id == boot_id:
                sent = min(sent, heard.sent + uptime - heard.uptime)
            self._sent[host] = max(sent, self._sent.get(host, sent))
            return sent

    def asked(self, host: str, moment: float) -> None:
        """It answered what it was asked at that moment."""
        with self._lock:
            self._sent[host] = max(moment, self._sent.get(host, moment))

    def newest(self, host: str) -> float | None:
        """When the newest sign of the host was sent; None: there was none."""
        return self._sent.get(host)
