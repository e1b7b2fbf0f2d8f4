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

"""The quality of detection: what is wished, and what a network allows.

Pure code. The formulas are those of Chen, Toueg and Aguilera, "On the
Quality of Service of Failure Detectors", IEEE Transactions on Computers
51(5), 2002. They bound the chance that a living host's beat is missing by
the share of lost beats and by the mean and variance of the delays alone,
whatever their distribution. That chance is told here as an accrual, phi, as
in Hayashibara and others, "The phi Accrual Failure Detector", SRDS 2004:
phi 3 is one chance in a thousand. What differs: losses come in bursts, so a
beat after a lost one is lost with a chance of its own.
"""

import dataclasses
import math

HOUR_SECONDS = 3600.0
YEAR_SECONDS = 365.25 * 24 * HOUR_SECONDS
LOW_BEATS = 1.25
"""No probe earlier than so many beat intervals of silence."""
HIGH_BEATS = 3.0
"""No higher suspicion earlier than so many, whatever was wished."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What the operator wants of detection.

    :ivar target_seconds: a host that fell silent is highly suspected
        after this time
    :ivar false_alarms_per_host_year: high suspicions of a healthy host
    :ivar probes_per_host_hour: low suspicions of a healthy host
    :ivar longest_seconds: silence that is highly suspected even where the
        network is so bad that the wished rarity would take longer
    :raises ValueError: one of them is no positive number, or the longest
        is less than the target
    """

    target_seconds: float = 5.5
    false_alarms_per_host_year: float = 12.0
    probes_per_host_hour: float = 60.0
    longest_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f'{name} must be above 0, not {value}')
        if self.longest_seconds < self.target_seconds:
            raise ValueError(
                'longest_seconds must be at least target_seconds, '
                f'{self.target_seconds}, not {self.longest_seconds}'
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """What was measured of one path.

    :ivar beat_seconds: time between two beats
    :ivar loss: share of beats that are lost, 0 to 1
    :ivar loss_after_loss: the same of those that follow a lost one
    :ivar jitter_seconds: standard deviation of a beat's arrival from its
        expected moment
    :ivar beats: how many beats this rests on
    """

    beat_seconds: float
    loss: float = 0.01
    loss_after_loss: float = 0.2
    jitter_seconds: float = 0.1
    beats: int = 0

    def __post_init__(self) -> None:
        positive('beat_seconds', self.beat_seconds)
        positive('jitter_seconds', self.jitter_seconds)
        for name in ('loss', 'loss_after_loss'):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f'{name} must be from 0 to 1, not {share}')

    def phi(self, silence: float) -> float:
        """-log10 of the chance that a living host is silent for so long.

        Beat j of those missing was expected x = silence - j * beat_seconds
        ago. It is missing because it was lost (p), or else because it is
        late, which is no likelier than V / (V + x * x), by the one-sided
        inequality of Chebyshev (as Chen and others use it). Silence
        takes all of them: phi = -log10 of the product over j of
        p_j + (1 - p_j) * V / (V + x_j * x_j), where p_1 is the share of
        lost beats and each later p_j that of beats after a lost one.

        Never falls as the silence grows; 0 until a beat is overdue.
        """
        variance = self.jitter_seconds**2
        chance, lost = 1.0, self.loss
        overdue = silence - self.beat_seconds
        while overdue > 0 and chance > 1e-300:
            late = variance / (variance + overdue * overdue)
            chance *= lost + (1.0 - lost) * late
            lost = max(self.loss, self.loss_after_loss)
            overdue -= self.beat_seconds
        return -math.log10(max(chance, 1e-300))

    def silence(self, phi: float, longest: float) -> float:
        """The least silence that is so surprising, to a millisecond."""
        low, high = 0.0, longest
        if self.phi(high) < phi:
            return math.inf
        while high - low > 0.001:
            middle = (low + high) / 2
            if self.phi(middle) < phi:
                low = middle
            else:
                high = middle
        return high

    def false_alarms(self, silence: float) -> float:
        """How often a year a healthy host is silent for so long.

        Each beat that comes begins a silence, so that it is the number of
        them times the chance (Chen and others: E(T_MR) = eta / p_s).
        """
        beats = YEAR_SECONDS / self.beat_seconds * (1.0 - self.loss)
        return float(beats * 10.0 ** -self.phi(silence))


@dataclasses.dataclass(frozen=True, slots=True)
class Timeouts:
    """Silence after which a path is suspected, and what that costs.

    :ivar low_seconds: until low suspicion
    :ivar high_seconds: until high suspicion
    :ivar false_alarms_per_host_year: high suspicions that noise will raise
    :ivar unmet: a sentence when the wish cannot be met, else ''
    """

    low_seconds: float
    high_seconds: float
    false_alarms_per_host_year: float
    unmet: str = ''


def low_phi(wish: Wish, beat_seconds: float) -> float:
    """One beat in so many may start a probe for nothing."""
    per_beat = wish.probes_per_host_hour * beat_seconds / HOUR_SECONDS
    return -math.log10(min(1.0, per_beat))


def high_phi(wish: Wish, beat_seconds: float) -> float:
    """One beat in so many may raise a false alarm."""
    wished = wish.false_alarms_per_host_year
    return -math.log10(min(1.0, wished * beat_seconds / YEAR_SECONDS))


def longest(wish: Wish, beat_seconds: float) -> float:
    """Silence that is highly suspected on any network."""
    return max(wish.longest_seconds, HIGH_BEATS * beat_seconds)


def timeouts(wish: Wish, network: Network) -> Timeouts:
    """What the wish comes to on a measured network.

    As with Chen and others (delta = T_D - eta) the whole
    wished time is used for care: waiting less would only raise more false
    alarms. Where it is too short for the wished rarity, rarity goes first,
    up to ``longest_seconds``; and three beat intervals go before all.
    """
    beat = network.beat_seconds
    most = longest(wish, beat)
    rare = network.silence(high_phi(wish, beat), most)
    high = min(most, max(wish.target_seconds, HIGH_BEATS * beat, rare))
    low = network.silence(low_phi(wish, beat), high)
    low = min(high, max(LOW_BEATS * beat, low))
    alarms = network.false_alarms(high)
    return Timeouts(low, high, alarms, _unmet(wish, network, high, alarms))


def _unmet(wish: Wish, network: Network, high: float, alarms: float) -> str:
    wished = wish.false_alarms_per_host_year
    rare = alarms <= wished * 1.01  # The search's last millisecond.
    if rare and high <= wish.target_seconds:
        return ''
    said = (
        f'high suspicion takes {high:.1f} s, {wish.target_seconds:g} s were '
        f'wished: beats come every {network.beat_seconds:.2g} s, '
        f'{network.loss:.2%} are lost ({network.loss_after_loss:.0%} after a '
        f'lost one), {network.jitter_seconds:.3f} s jitter, measured over '
        f'{network.beats} beats'
    )
    if rare:
        return said
    return f'{said}; {alarms:.2g} false alarms a year, {wished:g} were wished'


def positive(name: str, value: float) -> None:
    """Refuse a number that is not above zero.

    :raises ValueError: naming it
    """
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f'{name} must be above 0, not {value}')
