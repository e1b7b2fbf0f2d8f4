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


import itertools

import hypothesis
from hypothesis import strategies

from hass.diagnosis import search
from hass.diagnosis import trees
from hass import faults
from hass.tests import base
from hass.tests.unit.diagnosis import test_trees

FAILED = faults.Verdict.FAILED
HEALTHY = faults.Verdict.HEALTHY
UNKNOWN = faults.Verdict.UNKNOWN
Layer = faults.Layer
paper = test_trees.paper


@strategies.composite
def problems(draw, missing=True):
    """Any row of layers; the alarm may come from any of them."""
    row = draw(test_trees.rows())
    if not missing:
        row = tuple(
            trees.LayerCost(one.layer, one.probe_seconds, one.weight)
            for one in row
        )
    trigger = draw(strategies.sampled_from(row)).layer
    limit = draw(strategies.sampled_from((1, 2, 3, None)))
    return trees.Problem(row, trigger, limit)


@strategies.composite
def moments(draw):
    """A problem with any verdicts and any probes in flight."""
    problem = draw(problems())
    names = [one.layer for one in problem.layers] + ['another']
    verdicts = draw(
        strategies.dictionaries(
            strategies.sampled_from(names),
            strategies.sampled_from([*faults.Verdict]),
        )
    )
    in_flight = draw(strategies.sets(strategies.sampled_from(names)))
    return problem, verdicts, in_flight


class World:
    """A fault, and detectors that tell the truth or do not know."""

    def __init__(self, problem, fault, blind=()):
        self.names = [one.layer for one in problem.layers]
        self.fault = self.names.index(fault)
        self.blind = frozenset(blind)

    def verdict(self, layer):
        if layer in self.blind:
            return UNKNOWN
        return HEALTHY if self.names.index(layer) < self.fault else FAILED


def play(problem, world, choose=min):
    """Search until something is found; choose says who answers next.

    :returns: what was found, the verdicts, the most probes at a time
    """
    verdicts: dict = {}
    in_flight: set = set()
    most = 0
    step = search.next_step(problem, verdicts, in_flight)
    while isinstance(step, search.Start):
        assert not in_flight & set(step.layers)
        in_flight |= set(step.layers)
        assert in_flight, 'the search stands still'
        most = max(most, len(in_flight))
        layer = choose(sorted(in_flight))
        in_flight.remove(layer)
        verdicts[layer] = world.verdict(layer)
        step = search.next_step(problem, verdicts, in_flight)
    return step, verdicts, most


def seconds_of(problem):
    return dict(search.strategy(problem).seconds)


class StrategyTest(base.TestCase):
    def test_one_probe_at_a_time_takes_what_the_paper_says(self):
        found = search.strategy(paper(limit=1))
        self.assertAlmostEqual(2.68, found.expected_seconds, places=2)
        self.assertAlmostEqual(4.85, found.worst_seconds)
        self.assertEqual((), found.indistinguishable)
        for layer, seconds in found.seconds:
            self.assertAlmostEqual(
                {
                    Layer.POWER: 0.06,
                    Layer.HARDWARE: 4.85,
                    Layer.OS: 4.85,
                    Layer.NETWORK: 4.04,
                    Layer.INSTANCE: 2.69,
                    Layer.GUEST_OS: 2.69,
                    Layer.GUEST_NETWORK: 1.59,
                }[layer],
                seconds,
            )

    def test_all_probes_at_once_stop_early(self):
        found = search.strategy(paper(limit=None))
        self.assertAlmostEqual(1.65, found.expected_seconds, places=2)
        self.assertEqual(3.45, found.worst_seconds)
        self.assertEqual(
            [0.06, 0.81, 3.45, 3.45, 1.1, 1.1, 1.0],
            [seconds for _, seconds in found.seconds],
        )

    def test_an_alarm_of_the_network_concerns_the_layers_up_to_it(self):
        found = search.strategy(paper(trigger=Layer.NETWORK))
        self.assertEqual(
            [Layer.POWER, Layer.HARDWARE, Layer.OS, Layer.NETWORK],
            [layer for layer, _ in found.seconds],
        )

    def test_layers_without_a_detector_are_named(self):
        found = search.strategy(
            paper(missing=(Layer.POWER, Layer.OS, Layer.NETWORK))
        )
        self.assertEqual(
            (
                (Layer.POWER, Layer.HARDWARE),
                (Layer.OS, Layer.NETWORK, Layer.INSTANCE),
            ),
            found.indistinguishable,
        )

    def test_without_any_detector_the_alarm_is_all_there_is(self):
        found = search.strategy(paper(missing=Layer))
        self.assertEqual((tuple(Layer),), found.indistinguishable)
        self.assertEqual(0, found.worst_seconds)

    @hypothesis.settings(max_examples=60)
    @hypothesis.given(test_trees.rows())
    def test_one_at_a_time_is_the_tree(self, row):
        problem = trees.Problem(row, row[-1].layer, 1)
        self.assertAlmostEqual(
            test_trees.expected(trees.solve(row), row),
            search.strategy(problem).expected_seconds,
        )

    @hypothesis.settings(max_examples=30)
    @hypothesis.given(test_trees.rows())
    def test_without_a_limit_no_set_of_probes_is_quicker(self, row):
        """Of all sets whose verdicts name the candidates, the quickest."""
        problem = trees.Problem(row, row[-1].layer, None)
        quickest = quickest_sets(row)
        for fault, (_, seconds) in enumerate(search.strategy(problem).seconds):
            self.assertAlmostEqual(quickest[fault], seconds)

    # Not proved, so always the same examples.
    @hypothesis.settings(max_examples=60, derandomize=True)
    @hypothesis.given(test_trees.rows())
    def test_room_for_more_takes_no_longer(self, row):
        top = row[-1].layer
        expected = [
            search.strategy(trees.Problem(row, top, limit)).expected_seconds
            for limit in (1, 2, 3, None)
        ]
        for less, more in itertools.pairwise(expected):
            self.assertLessEqual(more, less + 1e-9)


