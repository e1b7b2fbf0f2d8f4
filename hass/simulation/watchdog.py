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

"""The watchdog timer of a BMC (27), which really counts down."""

import struct

from hass import clock as clock_
from hass.simulation import chassis as chassis_

TICKS = 10
"""The countdown is in steps of 100 ms."""

NEVER_SET = 0x80
WATCHDOG_2 = 0x23


class Watchdog:
    """Set, reset, get; acts on the chassis when it runs out."""

    def __init__(self, clock: clock_.Clock, chassis: chassis_.Chassis) -> None:
        self._clock = clock
        self._chassis = chassis
        self._use = 0
        self._action = 0
        self._before = 0
        self._expired = 0
        self._countdown = 0
        self._known = False
        self._runs_out: float | None = None
        self._ran_out = False

    @property
    def running(self) -> bool:
        return self._runs_out is not None

    def set(self, data: bytes) -> bytes:
        """Set Watchdog Timer (27.6)."""
        use, action, before, clear, countdown = struct.unpack('<BBBBH', data)
        self._use, self._action, self._before = use & 0x87, action, before
        self._expired &= ~clear
        self._countdown = countdown
        self._known = True
        self._ran_out = False
        keeps_running = use & 0x40 and self.running
        self._runs_out = None
        if keeps_running:
            self._wind()
        return b'\x00'

    def reset(self, data: bytes) -> bytes:
        """Reset Watchdog Timer: start it, or start it anew (27.5)."""
        if not self._known:
            return bytes((NEVER_SET,))
        self._wind()
        return b'\x00'

    def get(self, data: bytes) -> bytes:
        """Get Watchdog Timer (27.7)."""
        left = 0 if self._ran_out else self._countdown
        if self._runs_out is not None:
            seconds = self._runs_out - self._clock.monotonic()
            left = max(0, round(seconds * TICKS))
        return b'\x00' + struct.pack(
            '<BBBBHH',
            self._use | (0x40 if self.running else 0),
            self._action,
            self._before,
            self._expired,
            self._countdown,
            left,
        )

    def settle(self) -> None:
        """Act when the time is up; stop when the machine has gone off."""
        if self._runs_out is None:
            return
        if not self._chassis.is_on:
            self._runs_out = None
        elif self._runs_out <= self._clock.monotonic():
            self._runs_out = None
            self._expire()

    def _wind(self) -> None:
        self._ran_out = False
        now = self._clock.monotonic()
        self._runs_out = now + self._countdown / TICKS

    def _expire(self) -> None:
        self._ran_out = True
        self._expired |= 1 << (self._use & 0x07)
        action = self._action & 0x07
        if not self._use & 0x80:
            # Watchdog 2, sensor-specific, offset: what was done (42.2).
            # Offset in the sensor's states: what was done (42.2).
            self._chassis.log_state(0, WATCHDOG_2, min(action, 3))
        if action == 1:
            self._chassis.reset('watchdog')
        elif action == 2:
            self._chassis.power_off('watchdog')
        elif action == 3:
            self._chassis.cycle('watchdog')
