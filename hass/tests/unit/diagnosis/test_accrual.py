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
import random

import hypothesis
from hypothesis import strategies

from hass.diagnosis import accrual
from hass.diagnosis import quality
from hass.tests import base

NONE, LOW, HIGH = accrual.Suspicion
BOOT = 'boot-1'
AHEAD = 5000.0
"""The host has been up for so much longer than the engine."""


class Agent:
    """Beats to a path: steadily, or over a bad network."""

    def __init__(self, path, seed=0, every=1.0, boot_id=BOOT):
        self.path = path
        self.dice = random.Random(seed)
        self.every = every
        self.boot_id = boot_id
        self.now = 100.0

    def arrivals(self, beats, loss, mu, sigma):
        sent = [self.now + n * self.every for n in range(beats)]
        self.now += beats * self.every
        return sorted(
            (at + self.dice.lognormvariate(mu, sigma), at)
            for at in sent
            if self.dice.random() >= loss
        )

    def beat(self, beats, loss=0.0, mu=-7.0, sigma=0.3):
        """The most that was suspected, looking before each arrival."""
        seen = set()
        for arrival, sent in self.arrivals(beats, loss, mu, sigma):
            seen.add(self.path.suspicion(arrival, 100.0))
            self.hear(arrival, sent)
        return HIGH if HIGH in seen else LOW if LOW in seen else NONE

    def hear(self, arrival, sent, learn=True):
        uptime = sent + AHEAD
        self.path.beat(arrival, uptime, self.boot_id, int(uptime * 1e6), learn)

    def storm(self, seconds):
        """30 % lost, delays of 500 ms and a deviation of 400 ms."""
        return self.beat(int(seconds / self.every), 0.3, -0.9405, 0.7033)


def heard(beats=300, **agent):
    path = accrual.Path(quality.Wish())
    made = Agent(path, **agent)
    made.beat(beats)
    return path, made


def suspected_after(path, level, since=0.0, patience=1.0):
    """Seconds of silence, to a tenth."""
    start = max(path.last(), since)
    for tenth in range(2000):
        if path.suspicion(start + tenth / 10, since, patience) is level:
            return tenth / 10
    return math.inf


class SteadyTest(base.TestCase):
    def test_a_steady_path_is_never_suspected(self):
        self.assertEqual(NONE, Agent(accrual.Path(quality.Wish())).beat(3000))

    def test_a_new_path_is_neither_hasty_nor_deaf(self):
        path, _agent = heard(beats=1)
        self.assertTrue(1.5 <= suspected_after(path, LOW) <= 6.0)
        self.assertTrue(6.5 <= suspected_after(path, HIGH) <= 15.0)

    def test_a_path_that_was_never_heard_is_silent_since_we_listen(self):
        path = accrual.Path(quality.Wish())
        self.assertEqual(NONE, path.suspicion(101.0, 100.0))
        self.assertEqual(HIGH, path.suspicion(130.0, 100.0))

    def test_a_dead_host_is_suspected_in_the_wished_time(self):
        path, _agent = heard(beats=4000)
        found = path.timeouts()
        self.assertEqual('', found.unmet)
        self.assertTrue(1.3 <= suspected_after(path, LOW) <= 1.6)
        self.assertAlmostEqual(5.5, suspected_after(path, HIGH), delta=0.1)

    def test_a_dead_host_is_suspected_in_the_derived_time(self):
        for beats in (1, 20, 100, 1000):
            path, agent = heard(beats=beats)
            agent.storm(beats)
            found = path.timeouts()
            # The newest beat may have come earlier than the mean one.
            self.assertTrue(
                found.high_seconds - 0.1
                <= suspected_after(path, HIGH)
                <= found.high_seconds + 1.1
            )

    def test_the_time_that_a_beat_was_sent_counts_not_its_own_clock(self):
        path, _agent = heard()
        self.assertLess(path.network().jitter_seconds, 0.03)


