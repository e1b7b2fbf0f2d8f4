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

"""Power, from outside: what the BMC reads."""

from collections.abc import Sequence

from hass import bmc
from hass.detection import base
from hass.detection import ipmi
from hass import faults

VERDICTS = {
    bmc.PowerState.ON: faults.Verdict.HEALTHY,
    bmc.PowerState.OFF: faults.Verdict.FAILED,
}


class PowerIpmi(ipmi.IpmiDetector):
    """Asks the BMC for the state of the chassis (IPMI 2.0, 28.2)."""

    layer = faults.Layer.POWER

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        """On is healthy, off is failed.

        :raises hass.exception.BmcError: the BMC does not say
        """
        state = self.bmcs.power(self.access(subject))
        verdict = VERDICTS.get(state, faults.Verdict.UNKNOWN)
        return self.found(verdict, f'the BMC reads power {state}')
