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

"""What an engine tells of itself; the tables tell the rest."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
import dataclasses

from prometheus_client import core

from hass import beats
from hass.engine import pools

Refused = Callable[[], Mapping[str, int]]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Gauges:
    """A collector for a registry of prometheus_client.

    :ivar refused: how many datagrams and messages were refused, by reason,
        for each kind of them
    :ivar pools: the engine's threads, by the name they have in the metrics
    :ivar busy: how many recoveries are being worked on
    :ivar workers: how many could be
    :ivar deaf_seconds: since the thread that hears beats finished a turn
    """

    refused: Mapping[str, Refused]
    pools: Mapping[str, pools.Pool]
    busy: Callable[[], int]
    workers: int
    deaf_seconds: Callable[[], float]

    def describe(self) -> Iterable[core.Metric]:
        """Registering asks nothing."""
        return ()

    def collect(self) -> Iterator[core.Metric]:
        """Ask the rooms of the engine."""
        refused = core.CounterMetricFamily(
            'hass_refused',
            'Datagrams and messages that were not believed.',
            labels=('kind', 'reason'),
        )
        for kind, counts in self.refused.items():
            words: Counter[str] = Counter()
            for reason, number in counts().items():
                words[_word(reason)] += number
            for word, number in sorted(words.items()):
                refused.add_metric((kind, word), number)
        yield refused
        tasks = core.GaugeMetricFamily(
            'hass_engine_tasks',
            'Tasks of the engine that run or wait for a thread.',
            labels=('pool',),
        )
        for name, pool in self.pools.items():
            tasks.add_metric((name,), pool.unfinished)
        yield tasks
        yield core.GaugeMetricFamily(
            'hass_engine_recoveries',
            'Recoveries that this engine works on at this moment.',
            value=self.busy(),
        )
        yield core.GaugeMetricFamily(
            'hass_engine_workers',
            'Recoveries that it could work on, by [engine] workers.',
            value=self.workers,
        )
        yield core.GaugeMetricFamily(
            'hass_engine_ears_age_seconds',
            'Since the thread that hears beats last finished a turn.',
            value=self.deaf_seconds(),
        )


def _word(reason: str) -> str:
    """A word for the sentence: labels are few, whatever anybody sends."""
    try:
        return beats.Refusal(reason).name.lower()
    except ValueError:
        return 'other'
