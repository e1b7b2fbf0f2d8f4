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


from typing import Any

from hass import bmc
from hass.detection import base as detection
from hass.detection import hardware_ipmi
from hass.tests import base
from hass.tests import clocks


class Bmcs:
    """A BMC that calls the sensors of its two CPUs by one name."""

    call_seconds = long_seconds = 1.0

    def __init__(self, *healths):
        self.healths = healths

    def sensors(self, address):
        return [
            bmc.SensorReading(
                'Temp', 'Temperature', 40.0 + at, '°C', health, limited=True
            )
            for at, health in enumerate(self.healths)
        ]

    def events(self, address, mark):
        return mark, []


class TwinSensorsTest(base.TestCase):
    bmcs: Any

    def verdict(self, *healths):
        self.bmcs = Bmcs(*healths)
        detector = hardware_ipmi.HardwareIpmi(
            detection.Tools(None, clocks.HandClock(), self.bmcs)
        )
        address = bmc.Address('192.0.2.1', 623, 'user', 'password')
        (found,) = detector.probe(detection.Subject('compute-1', address))
        return found.verdict

    def test_the_worse_of_two_with_one_name_counts(self):
        self.assertEqual('failed', self.verdict('critical', 'ok'))
        self.assertEqual('failed', self.verdict('ok', 'critical'))
        self.assertEqual('healthy', self.verdict('unknown', 'ok'))
        self.assertEqual('unknown', self.verdict('unknown', 'unknown'))
