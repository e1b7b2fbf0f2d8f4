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


import dataclasses
import math
import pathlib
import runpy
from typing import Any

import hypothesis
from hypothesis import strategies

from hass.diagnosis import estimates
from hass.diagnosis import trees
from hass import faults
from hass.tests import base

Layer = faults.Layer
ROOT = pathlib.Path(__file__).parents[4]
# Few values, so that ties are common; and any.
SECONDS = strategies.sampled_from((0.0, 0.06, 0.5, 3.0)) | strategies.floats(
    0, 10
)
WEIGHTS = strategies.sampled_from((0.01, 0.1, 1.0)) | strategies.floats(
    0.001, 10
)


def paper(limit=1, missing=(), trigger=Layer.GUEST_NETWORK):
    """The search of the paper: all layers, its times and frequencies."""
    return estimates.Estimates().problem(
        [*Layer], set(Layer) - set(missing), trigger, limit
    )


def rows(most=9):
    """Layers with costs, some of them without a detector."""
    costs = strategies.tuples(SECONDS, WEIGHTS, strategies.booleans())
    return strategies.lists(costs, min_size=1, max_size=most).map(numbered)


def numbered(costs):
    """More layers than there are names for."""
    names: Any = [f'layer-{at}' for at in range(len(costs))]
    return tuple(
        trees.LayerCost(name, *cost)
        for name, cost in zip(names, costs, strict=True)
    )


def found(tree, row, fault):
    """Follow a tree for a fault: where it ends, and after how long."""
    names = [one.layer for one in row]
    seconds = 0.0
    while isinstance(tree, trees.Probe):
        at = names.index(tree.layer)
        seconds += row[at].probe_seconds
        tree = tree.healthy if at < fault else tree.failed
    return tree, seconds


def expected(tree, row):
    whole = sum(one.weight for one in row)
    return sum(
        one.weight / whole * found(tree, row, fault)[1]
        for fault, one in enumerate(row)
    )


def all_trees(row):
    """Every tree that asks no probe whose verdict is known."""
    cuts = [at for at, one in enumerate(row[:-1]) if one.detector]
    if not cuts:
        yield trees.Leaf(tuple(one.layer for one in row), 1)
    for cut in cuts:
        for failed in all_trees(row[: cut + 1]):
            for healthy in all_trees(row[cut + 1 :]):
                yield trees.Probe(row[cut].layer, failed, healthy, 1)


class TreeTest(base.TestCase):
    def test_the_papers_numbers_give_the_papers_tree(self):
        row = tuple(
            dataclasses.replace(one, layer=str(at))
            for at, one in enumerate(paper().layers)
        )
        tree = trees.solve(row)
        self.assertEqual('0 -> 3 -> {2 -> 1, 5 -> 4}', str(tree))
        self.assertAlmostEqual(2.68, expected(tree, row), places=2)

    @hypothesis.settings(max_examples=40)
    @hypothesis.given(rows())
    def test_no_other_tree_is_quicker(self, row):
        best = min(expected(tree, row) for tree in all_trees(row))
        self.assertAlmostEqual(best, expected(trees.solve(row), row))

    @hypothesis.settings(max_examples=60)
    @hypothesis.given(rows())
    def test_each_fault_is_among_the_candidates(self, row):
        tree = trees.solve(row)
        for fault, one in enumerate(row):
            leaf, _ = found(tree, row, fault)
            self.assertIn(one.layer, leaf.candidates)

    @hypothesis.settings(max_examples=60)
    @hypothesis.given(rows())
    def test_only_the_topmost_candidate_has_a_detector(self, row):
        blind = [one.layer for one in row[:-1] if not one.detector]
        leaves = [
            one.candidates
            for one in trees.walk(trees.solve(row))
            if isinstance(one, trees.Leaf)
        ]
        self.assertEqual(
            [one.layer for one in row], [it for leaf in leaves for it in leaf]
        )
        self.assertEqual(blind, [it for leaf in leaves for it in leaf[:-1]])


class BadInputTest(base.TestCase):
    def test_seconds_are_neither_negative_nor_endless(self):
        for bad in (-1, math.nan, math.inf):
            with self.assertRaisesRegex(ValueError, 'probe_seconds of power'):
                trees.LayerCost(Layer.POWER, bad, 1)

    def test_weights_are_more_than_nothing(self):
        for bad in (0, -1, math.nan, math.inf, 1e-300):
            with self.assertRaisesRegex(ValueError, 'weight of power'):
                trees.LayerCost(Layer.POWER, 1, bad)

    def test_a_layer_stands_once(self):
        one = trees.LayerCost(Layer.POWER, 1, 1)
        with self.assertRaisesRegex(ValueError, 'layers must differ'):
            trees.Problem((one, one), Layer.POWER)

    def test_the_trigger_is_one_of_the_layers(self):
        one = trees.LayerCost(Layer.POWER, 1, 1)
        with self.assertRaisesRegex(ValueError, 'trigger must be one of'):
            trees.Problem((one,), Layer.OS)

    def test_there_is_room_for_a_probe(self):
        with self.assertRaisesRegex(ValueError, 'limit must be at least 1'):
            paper(limit=0)


class PageTest(base.TestCase):
    def test_the_committed_page_shows_the_trees(self):
        """If it does not, run tox -e gentree."""
        writing = runpy.run_path(str(ROOT / 'tools/tree_to_rst.py'))
        self.assertEqual(writing['page'](), writing['PAGE'].read_text())
