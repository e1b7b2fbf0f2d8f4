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

"""A machine as its BMC knows it: power, sensors, event log."""

import calendar
from collections.abc import Callable
import struct
import threading
from typing import Any
import uuid

from hass import clock as clock_
from hass.simulation import sensors as sensors_

PowerHook = Callable[[bool, str], None]
POLICIES = ('always-off', 'previous', 'always-on', 'unknown')
CYCLE_SECONDS = 0.2


def _nobody(is_on: bool, cause: str) -> None:
    """Stands for a hook that was not given."""


class Chassis:
    """Power that changes as on a real machine, and ways to go wrong.

    :param hook: called once for each real change of power, in order,
        with the new state and its cause; from any thread
    :param latency_seconds: what a power off takes until it is real
    :ivar mac: six bytes, of the BMC's network port
    :ivar mute: the BMC answers nothing at all
    :ivar lying: the BMC reads off whatever is true
    :ivar stuck: power commands are accepted and change nothing
    :ivar system_info: blocks by parameter and number
    """

    def __init__(
        self,
        clock: clock_.Clock,
        guid: uuid.UUID,
        *,
        hook: PowerHook = _nobody,
        is_on: bool = True,
        latency_seconds: float = 0.0,
        policy: str = 'always-off',
    ) -> None:
        self.guid = guid
        self.mac = bytes((0x02, *guid.bytes[-5:]))
        self.latency_seconds = latency_seconds
        self.policy = policy
        self.mute = False
        self.lying = False
        self.stuck = False
        self.sensors: dict[str, Any] = {
            one.name: one for one in sensors_.standard()
        }
        self.events: list[bytes] = []
        self.system_info: dict[tuple[int, int], bytes] = {}
        self._clock = clock
        self._hook = hook
        self._is_on = is_on
        self._plan: list[tuple[float, bool, str]] = []
        self._lock = threading.RLock()

    @property
    def is_on(self) -> bool:
        """What is true now, whatever the BMC reads."""
        self.settle()
        return self._is_on

    @property
    def reads_on(self) -> bool:
        """What the BMC says."""
        return self.is_on and not self.lying

    @property
    def pending(self) -> bool:
        """Whether a change has been asked for and is still to come."""
        return bool(self._plan)

    def power_off(self, cause: str = 'power off') -> None:
        """Hard power down, real after latency_seconds."""
        self._ask([(self.latency_seconds, False, cause)])

    def power_on(self, cause: str = 'power on') -> None:
        self._ask([(0.0, True, cause)], keep=True)

    def cycle(self, cause: str = 'power cycle') -> None:
        """Off, and on again a moment later."""
        off_in = self.latency_seconds
        self._ask(
            [(off_in, False, cause), (off_in + CYCLE_SECONDS, True, cause)]
        )

    def reset(self, cause: str = 'hard reset') -> None:
        """Off and on at once: a running guest does not outlive it."""
        if self.is_on:
            self._ask([(0.0, False, cause), (0.0, True, cause)])

    def lose_power(self) -> None:
        """The machine's supply fails, the BMC's does not."""
        with self._lock:
            self._plan.clear()
            self._change(False, 'power loss')

    def settle(self) -> None:
        """Make real what has become due; called often."""
        with self._lock:
            while self._plan and self._plan[0][0] <= self._clock.monotonic():
                _, is_on, cause = self._plan.pop(0)
                self._change(is_on, cause)

    def log_event(self, event: bytes) -> int:
        """Append to the event log.

        :param event: bytes 3 to 16 of a record, the type first (32.1);
            the time of a standard record is filled in here
        :returns: the record's id
        """
        with self._lock:
            record = len(self.events) + 1
            if event[0] < 0xE0:
                stamp = struct.pack('<I', self.timestamp())
                event = event[:1] + stamp + event[5:]
            self.events.append(struct.pack('<H', record) + event)
            return record

    def log_state(
        self, sensor: int, kind: int, state: int, *, asserted: bool = True
    ) -> int:
        """Log that a sensor of this type entered or left a state (42.2)."""
        how = 0x6F | (0 if asserted else 0x80)
        return self.log_event(
            struct.pack(
                '<BIHBBBBBBB',
                *(2, 0, 0x20, 4, kind, sensor, how, state, 0xFF, 0xFF),
            )
        )

    def timestamp(self) -> int:
        return calendar.timegm(self._clock.now().timetuple())

    def _ask(
        self, changes: list[tuple[float, bool, str]], keep: bool = False
    ) -> None:
        with self._lock:
            self.settle()
            if self.stuck:
                return
            now = self._clock.monotonic()
            if not keep:
                self._plan.clear()
            elif self._plan:
                now = max(now, self._plan[-1][0])
            self._plan += [
                (now + seconds, is_on, cause)
                for seconds, is_on, cause in changes
            ]
            self.settle()

    def _change(self, is_on: bool, cause: str) -> None:
        if is_on != self._is_on:
            self._is_on = is_on
            self._hook(is_on, cause)
