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

"""The noise of tools/noise/noise.toml: what becomes of the beats of a host.

All draws are numpy's and are made once for a host, so that the real code and
its twin hear the same beats.
"""

import dataclasses
import math
import pathlib
import tomllib
from typing import Any

import numpy as np
import numpy.typing as npt

from hass.diagnosis import quality

NOISE = pathlib.Path(__file__).with_name('noise.toml')
APART_SECONDS = 2e-5
"""A beat leaves on one network after the other."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Noise:
    """One table of noise.toml, which tells what the fields are.

    :raises ValueError: a field is out of its range
    """

    beat_seconds: float
    jitter_seconds: float
    good_to_bad_per_second: float
    bad_to_good_per_second: float
    loss_in_good: float
    loss_in_bad: float
    delay_mu: float
    delay_sigma: float
    networks: int = 2
    one_cable: bool = False

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not math.isfinite(value) or (value < 0 and name != 'delay_mu'):
                raise ValueError(f'{name} must be at least 0, not {value}')
            if name.startswith('loss_') and value > 1:
                raise ValueError(f'{name} must be 1 at most, not {value}')
        quality.positive('beat_seconds', self.beat_seconds)
        quality.positive('networks', self.networks)
        if self.jitter_seconds > self.beat_seconds / 2:
            raise ValueError('jitter_seconds must be half a beat at most')

    def turns(self, seconds: float) -> tuple[float, float]:
        """Chances that a good path is bad so much later, and a bad one good.

        Two states in continuous time: their sum is below 1.
        """
        worse, better = (
            self.good_to_bad_per_second,
            self.bad_to_good_per_second,
        )
        both = worse + better
        if not both:
            return 0.0, 0.0
        share = -math.expm1(-both * seconds) / both
        return worse * share, better * share

    def often_bad(self) -> float:
        """The share of time in which a path is bad."""
        worse, better = (
            self.good_to_bad_per_second,
            self.bad_to_good_per_second,
        )
        return worse / (worse + better) if worse else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Life:
    """The beats of one host, by their number; networks are rows.

    :ivar sent: moments at which they left, in seconds
    :ivar arrivals: moments at which they came; infinite: lost
    :ivar bad: whether the path was bad when they left
    """

    sent: Floats
    arrivals: Floats
    bad: Bools


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """Beats as an engine takes them, in the order of their arrival.

    One that a later beat of its own network overtook is refused as a replay.
    """

    arrivals: Floats
    sent: Floats
    numbers: Ints
    networks: Ints

    def sequences(self) -> Ints:
        """They grow with each beat of the host."""
        return self.numbers * (int(self.networks.max(initial=0)) + 1) + (
            self.networks
        )


def read(table: str, path: pathlib.Path = NOISE) -> Noise:
    """One table of the file.

    :raises ValueError: there is none of this name, or it is not complete
    """
    with path.open('rb') as file:
        tables: dict[str, Any] = tomllib.load(file)
    if table not in tables:
        raise ValueError(f'table must be one of {sorted(tables)}, not {table}')
    try:
        return Noise(**tables[table])
    except TypeError as error:
        raise ValueError(f'{path.name}: [{table}]: {error}') from None


def live(noise: Noise, seed: int, host: int, hours: float) -> Life:
    """Draw the beats of a host; the same numbers give the same beats."""
    dice = np.random.default_rng([seed, host])
    count = int(hours * 3600 / noise.beat_seconds)
    sent = np.arange(count, dtype=np.float64)
    sent *= noise.beat_seconds
    sent += dice.uniform(0, noise.jitter_seconds, count)
    bad = np.empty((noise.networks, count), np.bool_)
    arrivals = np.empty((noise.networks, count))
    for network in range(noise.networks):
        if network and noise.one_cable:
            bad[network] = bad[0]
        else:
            bad[network] = _states(noise, dice, count)
        lost = dice.random(count) < np.where(
            bad[network], noise.loss_in_bad, noise.loss_in_good
        )
        delay = dice.standard_normal(count)
        delay *= noise.delay_sigma
        delay += noise.delay_mu
        np.exp(delay, out=delay)
        delay += sent
        delay += network * APART_SECONDS
        delay[lost] = np.inf
        arrivals[network] = delay
    return Life(sent, arrivals, bad)


def _states(noise: Noise, dice: np.random.Generator, count: int) -> Bools:
    """Whether the path is bad at each beat.

    One draw each: a low one makes it bad, a high one good, whatever it was,
    and all others leave it as it is.
    """
    worse, better = noise.turns(noise.beat_seconds)
    draws = dice.random(count)
    bad = draws < worse
    told = bad | (draws >= 1 - better)
    bad[0], told[0] = draws[0] < noise.often_bad(), True
    last = np.where(told, np.arange(count), 0)
    states: Bools = bad[np.maximum.accumulate(last)]
    return states


def hear(life: Life) -> Heard:
    """What an engine hears of it."""
    later = np.minimum.accumulate(life.arrivals[:, ::-1], axis=1)[:, ::-1]
    taken = np.isfinite(life.arrivals) & (life.arrivals <= later)
    numbers, networks = np.nonzero(taken.T)
    arrivals = life.arrivals[networks, numbers]
    order = np.argsort(arrivals, kind='stable')
    numbers, networks = numbers[order], networks[order]
    return Heard(
        arrivals[order],
        life.sent[numbers] + networks * APART_SECONDS,
        numbers,
        networks,
    )
