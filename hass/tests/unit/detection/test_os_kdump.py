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

"""The contract of the detector of panics."""

from hass.detection import base as detection
from hass.detection import os_kdump
from hass import exception
from hass import faults
from hass.tests import clocks
from hass.tests.contracts import detector as contracts


class OsKdumpContractTest(contracts.DetectorContract):
    """It sees failures alone: a kernel that is well says nothing."""

    detector_class = os_kdump.OsKdump
    calm = faults.Verdict.UNKNOWN

    def prepare(self):
        self.clock = clocks.HandClock()
        self.panics: dict[str, float] = {}
        self.mute = True
        self.detector = os_kdump.OsKdump(
            detection.Tools(
                None,
                self.clock,
                panics=lambda host: self.panics.get(host),
                mute=lambda host: self.mute,
            )
        )
        self.subject = detection.Subject(
            'compute-1', networks={'management': '192.0.2.1'}
        )

    def fail_layer(self):
        self.panics['compute-1'] = self.clock.monotonic()

    def silence(self):
        """Nobody can be asked whether it lives."""
        self.mute = False
        self.fail_layer()

    def babble(self):
        """What is no datagram of fence_kdump_send is refused at the door."""
        for datagram in (b'', b'\0' * 8, b'HB1\n', b'\x1b' * 4096):
            try:
                os_kdump.check(datagram)
            except exception.MessageRefused:
                yield
