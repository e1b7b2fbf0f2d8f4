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

"""``make soak SET=name``: long campaigns, with a seed that repeats them.

Sets: ``chaos``, random faults in virtual time (hass/tests/chaos.py).
"""

import argparse
import logging
import random
import sys

from rich import progress

from hass.tests import chaos

SETS = {'chaos': chaos.play}


def main() -> int:
    """Play a set; 1 when a seed failed, each of them told with its story."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('set', choices=sorted(SETS))
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    parser.add_argument('--count', type=int, default=500)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f'{options.set}: {options.count} seeds from {options.seed} on')
    failed = 0
    seeds = range(options.seed, options.seed + options.count)
    for seed in progress.track(seeds, description=options.set):
        try:
            SETS[options.set](seed)
        except chaos.Unsafe as error:
            failed += 1
            print(f'seed {seed}: {error}')
    print(f'{options.count - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
