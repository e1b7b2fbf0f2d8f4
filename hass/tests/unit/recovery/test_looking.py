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

"""The looks of a search: side by side, in order, and never too long."""

import threading

from hass import clock
from hass.diagnosis import estimates
from hass.diagnosis import search
from hass import faults
from hass.recovery import looking
from hass.tests import base
from hass.tests import fake_cloud

Layer = faults.Layer
Verdict = faults.Verdict
HOST = frozenset({Layer.POWER, Layer.HARDWARE, Layer.OS, Layer.NETWORK})


class SearchTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.asked: list[Layer] = []

    def candidates(self, outcome):
        assert isinstance(outcome.step, search.Found)
        return outcome.step.candidates

    def look(self, layer, verdict):
        def look():
            self.asked.append(layer)
            return looking.Seen(verdict)

        return look

    def looks(self, **verdicts):
        return {
            Layer(name): self.look(Layer(name), verdict)
            for name, verdict in verdicts.items()
        }

    def run_with(self, search, looks, enough=lambda verdicts: False):
        return search.run(HOST, looks, enough)

    def search(self, limit=None, seconds=2.0):
        self.learnt = estimates.Learnt()
        return looking.Search(
            clock.SystemClock(),
            self.learnt,
            limit=limit,
            seconds=seconds,
            spawn=fake_cloud.at_once,
        )

    def test_the_lowest_failed_layer_is_found(self):
        outcome = self.run_with(
            self.search(),
            self.looks(
                power=Verdict.HEALTHY,
                hardware=Verdict.HEALTHY,
                os=Verdict.FAILED,
                network=Verdict.FAILED,
            ),
        )
        self.assertEqual((Layer.OS,), self.candidates(outcome))

    def test_one_look_at_a_time_follows_the_tree(self):
        outcome = self.run_with(
            self.search(limit=1),
            self.looks(
                power=Verdict.FAILED,
                hardware=Verdict.FAILED,
                os=Verdict.FAILED,
                network=Verdict.FAILED,
            ),
        )
        self.assertEqual((Layer.POWER,), self.candidates(outcome))
        self.assertLess(len(self.asked), len(HOST))

    def test_layers_without_a_look_stay_candidates(self):
        outcome = self.run_with(
            self.search(),
            self.looks(power=Verdict.HEALTHY, network=Verdict.FAILED),
        )
        self.assertEqual(
            (Layer.HARDWARE, Layer.OS, Layer.NETWORK), self.candidates(outcome)
        )

    def test_a_look_that_does_not_come_back_is_not_waited_for(self):
        released = threading.Event()
        self.addCleanup(released.set)

        def hang():
            released.wait(30)
            return looking.Seen(Verdict.HEALTHY)

        hurried = looking.Search(
            clock.SystemClock(), estimates.Learnt(), limit=None, seconds=0.1
        )
        outcome = self.run_with(
            hurried,
            self.looks(power=Verdict.HEALTHY, network=Verdict.FAILED)
            | {Layer.HARDWARE: hang},
        )
        self.assertIs(Verdict.UNKNOWN, outcome.verdicts[Layer.HARDWARE])
        self.assertEqual(
            (Layer.HARDWARE, Layer.OS, Layer.NETWORK), self.candidates(outcome)
        )

    def test_a_search_ends_when_enough_is_known(self):
        outcome = self.run_with(
            self.search(limit=1),
            self.looks(os=Verdict.FAILED, hardware=Verdict.HEALTHY),
            lambda verdicts: bool(verdicts),
        )
        self.assertEqual(1, len(self.asked))
        self.assertIn(self.asked[0], outcome.verdicts)

    def test_how_long_looks_take_is_learnt(self):
        made = self.search()
        before = self.learnt.now.times.of(Layer.OS)
        self.run_with(made, self.looks(os=Verdict.FAILED))
        times = self.learnt.now.times
        self.assertLess(times.of(Layer.OS), before)
        self.assertEqual(1, times.measured[Layer.OS])

    def test_what_failed_most_often_decides_where_the_search_begins(self):
        for often, first in (
            (Layer.POWER, Layer.POWER),
            (Layer.OS, Layer.HARDWARE),
        ):
            made = self.search(limit=1)
            self.learnt.count({often: 10_000})
            self.asked.clear()
            self.run_with(
                made,
                self.looks(
                    power=Verdict.HEALTHY,
                    hardware=Verdict.HEALTHY,
                    os=Verdict.FAILED,
                ),
            )
            self.assertIs(first, self.asked[0])
