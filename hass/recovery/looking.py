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

"""Looks at the layers of a suspected host, as the detection tree says."""

from collections.abc import Callable
from collections.abc import Mapping
from concurrent import futures
import dataclasses
from typing import Any

from hass import clock as clock_
from hass.detection import panel
from hass.diagnosis import estimates as estimates_
from hass.diagnosis import search as search_
from hass import faults

Layer = faults.Layer
ALARM = Layer.NETWORK
"""A silent agent tells that the network of its host, or less, failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a look at one layer came to."""

    verdict: faults.Verdict
    evidence: tuple[faults.Observation, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How a search ended.

    :ivar verdicts: of each layer that was looked at in time
    :ivar evidence: all that was seen, in the order in which it came
    """

    step: search_.Step
    verdicts: Mapping[Layer, faults.Verdict]
    evidence: tuple[faults.Observation, ...]


Look = Callable[[], Seen]


class Search:
    """Runs the looks of a search; any thread may start one.

    :param learnt: what the strategy is made from; looks are added to it
    :param limit: looks at one host at the same time; None: all of them
    :param seconds: what has no verdict by then is left without one
    """

    def __init__(
        self,
        clock: clock_.Clock,
        learnt: estimates_.Learnt,
        *,
        limit: int | None,
        seconds: float,
        spawn: panel.Spawn[Any] = panel.in_thread,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._seconds = seconds
        self._spawn = spawn
        self._learnt = learnt

    def run(
        self,
        protected: frozenset[Layer],
        looks: Mapping[Layer, Look],
        enough: Callable[[Mapping[Layer, faults.Verdict]], bool],
    ) -> Outcome:
        """Find the lowest failed layer, or as much as the time allows.

        :param protected: layers that are searched; ALARM is one of them
        :param looks: those of them that can be looked at
        :param enough: whether verdicts suffice to act: a search that goes on
            would only name the fault better
        """
        problem = self._learnt.now.problem(
            protected, looks.keys(), ALARM, self._limit
        )
        until = self._clock.monotonic() + self._seconds
        verdicts: dict[Layer, faults.Verdict] = {}
        evidence: list[faults.Observation] = []
        flights: dict[Layer, tuple[futures.Future[Seen], float]] = {}
        while True:
            step = search_.next_step(problem, verdicts, flights)
            if not isinstance(step, search_.Start):
                return Outcome(step, verdicts, tuple(evidence))
            began = self._clock.monotonic()
            for layer in step.layers:
                flights[layer] = self._spawn(looks[layer]), began
            for layer in self._landed(flights, until - began):
                seen = flights.pop(layer)[0].result()
                verdicts[layer] = seen.verdict
                evidence.extend(seen.evidence)
            if enough(verdicts) or self._clock.monotonic() >= until:
                missing = protected - verdicts.keys()
                verdicts |= dict.fromkeys(missing, faults.Verdict.UNKNOWN)
                flights.clear()

    def _landed(
        self,
        flights: Mapping[Layer, tuple[futures.Future[Seen], float]],
        seconds: float,
    ) -> list[Layer]:
        """Wait for the next look that ends; learn how long looks take."""
        futures.wait(
            [future for future, _began in flights.values()],
            timeout=max(0.0, seconds),
            return_when=futures.FIRST_COMPLETED,
        )
        landed = [layer for layer in flights if flights[layer][0].done()]
        now = self._clock.monotonic()
        for layer in landed:
            self._learnt.took(layer, now - flights[layer][1])
        return landed
