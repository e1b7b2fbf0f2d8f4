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

"""What detectors that ask a BMC have in common, from outside and inside."""

import os
from typing import ClassVar

from hass import bmc
from hass.detection import base
from hass import exception
from hass import faults


class IpmiDetector(base.Detector):
    """Asks the BMC of the host over the network.

    :cvar certainty: of what it finds
    """

    certainty: ClassVar[faults.Certainty] = faults.Certainty.READ

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        if tools.bmcs is None:
            raise exception.ConfigError('[bmc]', 'no BMC can be asked here')
        self.bmcs = tools.bmcs
        self.seconds = 2 * tools.bmcs.call_seconds + base.GRACE_SECONDS

    def lacks(self, subject: base.Subject) -> str:
        return '' if subject.bmc else 'no BMC is set for the host'

    def access(self, subject: base.Subject) -> bmc.Access:
        """The BMC of a host that lacks nothing."""
        assert subject.bmc is not None
        return subject.bmc

    def found(
        self, verdict: faults.Verdict, detail: str
    ) -> list[base.Finding]:
        return [base.Finding(verdict, detail, certainty=self.certainty)]


class InBand(IpmiDetector):
    """Asks the BMC of the host that it runs on, through /dev/ipmi0."""

    in_band = True
    certainty = faults.Certainty.ALLEGED
    device: bmc.Access = bmc.LocalDevice()

    def lacks(self, subject: base.Subject) -> str:
        found = os.path.exists(str(self.device))
        return '' if found else f'there is no {self.device}'

    def access(self, subject: base.Subject) -> bmc.Access:
        return self.device
