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

"""``make soak SET=noise-hours``: is a healthy host ever fenced by mistake?

Hosts of noise.toml are heard for many hours: by the real code, by its
twin for a hundred times as many, and by both for a few of them, which must
find the same. Hosts that the twin suspects highly are heard by the real code
as well, which decides what becomes of them.
"""

from collections.abc import Callable
from concurrent import futures
import functools
import math
import os
import time

from rich import progress

from hass.diagnosis import quality
from tools.noise import model as noise_model
from tools.noise import simulate as simulate_noise
from tools.noise import twin as noise_twin

TABLES = ('rough', 'storm')
TWIN_TIMES = 100
"""So many times the hours of the real code."""
EQUAL_SHARE = 0.01
"""Of them, for both."""
BATCH = 128
"""Hosts at a time: more take more memory, fewer more time for each."""

Part = Callable[[int, int], simulate_noise.Tally]


class Different(Exception):
    """The twin found other suspicions than the real code."""


def soak(seed: int, hours: float, tables: tuple[str, ...] = TABLES) -> bool:
    """Play each table; whether nobody was fenced and both found the same.

    :param hours: for the real code
    """
    wish = quality.Wish()
    good = True
    for table in tables:
        print(
            f'noise-hours: [{table}], seed {seed}; wished: '
            f'{wish.probes_per_host_hour:g} low suspicions per host-hour, '
            f'{wish.false_alarms_per_host_year:g} high ones per host-year'
        )
        scene = simulate_noise.Scene(noise_model.read(table), wish, seed)
        equal, real, twin = (
            functools.partial(part, scene) for part in (both, alone, doubled)
        )
        _play('checked equal', equal, hours * EQUAL_SHARE, 1)
        for name, part, span in (
            ('real code', real, hours),
            ('twin', twin, hours * TWIN_TIMES),
        ):
            total = _play(name, part, span, BATCH if part is twin else 4)
            often = simulate_noise.too_often(total, wish)
            good = good and not total.fenced and not often
    return good


def alone(
    scene: simulate_noise.Scene, first: int, count: int
) -> simulate_noise.Tally:
    """Some hosts, heard by the real code."""
    total = simulate_noise.Tally()
    for host in range(first, first + count):
        total.add(simulate_noise.listen(scene, host)[0])
    return total


def both(
    scene: simulate_noise.Scene, first: int, count: int
) -> simulate_noise.Tally:
    """The same, heard by the twin as well.

    :raises Different: naming the first host
    """
    total = simulate_noise.Tally()
    twin = noise_twin.listen(scene, first, count)
    for row in range(count):
        tally, wrong = simulate_noise.listen(scene, first + row)
        _compare(scene, first + row, wrong, twin.of(row))
        total.add(tally)
    return total


def doubled(
    scene: simulate_noise.Scene, first: int, count: int
) -> simulate_noise.Tally:
    """The same, heard by the twin, and by the real code where it matters.

    :raises Different: naming the first host
    """
    twin = noise_twin.listen(scene, first, count)
    total = simulate_noise.Tally(
        count * simulate_noise.HOST_HOURS,
        low=len(twin.high),
        high=int(twin.high.sum()),
        longest=twin.longest,
    )
    for row in sorted(set(twin.hosts[twin.high].tolist())):
        tally, wrong = simulate_noise.listen(scene, first + row)
        _compare(scene, first + row, wrong, twin.of(row))
        total.ends += tally.ends
    return total


def _compare(
    scene: simulate_noise.Scene,
    host: int,
    real: list[simulate_noise.Wrong],
    twin: list[simulate_noise.Wrong],
) -> None:
    if not simulate_noise.same(real, twin):
        raise Different(
            f'host {host} of seed {scene.seed}: {len(real)} suspicions by the '
            f'real code, {len(twin)} by the twin, or others'
        )


def _play(
    name: str, part: Part, hours: float, batch: int
) -> simulate_noise.Tally:
    """Side by side on all cores; tells what came of it."""
    hosts = math.ceil(hours / simulate_noise.HOST_HOURS)
    began, total = time.monotonic(), simulate_noise.Tally()
    pool = futures.ProcessPoolExecutor(os.cpu_count())
    try:
        parts = [
            pool.submit(part, first, min(batch, hosts - first))
            for first in range(0, hosts, batch)
        ]
        for done in progress.track(
            futures.as_completed(parts), name, len(parts)
        ):
            total.add(done.result())
    finally:
        pool.shutdown(cancel_futures=True)
    print(
        f'{name}: {total.hours:g} host-hours in '
        f'{time.monotonic() - began:.0f} s\n{total}',
        flush=True,
    )
    return total
