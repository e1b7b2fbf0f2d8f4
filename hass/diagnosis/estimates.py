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

"""What a search costs: probe times as they are measured, faults as counted.

Immutable values: ``updated`` gives the next one. Where little was seen yet,
priors stand in: the times and the frequencies that came with the prototype of
Lee et al., "High-Availability Computing Platform with Sensor Fault
Resilience", Sensors 21(2):542, 2021.
"""

from collections.abc import Collection
from collections.abc import Mapping
import dataclasses
import math
import threading
import types
from typing import Self

from hass.diagnosis import trees
from hass import faults

Layer = faults.Layer

PRIOR_SECONDS: Mapping[Layer, float] = types.MappingProxyType(
    {
        Layer.POWER: 0.06,
        Layer.HARDWARE: 0.81,
        Layer.OS: 3.45,
        Layer.NETWORK: 0.53,
        Layer.INSTANCE: 1.1,
        Layer.GUEST_OS: 1.0,
        # A guess: there it gives the alarm and is never probed.
        Layer.GUEST_NETWORK: 1.0,
    }
)
PRIOR_WEIGHTS: Mapping[Layer, float] = types.MappingProxyType(
    dict.fromkeys(Layer, 0.161) | {Layer.POWER: 0.172, Layer.HARDWARE: 0.026}
)

GAIN = 0.2
"""What a new measurement weighs against all that were before."""

FLOOR_SECONDS = 0.001
"""No probe is taken to be quicker: it would be asked whatever it tells."""

