#!/usr/bin/env python3
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

"""Write down how the lowest failed layer is searched for, and how long.

Writes doc/source/contributor/detection-tree.rst from the code and its prior
estimates. A test compares the committed page with what the code gives.
"""

from collections.abc import Iterator
import pathlib
import sys

from hass.diagnosis import estimates
from hass.diagnosis import search
from hass.diagnosis import trees
from hass import faults

PAGE = (
    pathlib.Path(__file__).parents[1]
    / 'doc/source/contributor/detection-tree.rst'
)
HEAD = """\
.. Written by tox -e gentree: change hass/diagnosis instead.

==================
The detection tree
==================

An alarm says that something failed; the lowest failed layer says what to do.
It is found by probes, in the order of the least expected time. The times and
frequencies below are the priors of ``hass/diagnosis/estimates.py``, which
came with the prototype of Lee et al. (Sensors 21(2):542, 2021). The tree can
be solved anew at any time: for measured times and counted faults, the layers
that a cluster protects and the detectors that work.

What is assumed
===============

* Strict layering: a layer works only if every layer under it works.
* A single fault: it makes its own layer and all above it fail, and none
  under it.
* The alarm is true: the layer that gave it, or one under it, has failed. It
  is not probed.
* The seconds below also assume detectors that answer, and tell the truth. In
  a real search a detector that answers *unknown* is dropped and the tree is
  solved without it; a layer that works above one that fails is a
  contradiction, and nobody is accused.

Storage and the message bus are side paths, not layers: they may fail below
working layers, so they have no place in the order. They are watched beside
it.
"""
ROOM = """\
The detection tree is the serial strategy: one probe at a time. With room for
more, the probe that the tree asks for is started first, and the room that is
left goes to the probes that the tree will most likely ask for next (by the
frequency of the faults that lead there). Each verdict gives a new tree for
what is still possible. A probe takes up its room until it ends, even if its
verdict is of no use any more. Without a limit all probes start at once, and
the search ends when a layer is known to fail and the one under it to work:
no strategy can be quicker, for any fault.
"""
MISSING = """\
A layer without a working detector is not probed; its faults are not told
apart from those of the layer above it. One probe at a time, with one detector
missing:
"""


def page() -> str:
    """The whole page."""
    serial = search.strategy(problem(1))
    lines = HEAD.splitlines()
    lines += ['', *_title('The layers'), *_layers()]
    lines += ['', *_title('The tree'), *_drawing(serial.tree)]
    lines += ['', 'In short, with what follows a failure first::']
    lines += ['', f'   {serial.tree}']
    lines += ['', *_title('How long it takes'), *ROOM.splitlines()]
    lines += ['', *_strategies(), '', *_by_fault()]
    lines += ['', *_title('Missing detectors'), *MISSING.splitlines()]
    lines += ['', *_missing()]
    return '\n'.join(lines) + '\n'


def problem(
    limit: int | None, missing: faults.Layer | None = None
) -> trees.Problem:
    """All layers, of which the topmost gives the alarm, by the priors."""
    return estimates.Estimates().problem(
        protected=[*faults.Layer],
        detectors=set(faults.Layer) - {missing},
        trigger=faults.Layer.GUEST_NETWORK,
        limit=limit,
    )


def one_after_the_other(order: list[int]) -> list[float]:
    """Seconds for a fault of each layer, if there were no tree."""
    layers = problem(1).layers
    seconds = [0.0] * len(layers)
    for fault in range(len(layers)):
        low, high = 0, len(layers) - 1
        for at in order:
            if low <= at < high:
                seconds[fault] += layers[at].probe_seconds
                low, high = (low, at) if fault <= at else (at + 1, high)
    return seconds


def _layers() -> Iterator[str]:
    yield from _table('Layer', 'A probe takes', 'Weight of its faults')
    for layer in problem(1).layers:
        probed = layer.layer is not problem(1).trigger
        yield from _row(
            layer.layer,
            f'{layer.probe_seconds:g} s' if probed else 'gives the alarm',
            f'{estimates.PRIOR_WEIGHTS[layer.layer]:g}',
        )


def _drawing(tree: trees.Tree, depth: int = 0) -> Iterator[str]:
    """A list in lists: what to probe, and what follows from it."""
    if isinstance(tree, trees.Leaf):
        return
    indent = '  ' * depth
    yield f'{indent}* probe *{tree.layer}*'
    yield ''
    for verdict, then in (('fails', tree.failed), ('works', tree.healthy)):
        found = f': it is *{then}*' if isinstance(then, trees.Leaf) else ''
        yield f'{indent}  * {verdict}{found}'
        if not found:
            yield ''
            yield from _drawing(then, depth + 2)
            if verdict == 'fails':
                yield ''


def _strategies() -> Iterator[str]:
    weights = [one.weight for one in problem(1).layers]
    top_down = list(reversed(range(len(weights))))
    yield from _table('Strategy', 'Expected', 'Worst')
    for name, order in (
        ('From the ground up', top_down[::-1]),
        ('From the top down', top_down),
    ):
        seconds = one_after_the_other(order)
        expected = sum(w * s for w, s in zip(weights, seconds, strict=True))
        yield from _row(
            name, _seconds(expected / sum(weights)), _seconds(max(seconds))
        )
    for name, limit in (
        ('The tree, one probe at a time', 1),
        ('Two at a time', 2),
        ('Three at a time', 3),
        ('No limit', None),
    ):
        found = search.strategy(problem(limit))
        yield from _row(
            name,
            _seconds(found.expected_seconds),
            _seconds(found.worst_seconds),
        )


def _by_fault() -> Iterator[str]:
    limits = (1, 2, 3, None)
    columns = zip(
        *(search.strategy(problem(limit)).seconds for limit in limits),
        strict=True,
    )
    yield from _table('Fault of', 'One at a time', 'Two', 'Three', 'No limit')
    for row in columns:
        yield from _row(row[0][0], *(_seconds(seconds) for _, seconds in row))


def _missing() -> Iterator[str]:
    yield from _table('Missing', 'Tree', 'Not told apart', 'Expected', 'Worst')
    for layer in faults.Layer:
        if layer is problem(1).trigger:
            continue
        found = search.strategy(problem(1, layer))
        yield from _row(
            layer,
            f'``{found.tree}``',
            '; '.join(', '.join(one) for one in found.indistinguishable),
            _seconds(found.expected_seconds),
            _seconds(found.worst_seconds),
        )


def _title(title: str) -> list[str]:
    return [title, '=' * len(title), '']


def _table(*titles: str) -> Iterator[str]:
    yield '.. list-table::'
    yield '   :header-rows: 1'
    yield ''
    yield from _row(*titles)


def _row(*cells: str) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f'   {"-" if number else "* -":>3} {cell}'


def _seconds(seconds: float) -> str:
    return f'{seconds:.2f} s'


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    print(f'{PAGE} is written')
    return 0


if __name__ == '__main__':
    sys.exit(main())
