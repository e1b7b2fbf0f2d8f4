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

"""Every metric that HASS shows, by the names that Prometheus gives it."""

from collections.abc import Iterator

from prometheus_client import core

from hass.agent import gauges as agent_gauges
from hass import clock
from hass.diagnosis import quality
from hass.engine import gauges as engine_gauges
from hass.engine import listener
from hass.metrics import books
from hass.tests.unit.metrics import test_gauges

ENDINGS = {
    'counter': ('_total',),
    'histogram': ('_bucket', '_count', '_sum'),
    'gaugehistogram': ('_bucket', '_gcount', '_gsum'),
}


def families(database, rounds) -> Iterator[core.Metric]:
    """Those of an engine on this database, and of an agent.

    :param rounds: the engine's rounds
    """
    hands = clock.SystemClock()
    ears = listener.Listener(hands, lambda host: [], [], quality.Wish())
    collectors = (
        books.Books(database, hands),
        engine_gauges.Gauges({}, {}, lambda: 0, 1, lambda: 0.0),
        ears.delays,
        rounds.looks,
        rounds.failed_looks,
        agent_gauges.Gauges(
            test_gauges.Sender(), test_gauges.Reporter(), dict
        ),
    )
    for one in collectors:
        yield from one.collect()


def names(family: core.Metric) -> set[str]:
    """What its samples are called."""
    endings = ENDINGS.get(family.type, ('',))
    return {f'{family.name}{ending}' for ending in endings}