class NoiseTest(base.TestCase):
    def test_ten_minutes_of_storm_raise_no_high_suspicion(self):
        for seed in range(100):
            _path, agent = heard(beats=60, seed=seed)
            self.assertNotEqual(HIGH, agent.storm(600), f'seed {seed}')

    def test_a_host_first_heard_in_a_storm_is_not_highly_suspected(self):
        for seed in range(50):
            path = accrual.Path(quality.Wish())
            self.assertNotEqual(HIGH, Agent(path, seed).storm(600))

    def test_a_storm_is_measured(self):
        path, agent = heard()
        agent.storm(2000)
        self.assertAlmostEqual(0.3, path.network().loss, delta=0.1)
        self.assertAlmostEqual(0.4, path.network().jitter_seconds, delta=0.15)

    def test_a_lossy_path_widens_its_time_out_and_narrows_it_again(self):
        path, agent = heard(beats=2000)
        before = path.timeouts().high_seconds
        agent.beat(300, loss=0.4)
        during = path.timeouts().high_seconds
        agent.beat(10000)
        after = path.timeouts().high_seconds
        self.assertLess(before * 1.5, during)
        self.assertLess(after, during * 0.7)

    def test_sparse_beats_widen_the_floor_and_narrow_it_again(self):
        path, agent = heard()
        agent.every = 4.0
        agent.beat(50)
        self.assertAlmostEqual(4.0, path.network().beat_seconds, places=1)
        self.assertGreaterEqual(path.timeouts().high_seconds, 12.0)
        agent.every = 1.0
        agent.beat(50)
        self.assertAlmostEqual(1.0, path.network().beat_seconds, places=1)

    def test_a_host_that_hung_has_lost_no_beats(self):
        """Its clock went on while it sent nothing: the numbers tell."""
        path = accrual.Path(quality.Wish())
        moments = [*range(100, 160), *range(168, 200)]
        for number, at in enumerate(moments):
            path.beat(at + 0.001, at + AHEAD, BOOT, number)
        self.assertLess(path.network().loss, 0.01)

    def test_one_outage_does_not_make_deaf(self):
        for seconds in (8.0, 60.0, 600.0):
            path, agent = heard(beats=2000)
            agent.now += seconds
            agent.beat(100)
            self.assertLess(path.timeouts().high_seconds, 7.0, str(seconds))

    def test_an_outage_whose_last_beats_come_late_does_not_either(self):
        """A queue on the way had kept them until the switch was back."""
        path, agent = heard(beats=2000)
        back = agent.now + 6.9
        for second in range(4, 7):
            agent.hear(back, agent.now + second)
        agent.now += 7.0
        agent.beat(100)
        self.assertLess(path.timeouts().high_seconds, 7.0)


class OurselvesTest(base.TestCase):
    def test_silence_before_we_listened_does_not_count(self):
        path, agent = heard()
        now = path.last() + 20.0
        self.assertEqual(HIGH, path.suspicion(now, 0.0))
        self.assertEqual(NONE, path.suspicion(now, now - 1.0))

    def test_patience_multiplies_each_time_out(self):
        path, _agent = heard()
        for level in (LOW, HIGH):
            self.assertAlmostEqual(
                3 * suspected_after(path, level),
                suspected_after(path, level, patience=3.0),
                delta=0.3,
            )

    def test_beats_that_waited_for_us_say_nothing_of_the_network(self):
        path, agent = heard()
        before = path.network()
        for second in range(20):
            sent = agent.now + second
            agent.hear(agent.now + 20.0, sent, learn=False)
        self.assertEqual(before, path.network())
        self.assertEqual(agent.now + 20.0, path.last())


