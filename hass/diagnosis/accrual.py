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

"""What silence gives reason for, on each path of a host and on all.

Pure code: moments are CLOCK_BOOTTIME seconds of the engine that hears.

A beat tells when it was sent, by the clock of its own host, so that nobody
needs to set two clocks alike: the next one is expected one interval and the
mean delay after the last one was sent (Chen, Toueg and Aguilera 2002). The
chances are in quality.py, what they rest on in measures.py.
"""

import collections
import enum
import math

from hass.diagnosis import measures
from hass.diagnosis import quality

GAPS = 16

LEAST_JITTER = 0.02
"""A share of the beat interval: any scheduler is late by a little."""
OUTLIER_BEATS = 3.0
OUTAGE_BEATS = 6
"""So many lost in a row, or a silence of so many intervals, are an outage, no
noise, and count as OUTAGE_LOSSES: taken for a burst, the eight beats of one
cut cable made it take 20 s to suspect that host for hours. A switch that is
back may deliver the last three of them late, and then fewer are lost."""
OUTAGE_LOSSES = 1
FLUSH_BEATS = 0.5
"""What comes so soon after an outage may have waited for its end: such delays
are no noise either."""
CLOCK_SECONDS = 60.0
"""No beat is under way for so long: the clock of its host was moved."""
SAME_SECONDS = 0.1
"""Beats sent within this time are one, sent over several networks: a busy
host needs a while for that."""
ROUNDS = 64
BOOTS = 8


class Suspicion(enum.StrEnum):
    """What silence alone gives reason for; any of it can be taken back.

    Low starts probes, high stops new placements on the host. Neither is a
    fault: only what other evidence confirms is fenced.
    """

    NONE = 'none'
    LOW = 'low'
    HIGH = 'high'


