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

"""Detectors that ask a BMC, against our own responder."""

from hass.detection import power_ipmi
from hass.tests.functional.detection import ipmi_case

GET_CHASSIS_STATUS = (0x00, 0x01)


class PowerIpmiTest(ipmi_case.IpmiDetectorContract):
    detector_class = power_ipmi.PowerIpmi

    def fail_layer(self):
        self.chassis.lose_power()

    def babble(self):
        for nonsense in (b'', b'\0', b'\0\0', b'\0\x80\0\0', b'\xc1'):
            self.scripted[GET_CHASSIS_STATUS] = nonsense
            yield