class OddityTest(base.TestCase):
    def test_a_beat_heard_twice_counts_once(self):
        path, agent = heard(beats=50)
        before = path.network()
        last = path.last()
        agent.hear(last + 2.0, agent.now - 1.0)
        self.assertEqual((last, before), (path.last(), path.network()))

    def test_a_late_beat_is_no_lost_one(self):
        path, agent = heard(beats=50)
        agent.hear(agent.now + 1.0, agent.now + 1.0)
        lossy = path.network().loss
        agent.hear(agent.now + 1.1, agent.now)
        self.assertLess(path.network().loss, lossy)
        self.assertEqual(agent.now + 1.0, path.last())

    def test_a_restart_of_the_agent_changes_nothing(self):
        path, agent = heard(beats=1000)
        before = path.timeouts().high_seconds
        agent.now += 0.3
        agent.beat(20)
        self.assertLess(path.timeouts().high_seconds, before + 1.5)

    def test_a_new_boot_begins_a_clock_and_keeps_what_the_network_is(self):
        path, agent = heard(beats=2000)
        before = path.network()
        agent.now += 120.0
        path.beat(agent.now, 12.0, 'boot-2', 12_000_000)
        path.beat(agent.now + 1, 13.0, 'boot-2', 13_000_000)
        self.assertAlmostEqual(before.loss, path.network().loss, places=4)
        self.assertLess(path.network().jitter_seconds, 0.03)
        self.assertAlmostEqual(1.4, suspected_after(path, LOW), delta=0.2)

    def test_a_beat_of_a_boot_that_was_left_is_ignored(self):
        path, agent = heard()
        path.beat(agent.now, 12.0, 'boot-2', 12_000_000)
        agent.hear(agent.now + 5.0, agent.now + 5.0)
        self.assertEqual(agent.now, path.last())

    def test_an_uptime_that_jumps_does_not_deafen(self):
        path, agent = heard()
        path.beat(agent.now, 1e9, BOOT, 10**15)
        path.beat(agent.now + 1, 6001.0, BOOT, 10**15 + 1)
        for second in range(2, 100):
            path.beat(
                agent.now + second, 6000.0 + second, BOOT, 10**15 + second
            )
        self.assertLess(suspected_after(path, HIGH), 8.0)

    def test_a_clock_that_was_moved_for_good_is_learned_anew(self):
        path, agent = heard(beats=2000)
        path.beat(agent.now, 1e9, BOOT, 10**15)
        path.beat(agent.now + 1, 1e9 + 1, BOOT, 10**15 + 1)
        self.assertLess(path.network().jitter_seconds, 0.03)
        self.assertLess(suspected_after(path, HIGH), 8.0)

    def test_bad_numbers_are_refused_by_name(self):
        path, _agent = heard()
        good = {'arrival': 1.0, 'uptime': 1.0, 'sequence': 1}
        for field in good:
            for wrong in (-1.0, math.nan, math.inf):
                with self.assertRaisesRegex(ValueError, field):
                    path.beat(boot_id=BOOT, **good | {field: wrong})
        for wrong in (-1.0, math.nan, math.inf):
            with self.assertRaisesRegex(ValueError, 'now'):
                path.suspicion(wrong, 0.0)
        with self.assertRaisesRegex(ValueError, 'patience'):
            path.suspicion(1.0, 0.0, 0.5)

    @hypothesis.given(
        strategies.lists(
            strategies.tuples(
                strategies.floats(0, 1000),
                strategies.floats(0, 1000),
                strategies.sampled_from(['a', 'b', 'c']),
                strategies.integers(0, 50),
                strategies.booleans(),
            ),
            max_size=60,
        )
    )
    def test_no_order_of_beats_does_harm(self, beats):
        path = accrual.Path(quality.Wish())
        for beat in beats:
            path.beat(*beat)
        last = path.last() or 0.0
        self.assertEqual(NONE, path.suspicion(last, 0.0))
        self.assertEqual(HIGH, path.suspicion(last + 1e6, 0.0))
        path.timeouts()


class HostTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.host = accrual.Host(quality.Wish())

    def beat(self, second, *networks, apart=0.0002):
        for place, network in enumerate(networks):
            uptime = AHEAD + second + place * apart
            self.host.beat(
                network,
                100.0 + second + place * (apart + 0.0001),
                uptime,
                BOOT,
                int(uptime * 1e6),
            )

    def test_a_dead_network_is_degraded_and_the_host_is_not_suspected(self):
        for second in range(100):
            self.beat(second, 'management', 'storage')
        for second in range(100, 140):
            self.beat(second, 'storage')
        self.assertEqual(NONE, self.host.suspicion(240.0, 0.0))
        self.assertEqual(['management'], self.host.degraded(240.0, 0.0))

    def test_beats_of_one_round_on_two_networks_are_one(self):
        for second in range(100):
            self.beat(second, 'management', 'storage')
        network = self.host.any.network()
        self.assertEqual(100, network.beats)
        self.assertAlmostEqual(1.0, network.beat_seconds, places=2)

    def test_a_busy_host_takes_a_while_to_send_them_all(self):
        for second in range(100):
            self.beat(second, 'management', 'storage', 'tenant', apart=0.04)
        network = self.host.any.network()
        self.assertEqual(100, network.beats)
        self.assertLess(network.jitter_seconds, 0.05)

    def test_two_bad_networks_make_a_better_host(self):
        dice = random.Random(1)
        for second in range(1000):
            up = [n for n in ('a', 'b') if dice.random() >= 0.3]
            self.beat(second, *up)
        alone = self.host.paths['a'].timeouts().high_seconds
        self.assertLess(self.host.any.timeouts().high_seconds, alone * 0.8)

    def test_networks_that_fail_together_do_not(self):
        dice = random.Random(1)
        for second in range(1000):
            if dice.random() >= 0.3:
                self.beat(second, 'a', 'b')
        alone = self.host.paths['a'].timeouts().high_seconds
        self.assertAlmostEqual(
            alone, self.host.any.timeouts().high_seconds, delta=1.0
        )

    def test_a_host_that_is_silent_everywhere_is_suspected(self):
        for second in range(300):
            self.beat(second, 'management', 'storage')
        self.assertEqual(HIGH, self.host.suspicion(409.0, 0.0))
