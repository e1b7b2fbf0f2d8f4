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

"""What a host has to bring back, and what it lacks."""

import datetime

from hass.diagnosis import fitness
from hass.diagnosis.fitness import Item
from hass.diagnosis.fitness import Kind
from hass.tests import base

NOW = datetime.datetime(2026, 1, 1)
DAY = datetime.timedelta(days=1)
STORAGE_NET = Item(Kind.NETWORK, 'storage')
LOOK = Item(Kind.STORAGE, 'storage_file')
AGENT = Item(Kind.AGENT, 'Open vSwitch agent')
VGPU = Item(Kind.RESOURCE, 'VGPU')
MEMORY = Item(Kind.RESOURCE, 'MEMORY_MB')
DISK = Item(Kind.RESOURCE, 'DISK_GB')
ALL = {STORAGE_NET: 1, LOOK: 1, AGENT: 1, VGPU: 4, MEMORY: 100_000, DISK: 100}


def lacks(changes, unread=()):
    """What a host lacks that has changed so."""
    has = {one: number for one, number in {**ALL, **changes}.items() if number}
    found = fitness.lacks(
        fitness.Baseline(ALL), fitness.Sight(has, dict(unread))
    )
    return [str(one) for one in found]


class LacksTest(base.TestCase):
    def test_a_host_with_all_that_it_had_lacks_nothing(self):
        self.assertEqual([], lacks({}))

    def test_more_than_it_had_is_no_lack(self):
        self.assertEqual([], lacks({VGPU: 8, Item(Kind.NETWORK, 'new'): 1}))

    def test_without_a_baseline_nothing_is_demanded(self):
        nothing = fitness.Baseline.of(None)
        self.assertEqual((), fitness.lacks(nothing, fitness.Sight({})))

    def test_what_is_gone_is_named(self):
        self.assertEqual(['network storage'], lacks({STORAGE_NET: 0}))
        self.assertEqual(
            ['its storage, by the word of storage_file'], lacks({LOOK: 0})
        )
        self.assertEqual(["Neutron's Open vSwitch agent"], lacks({AGENT: 0}))
        self.assertEqual(
            ["Nova's resource class VGPU (was 4)"], lacks({VGPU: 0})
        )

    def test_fewer_devices_are_a_lack(self):
        self.assertEqual(
            ["Nova's resource class VGPU (3, was 4)"], lacks({VGPU: 3})
        )

    def test_a_kernel_may_take_a_little_more_memory(self):
        self.assertEqual([], lacks({MEMORY: 95_000}))
        self.assertEqual(1, len(lacks({MEMORY: 94_000})))

    def test_storage_of_many_may_shrink_but_not_vanish(self):
        self.assertEqual([], lacks({DISK: 1}))
        self.assertEqual(1, len(lacks({DISK: 0})))

    def test_what_cannot_be_read_is_not_known_to_be_there(self):
        self.assertEqual(
            ["Neutron's Open vSwitch agent (503)"],
            lacks({}, {Kind.AGENT: '503'}.items()),
        )

    def test_one_sentence_tells_all_in_a_fixed_order(self):
        found = fitness.lacks(
            fitness.Baseline(ALL), fitness.Sight({LOOK: 1, VGPU: 4})
        )
        self.assertEqual(
            'c1 came back without: network storage; '
            "Neutron's Open vSwitch agent; "
            "Nova's resource class DISK_GB (was 100); "
            "Nova's resource class MEMORY_MB (was 100000)",
            fitness.sentence('c1', found),
        )


class StartsTest(base.TestCase):
    """Whether what is to be started there has to wait."""

    def waits(self, changes, has_look=True):
        expected = dict(ALL)
        if not has_look:
            del expected[LOOK]
        has = {one: n for one, n in {**expected, **changes}.items() if n}
        sight = fitness.Sight(has)
        found = fitness.lacks(fitness.Baseline(expected), sight)
        return fitness.keeps_from_starting(found, sight)

    def test_without_its_storage(self):
        self.assertTrue(self.waits({LOOK: 0}))

    def test_not_for_devices_and_agents(self):
        self.assertFalse(self.waits({VGPU: 0, AGENT: 0}))

    def test_not_for_a_network_when_the_storage_is_seen_to_work(self):
        self.assertFalse(self.waits({STORAGE_NET: 0}))

    def test_for_a_network_when_nothing_looks_at_the_storage(self):
        self.assertTrue(self.waits({STORAGE_NET: 0}, has_look=False))


