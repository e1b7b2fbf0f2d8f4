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

"""What to probe next, and what follows from the verdicts.

With room for one probe at a time the detection tree is followed. With more
room the same tree is followed, and the room that is left goes to the probes
that it will most likely ask for next; each verdict gives a new tree for what
is still possible. Without a limit all probes start at once, and the search
ends as soon as a layer is known to fail and the one under it to work.
Pure code: the engine runs the probes and hands the verdicts in.
"""

from collections.abc import Collection
from collections.abc import Mapping
import dataclasses
import functools
import math
import operator

from hass.diagnosis import trees
from hass import faults

FAILED = faults.Verdict.FAILED
HEALTHY = faults.Verdict.HEALTHY


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Start these probes now; if there are none, wait for those in flight."""

    layers: tuple[faults.Layer, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The search is over.

    :ivar candidates: the lowest failed layer is one of these, lowest first
    :ivar failed: the last of them, which was seen to fail
    :ivar healthy: the layer right under the first of them, which was seen to
        work; None if there is no layer under it
    :ivar by_alarm: whether no probe has seen any of them fail: all that was
        probed works, and only the alarm says that something does not
    """

    candidates: tuple[faults.Layer, ...]
    failed: faults.Layer
    healthy: faults.Layer | None
    by_alarm: bool

    @property
    def why(self) -> str:
        """The evidence, as a part of a sentence."""
        works = f'{self.healthy} works and ' if self.healthy else ''
        told = 'is alarmed' if self.by_alarm else 'fails'
        if len(self.candidates) == 1:
            return f'{works}{self.failed} {told}'
        blind = ', '.join(self.candidates[:-1])
        return f'{works}{self.failed} {told}, with no verdict on {blind}'


@dataclasses.dataclass(frozen=True, slots=True)
class Refuted:
    """A layer works that could not if the alarm were true: nothing failed.

    A layer above the one that gave the alarm, or that layer itself.
    """

    healthy: faults.Layer

    @property
    def why(self) -> str:
        """The evidence, as a part of a sentence."""
        return f'{self.healthy} works'


@dataclasses.dataclass(frozen=True, slots=True)
class Contradiction:
    """A layer works although one under it fails: a detector is wrong.

    Nothing follows about any layer.
    """

    failed: faults.Layer
    healthy: faults.Layer

    @property
    def why(self) -> str:
        """The evidence, as a part of a sentence."""
        return f'{self.healthy} works although {self.failed} under it fails'


Step = Start | Found | Refuted | Contradiction


@dataclasses.dataclass(frozen=True, slots=True)
class Strategy:
    """How a search will go, if every detector answers and tells the truth.

    :ivar seconds: from the alarm to the answer, for a fault of each layer
    :ivar indistinguishable: layers whose faults cannot be told apart, for
        want of a detector
    """

    tree: trees.Tree
    seconds: tuple[tuple[faults.Layer, float], ...]
    expected_seconds: float
    worst_seconds: float
    indistinguishable: tuple[tuple[faults.Layer, ...], ...]


def next_step(
    problem: trees.Problem,
    verdicts: Mapping[faults.Layer, faults.Verdict],
    in_flight: Collection[faults.Layer] = (),
) -> Step:
    """Say which probes to start now, or what was found. Never raises.

    A layer of which the verdict is *unknown* has no detector any more. One
    that is in flight has one, whatever the problem says. A probe that was
    started takes up room until it ends, even if its verdict cannot help any
    more: most cannot be broken off.

    :param verdicts: so far; layers that the problem does not know are passed
        over
    :param in_flight: the layers whose probes run
    """
    names = [one.layer for one in problem.layers]
    trigger = names.index(problem.trigger)
    failed = [at for at, it in enumerate(names) if verdicts.get(it) is FAILED]
    works = max(
        (at for at, it in enumerate(names) if verdicts.get(it) is HEALTHY),
        default=-1,
    )
    if failed and failed[0] < works:
        return Contradiction(names[failed[0]], names[works])
    if works >= trigger:
        return Refuted(names[works])
    lowest = min([trigger, *failed])
    tree = trees.solve(
        tuple(
            _now(one, verdicts, in_flight)
            for one in problem.layers[works + 1 : lowest + 1]
        )
    )
    if isinstance(tree, trees.Leaf):
        healthy = names[works] if works >= 0 else None
        by_alarm = lowest not in failed
        return Found(tree.candidates, names[lowest], healthy, by_alarm)
    useful = [one for one in _likeliest_first(tree) if one not in in_flight]
    if problem.limit is None:
        return Start(tuple(useful))
    room = problem.limit - len(set(in_flight))
    return Start(tuple(useful[: max(room, 0)]))


@functools.lru_cache(maxsize=256)
def strategy(problem: trees.Problem) -> Strategy:
    """Foresee the search for a fault of each layer.

    The seconds are those of :func:`next_step` itself, played through for
    each fault with detectors that answer truly after ``probe_seconds``; to
    start a probe takes no time. The expectation weighs each fault with the
    weight of its layer.
    """
    suspects = problem.suspects
    tree = trees.solve(suspects)
    seconds = [_seconds_to_find(problem, at) for at in range(len(suspects))]
    weights = [one.weight for one in suspects]
    return Strategy(
        tree,
        tuple((one.layer, seconds[at]) for at, one in enumerate(suspects)),
        sum(map(operator.mul, weights, seconds)) / math.fsum(weights),
        max(seconds),
        tuple(
            one.candidates
            for one in trees.walk(tree)
            if isinstance(one, trees.Leaf) and len(one.candidates) > 1
        ),
    )


def _now(
    one: trees.LayerCost,
    verdicts: Mapping[faults.Layer, faults.Verdict],
    in_flight: Collection[faults.Layer],
) -> trees.LayerCost:
    """The layer as far as it can be probed now."""
    detector = one.layer not in verdicts and (
        one.detector or one.layer in in_flight
    )
    if detector is one.detector:
        return one
    return dataclasses.replace(one, detector=detector)


def _likeliest_first(tree: trees.Tree) -> list[faults.Layer]:
    """The probes of a tree, those that will most likely be needed first.

    What follows a probe weighs less than it, so the root comes first.
    """
    probes = [one for one in trees.walk(tree) if isinstance(one, trees.Probe)]
    probes.sort(key=lambda one: -one.weight)
    return [one.layer for one in probes]


def _seconds_to_find(problem: trees.Problem, fault: int) -> float:
    """Play a search for a fault of the layer with this index."""
    truth = {
        one.layer: HEALTHY if at < fault else FAILED
        for at, one in enumerate(problem.layers)
    }
    cost = {one.layer: one.probe_seconds for one in problem.layers}
    now = 0.0
    verdicts: dict[faults.Layer, faults.Verdict] = {}
    ends: dict[faults.Layer, float] = {}
    while isinstance(step := next_step(problem, verdicts, ends), Start):
        ends |= {layer: now + cost[layer] for layer in step.layers}
        now = min(ends.values())
        for layer in [one for one, end in ends.items() if end <= now]:
            del ends[layer]
            verdicts[layer] = truth[layer]
    return now
