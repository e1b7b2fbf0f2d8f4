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

"""What is said about a BMC, without talking to one."""

import dataclasses
import datetime
import enum
import uuid


class PowerState(enum.StrEnum):
    """What the device says about a host's power."""

    ON = 'on'
    OFF = 'off'
    UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Where a BMC is and how to log in; its text never has the password."""

    host: str
    port: int = 623
    username: str = ''
    password: str = dataclasses.field(default='', repr=False)

    def __str__(self) -> str:
        host = f'[{self.host}]' if ':' in self.host else self.host
        return f'{host}:{self.port}'


@dataclasses.dataclass(frozen=True, slots=True)
class LocalDevice:
    """The BMC of this very host, through its system's driver."""

    device: str = '/dev/ipmi0'

    def __str__(self) -> str:
        return self.device


Access = Address | LocalDevice
"""Ways to reach a BMC. Only over a network is power changed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Which system a BMC belongs to.

    :ivar power: of the chassis, read in the same session
    :ivar guid: the bytes of Get System GUID (IPMI 2.0, 22.14) in the order
        in which they came, compare it with same_guid() alone; None: the BMC
        has no such command
    :ivar power_restore_policy: always-off, previous, always-on or unknown
    :ivar mac: MAC address of its network port, as aa:bb:cc:dd:ee:ff; '': it
        does not tell; None: it was not asked, for its GUID tells it apart
    :ivar asked_at: CLOCK_BOOTTIME right before it was asked for the power
    :ivar mark: what a host has written into it; None: it was not asked for
        that, or knows no such thing
    """

    power: PowerState
    guid: uuid.UUID | None
    power_restore_policy: str
    asked_at: float = dataclasses.field(compare=False)
    mac: str | None = None
    mark: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SensorReading:
    """One sensor.

    :ivar kind: as in IPMI's table 42-3: 'Temperature', 'Fan', …
    :ivar value: None for a discrete sensor and for one without reading
    :ivar unit: of the value: '°C', 'RPM', …
    :ivar health: ok, warning, critical, failed, or unknown: no reading
    :ivar states: thresholds that are crossed, states that are true
    :ivar limited: it compares its value with thresholds
    """

    name: str
    kind: str
    value: float | None
    unit: str
    health: str
    states: tuple[str, ...] = ()
    limited: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Watchdog:
    """The watchdog timer of a BMC (27.7).

    :ivar use: whom it guards: unset, bios-frb2, bios-post, os-load, os, oem
    :ivar action: none, reset, power-down, power-cycle
    :ivar expired: uses in which it ran out; said until it is cleared
    """

    running: bool
    use: str
    action: str
    expired: tuple[str, ...]
    initial_seconds: float
    present_seconds: float

    @property
    def age_seconds(self) -> float:
        """How long ago it was last reset, while it runs."""
        return self.initial_seconds - self.present_seconds


@dataclasses.dataclass(frozen=True, slots=True)
class LogMark:
    """How far an event log has been read: its last record, whole, as hex."""

    record: int
    bytes: str


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A record of the event log (32).

    :ivar at: by the BMC's own clock, which may be wrong; None: not said
    :ivar sensor: its name, where the sensor data records know it
    :ivar kind: as in IPMI's table 42-3: 'Memory', 'Processor', …
    :ivar text: the state that it entered or left
    :ivar asserted: False: it left it
    :ivar health: as of a sensor: what the state means when it is entered
    """

    record: int
    at: datetime.datetime | None
    sensor: str
    kind: str
    text: str
    asserted: bool
    health: str


def same_bytes(one: uuid.UUID | str, other: uuid.UUID | str) -> bool:
    """Whether two identities are the same 16 bytes, in whatever order."""
    try:
        first, second = uuid.UUID(str(one)), uuid.UUID(str(other))
    except ValueError:
        return False
    return first.bytes in (
        second.bytes,
        second.bytes_le,
        second.bytes[::-1],
        second.bytes_le[::-1],
    )


def same_guid(
    bmc_guid: uuid.UUID | str | None, system_uuid: uuid.UUID | str | None
) -> bool:
    """Whether a BMC's GUID and an operating system's UUID are one system.

    BMCs send the same 16 bytes straight, in SMBIOS's order (2.6: the
    first three fields swapped) or least significant byte first (IPMI 2.0,
    20.8). All zeros and all ones stand for *not set* and equal nothing.
    """
    try:
        bmc = uuid.UUID(str(bmc_guid))
        system = uuid.UUID(str(system_uuid))
    except ValueError:
        return False
    if not bmc.int or bmc.int == 2**128 - 1:
        return False
    return bmc.bytes in (
        system.bytes,
        system.bytes_le,
        system.bytes[::-1],
    )