class LearntTest(base.TestCase):
    def learn(self, baseline, has, settled=(), now=NOW, unread=()):
        return fitness.learnt(
            baseline, fitness.Sight(has, dict(unread)), dict(settled), now
        )

    def test_only_what_has_settled_is_learnt(self):
        seen = {VGPU: 4, STORAGE_NET: 1}
        found = self.learn(fitness.Baseline(), seen, {VGPU: 4}.items())
        self.assertEqual({VGPU: 4}, found.has)

    def test_what_goes_away_is_demanded_for_a_day(self):
        known = fitness.Baseline({VGPU: 4})
        gone = self.learn(known, {VGPU: 2})
        self.assertEqual({VGPU: 4}, gone.has)
        self.assertEqual({VGPU: NOW}, gone.missing)
        nearly = self.learn(gone, {VGPU: 2}, now=NOW + DAY * 0.99)
        self.assertEqual(gone, nearly)
        over = self.learn(gone, {VGPU: 2}, now=NOW + DAY)
        self.assertEqual(fitness.Baseline({VGPU: 2}), over)

    def test_what_was_gone_for_a_day_is_forgotten(self):
        gone = self.learn(fitness.Baseline({VGPU: 4, LOOK: 1}), {LOOK: 1})
        over = self.learn(gone, {LOOK: 1}, now=NOW + DAY)
        self.assertEqual(fitness.Baseline({LOOK: 1}), over)

    def test_what_comes_back_is_missing_no_more(self):
        gone = self.learn(fitness.Baseline({VGPU: 4}), {})
        back = self.learn(gone, {VGPU: 4}, now=NOW + DAY)
        self.assertEqual(fitness.Baseline({VGPU: 4}), back)

    def test_what_cannot_be_read_is_not_missing(self):
        known = fitness.Baseline({AGENT: 1})
        same = self.learn(known, {}, unread={Kind.AGENT: '503'}.items())
        self.assertEqual(known, same)

    def test_a_clock_that_steps_back_forgets_nothing_early(self):
        gone = self.learn(fitness.Baseline({VGPU: 4}), {})
        earlier = self.learn(gone, {}, now=NOW - DAY)
        self.assertEqual({VGPU: NOW - DAY}, earlier.missing)
        self.assertEqual({VGPU: 4}, earlier.has)

    def test_an_operator_accepts_what_was_named(self):
        known = fitness.Baseline(ALL, {VGPU: NOW})
        found = fitness.accepted(known, {VGPU: 2, STORAGE_NET: 0})
        self.assertEqual(
            {VGPU: 2, LOOK: 1, AGENT: 1, MEMORY: 100_000, DISK: 100}, found.has
        )
        self.assertEqual({}, found.missing)


class StoredTest(base.TestCase):
    def test_it_is_read_as_it_was_written(self):
        known = fitness.Baseline(ALL, {VGPU: NOW})
        self.assertEqual(known, fitness.Baseline.of(known.to_dict()))

    def test_what_a_newer_engine_knows_is_left_out(self):
        known = fitness.Baseline.of(
            {'has': {'network:storage': 1, 'firmware:BIOS': 7}, 'missing': {}}
        )
        self.assertEqual({STORAGE_NET: 1}, known.has)


class SettlingTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.settling = fitness.Settling(300)

    def see(self, now, has, unread=()):
        sight = fitness.Sight(has, dict(unread))
        return self.settling.settled(sight, now)

    def test_it_counts_after_its_time(self):
        self.assertEqual({}, self.see(0, {VGPU: 4}))
        self.assertEqual({}, self.see(299, {VGPU: 4}))
        self.assertEqual({VGPU: 4}, self.see(300, {VGPU: 4}))

    def test_a_gap_begins_it_anew(self):
        self.see(0, {VGPU: 4})
        self.see(200, {})
        self.assertEqual({}, self.see(300, {VGPU: 4}))
        self.assertEqual({VGPU: 4}, self.see(600, {VGPU: 4}))

    def test_the_least_number_counts(self):
        self.see(0, {VGPU: 4})
        self.see(100, {VGPU: 8})
        self.assertEqual({VGPU: 4}, self.see(300, {VGPU: 8}))
        self.assertEqual({VGPU: 8}, self.see(600, {VGPU: 8}))

    def test_a_number_that_falls_begins_it_anew(self):
        self.see(0, {VGPU: 4})
        self.see(200, {VGPU: 2})
        self.assertEqual({}, self.see(300, {VGPU: 2}))
        self.assertEqual({VGPU: 2}, self.see(500, {VGPU: 2}))

    def test_what_cannot_be_read_for_a_moment_is_no_gap(self):
        self.see(0, {AGENT: 1})
        self.see(200, {}, {Kind.AGENT: '503'}.items())
        self.assertEqual({AGENT: 1}, self.see(300, {AGENT: 1}))
