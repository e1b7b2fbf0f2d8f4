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


import json
import math

import hypothesis
from hypothesis import strategies

from hass.diagnosis import estimates
from hass import faults
from hass.tests import base

Layer = faults.Layer
LAYERS = strategies.sampled_from([*Layer])
BAD = (-1.0, math.nan, math.inf)


class ProbeTimesTest(base.TestCase):
    def test_before_anything_is_measured_the_prior_holds(self):
        self.assertEqual(3.45, estimates.ProbeTimes().of(Layer.OS))

    def test_a_measurement_moves_the_estimate_a_fifth_of_the_way(self):
        before = estimates.ProbeTimes({Layer.OS: 1.0})
        after = before.updated(Layer.OS, 2.0)
        self.assertAlmostEqual(1.2, after.of(Layer.OS))
        self.assertEqual({Layer.OS: 1}, after.measured)
        self.assertEqual(1.0, before.of(Layer.OS))

    def test_no_probe_is_taken_for_free(self):
        times = estimates.ProbeTimes()
        for _ in range(100):
            times = times.updated(Layer.POWER, 0.0)
        self.assertEqual(estimates.FLOOR_SECONDS, times.of(Layer.POWER))

    def test_bad_times_are_refused_by_name(self):
        for bad in BAD:
            with self.assertRaisesRegex(ValueError, '^seconds must be'):
                estimates.ProbeTimes().updated(Layer.OS, bad)
            with self.assertRaisesRegex(ValueError, '^seconds of os must be'):
                estimates.ProbeTimes({Layer.OS: bad})
        with self.assertRaisesRegex(ValueError, '^measured of os must be'):
            estimates.ProbeTimes(measured={Layer.OS: -1})

    @hypothesis.settings(max_examples=50)
    @hypothesis.given(strategies.lists(strategies.floats(0.01, 100)))
    def test_the_estimate_stays_within_what_was_seen(self, measured):
        times = estimates.ProbeTimes()
        for seconds in measured:
            times = times.updated(Layer.OS, seconds)
        seen = [estimates.PRIOR_SECONDS[Layer.OS], *measured]
        self.assertLessEqual(min(seen) - 1e-9, times.of(Layer.OS))
        self.assertGreaterEqual(max(seen) + 1e-9, times.of(Layer.OS))


class FaultCountsTest(base.TestCase):
    def test_before_anything_is_counted_the_papers_weights_hold(self):
        counts = estimates.FaultCounts()
        self.assertAlmostEqual(0.172 / 1.003, counts.of(Layer.POWER))
        self.assertAlmostEqual(0.026 / 1.003, counts.of(Layer.HARDWARE))

    def test_ten_faults_weigh_as_much_as_the_prior(self):
        counts = estimates.FaultCounts()
        for _ in range(10):
            counts = counts.updated([Layer.OS])
        self.assertAlmostEqual((1 + 0.161 / 1.003) / 2, counts.of(Layer.OS))

    def test_candidates_share_a_fault_by_their_probabilities(self):
        counts = estimates.FaultCounts().updated([Layer.HARDWARE, Layer.OS])
        self.assertAlmostEqual(0.026 / 0.187, counts.counted[Layer.HARDWARE])
        self.assertAlmostEqual(0.161 / 0.187, counts.counted[Layer.OS])

    def test_bad_counts_are_refused_by_name(self):
        for bad in BAD:
            with self.assertRaisesRegex(ValueError, '^counted of os must be'):
                estimates.FaultCounts({Layer.OS: bad})
        for bad in (*BAD, 0.0):
            with self.assertRaisesRegex(ValueError, '^prior of os must be'):
                estimates.FaultCounts(
                    prior={**estimates.PRIOR_WEIGHTS, Layer.OS: bad}
                )
        with self.assertRaisesRegex(ValueError, '^candidates must name'):
            estimates.FaultCounts().updated([])

    @hypothesis.settings(max_examples=50)
    @hypothesis.given(strategies.lists(strategies.sets(LAYERS, min_size=1)))
    def test_they_stay_probabilities(self, found):
        counts = estimates.FaultCounts()
        for candidates in found:
            counts = counts.updated(candidates)
        self.assertAlmostEqual(1, sum(counts.of(layer) for layer in Layer))
        self.assertAlmostEqual(len(found), sum(counts.counted.values()))


class EstimatesTest(base.TestCase):
    def test_a_problem_has_the_protected_layers_from_the_ground_up(self):
        problem = estimates.Estimates().problem(
            protected={Layer.NETWORK, Layer.POWER, Layer.OS},
            detectors={Layer.OS, Layer.HARDWARE},
            trigger=Layer.NETWORK,
        )
        self.assertEqual(
            [(Layer.POWER, False), (Layer.OS, True), (Layer.NETWORK, False)],
            [(one.layer, one.detector) for one in problem.layers],
        )

    def test_a_layer_that_never_fails_keeps_its_place(self):
        counts = estimates.FaultCounts({Layer.OS: 1e12})
        problem = estimates.Estimates(counts=counts).problem(
            [*Layer], [*Layer], Layer.NETWORK
        )
        self.assertLess(0, problem.layers[0].weight)

    def test_they_are_the_same_after_json(self):
        known = estimates.Estimates(
            estimates.ProbeTimes().updated(Layer.POWER, 0.11),
            estimates.FaultCounts().updated([Layer.POWER]),
        )
        read = json.loads(json.dumps(known.to_dict()))
        self.assertEqual(
            known.to_dict(), estimates.Estimates.from_dict(read).to_dict()
        )

    def test_what_was_written_down_wrongly_is_refused(self):
        wrongs: tuple[dict[str, dict[str, float]], ...] = (
            {'moon': {}},
            {'power': {'probe_seconds': -1.0}},
        )
        for wrong in wrongs:
            self.assertRaises(
                (ValueError, KeyError), estimates.Estimates.from_dict, wrong
            )

    def test_they_are_shown_as_json(self):
        shown = estimates.Estimates(
            estimates.ProbeTimes().updated(Layer.POWER, 0.11),
            estimates.FaultCounts().updated([Layer.POWER]),
        ).to_dict()
        self.assertEqual([*Layer], list(json.loads(json.dumps(shown))))
        power = shown['power']
        self.assertAlmostEqual(0.07, power['probe_seconds'])
        self.assertEqual(1, power['probes_measured'])
        self.assertEqual(1, power['faults_counted'])
        self.assertLess(0.172, power['fault_probability'])