class Path:
    """What is known of one way on which a host's beats come.

    One thread hands in beats; others may ask meanwhile.

    :param beat_seconds: time between two beats, until it was measured
    """

    def __init__(self, wish: quality.Wish, beat_seconds: float = 1.0) -> None:
        self._wish = wish
        quality.positive('beat_seconds', beat_seconds)
        self._gaps = collections.deque([beat_seconds] * GAPS, maxlen=GAPS)
        self._beat_seconds = beat_seconds
        self._losses = measures.Losses()
        self._delays = measures.Delays(beat_seconds)
        self._beats = 0
        self._boot_id = ''
        self._left: collections.deque[str] = collections.deque(maxlen=BOOTS)
        self._sequence = -1
        self._uptime = 0.0
        self._seen = 0
        self._outage_over = -math.inf
        # Arrival of the newest beat; when it was expected, if that is later.
        self._newest: tuple[float, float] | None = None

    def beat(
        self,
        arrival: float,
        uptime: float,
        boot_id: str,
        sequence: int,
        learn: bool = True,
    ) -> None:
        """A beat was heard.

        :param uptime: CLOCK_BOOTTIME of the host when it was sent, seconds
        :param sequence: grows with each beat of a boot
        :param learn: whether the arrival tells of the network; not so when
            the beat waited because we were late to look
        :raises ValueError: a number is negative, infinite or none
        """
        for name, value in (
            ('arrival', arrival),
            ('uptime', uptime),
            ('sequence', sequence),
        ):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f'{name} must be at least 0, not {value}')
        if boot_id != self._boot_id:
            if boot_id in self._left:
                return
            self._begin(boot_id)
        if sequence > self._sequence:
            steps = sequence - self._sequence
            self._advance(arrival, uptime, steps, learn)
            self._sequence = sequence
        else:
            self._fill(uptime)

    def last(self) -> float | None:
        """Arrival of the newest beat."""
        return None if self._newest is None else self._newest[0]

    def network(self) -> quality.Network:
        """What was measured so far."""
        return quality.Network(
            self._beat_seconds,
            self._losses.share(),
            self._losses.share_after_loss(),
            max(self._delays.jitter(), LEAST_JITTER * self._beat_seconds),
            self._beats,
        )

    def timeouts(self) -> quality.Timeouts:
        """What the wish comes to on this path now."""
        return quality.timeouts(self._wish, self.network())

    def phi(self, now: float, since: float, patience: float = 1.0) -> float:
        """How surprising the present silence is; see Network.phi.

        :param since: when the engine began to listen: earlier silence does
            not count
        :param patience: by which all time-outs are multiplied, at least 1
        """
        silence, lead = self._silence(now, since, patience)
        return self.network().phi(silence - lead)

    def suspicion(
        self, now: float, since: float, patience: float = 1.0
    ) -> Suspicion:
        """What the present silence gives reason for; see phi()."""
        beat = self._beat_seconds
        silence, lead = self._silence(now, since, patience)
        if silence < quality.LOW_BEATS * beat:
            return Suspicion.NONE
        wish = self._wish
        phi = self.network().phi(silence - lead)
        if silence >= quality.longest(wish, beat) or (
            silence >= max(wish.target_seconds, quality.HIGH_BEATS * beat)
            and phi >= quality.high_phi(wish, beat)
        ):
            return Suspicion.HIGH
        if phi >= quality.low_phi(wish, beat):
            return Suspicion.LOW
        return Suspicion.NONE

    def _silence(
        self, now: float, since: float, patience: float
    ) -> tuple[float, float]:
        """How long it is silent, and how early its newest beat came."""
        if not (math.isfinite(now) and now >= 0):
            raise ValueError(f'now must be at least 0, not {now}')
        if not (math.isfinite(patience) and patience >= 1):
            raise ValueError(f'patience must be at least 1, not {patience}')
        newest = self._newest
        if newest is None or newest[0] < since:
            return (now - since) / patience, 0.0
        arrival, expected = newest
        return (now - arrival) / patience, expected - arrival

    def _begin(self, boot_id: str) -> None:
        """Its clock begins anew; the network is the same as before."""
        if self._boot_id:
            self._left.append(self._boot_id)
        self._boot_id = boot_id
        self._sequence = -1
        self._forget_clock()

    def _forget_clock(self) -> None:
        self._seen = 0
        self._delays.forget_clock()

    def _advance(
        self, arrival: float, uptime: float, steps: int, learn: bool
    ) -> None:
        """The newest beat so far.

        :param steps: by which its number is greater than the one before
        """
        gap = uptime - self._uptime
        silence = 0.0
        if self._newest is not None:
            arrival = max(arrival, self._newest[0])
            silence = arrival - self._newest[0]
        if self._seen and (gap <= 0 or self._was_moved(arrival - uptime)):
            self._forget_clock()
        elif self._seen and gap < SAME_SECONDS:
            self._newest = arrival, arrival
            return
        rounds = 1
        if self._seen:
            rounds = max(1, round(gap / self._beat_seconds))
            self._seen = self._seen << min(rounds, ROUNDS)
        self._seen = (self._seen | 1) & ((1 << ROUNDS) - 1)
        if learn:
            # A host that hung has sent nothing that could get lost.
            lost = min(rounds, steps) - 1
            if max(lost, silence / self._beat_seconds) >= OUTAGE_BEATS:
                lost = min(lost, OUTAGE_LOSSES)
                self._outage_over = arrival
            self._learn(arrival, uptime, gap, rounds, lost)
        self._uptime = uptime
        self._newest = arrival, self._expected(arrival, uptime)

    def _was_moved(self, offset: float) -> bool:
        mean = self._delays.mean()
        return mean is not None and abs(offset - mean) > CLOCK_SECONDS

    def _learn(
        self,
        arrival: float,
        uptime: float,
        gap: float,
        rounds: int,
        lost: int,
    ) -> None:
        beat = self._beat_seconds
        waited = arrival < self._outage_over + FLUSH_BEATS * beat
        outlier = 0.0 if waited else OUTLIER_BEATS * beat
        known = self._delays.mean() is not None
        tardy = gap - rounds * beat if known else 0.0
        self._delays.take(arrival - uptime, tardy, outlier)
        self._losses.take(lost)
        self._beats += 1
        if known:
            # Losses make some gaps longer; few are shorter than the beat.
            self._gaps.append(gap)
            self._beat_seconds = sorted(self._gaps)[GAPS // 4]

    def _expected(self, arrival: float, uptime: float) -> float:
        """When a beat of the mean delay would have come, if not yet."""
        mean = self._delays.mean()
        if mean is None:
            return arrival
        return min(max(arrival, uptime + mean), arrival + self._beat_seconds)

    def _fill(self, uptime: float) -> None:
        """One that others overtook, or that we had before."""
        ago = round((self._uptime - uptime) / self._beat_seconds)
        if 0 < ago < ROUNDS and not self._seen >> ago & 1:
            self._seen |= 1 << ago
            self._losses.found()


class Host:
    """A host: each of its paths, and all of them taken together.

    Whether the host is suspected rests on the beats that came on any path.
    Their losses are counted as they happen, so that paths which fail
    together, say two networks on one cable, are not taken for independent
    witnesses. The suspicion of one path is that path's alone.
    """

    def __init__(self, wish: quality.Wish, beat_seconds: float = 1.0) -> None:
        self._wish = wish
        self._beat_seconds = beat_seconds
        self.any = Path(wish, beat_seconds)
        self.paths: dict[str, Path] = {}

    def beat(
        self,
        network: str,
        arrival: float,
        uptime: float,
        boot_id: str,
        sequence: int,
        learn: bool = True,
    ) -> None:
        """A beat was heard on a network; see Path.beat()."""
        path = self.paths.get(network)
        if path is None:
            path = Path(self._wish, self._beat_seconds)
            self.paths = self.paths | {network: path}
        path.beat(arrival, uptime, boot_id, sequence, learn)
        self.any.beat(arrival, uptime, boot_id, sequence, learn)

    def suspicion(
        self, now: float, since: float, patience: float = 1.0
    ) -> Suspicion:
        """What its silence on all paths gives reason for."""
        return self.any.suspicion(now, since, patience)

    def degraded(
        self, now: float, since: float, patience: float = 1.0
    ) -> list[str]:
        """Networks that are silent, and long enough to tell of it."""
        return [
            network
            for network, path in sorted(self.paths.items())
            if path.suspicion(now, since, patience) is Suspicion.HIGH
        ]
