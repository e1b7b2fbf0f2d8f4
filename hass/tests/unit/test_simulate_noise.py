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

from hass.diagnosis import quality
from hass.tests import base
from tools import simulate_noise


class SimulateNoiseTest(base.TestCase):
    def play(self, table, wish, hours=10):
        noise = simulate_noise.read(table)
        tally = simulate_noise.Tally()
        for seed in range(hours // 5):
            tally.add(simulate_noise.listen(noise, wish, seed, 5))
        return tally

    def test_no_healthy_host_is_highly_suspected(self):
        for table in ('calm', 'rough', 'storm'):
            found = self.play(table, quality.Wish(6.5, 1.0, 10.0))
            self.assertEqual(0, found.high, table)
            self.assertLess(found.low, 100, table)

    def test_false_alarms_are_as_rare_as_was_wished(self):
        # So often that they can be counted: 0.1 to 2 times what is wished.
        wish = quality.Wish(1.0, 50_000.0)
        for table in ('rough', 'storm'):
            found = self.play(table, wish, 20)
            self.assertGreater(found.per_year(), 5_000.0, table)
            self.assertLess(found.per_year(), 100_000.0, table)

    def test_the_same_seed_gives_the_same_noise(self):
        noise = simulate_noise.read('rough')
        first = list(simulate_noise.beats(noise, 1, 600))
        self.assertEqual(first, list(simulate_noise.beats(noise, 1, 600)))
        self.assertNotEqual(first, list(simulate_noise.beats(noise, 2, 600)))

    def test_beats_arrive_in_order_and_after_they_were_sent(self):
        noise = simulate_noise.read('storm')
        found = list(simulate_noise.beats(noise, 1, 600))
        self.assertEqual(sorted(found), found)
        self.assertTrue(all(arrival > sent for arrival, sent, _n in found))
        self.assertAlmostEqual(0.7, len(found) / 600, delta=0.1)

    def test_a_wrong_field_is_named(self):
        noise = simulate_noise.read('calm')
        for field, wrong in (('loss_in_bad', 1.5), ('beat_seconds', 0.0)):
            with self.assertRaisesRegex(ValueError, field):
                dataclasses.replace(noise, **{field: wrong})
        with self.assertRaisesRegex(ValueError, 'table must be one of'):
            simulate_noise.read('none')
