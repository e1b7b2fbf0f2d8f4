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

"""Healthy hosts on noisy networks, heard by the real code in virtual time.

``python -m tools.noise.simulate --hours 100 --table rough`` prints how often
a year a healthy host would be suspected, and what became of it.
noise.toml says what the noise is; the same seed gives the same noise.
"""

import argparse
import collections
from collections.abc import Callable
import dataclasses
import math
import sys
import time

import numpy as np

from hass.diagnosis import accrual
from hass.diagnosis import quality
from tools.noise import chase as noise_chase
from tools.noise import model as noise_model

HOST_HOURS = 10.0
"""How long one host is listened to before the next one begins anew."""
LEAST = 0.9 * quality.LOW_BEATS
"""No silence of fewer beats is suspected: their interval is measured."""

Wrong = tuple[float, float, bool]
"""A silence that was suspected: since when, its phi, whether highly."""


@dataclasses.dataclass(slots=True)
class Tally:
    """What came of it.

    :ivar low: silences that were suspected, at least lowly
    :ivar high: those that were suspected highly
    :ivar longest: of all silences, in seconds
    :ivar ends: what HASS did about those that were suspected highly
    """

    hours: float = 0.0
    low: int = 0
    high: int = 0
    longest: float = 0.0
    ends: collections.Counter[noise_chase.End] = dataclasses.field(
        default_factory=collections.Counter
    )

    def add(self, other: 'Tally') -> None:
        self.hours += other.hours
        self.low += other.low
        self.high += other.high
        self.longest = max(self.longest, other.longest)
        self.ends += other.ends

    @property
    def fenced(self) -> int:
        """Healthy hosts that were condemned."""
        return self.ends[noise_chase.End.FENCED]

    def per_year(self) -> float:
        """High suspicions per host and year."""
        return self.high / self.hours * quality.YEAR_SECONDS / 3600

    def __str__(self) -> str:
        ends = ', '.join(f'{n} {end}' for end, n in sorted(self.ends.items()))
        return (
            f'low suspicions: {self.low / self.hours:.3g} per host-hour\n'
            f'high suspicions: {self.high}, {self.per_year():.3g} per '
            f'host-year{": " * bool(ends)}{ends}\n'
            f'longest silence: {self.longest:.1f} s\n'
            f'false fencings: {self.fenced}'
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """What is simulated; hosts are numbered."""

    noise: noise_model.Noise
    wish: quality.Wish
    seed: int
    cast: noise_chase.Cast = noise_chase.Cast()


def listen(
    scene: Scene, host: int, hours: float = HOST_HOURS
) -> tuple[Tally, list[Wrong]]:
    """Hear one healthy host: look at it just before each of its beats.

    Suspicion grows until a beat comes, so that nothing is missed thereby.
    """
    life = noise_model.live(scene.noise, scene.seed, host, hours)
    heard = noise_model.hear(life)
    path = accrual.Path(scene.wish, scene.noise.beat_seconds)
    dice = np.random.default_rng([scene.seed, host, 1])
    tally, wrong = Tally(hours), list[Wrong]()
    least = LEAST * scene.noise.beat_seconds
    last, newest = math.inf, -1
    for arrival, sent, sequence in zip(
        heard.arrivals.tolist(),
        heard.sent.tolist(),
        heard.sequences().tolist(),
        strict=True,
    ):
        if sequence > newest:
            silence = arrival - last
            tally.longest = max(tally.longest, silence)
            if silence > least:
                suspicion = path.suspicion(arrival, 0.0)
                if suspicion is not accrual.Suspicion.NONE:
                    high = suspicion is accrual.Suspicion.HIGH
                    phi = path.phi(arrival, 0.0)
                    wrong.append((last, phi, high))
                    if high:
                        chase = noise_chase.Chase(
                            scene.noise,
                            life,
                            heard,
                            _onset(path, last, arrival),
                            path.network(),
                            dice,
                            scene.cast,
                        )
                        tally.ends[chase.end()] += 1
            last, newest = arrival, sequence
        path.beat(arrival, sent, 'boot', sequence)
    tally.low = len(wrong)
    tally.high = sum(high for _since, _phi, high in wrong)
    return tally, wrong


def same(one: list[Wrong], other: list[Wrong]) -> bool:
    """Whether both are the same; logarithms differ in their last digit."""
    return len(one) == len(other) and all(
        a[::2] == b[::2] and math.isclose(a[1], b[1], rel_tol=1e-12)
        for a, b in zip(one, other, strict=True)
    )


def _onset(path: accrual.Path, since: float, until: float) -> float:
    """When silence became high suspicion, to a millisecond."""
    while until - since > 0.001:
        middle = (since + until) / 2
        if path.suspicion(middle, 0.0) is accrual.Suspicion.HIGH:
            until = middle
        else:
            since = middle
    return until


def play(
    scene: Scene, hours: float, tell: Callable[[float], object] = lambda _h: 0
) -> Tally:
    """One host after the other, until there are so many host-hours.

    :param tell: is told how many host-hours were played
    """
    total, host = Tally(), 0
    while total.hours < hours:
        span = min(HOST_HOURS, hours - total.hours)
        total.add(listen(scene, host, span)[0])
        host += 1
        tell(total.hours)
    return total


def main() -> int:
    """Play the noise; 1 when a host was fenced, or suspected too often."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--table', default='rough', help='of noise.toml')
    parser.add_argument('--hours', type=float, default=100.0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--target', type=float, default=6.0)
    parser.add_argument('--alarms', type=float, default=12.0)
    parser.add_argument('--engines', type=int, choices=(1, 2), default=2)
    parser.add_argument('--helpers', type=int, default=3)
    options = parser.parse_args()
    scene = Scene(
        noise_model.read(options.table),
        quality.Wish(options.target, options.alarms),
        options.seed,
        noise_chase.Cast(options.engines - 1, options.helpers),
    )
    began = time.monotonic()
    total = play(scene, options.hours)
    print(
        f'{options.table}: {total.hours:g} host-hours, seed {options.seed}, '
        f'{time.monotonic() - began:.1f} s of computing\n{total}\n'
        f'wished: {scene.wish.probes_per_host_hour:g} per host-hour, '
        f'{options.alarms:g} per host-year'
    )
    return int(total.fenced > 0 or too_often(total, scene.wish))


def too_often(total: Tally, wish: quality.Wish) -> bool:
    """Three standard deviations of a count beyond what was wished."""
    years = total.hours * quality.HOUR_SECONDS / quality.YEAR_SECONDS
    wished = years * wish.false_alarms_per_host_year
    return total.high > wished + 3 * math.sqrt(wished) + 1


if __name__ == '__main__':
    sys.exit(main())
