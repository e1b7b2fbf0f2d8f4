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

"""Run by the guest of test_in_band.py: what the detectors see in there.

It prints a line of JSON for each look, until the guest is ended.
"""

import json
import os
import sys
import threading

from hass import bmc
from hass import clock as clock_
from hass.detection import base
from hass.detection import hardware_local
from hass.detection import os_watchdog_local
from hass import exception

# The guest is emulated, and starting a process takes long.
CALL_SECONDS = 60.0
CLASSES = (hardware_local.HardwareLocal, os_watchdog_local.OsWatchdogLocal)
WATCHDOG = '/dev/watchdog'


def feed() -> None:
    """Feed the watchdog, as a system does that is well."""
    watchdog = os.open(WATCHDOG, os.O_WRONLY)
    pause = threading.Event()
    while not pause.wait(0.5):
        os.write(watchdog, b'.')


def look(detector: base.Detector, subject: base.Subject) -> str:
    """The finding as JSON."""
    try:
        (found,) = detector.probe(subject)
        told = {'verdict': found.verdict, 'detail': found.detail}
    except exception.HassError as error:
        told = {'verdict': 'unknown', 'detail': str(error)}
    name = type(detector).__name__
    lacks = detector.lacks(subject)
    return json.dumps(told | {'detector': name, 'lacks': lacks})


def main() -> None:
    clock = clock_.SystemClock()
    bmcs = bmc.Bmc(clock, call_seconds=CALL_SECONDS, workers=1)
    tools = base.Tools(None, clock, bmcs)
    detectors = [one(tools) for one in CLASSES]
    subject = base.Subject('guest')
    threading.Thread(target=feed, daemon=True).start()
    pause = threading.Event()
    while not pause.wait(0.2):
        for detector in detectors:
            sys.stdout.write(look(detector, subject) + '\n')
            sys.stdout.flush()


if __name__ == '__main__':
    main()
