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

"""A fencer without a device, which fails as devices do. For tests."""

import dataclasses
import uuid

from hass import bmc
from hass import clock as clock_
from hass import exception
from hass.fencing import base


@dataclasses.dataclass(slots=True)
class Device:
    """The power of one host; tests write to it.

    :ivar mute: it does not answer
    :ivar lying: it reads off whatever is true
    :ivar stuck: it accepts commands and does nothing
    :ivar off_at: CLOCK_BOOTTIME when a power off becomes real
    :ivar guid: of the system that it says to belong to
    """

    is_on: bool = True
    mute: bool = False
    lying: bool = False
    stuck: bool = False
    off_at: float | None = None
    guid: uuid.UUID | None = None


class FakeFencer(base.Fencer):
    """Every host has a device, which is on at first.

    :param off_seconds: from the command until the power is off
    """

    def __init__(
        self,
        bmcs: bmc.Bmc | None = None,
        clock: clock_.Clock | None = None,
        off_seconds: float = 0.0,
    ) -> None:
        self._clock = clock or clock_.SystemClock()
        self._off_seconds = off_seconds
        self._devices: dict[str, Device] = {}

    def device(self, name: str) -> Device:
        """The device of a host, as it is now."""
        device = self._devices.setdefault(name, Device())
        now = self._clock.monotonic()
        if device.off_at is not None and device.off_at <= now:
            device.is_on, device.off_at = False, None
        return device

    def status(self, target: base.Target) -> base.PowerState:
        device = self._reach(target)
        if device.is_on and not device.lying:
            return base.PowerState.ON
        return base.PowerState.OFF

    def read(self, target: base.Target) -> base.Reading:
        return base.Reading(self.status(target), self.device(target.name).guid)

    def off(self, target: base.Target, deadline: clock_.Deadline) -> None:
        deadline.check()
        device = self._reach(target)
        if device.is_on and not device.stuck and device.off_at is None:
            device.off_at = self._clock.monotonic() + self._off_seconds

    def on(self, target: base.Target, deadline: clock_.Deadline) -> None:
        deadline.check()
        device = self._reach(target)
        if not device.stuck:
            device.is_on, device.off_at = True, None

    def _reach(self, target: base.Target) -> Device:
        device = self.device(target.name)
        if device.mute:
            reason = 'no answer'
            raise exception.BmcUnreachable(f'fake of {target.name}', reason)
        return device
