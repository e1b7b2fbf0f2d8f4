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

from hass.detection import base as detection
from hass.detection import os_beat
from hass.tests import clocks
from hass.tests.contracts import detector as contracts


class OsBeatContractTest(contracts.DetectorContract):
    """Silence is what it looks for; an engine may be unable to judge it."""

    detector_class = os_beat.OsBeat

    def prepare(self):
        self.heard: tuple[float, bool] | None = (0.4, False)
        self.detector = os_beat.OsBeat(
            detection.Tools(
                None, clocks.HandClock(), silence=lambda host: self.heard
            )
        )
        self.subject = detection.Subject('compute-1')

    def fail_layer(self):
        self.heard = 7.5, True

    def silence(self):
        self.heard = None

    def babble(self):
        for seconds in (-1.0, math.nan, math.inf):
            self.heard = seconds, True
            yield

    def test_nobody_is_condemned_for_what_raised_the_suspicion(self):
        self.assertFalse(self.detector.searched)
