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

"""``make soak SET=name``: long campaigns.

Sets: ``acts``, each act of a person in each state of each workflow
(hass/tests/scenario/test_state_and_act.py); ``chaos``, random faults in
virtual time, with a seed that repeats them (tools/soak/chaos.py);
``detection``, seconds from faults of the lab's hosts to the decision
(tools/bench/detection.py); ``fuzz``, so many requests to the API at least that
its description allows or forbids, on each database
(hass/tests/functional/api/test_fuzz.py); ``guests``, faults of real guests,
none of which may be missed (tools/bench/guests.py); ``noise``, ten hosts, ten
minutes of lost and late packets, stopped engines, restarted agents and clocks
that jump, and nothing may happen; ``noise-hours``, so many host-hours of
simulated noise, and nobody may be fenced (tools/noise/hours.py); ``users``, so
many random actions of users on real Nova, none of which may start a recovery;
``users-guests``, the same with real guests.
"""

import argparse
from collections.abc import Sequence
import dataclasses
import datetime
import os
import random
import subprocess
import sys
import time

from tools.bench import detection
from tools.bench import guests
from tools.minicloud import lab
from tools.minicloud import lifecycle
from tools.noise import hours as noise_hours
from tools.soak import chaos as soak_chaos

PROCESSES = 2
NOISE_SECONDS = 600
NOISE_HOSTS = 10
NOISE = tuple(
    f'hass.tests.openstack.test_detection.{name}'
    for name in ('NoiseTest', 'QuietTest')
)
FUZZ = ('hass.tests.functional.api.test_fuzz',)
USERS = {
    'users': 'hass.tests.openstack.test_user_actions',
    'users-guests': 'hass.tests.openstack.guests.test_user_actions',
}
ACTS = ('hass.tests.scenario.test_state_and_act',)
COUNTS = {
    'acts': 1,
    'chaos': 500,
    'detection': 20,
    'fuzz': 2_000,
    'guests': 200,
    'noise': 1,
    'noise-hours': 10_000,
    'users': 500,
    'users-guests': 60,
}


def play_noise(count: int) -> bool:
    """The tests of CI, with more hosts and for much longer."""
    return _test(
        dataclasses.replace(lab.load(), size=NOISE_HOSTS, guests=False),
        NOISE * count,
        {'NOISE_SECONDS': str(NOISE_SECONDS)},
    )


def play_users(name: str, seed: int, count: int) -> bool:
    """The test of CI, with so many actions."""
    real = 'guests' in name
    size = lab.GUEST_HOSTS if real else lab.DEFAULT_HOSTS
    return _test(
        dataclasses.replace(lab.load(), size=size, guests=real),
        (name,),
        {'USER_ACTIONS': str(count), 'USER_SEED': str(seed)},
    )


def play_fuzz(seed: int, count: int) -> bool:
    """The test of CI, with so many cases on each database."""
    return _run(FUZZ, {'FUZZ_CASES': str(count), 'FUZZ_SEED': str(seed)})


def play_acts(count: int) -> bool:
    """The test of CI, with one cell of so many."""
    return _run(ACTS, {'ACTS_SHARE': str(count)})


def _test(cloud: lab.Lab, names: Sequence[str], env: dict[str, str]) -> bool:
    """Whether tests pass on a lab that is brought up for them."""
    lifecycle.up(cloud, _say)
    try:
        return _run(names, env)
    finally:
        lifecycle.down(cloud)


def _run(names: Sequence[str], env: dict[str, str]) -> bool:
    argv = [sys.executable, '-m', 'testtools.run', *names]
    done = subprocess.run(argv, cwd=lab.CHECKOUT, env=os.environ | env)
    return done.returncode == 0


def _moment(text: str) -> datetime.datetime:
    """The next time that the clock on the wall shows it."""
    now = datetime.datetime.now()
    clock = datetime.time.fromisoformat(text)
    moment = datetime.datetime.combine(now, clock)
    if moment < now:
        moment += datetime.timedelta(days=1)
    return moment


def _say(text: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {text}', file=sys.stderr, flush=True)


def main() -> int:
    """Play a set; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('set', choices=sorted(COUNTS))
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    parser.add_argument('--count', type=int)
    parser.add_argument(
        '--processes',
        type=int,
        default=PROCESSES,
        help='how many seeds of chaos are played at a time',
    )
    parser.add_argument(
        '--until',
        type=_moment,
        metavar='HH:MM',
        help='no seed of chaos is begun after it',
    )
    options = parser.parse_args()
    count = options.count or COUNTS[options.set]
    match options.set:
        case 'acts':
            good = play_acts(count)
        case 'detection':
            good = detection.soak(count, _say)
        case 'fuzz':
            good = play_fuzz(options.seed, count)
        case 'guests':
            good = guests.soak(count, options.seed, _say)
        case 'noise':
            good = play_noise(count)
        case 'noise-hours':
            good = noise_hours.soak(options.seed, count)
        case 'users' | 'users-guests' as name:
            good = play_users(USERS[name], options.seed, count)
        case _:
            good = soak_chaos.soak(
                options.seed, count, options.processes, options.until
            )
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
