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

"""Detectors that break or hang are left out for a while, and said so."""

import threading

from hass.detection import base as detection
from hass.detection import panel
from hass import exception
from hass import faults
from hass.tests import base
from hass.tests import clocks

HEALTHY = detection.Finding(faults.Verdict.HEALTHY, 'all is well')
HOST = detection.Subject('compute-1')
OTHER = detection.Subject('compute-2')


class Plain(detection.Detector):
    """Answers what the test says, raises it, or waits for it."""

    layer = faults.Layer.HARDWARE
    seconds = 0.2

    def __init__(self, clock):
        super().__init__(detection.Tools(None, clock))
        self.answer = HEALTHY
        self.looks = 0

    def lacks(self, subject):
        return '' if subject.host.startswith('compute') else 'no BMC is set'

    def probe(self, subject):
        self.looks += 1
        if isinstance(self.answer, threading.Event):
            self.answer.wait(30)
            return [HEALTHY]
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer]


class PanelTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.detector = Plain(self.clock)
        self.panel = panel.Panel({'plain': self.detector}, self.clock)

    def break_with(self, answer):
        self.detector.answer = answer
        failed = self.assertRaises(
            exception.DetectorFailed, self.panel.probe, 'plain', HOST
        )
        self.assertEqual({}, self.panel.working(HOST))
        return str(failed)

    def test_a_detector_that_works_tells_what_it_saw(self):
        self.assertEqual((HEALTHY,), self.panel.probe('plain', HOST))
        self.assertEqual(['plain'], list(self.panel.working(HOST)))
        self.assertEqual([], self.panel.degraded(HOST))

    def test_a_detector_that_breaks_is_left_out_and_tried_again(self):
        said = self.break_with(ZeroDivisionError('by nought'))
        self.assertIn('it broke: ZeroDivisionError: by nought', said)
        self.assertEqual(
            [
                'no hardware detector: plain: it broke: ZeroDivisionError: by '
                'nought'
            ],
            self.panel.degraded(HOST),
        )
        self.detector.answer = HEALTHY
        self.clock.turn(panel.RETRY_SECONDS + 1)
        self.assertEqual((HEALTHY,), self.panel.probe('plain', HOST))
        self.assertEqual([], self.panel.degraded(HOST))

    def test_what_breaks_at_one_host_works_at_the_others(self):
        self.break_with(exception.BmcUnreachable('192.0.2.1:623', 'no answer'))
        self.detector.answer = HEALTHY
        self.assertEqual((HEALTHY,), self.panel.probe('plain', OTHER))

    def test_a_detector_that_hangs_is_not_waited_for_and_not_asked_again(self):
        released = threading.Event()
        self.addCleanup(released.set)
        self.assertIn('it hangs', self.break_with(released))
        self.clock.turn(panel.RETRY_SECONDS + 1)
        self.assertIn('it hangs', self.break_with(released))
        self.assertEqual(1, self.detector.looks)
        released.set()
        self.detector.answer = HEALTHY
        self.wait_for(
            lambda: self.panel.working(HOST), why='the look to come back'
        )
        self.assertEqual((HEALTHY,), self.panel.probe('plain', HOST))

    def test_what_only_ever_is_unknown_is_a_degraded_host(self):
        self.detector.answer = detection.Finding(
            faults.Verdict.UNKNOWN, 'the watchdog is not running'
        )
        self.panel.probe('plain', HOST)
        self.assertEqual(
            ['no hardware detector: plain: the watchdog is not running'],
            self.panel.degraded(HOST),
        )

    def test_a_host_without_the_means_is_degraded(self):
        subject = detection.Subject('storage-1')
        self.assertEqual(
            ['no hardware detector: plain: no BMC is set'],
            self.panel.degraded(subject),
        )

    def test_a_detector_that_nobody_asked_for_degrades_nobody(self):
        self.detector.wanted = False
        subject = detection.Subject('storage-1')
        self.assertEqual([], self.panel.degraded(subject))

    def test_a_detector_that_cannot_be_loaded_is_told(self):
        lame = panel.Panel({}, self.clock, {'exotic': 'no module exotic'})
        self.assertEqual(
            ['no detector exotic: no module exotic'], lame.degraded(HOST)
        )
