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

import numpy as np

from hass.diagnosis import quality
from hass.tests import base
from tools.noise import chase as noise_chase
from tools.noise import hours as noise_hours
from tools.noise import model as noise_model
from tools.noise import simulate as simulate_noise
from tools.noise import twin as noise_twin

EAGER = quality.Wish(1.0, 50_000.0)
"""So many alarms that they can be counted."""
BOTH = noise_chase.Cast()
ALONE = noise_chase.Cast(engines=0, helpers=0)


def scene(table, wish=None, **noise):
    return simulate_noise.Scene(
        dataclasses.replace(noise_model.read(table), **noise),
        wish or quality.Wish(),
        seed=1,
    )


class SimulateNoiseTest(base.TestCase):
    def play(self, scene, hours=10):
        tally = simulate_noise.Tally()
        for host in range(hours // 5):
            tally.add(simulate_noise.listen(scene, host, 5)[0])
        return tally

    def test_no_healthy_host_is_fenced(self):
        for table in ('calm', 'rough', 'storm'):
            found = self.play(scene(table))
            self.assertEqual(0, found.high, table)
            self.assertEqual(0, found.fenced, table)
            self.assertLess(found.low, 200, table)

    def test_false_alarms_are_as_rare_as_was_wished(self):
        # So often that they can be counted: 0.1 to 2 times what is wished.
        for table in ('rough', 'storm'):
            found = self.play(scene(table, EAGER, networks=1), 20)
            self.assertGreater(found.per_year(), 5_000.0, table)
            self.assertLess(found.per_year(), 100_000.0, table)

    def test_every_false_alarm_has_an_end(self):
        found = self.play(scene('rough', EAGER, networks=1), 20)
        self.assertGreater(found.high, 0)
        self.assertEqual(found.high, found.ends.total())
        self.assertGreater(found.ends[noise_chase.End.DISMISSED], 0)
        # One network is one evidence.
        self.assertEqual(0, found.fenced)


class NoiseModelTest(base.TestCase):
    def test_the_same_numbers_give_the_same_beats(self):
        noise = noise_model.read('rough')

        def arrivals(seed, host):
            return noise_model.live(noise, seed, host, 0.1).arrivals.tolist()

        self.assertEqual(arrivals(1, 2), arrivals(1, 2))
        self.assertNotEqual(arrivals(1, 2), arrivals(2, 2))
        self.assertNotEqual(arrivals(1, 2), arrivals(1, 3))

    def test_beats_are_heard_in_order_and_after_they_were_sent(self):
        life = noise_model.live(noise_model.read('storm'), 1, 1, 1)
        heard = noise_model.hear(life)
        self.assertTrue((np.diff(heard.arrivals) >= 0).all())
        self.assertTrue((heard.arrivals > heard.sent).all())
        self.assertAlmostEqual(
            0.7, np.isfinite(life.arrivals).mean(), delta=0.05
        )

    def test_an_overtaken_beat_is_refused_on_its_own_network_only(self):
        life = noise_model.Life(
            sent=np.array([0.0, 1.0]),
            arrivals=np.array([[2.5, 1.5], [2.6, np.inf]]),
            bad=np.zeros((2, 2), bool),
        )
        heard = noise_model.hear(life)
        self.assertEqual([1, 0], heard.numbers.tolist())
        self.assertEqual([0, 1], heard.networks.tolist())

    def test_paths_are_bad_as_often_and_as_long_as_it_is_written(self):
        noise = noise_model.read('rough')
        bad = np.concatenate(
            [noise_model.live(noise, 1, host, 50).bad for host in range(4)]
        )
        bursts = (np.diff(bad.astype(int)) > 0).sum()
        # A burst shorter than the time between two beats may not be seen.
        self.assertAlmostEqual(noise.often_bad(), bad.mean(), delta=0.001)
        self.assertAlmostEqual(2.5, bad.sum() / bursts, delta=0.3)

    def test_a_wrong_field_is_named(self):
        right = dataclasses.asdict(noise_model.read('calm'))
        for field, wrong in (
            ('loss_in_bad', 1.5),
            ('beat_seconds', 0.0),
            ('networks', 0),
            ('jitter_seconds', 0.6),
        ):
            with self.assertRaisesRegex(ValueError, field):
                noise_model.Noise(**right | {field: wrong})
        with self.assertRaisesRegex(ValueError, 'table must be one of'):
            noise_model.read('none')


class NoiseChaseTest(base.TestCase):
    """The first engine hears nothing from second 100 on, for a while."""

    def end(self, silent=30, cast=BOTH, **noise):
        calm = noise_model.read('calm')
        life = noise_model.live(
            dataclasses.replace(calm, networks=noise.get('networks', 2)),
            1,
            1,
            0.1,
        )
        life.arrivals[:, 100 : 100 + silent] = np.inf
        chase = noise_chase.Chase(
            dataclasses.replace(calm, **noise),
            life,
            noise_model.hear(life),
            106.0,
            quality.Network(1.0),
            np.random.default_rng(1),
            cast,
        )
        return chase.end()

    def test_a_host_that_nobody_hears_or_reaches_is_condemned(self):
        # Or else a count of none would mean nothing.
        for cast in (BOTH, ALONE):
            self.assertEqual(
                noise_chase.End.FENCED,
                self.end(cast=cast, loss_in_good=1.0),
            )

    def test_not_when_it_has_only_one_network(self):
        self.assertEqual(
            noise_chase.End.HELD,
            self.end(cast=ALONE, loss_in_good=1.0, networks=1),
        )

    def test_a_second_engine_that_hears_it_saves_it(self):
        cast = noise_chase.Cast(engines=1, helpers=0)
        self.assertEqual(noise_chase.End.DISMISSED, self.end(cast=cast))

    def test_it_is_waited_for_while_it_answers_pings(self):
        self.assertEqual(noise_chase.End.DISMISSED, self.end(cast=ALONE))
        self.assertEqual(
            noise_chase.End.HELD, self.end(silent=100, cast=ALONE)
        )

    def test_it_is_forgotten_when_it_beats_before_the_patrol_looks(self):
        self.assertEqual(noise_chase.End.UNSEEN, self.end(silent=6))


class NoiseTwinTest(base.TestCase):
    def test_it_finds_what_the_real_code_finds(self):
        low = high = 0
        for table in ('rough', 'cable', 'storm', 'calm'):
            for networks in (1, 2, 3):
                each = scene(table, EAGER, networks=networks)
                twin = noise_twin.listen(each, 0, 2, 0.5)
                low += len(twin.high)
                high += twin.high.sum()
                for host in range(2):
                    _tally, real = simulate_noise.listen(each, host, 0.5)
                    same = simulate_noise.same(real, twin.of(host))
                    self.assertTrue(same, (table, networks, host))
        self.assertGreater(low, 50)
        self.assertGreater(high, 0)

    def test_another_memory_would_be_noticed(self):
        each = scene('storm', EAGER, networks=1)
        _tally, real = simulate_noise.listen(each, 0, 0.25)
        weights = noise_twin.DELAY_WEIGHTS
        self.addCleanup(setattr, noise_twin, 'DELAY_WEIGHTS', weights)
        noise_twin.DELAY_WEIGHTS = weights * 1.001
        twin = noise_twin.listen(each, 0, 1, 0.25)
        self.assertFalse(simulate_noise.same(real, twin.of(0)))

    def test_the_interval_is_the_fifth_of_the_last_sixteen(self):
        gaps = np.random.default_rng(1).random(100)
        window = [1.0] * 16 + gaps.tolist()
        self.assertEqual(
            [sorted(window[at : at + 16])[4] for at in range(101)],
            noise_twin.intervals(gaps, 1.0).tolist(),
        )

    def test_a_beat_that_is_a_minute_late_is_not_for_the_twin(self):
        heard = noise_model.Heard(
            np.array([0.1, 99.0]),
            np.array([0.0, 1.0]),
            np.array([0, 1]),
            np.array([0, 0]),
        )
        with self.assertRaisesRegex(ValueError, 'minute'):
            noise_twin.plan(noise_model.read('calm'), heard)


class NoiseHoursTest(base.TestCase):
    def test_real_code_and_twin_come_to_the_same(self):
        each = scene('rough', EAGER, networks=1)
        alone = noise_hours.alone(each, 0, 1)
        self.assertGreater(alone.high, 0)
        self.assertEqual(alone, noise_hours.both(each, 0, 1))
        self.assertEqual(alone, noise_hours.doubled(each, 0, 1))

    def test_what_differs_is_refused(self):
        each = scene('rough', EAGER, networks=1)
        interval = noise_twin.intervals
        self.addCleanup(setattr, noise_twin, 'intervals', interval)
        noise_twin.intervals = lambda gaps, beat_seconds: (
            interval(gaps, beat_seconds) * 1.01
        )
        self.assertRaises(noise_hours.Different, noise_hours.both, each, 0, 1)
