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

"""What an agent tells of itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
import dataclasses
from typing import Any, Protocol

from prometheus_client import core

from hass.agent import backlog

OK = 'ok'


class Sender(Protocol):
    """What sends the beats."""

    def counts(self) -> Mapping[str, int]: ...


class Reporter(Protocol):
    """What sends the reports."""

    def backlogs(self) -> Mapping[str, backlog.Backlog[Any]]: ...

    def age_seconds(self) -> float: ...


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Gauges:
    """A collector for a registry of prometheus_client.

    :ivar health: 'ok', or what is wrong, of each part of the agent
    """

    sender: Sender
    reporter: Reporter
    health: Callable[[], Mapping[str, str]]

    def describe(self) -> Iterable[core.Metric]:
        """Registering asks nothing."""
        return ()

    def collect(self) -> Iterator[core.Metric]:
        """Ask the parts of the agent."""
        sent = core.CounterMetricFamily(
            'hass_agent_beats',
            'Beats to engines, and whether the network took them.',
            labels=('outcome',),
        )
        for outcome, number in self.sender.counts().items():
            sent.add_metric((outcome,), number)
        yield sent
        waiting = core.GaugeMetricFamily(
            'hass_agent_waiting',
            'What no engine has taken yet.',
            labels=('kind',),
        )
        dropped = core.CounterMetricFamily(
            'hass_agent_dropped',
            'What gave way because too much of it waited.',
            labels=('kind',),
        )
        for kind, held in self.reporter.backlogs().items():
            waiting.add_metric((kind,), len(held))
            dropped.add_metric((kind,), held.dropped)
        yield waiting
        yield dropped
        yield core.GaugeMetricFamily(
            'hass_agent_report_age_seconds',
            'Since an engine last took a report.',
            value=self.reporter.age_seconds(),
        )
        parts = core.GaugeMetricFamily(
            'hass_agent_part_working',
            'Whether a loop or a detector of the agent works.',
            labels=('part',),
        )
        for part, how in self.health().items():
            parts.add_metric((part,), how == OK)
        yield parts
