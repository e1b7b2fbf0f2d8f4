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

"""The agent tells what its detectors find, and what ails them."""

from hass.agent import detectors
from hass.detection import base as detection
from hass.detection import panel
from hass import exception
from hass import faults
from hass.tests import base
from hass.tests import clocks

HOST = detection.Subject('compute-1')


class Plain(detection.Detector):
    """Answers what the test says, or raises it."""

    layer = faults.SidePath.STORAGE
    in_band = True

    def __init__(self, clock):
        super().__init__(detection.Tools(None, clock))
        self.answer: faults.Verdict | Exception = faults.Verdict.HEALTHY
        self.lack = ''

    def lacks(self, subject):
        return self.lack

    def probe(self, subject):
        if isinstance(self.answer, Exception):
            raise self.answer
        return [detection.Finding(self.answer, 'x' * 1000)]


class LookerTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.plain = Plain(self.clock)
        self.looker = self.make_looker()

    def make_looker(self, *wanted):
        seen = {'plain': self.plain, 'other': Plain(self.clock)}
        return detectors.Looker(
            panel.Panel(seen, self.clock, {'lost': 'no such module'}),
            HOST,
            self.clock,
            wanted,
        )

    def look(self):
        self.looker.look('plain')
        return [
            (one.layer, one.detector, one.verdict, one.age)
            for one in self.looker.sights()
        ]

    def test_the_newest_finding_is_told_with_its_age(self):
        self.look()
        self.plain.answer = faults.Verdict.FAILED
        self.look()
        self.clock.turn(3)
        told = self.looker.sights()
        self.assertEqual(1, len(told))
        self.assertEqual(
            ('storage', 'plain', 'failed', 3.0),
            (told[0].layer, told[0].detector, told[0].verdict, told[0].age),
        )
        self.assertEqual(255, len(told[0].detail))

    def test_a_detector_that_breaks_is_shown_and_tried_again_later(self):
        self.look()
        self.plain.answer = RuntimeError('out of luck')
        broken = {'plain': 'it broke: RuntimeError: out of luck'}
        self.assertEqual([], self.look())
        self.assertEqual(broken, self.looker.troubles())
        self.plain.answer = faults.Verdict.HEALTHY
        self.assertEqual([], self.look())
        self.clock.turn(panel.RETRY_SECONDS)
        # It is ill until it has looked.
        self.assertEqual(broken, self.looker.troubles())
        self.assertEqual(1, len(self.look()))
        self.assertEqual({}, self.looker.troubles())

    def test_its_trouble_is_logged_when_it_comes_and_when_it_goes(self):
        self.plain.answer = RuntimeError('out of luck')
        with self.assertLogs('hass.agent.detectors', 'WARNING') as logs:
            for _ in range(2):
                self.look()
                self.clock.turn(panel.RETRY_SECONDS)
            self.plain.answer = faults.Verdict.HEALTHY
            self.look()
            self.look()
        self.assertEqual(2, len(logs.records), str(logs.output))

    def test_who_lacks_something_is_passed_over_unless_asked_for(self):
        self.plain.lack = 'no BMC'
        self.assertEqual([], self.look())
        self.assertEqual({}, self.looker.troubles())
        self.looker = self.make_looker('plain')
        self.assertEqual(['plain'], self.looker.names())
        self.look()
        self.assertEqual({'plain': 'no BMC'}, self.looker.troubles())
        self.plain.lack = ''
        self.assertEqual(1, len(self.look()))
        self.assertEqual({}, self.looker.troubles())

    def test_all_look_when_none_is_asked_for(self):
        self.assertEqual(['other', 'plain'], self.looker.names())

    def test_one_that_cannot_be_loaded_is_told_where_it_is_asked_for(self):
        self.assertEqual(
            {'lost': 'no such module'}, self.make_looker('lost').troubles()
        )

    def test_a_name_that_nobody_has_is_refused_with_those_that_are(self):
        error = self.assertRaises(
            exception.ConfigError, self.make_looker, 'nobody'
        )
        self.assertEqual(
            '[agent] detectors: there is no nobody here, but lost, other, '
            'plain',
            str(error),
        )
