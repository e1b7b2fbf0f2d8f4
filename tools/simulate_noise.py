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

``python -m tools.simulate_noise --hours 100 --table rough`` prints how often
a year a healthy host would be suspected. tools/noise.toml says what the
noise is; the same seed gives the same noise.
"""

import argparse
from collections.abc import Iterator
import dataclasses
import heapq
import math
import pathlib
import random
import sys
import time
import tomllib

from hass.diagnosis import accrual
from hass.diagnosis import quality

NOISE = pathlib.Path(__file__).with_name('noise.toml')
HOST_HOURS = 10.0
"""How long one host is listened to before the next one begins anew."""


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

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not math.isfinite(value) or (value < 0 and name != 'delay_mu'):
                raise ValueError(f'{name} must be at least 0, not {value}')
            if name.startswith('loss_') and value > 1:
                raise ValueError(f'{name} must be 1 at most, not {value}')
        quality.positive('beat_seconds', self.beat_seconds)


@dataclasses.dataclass(slots=True)
class Tally:
    """What came of it.

    :ivar low: silences that were suspected, at least lowly
    :ivar high: those that were suspected highly
    :ivar longest: of all silences, in seconds
    """

    hours: float = 0.0
    low: int = 0
    high: int = 0
    longest: float = 0.0

    def add(self, other: 'Tally') -> None:
        self.hours += other.hours
        self.low += other.low
        self.high += other.high
        self.longest = max(self.longest, other.longest)

    def per_year(self) -> float:
        """High suspicions per host and year."""
        return self.high / self.hours * quality.YEAR_SECONDS / 3600


def read(table: str, path: pathlib.Path = NOISE) -> Noise:
    """One table of the file.

    :raises ValueError: there is none of this name, or it is not complete
    """
    with path.open('rb') as file:
        tables = tomllib.load(file)
    if table not in tables:
        raise ValueError(f'table must be one of {sorted(tables)}, not {table}')
    try:
        return Noise(**tables[table])
    except TypeError as error:
        raise ValueError(f'{path.name}: [{table}]: {error}') from None


def beats(
    noise: Noise, seed: int, seconds: float
) -> Iterator[tuple[float, float, int]]:
    """Arrival, moment of sending and number of beats, as they arrive."""
    dice = random.Random(seed)  # noqa: S311
    step = noise.beat_seconds
    worse = 1 - math.exp(-noise.good_to_bad_per_second * step)
    better = 1 - math.exp(-noise.bad_to_good_per_second * step)
    bad = False
    way: list[tuple[float, float, int]] = []
    for number in range(int(seconds / step)):
        sent = number * step + dice.uniform(0, noise.jitter_seconds)
        while way and way[0][0] <= sent:
            yield heapq.heappop(way)
        bad = dice.random() >= better if bad else dice.random() < worse
        if dice.random() < (noise.loss_in_bad if bad else noise.loss_in_good):
            continue
        delay = dice.lognormvariate(noise.delay_mu, noise.delay_sigma)
        heapq.heappush(way, (sent + delay, sent, number))
    while way:
        yield heapq.heappop(way)


def listen(noise: Noise, wish: quality.Wish, seed: int, hours: float) -> Tally:
    """Hear one healthy host: look at it just before each of its beats.

    Suspicion grows until a beat comes, so that nothing is missed thereby.
    A late beat that others overtook is refused as a replay before it is
    heard, as the listener does.
    """
    path = accrual.Path(wish, noise.beat_seconds)
    tally = Tally(hours=hours)
    least = quality.LOW_BEATS * noise.beat_seconds * 0.9
    last, newest = 0.0, -1
    for arrival, sent, number in beats(noise, seed, hours * 3600):
        if number < newest:
            continue
        newest = number
        silence = arrival - last
        if silence > least:
            tally.longest = max(tally.longest, silence)
            suspicion = path.suspicion(arrival, 0.0)
            tally.low += suspicion is not accrual.Suspicion.NONE
            tally.high += suspicion is accrual.Suspicion.HIGH
        last = arrival
        path.beat(arrival, sent, 'boot', number)
    return tally


def main() -> int:
    """Play the noise; 1 when more was suspected than was wished."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--table', default='rough', help='of tools/noise.toml')
    parser.add_argument('--hours', type=float, default=100.0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--target', type=float, default=6.5)
    parser.add_argument('--alarms', type=float, default=1.0)
    options = parser.parse_args()
    noise = read(options.table)
    wish = quality.Wish(options.target, options.alarms)
    began, total, seed = time.monotonic(), Tally(), options.seed
    while total.hours < options.hours:
        hours = min(HOST_HOURS, options.hours - total.hours)
        total.add(listen(noise, wish, seed, hours))
        seed += 1
    wished = total.hours * 3600 / quality.YEAR_SECONDS * options.alarms
    print(
        f'{options.table}: {total.hours:g} host-hours, seeds {options.seed} '
        f'to {seed - 1}, {time.monotonic() - began:.1f} s of computing\n'
        f'low suspicions: {total.low / total.hours:.2f} per host-hour '
        f'({wish.probes_per_host_hour:g} wished)\n'
        f'high suspicions: {total.high}, {total.per_year():.3g} per host-year '
        f'({options.alarms:g} wished)\n'
        f'longest silence: {total.longest:.1f} s'
    )
    # Three standard deviations of a count beyond what was wished.
    return int(total.high > wished + 3 * math.sqrt(wished) + 1)


if __name__ == '__main__':
    sys.exit(main())
