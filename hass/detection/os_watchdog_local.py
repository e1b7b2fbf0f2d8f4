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

"""Operating system, from inside: who feeds the watchdog besides us."""

from hass.detection import ipmi
from hass.detection import os_watchdog


class OsWatchdogLocal(ipmi.InBand, os_watchdog.OsWatchdog):
    """Reads the countdown of the host's own BMC through /dev/ipmi0."""
