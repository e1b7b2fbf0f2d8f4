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


import math
from typing import Any

import hypothesis
from hypothesis import strategies

from hass.diagnosis import quality
from hass.tests import base

CALM = quality.Network(1.0, 0.00005, 0.2, 0.02, 2000)
STORM = quality.Network(1.0, 0.3, 0.3, 0.4, 2000)
WISH = quality.Wish(6.5, 1.0, 10.0)

NETWORKS = strategies.builds(
    quality.Network,
    beat_seconds=strategies.floats(0.05, 10),
    loss=strategies.floats(0, 1),
    loss_after_loss=strategies.floats(0, 1),
    jitter_seconds=strategies.floats(0.001, 5),
)
WISHES = strategies.builds(
    quality.Wish,
    target_seconds=strategies.floats(0.5, 30),
    false_alarms_per_host_year=strategies.floats(0.001, 1e6),
    probes_per_host_hour=strategies.floats(0.1, 1e6),
)


class PhiTest(base.TestCase):
    def test_nothing_is_surprising_until_a_beat_is_overdue(self):
        self.assertEqual(0.0, CALM.phi(1.0))

    def test_phi_is_the_chance_by_chebyshev_and_by_losses(self):
        # 0.04 / (0.04 + 0.25) late or else lost, and then lost again.
        network = quality.Network(1.0, 0.1, 0.5, 0.2)
        late = [0.04 / (0.04 + x * x) for x in (1.5, 0.5)]
        chance = (0.1 + 0.9 * late[0]) * (0.5 + 0.5 * late[1])
        self.assertAlmostEqual(-math.log10(chance), network.phi(2.5))

    def test_the_same_silence_says_less_on_a_bad_network(self):
        self.assertGreater(CALM.phi(5.0), 3 * STORM.phi(5.0))

    @hypothesis.given(
        NETWORKS, strategies.floats(0, 60), strategies.floats(0, 10)
    )
    def test_phi_never_falls_as_the_silence_grows(self, network, start, more):
        self.assertLessEqual(
            network.phi(start), network.phi(start + more) + 1e-9
        )

    @hypothesis.given(NETWORKS, strategies.floats(0.1, 20))
    def test_the_silence_found_is_the_least_that_is_so_surprising(
        self, network, phi
    ):
        silence = network.silence(phi, 60.0)
        if math.isfinite(silence):
            self.assertGreaterEqual(network.phi(silence), phi)
            self.assertLess(network.phi(silence - 0.002), phi)
        else:
            self.assertLess(network.phi(60.0), phi)


class TimeoutsTest(base.TestCase):
    def test_a_wish_that_can_be_met_is_met_without_a_word(self):
        found = quality.timeouts(WISH, CALM)
        self.assertEqual('', found.unmet)
        self.assertEqual(WISH.target_seconds, found.high_seconds)
        self.assertLessEqual(found.false_alarms_per_host_year, 1.0)

    def test_a_power_cut_is_asked_about_after_one_missing_beat(self):
        found = quality.timeouts(WISH, CALM)
        self.assertTrue(1.25 <= found.low_seconds <= 1.5)

    def test_a_bad_network_takes_longer_and_it_is_said(self):
        found = quality.timeouts(WISH, STORM)
        self.assertGreater(found.high_seconds, 12.0)
        self.assertIn('6.5 s were wished', found.unmet)
        self.assertIn('30.00% are lost', found.unmet)

    def test_a_hopeless_network_is_given_up_and_it_is_said(self):
        found = quality.timeouts(WISH, quality.Network(1.0, 0.9, 0.9))
        self.assertEqual(WISH.longest_seconds, found.high_seconds)
        self.assertGreater(found.false_alarms_per_host_year, 1.0)
        self.assertIn('false alarms a year, 1 were wished', found.unmet)

    def test_no_wish_undercuts_three_beats(self):
        hasty = quality.Wish(0.5, 1e9)
        found = quality.timeouts(hasty, quality.Network(2.0))
        self.assertEqual(6.0, found.high_seconds)
        self.assertIn('0.5 s were wished', found.unmet)

    @hypothesis.given(WISHES, NETWORKS)
    def test_levels_are_in_order_and_broken_wishes_are_told(
        self, wish, network
    ):
        found = quality.timeouts(wish, network)
        beat = network.beat_seconds
        self.assertLessEqual(1.25 * beat, found.low_seconds)
        self.assertLessEqual(found.low_seconds, found.high_seconds)
        self.assertLessEqual(3 * beat, found.high_seconds)
        kept = (
            found.high_seconds <= wish.target_seconds
            and found.false_alarms_per_host_year
            <= wish.false_alarms_per_host_year * 1.01
        )
        self.assertEqual(kept, not found.unmet)


class BadInputTest(base.TestCase):
    def test_a_wish_names_the_field_that_is_wrong(self):
        for field in quality.Wish.__slots__:
            for wrong in (0.0, -1.0, math.nan, math.inf):
                with self.assertRaisesRegex(ValueError, field):
                    quality.Wish(**{field: wrong})

    def test_the_longest_silence_must_allow_the_target(self):
        with self.assertRaisesRegex(ValueError, 'longest_seconds'):
            quality.Wish(target_seconds=31.0)

    def test_a_network_names_the_field_that_is_wrong(self):
        for field in ('beat_seconds', 'loss', 'loss_after_loss'):
            for wrong in (-1.0, math.nan, math.inf):
                fields: dict[str, Any] = {'beat_seconds': 1.0, field: wrong}
                with self.assertRaisesRegex(ValueError, field):
                    quality.Network(**fields)
