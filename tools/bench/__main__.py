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

"""make bench: brings the lab up, measures, takes it down.

The last line is one JSON object; the table before it says the same.
"""

import argparse
import json
import sys
import time

from rich import console
from rich import table

from hass.tests.openstack import lab as labs
from tools.bench import idle
from tools.bench import judging
from tools.bench import listing
from tools.bench import load
from tools.bench import power_cut
from tools.minicloud import hass_services
from tools.minicloud import lab as minicloud
from tools.minicloud import lifecycle

COUNTS = (1, 10, 30)
KILLED_OF, KILLED_AFTER = 10, 3
"""Instances, and the evacuate call after which the engine is killed."""
FIRST_PAGE = 'first_page_of_10000_ms'
IDLE = 'idle_with_hosts'
OPTIONS = {
    'fencing': {'max_fencings': '100', 'strikes': '0'},
    'restraint': {'max_suspects': '100'},
}
"""Else HASS runs as it is installed."""


def measure(counts: list[int]) -> dict[str, object]:
    """All figures; HASS first, then the same calls without it."""
    cloud = labs.bring_up(OPTIONS, labs.Cloud)
    timings = {}
    for count in counts:
        _say(f'a power cut with {count} instances')
        timings[count] = power_cut.recover(cloud, count)
        _say(f'  {timings[count]}')
    _say('an engine killed at work')
    takeover = power_cut.takeover(cloud)
    _say(f'{KILLED_OF} instances, the engine killed at call {KILLED_AFTER}')
    whole = timings.get(KILLED_OF) or power_cut.recover(cloud, KILLED_OF)
    killed = power_cut.recover(cloud, KILLED_OF, KILLED_AFTER)
    _say(f'  {killed}')
    _say(f'{KILLED_OF} instances, a worker of nova-api stopped')
    stopped = power_cut.recover_beside_stopped_worker(cloud, KILLED_OF)
    _say(f'  {stopped}')
    _say('the API')
    api = load.api(cloud)
    _say('the agents')
    agents = load.agents(cloud)
    hass_services.down(cloud.lab)
    without = labs.Cloud(cloud.lab, with_hass=False)
    cuts = {}
    for count, timing in timings.items():
        _say(f'{count} evacuations without HASS')
        bare = power_cut.bare(without, count)
        _say(f'  {bare:.2f} s')
        cuts[str(count)] = _figures(timing, bare, count)
    return {
        'power_cut': cuts,
        'takeover_s': round(takeover, 2),
        'killed_in_mid_batch': {
            'all_active_s': round(killed.all_active, 2),
            'ratio': round(killed.all_active / whole.all_active, 2),
        },
        'nova_api_worker_stopped': {
            'all_active_s': round(stopped.all_active, 2),
            'ratio': round(stopped.all_active / whole.all_active, 2),
        },
        'api': api,
        'agents_1000': agents,
        'judging_ms': judging.milliseconds(),
        FIRST_PAGE: listing.milliseconds(),
        IDLE: idle.shares(),
    }


def _figures(
    timing: power_cut.Timing, bare: float, count: int
) -> dict[str, float]:
    return {
        'decided_s': round(timing.decided, 2),
        'fenced_s': round(timing.fenced, 2),
        'first_evacuate_s': round(timing.first_evacuate, 2),
        'all_active_s': round(timing.all_active, 2),
        'evacuation_ratio': round(timing.evacuation / bare, 2),
        'requests_per_instance': round(timing.requests / count, 2),
    }


def show(figures: dict[str, object]) -> None:
    """A table for people."""
    drawn = table.Table('figure', 'of', 'value', title='HASS on minicloud')
    for name, value in figures.items():
        for key, one in value.items() if isinstance(value, dict) else ():
            if isinstance(one, dict):
                for last, number in one.items():
                    drawn.add_row(f'{name} {key}', last, str(number))
            else:
                drawn.add_row(name, key, str(one))
        if not isinstance(value, dict):
            drawn.add_row(name, '', str(value))
    console.Console(width=79).print(drawn)


def _say(text: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {text}', file=sys.stderr, flush=True)


def main() -> int:
    """The exit code of make bench."""
    parser = argparse.ArgumentParser(prog='bench', description=__doc__)
    parser.add_argument('--keep', action='store_true', help='leave it up')
    parser.add_argument(
        '--counts', type=int, nargs='+', default=COUNTS, metavar='N'
    )
    parser.add_argument(
        '--first-page',
        action='store_true',
        help='of a long list, and nothing else: without the lab',
    )
    parser.add_argument(
        '--idle',
        action='store_true',
        help='an engine, and nothing else: without the lab',
    )
    options = parser.parse_args()
    if options.first_page:
        return tell({FIRST_PAGE: listing.milliseconds()})
    if options.idle:
        return tell({IDLE: idle.shares()})
    try:
        figures = measure(list(options.counts))
    except minicloud.LabError as error:
        print(f'bench: {error}', file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            lifecycle.down(minicloud.load())
    return tell(figures)


def tell(figures: dict[str, object]) -> int:
    """A table, and the line that machines read; the exit code."""
    show(figures)
    print(json.dumps(figures))
    return 0


if __name__ == '__main__':
    sys.exit(main())