PRIOR_FAULTS = 10.0
"""How many counted faults weigh as much as the prior."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProbeTimes:
    """Seconds from the start of a probe to its verdict, whichever it is.

    A moving average: each measurement takes the estimate a fifth of the way
    (:data:`GAIN`), so that ten of them leave a tenth of the prior.

    :ivar seconds: of each layer
    :ivar measured: how many measurements are in it, of each layer
    :raises ValueError: for times that are negative or not finite
    """

    seconds: Mapping[Layer, float] = dataclasses.field(
        default_factory=lambda: PRIOR_SECONDS
    )
    measured: Mapping[Layer, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for layer, seconds in self.seconds.items():
            _check(f'seconds of {layer}', seconds)
        for layer, measured in self.measured.items():
            _check(f'measured of {layer}', measured)

    def of(self, layer: Layer) -> float:
        """The estimate, in seconds: at least :data:`FLOOR_SECONDS`."""
        seconds = self.seconds.get(layer, PRIOR_SECONDS[layer])
        return max(seconds, FLOOR_SECONDS)

    def updated(self, layer: Layer, seconds: float) -> 'ProbeTimes':
        """With one more measurement.

        :raises ValueError: if it is negative or not finite
        """
        _check('seconds', seconds)
        old = self.of(layer)
        return ProbeTimes(
            {**self.seconds, layer: old + GAIN * (seconds - old)},
            {**self.measured, layer: self.measured.get(layer, 0) + 1},
        )


@dataclasses.dataclass(frozen=True, slots=True)
class FaultCounts:
    """How often each layer was the lowest that failed.

    The faults of a host fall on its layers with unknown probabilities. Their
    prior is a Dirichlet distribution that weighs as much as
    :data:`PRIOR_FAULTS` faults; each counted fault adds one to its layer, and
    the mean of the posterior is the estimate.

    :ivar counted: faults of each layer; fractions where a search left more
        than one candidate
    :ivar prior: relative weights
    :raises ValueError: for counts that are negative or not finite, and
        weights that are zero besides
    """

    counted: Mapping[Layer, float] = dataclasses.field(default_factory=dict)
    prior: Mapping[Layer, float] = dataclasses.field(
        default_factory=lambda: PRIOR_WEIGHTS
    )

    def __post_init__(self) -> None:
        for layer, counted in self.counted.items():
            _check(f'counted of {layer}', counted)
        for layer in Layer:
            weight = self.prior.get(layer, 0.0)
            _check(f'prior of {layer}', weight)
            if weight == 0:
                raise ValueError(f'prior of {layer} must be more than 0')

    def of(self, layer: Layer) -> float:
        """The probability that a fault is one of this layer."""
        prior = self.prior[layer] / math.fsum(self.prior[it] for it in Layer)
        counted = self.counted.get(layer, 0.0)
        faults_in_all = PRIOR_FAULTS + math.fsum(self.counted.values())
        return (PRIOR_FAULTS * prior + counted) / faults_in_all

    def updated(self, candidates: Collection[Layer]) -> 'FaultCounts':
        """With one more fault, of one of the candidates.

        They share it by their probabilities so far.

        :raises ValueError: if there is no candidate
        """
        if not candidates:
            raise ValueError('candidates must name a layer at least')
        shares = {layer: self.of(layer) for layer in candidates}
        whole = math.fsum(shares.values())
        counted = dict(self.counted)
        for layer, share in shares.items():
            counted[layer] = counted.get(layer, 0.0) + share / whole
        return FaultCounts(counted, self.prior)


@dataclasses.dataclass(frozen=True, slots=True)
class Estimates:
    """All that the strategy of a search is made from."""

    times: ProbeTimes = dataclasses.field(default_factory=ProbeTimes)
    counts: FaultCounts = dataclasses.field(default_factory=FaultCounts)

    def problem(
        self,
        protected: Collection[Layer],
        detectors: Collection[Layer],
        trigger: Layer,
        limit: int | None = 1,
    ) -> trees.Problem:
        """What is to be searched for after an alarm, with what is known.

        :param protected: the layers that the cluster protects
        :param detectors: the layers with a detector that works now
        :raises ValueError: see :class:`hass.diagnosis.trees.Problem`
        """
        return trees.Problem(
            tuple(
                trees.LayerCost(
                    layer,
                    self.times.of(layer),
                    max(self.counts.of(layer), trees.LEAST_WEIGHT),
                    layer in detectors,
                )
                for layer in Layer
                if layer in protected
            ),
            trigger,
            limit,
        )

    def to_dict(self) -> dict[str, dict[str, float]]:
        """JSON for API bodies: the numbers of each layer, lowest first."""
        return {
            str(layer): {
                'probe_seconds': self.times.of(layer),
                'probes_measured': self.times.measured.get(layer, 0),
                'fault_probability': self.counts.of(layer),
                'faults_counted': self.counts.counted.get(layer, 0.0),
            }
            for layer in Layer
        }

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Mapping[str, float]]) -> Self:
        """What to_dict() wrote down; layers that it lacks have priors.

        :raises ValueError: for a layer that there is not, and numbers that
            are negative or not finite
        """
        rows = {Layer(word): row for word, row in numbers.items()}
        return cls(
            ProbeTimes(
                {one: row['probe_seconds'] for one, row in rows.items()},
                {
                    one: int(row['probes_measured'])
                    for one, row in rows.items()
                },
            ),
            FaultCounts(
                {one: row['faults_counted'] for one, row in rows.items()}
            ),
        )


class Learnt:
    """The newest estimates of one engine: all its threads add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = Estimates()

    def took(self, layer: Layer, seconds: float) -> None:
        """A look took so long."""
        with self._lock:
            times = self.now.times.updated(layer, max(0.0, seconds))
            self.now = dataclasses.replace(self.now, times=times)

    def count(self, counted: Mapping[Layer, float]) -> None:
        """So often each layer was the one that failed, in all."""
        with self._lock:
            counts = FaultCounts(counted)
            self.now = dataclasses.replace(self.now, counts=counts)


def _check(field: str, number: float) -> None:
    if not 0 <= number < math.inf:
        raise ValueError(
            f'{field} must be finite and at least 0, not {number}'
        )