def quickest_sets(row):
    """For each fault the seconds of the quickest probes that settle it."""
    probed = [at for at, one in enumerate(row[:-1]) if one.detector]
    sets = [
        frozenset(some)
        for size in range(len(probed) + 1)
        for some in itertools.combinations(probed, size)
    ]

    def left(fault, some):
        """The faults that give the same verdicts as this one."""
        return [
            other
            for other in range(len(row))
            if all((at < other) is (at < fault) for at in some)
        ]

    return [
        min(
            max((row[at].probe_seconds for at in some), default=0)
            for some in sets
            if left(fault, some) == left(fault, probed)
        )
        for fault in range(len(row))
    ]


def next_step(*given, **more):
    """Of no type: each test knows what it expects."""
    return search.next_step(*given, **more)


class NextStepTest(base.TestCase):
    def test_it_asks_for_the_root_of_the_tree_first(self):
        self.assertEqual(search.Start((Layer.POWER,)), next_step(paper(), {}))

    def test_room_for_two_goes_to_what_will_most_likely_be_asked_next(self):
        self.assertEqual(
            search.Start((Layer.POWER, Layer.NETWORK)),
            next_step(paper(limit=2), {}),
        )

    def test_it_waits_for_what_is_in_flight(self):
        self.assertEqual(
            search.Start(()),
            next_step(paper(), {}, in_flight={Layer.POWER}),
        )

    def test_a_probe_that_cannot_help_any_more_takes_up_room(self):
        self.assertEqual(
            search.Start(()),
            next_step(paper(), {Layer.OS: HEALTHY}, in_flight={Layer.POWER}),
        )

    def test_an_unknown_layer_is_no_longer_told_from_the_next(self):
        found = next_step(
            paper(limit=None),
            {
                Layer.POWER: HEALTHY,
                Layer.HARDWARE: UNKNOWN,
                Layer.OS: FAILED,
            },
        )
        self.assertEqual(
            search.Found(
                (Layer.HARDWARE, Layer.OS), Layer.OS, Layer.POWER, False
            ),
            found,
        )
        self.assertEqual(
            'power works and os fails, with no verdict on hardware', found.why
        )

    def test_when_all_that_is_probed_works_only_the_alarm_accuses(self):
        found = next_step(paper(), {Layer.GUEST_OS: HEALTHY})
        self.assertEqual(
            'guest_os works and guest_network is alarmed', found.why
        )
        self.assertTrue(found.by_alarm)

    def test_a_probe_can_confirm_the_alarm(self):
        found = next_step(
            paper(), {Layer.GUEST_OS: HEALTHY, Layer.GUEST_NETWORK: FAILED}
        )
        self.assertFalse(found.by_alarm)

    def test_what_is_in_flight_is_awaited_even_without_a_detector(self):
        self.assertEqual(
            search.Start(()),
            next_step(paper(missing=Layer), {}, in_flight={Layer.OS}),
        )

    def test_power_needs_no_layer_under_it(self):
        found = next_step(paper(), {Layer.POWER: FAILED})
        self.assertEqual((Layer.POWER,), found.candidates)
        self.assertEqual('power fails', found.why)

    def test_a_layer_that_works_above_a_failed_one_accuses_nobody(self):
        step = next_step(
            paper(trigger=Layer.NETWORK),
            {Layer.HARDWARE: FAILED, Layer.INSTANCE: HEALTHY},
        )
        self.assertEqual(
            search.Contradiction(Layer.HARDWARE, Layer.INSTANCE), step
        )
        self.assertEqual(
            'instance works although hardware under it fails', step.why
        )

    def test_an_alarm_from_a_layer_that_works_is_refuted(self):
        step = next_step(
            paper(trigger=Layer.NETWORK), {Layer.INSTANCE: HEALTHY}
        )
        self.assertEqual(search.Refuted(Layer.INSTANCE), step)
        self.assertEqual('instance works', step.why)

    def test_the_layer_of_the_alarm_can_refute_it_itself(self):
        self.assertEqual(
            search.Refuted(Layer.NETWORK),
            next_step(paper(trigger=Layer.NETWORK), {Layer.NETWORK: HEALTHY}),
        )


