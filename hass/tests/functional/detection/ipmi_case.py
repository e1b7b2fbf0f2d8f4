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

"""A host whose BMC is our own responder, for detectors to look at."""

from hass.detection import base as detection
from hass.tests.contracts import detector
from hass.tests.functional import bmc_base


class IpmiDetectorContract(detector.DetectorContract, bmc_base.BmcTest):
    """The host is the responder's chassis."""

    call_seconds = 1.0
    secrets = (bmc_base.PASSWORD,)

    def prepare(self):
        self.responder = self.make_responder()
        self.chassis = self.responder.chassis
        self.scripted = self.responder.commands.scripted
        tools = detection.Tools(None, self.clock, self.bmcs)
        self.detector = self.detector_class(tools)
        self.subject = detection.Subject(
            'compute-1', self.address(self.responder)
        )

    def silence(self):
        self.chassis.mute = True
