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

"""The detection tree: the lowest failed layer in the least expected time.

A layer works only if every layer under it works, and one fault is looked
for: it makes its own layer and all layers above fail, and none under it. So
the layers are a row of healthy ones followed by failed ones, and each probe
tells on which side of it the border lies. The least expected time to the
border follows by dynamic programming over the stretches of the row, as for
an optimal binary search tree.

A layer without a working detector cannot be a cut. Its faults are then not
told apart from those of the layer above it, and a leaf names both.
"""

from collections.abc import Iterator
import dataclasses
import functools
import math

from hass import faults

# Beyond these a sum of weights loses its smallest term.
LEAST_WEIGHT = 1e-6
MOST_WEIGHT = 1e6


@dataclasses.dataclass(frozen=True, slots=True)
class LayerCost:
    """What it costs to look at a layer, and how often it is to blame.

    :ivar probe_seconds: from the start of a probe to its verdict
    :ivar weight: of the layer's faults, relative to those of the others
    :ivar detector: whether a detector of the layer works now
    :raises ValueError: for a number that is out of range
    """

    layer: faults.Layer
    probe_seconds: float
    weight: float
    detector: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.probe_seconds < math.inf:
            raise ValueError(
                f'probe_seconds of {self.layer} must be finite and at least '
                f'0, not {self.probe_seconds}'
            )
        if not LEAST_WEIGHT <= self.weight <= MOST_WEIGHT:
            raise ValueError(
                f'weight of {self.layer} must be from {LEAST_WEIGHT:g} to '
                f'{MOST_WEIGHT:g}, not {self.weight}'
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """An alarm whose lowest failed layer is to be found.

    :ivar layers: all that the cluster protects, lowest first
    :ivar trigger: the layer whose alarm started it: that layer, or one under
        it, is taken to have failed; it is not probed
    :ivar limit: how many probes may run at once; None for as many as help
    :raises ValueError: for doubled or missing layers and a limit under 1
    """

    layers: tuple[LayerCost, ...]
    trigger: faults.Layer
    limit: int | None = 1

    def __post_init__(self) -> None:
        names = [one.layer for one in self.layers]
        if len(set(names)) < len(names):
            raise ValueError(f'layers must differ, not {", ".join(names)}')
        if self.trigger not in names:
            raise ValueError(
                f'trigger must be one of the layers ({", ".join(names)}), '
                f'not {self.trigger}'
            )
        if self.limit is not None and self.limit < 1:
            raise ValueError(
                f'limit must be at least 1, or None, not {self.limit}'
            )

    @property
    def suspects(self) -> tuple[LayerCost, ...]:
        """The layers that may be to blame, lowest first."""
        names = [one.layer for one in self.layers]
        return self.layers[: names.index(self.trigger) + 1]


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a search.

    :ivar candidates: the lowest failed layer is one of these, lowest first;
        more than one where detectors are missing
    :ivar weight: of the faults that end here
    """

    candidates: tuple[faults.Layer, ...]
    weight: float

    def __str__(self) -> str:
        return ' or '.join(self.candidates)


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """A layer to look at, and what follows from either verdict.

    :ivar weight: of the faults that are still possible here
    """

    layer: faults.Layer
    failed: 'Tree'
    healthy: 'Tree'
    weight: float

    def __str__(self) -> str:
        """The probes as ``0 -> 3 -> {2 -> 1, 5 -> 4}``, failed first."""
        later = [
            str(tree)
            for tree in (self.failed, self.healthy)
            if isinstance(tree, Probe)
        ]
        if len(later) > 1:
            return f'{self.layer} -> {{{", ".join(later)}}}'
        return ' -> '.join([str(self.layer), *later])


Tree = Leaf | Probe


@functools.lru_cache(maxsize=1024)
def solve(layers: tuple[LayerCost, ...]) -> Tree:
    """The serial tree of the least expected time; the last layer failed."""

    @functools.cache
    def grow(low: int, high: int) -> tuple[float, Tree]:
        """The tree for faults from low to high, and seconds times weight."""
        weight = math.fsum(one.weight for one in layers[low : high + 1])
        cuts = [
            (
                layers[cut].probe_seconds * weight
                + grow(low, cut)[0]
                + grow(cut + 1, high)[0],
                cut,
            )
            for cut in range(low, high)
            if layers[cut].detector
        ]
        if not cuts:
            names = tuple(one.layer for one in layers[low : high + 1])
            return 0.0, Leaf(names, weight)
        cost, cut = min(cuts)
        below, above = grow(low, cut)[1], grow(cut + 1, high)[1]
        return cost, Probe(layers[cut].layer, below, above, weight)

    return grow(0, len(layers) - 1)[1]


def walk(tree: Tree) -> Iterator[Tree]:
    """All of a tree: a node, what its failing asks for, then the rest."""
    yield tree
    if isinstance(tree, Probe):
        yield from walk(tree.failed)
        yield from walk(tree.healthy)