class AnyMomentTest(base.TestCase):
    @hypothesis.settings(max_examples=200)
    @hypothesis.given(moments())
    def test_it_starts_no_more_than_there_is_room_for(self, moment):
        problem, verdicts, in_flight = moment
        step = search.next_step(*moment)
        if not isinstance(step, search.Start):
            return
        if problem.limit and step.layers:
            self.assertLessEqual(
                len(step.layers) + len(in_flight), problem.limit
            )
        working = {one.layer for one in problem.suspects if one.detector}
        self.assertLessEqual(
            set(step.layers), working - in_flight - verdicts.keys()
        )
        self.assertTrue(step.layers or in_flight)

    @hypothesis.settings(max_examples=200)
    @hypothesis.given(moments())
    def test_it_accuses_exactly_who_may_be_the_lowest_that_failed(
        self, moment
    ):
        """The faults that agree with the alarm and each clear verdict."""
        problem, verdicts, _ = moment
        names = [one.layer for one in problem.layers]
        possible = [
            fault.layer
            for fault in problem.suspects
            if all(
                verdicts.get(name, UNKNOWN)
                in (UNKNOWN, World(problem, fault.layer).verdict(name))
                for name in names
            )
        ]
        match search.next_step(*moment):
            case search.Found(candidates):
                self.assertEqual(possible, list(candidates))
            case search.Start():
                self.assertGreater(len(possible), 1)
            case search.Refuted() | search.Contradiction():
                self.assertEqual([], possible)


class SearchTest(base.TestCase):
    @hypothesis.settings(max_examples=100)
    @hypothesis.given(problems(missing=False), strategies.data())
    def test_with_every_detector_the_very_fault_is_found(self, problem, data):
        for fault in problem.suspects:
            found, _, most = play(
                problem, World(problem, fault.layer), chooser(data)
            )
            self.assertEqual((fault.layer,), found.candidates)
            self.assertLessEqual(most, problem.limit or most)

    @hypothesis.settings(max_examples=150)
    @hypothesis.given(problems(), strategies.data())
    def test_with_detectors_missing_and_unknown_it_is_a_candidate(
        self, problem, data
    ):
        names = [one.layer for one in problem.suspects]
        some = strategies.sampled_from(names)
        world = World(
            problem, data.draw(some), data.draw(strategies.sets(some))
        )
        found, verdicts, most = play(problem, world, chooser(data))
        self.assertIn(names[world.fault], found.candidates)
        self.assertLessEqual(most, problem.limit or most)
        # Each but the last has no detector, or it did not know.
        for layer in found.candidates[:-1]:
            cost = problem.layers[names.index(layer)]
            self.assertTrue(not cost.detector or verdicts[layer] is UNKNOWN)
        if not found.by_alarm:
            self.assertIs(FAILED, verdicts[found.failed])
        if found.healthy:
            self.assertIs(HEALTHY, verdicts[found.healthy])


def chooser(data):
    """Any of the probes in flight may answer first."""
    return lambda layers: data.draw(strategies.sampled_from(layers))
