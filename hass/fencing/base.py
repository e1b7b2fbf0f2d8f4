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

"""What a fencer promises, and the proof that a host is off."""

import abc
import dataclasses
import uuid

from hass import bmc
from hass import clock as clock_

PowerState = bmc.PowerState

PROOF_SECONDS = 3.0
"""A proof that is older than this proves nothing any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A host as its fencers know it.

    :ivar boot_id: the boot that is to be fenced, as far as it is known
    """

    name: str
    bmc: bmc.Address | None
    boot_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What a device says in one session.

    :ivar guid: of the system that it belongs to, as bmc.Identity has it;
        None: it does not tell
    :ivar power_restore_policy: always-off, previous, always-on or unknown;
        None: it has none
    :ivar asked_at: CLOCK_BOOTTIME of this engine right before the device was
        asked for the power, after all else; None: that is not known
    :ivar mark: what a host has written into the device from inside; None:
        that was not read, or the device knows no such thing
    :ivar mac: its MAC address, as bmc.Identity has it; None: it was not asked
    """

    power: PowerState
    guid: uuid.UUID | None = None
    power_restore_policy: str | None = None
    asked_at: float | None = None
    mark: str | None = None
    mac: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class FencedHost:
    """The device itself said that the host is off. Only Look makes one.

    :ivar read_at: CLOCK_BOOTTIME of this engine before the device was asked
    """

    host: str
    boot_id: str | None
    read_at: float

    def age(self, clock: clock_.Clock) -> float:
        """Seconds since the device was asked."""
        return clock.monotonic() - self.read_at


class Fencer(abc.ABC):
    """Cuts one compute host off from its instances' storage."""

    @abc.abstractmethod
    def status(self, target: Target) -> PowerState:
        """Read the power state back from the device.

        :raises hass.exception.BmcError: it does not answer, or nonsense
        """

    def read(self, target: Target) -> Reading:
        """Power and identity, both out of one session.

        A device that cannot tell its identity leaves it out: it fences a
        host only where an operator vouches for it.

        :raises hass.exception.BmcError: it does not answer, or nonsense
        """
        return Reading(self.status(target))

    def read_marked(self, target: Target) -> Reading:
        """The same, with the mark, all out of one session.

        :raises hass.exception.BmcError: it does not answer, or nonsense
        """
        return self.read(target)

    @abc.abstractmethod
    def off(self, target: Target, deadline: clock_.Deadline) -> None:
        """Ask for the hard power off; returning is not a proof of it."""

    @abc.abstractmethod
    def on(self, target: Target, deadline: clock_.Deadline) -> None:
        """Ask for power on; returning is not a proof of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """One reading of a host's device.

    :ivar read_at: CLOCK_BOOTTIME of this engine right before the device was
        asked for its power: a slow one has been asked for its identity, and
        let us log in, before that
    :ivar seconds: how long all of it took
    """

    target: Target
    reading: Reading
    read_at: float
    seconds: float

    @property
    def power(self) -> PowerState:
        return self.reading.power

    def proof(self) -> FencedHost | None:
        """What it is worth if the device is the host's own, see proving.py.

        The proof ages from before the power was asked for. None: it does not
        read off.
        """
        if self.power is not PowerState.OFF:
            return None
        return FencedHost(self.target.name, self.target.boot_id, self.read_at)


def look(fencer: Fencer, target: Target, clock: clock_.Clock) -> Look:
    """Read power and identity.

    :raises hass.exception.HassError: what the fencer raises
    """
    began = clock.monotonic()
    reading = fencer.read(target)
    ended = clock.monotonic()
    asked_at = reading.asked_at
    if asked_at is None or not began <= asked_at <= ended:
        asked_at = began
    return Look(target, reading, asked_at, ended - began)
