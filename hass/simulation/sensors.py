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

"""Sensors of a simulated machine, and their records for the repository."""

import dataclasses
import struct

# Sensor types (42.2) and units (43.17).
TEMPERATURE, VOLTAGE, FAN, SUPPLY = 0x01, 0x02, 0x04, 0x08
DEGREES_C, VOLTS, RPM = 0x01, 0x04, 0x12
# The bits of a threshold sensor's state, in the order of `limits` (35.14).
LOWER = (0x01, 0x02, 0x04)
UPPER = (0x08, 0x10, 0x20)


@dataclasses.dataclass(slots=True)
class Sensor:
    """A threshold sensor; write ``value`` to make it ill.

    :ivar value: in the unit of the sensor
    :ivar factor: raw reading to value: factor × 10**exponent
    :ivar lower: non-critical, critical, non-recoverable limit
    :ivar upper: likewise
    """

    number: int
    name: str
    kind: int
    unit: int
    value: float
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    factor: int = 1
    exponent: int = 0

    def raw(self, value: float) -> int:
        scaled = value / (self.factor * 10.0**self.exponent)
        return min(255, max(0, round(scaled)))

    def reading(self, is_on: bool) -> bytes:
        """Answer to Get Sensor Reading (35.14); a fan needs power."""
        if self.kind == FAN and not is_on:
            return bytes((0, 0xE0, 0xC0))
        state = 0xC0
        for limit, bit in zip(self.lower, LOWER, strict=True):
            state |= bit if self.value <= limit else 0
        for limit, bit in zip(self.upper, UPPER, strict=True):
            state |= bit if self.value >= limit else 0
        return bytes((self.raw(self.value), 0xC0, state))

    def thresholds(self) -> bytes:
        """Answer to Get Sensor Thresholds (35.9)."""
        return b'\x3f' + bytes(map(self.raw, self.lower + self.upper))

    def record(self) -> bytes:
        """A full sensor record, type 01h (43.1)."""
        unrecoverable, critical, warning = reversed(self.upper)
        limits = (unrecoverable, critical, warning, *reversed(self.lower))
        body = struct.pack(
            '<BBBBBBBBBHHHBBB',
            *(0x20, 0, self.number, 3, 1, 0x7F, 0x68, self.kind, 1),
            *(0x7A95, 0x7A95, 0x3F3F, 0, self.unit, 0),
        )
        # Linear; M; tolerance; B; accuracy; exponents; nominal values.
        body += bytes((0, self.factor, 0, 0, 0, 0))
        body += bytes(((self.exponent & 0x0F) << 4, 0, 0, 0, 0, 255, 0))
        body += bytes(map(self.raw, limits)) + bytes((1, 1, 0, 0, 0))
        body += bytes((0xC0 | len(self.name),)) + self.name.encode()
        head = struct.pack('<HBBB', self.number, 0x51, 1, len(body))
        return head + body


@dataclasses.dataclass(slots=True)
class Discrete:
    """A sensor with states of its type (42.2); write ``states``."""

    number: int
    name: str
    kind: int
    states: set[int]

    def reading(self, is_on: bool) -> bytes:
        """Answer to Get Sensor Reading (35.14)."""
        bits = sum(1 << state for state in self.states)
        return bytes((0, 0xC0)) + struct.pack('<H', 0x8000 | bits)

    def thresholds(self) -> bytes:
        """It has none."""
        return b'\0' * 7

    def record(self) -> bytes:
        """A compact sensor record, type 02h (43.2)."""
        body = struct.pack(
            '<BBBBBBBBBHHHBBBBB',
            *(0x20, 0, self.number, 10, 1, 0x7F, 0x40, self.kind, 0x6F),
            *(0x7FFF, 0x7FFF, 0x7FFF, 0xC0, 0, 0, 1, 0),
        )
        body += bytes(6)
        body += bytes((0xC0 | len(self.name),)) + self.name.encode()
        head = struct.pack('<HBBB', self.number, 0x51, 2, len(body))
        return head + body


def standard() -> list[Sensor | Discrete]:
    """One of each kind that shows ill hardware."""
    return [
        Sensor(
            *(1, 'CPU Temp', TEMPERATURE, DEGREES_C, 45.0),
            lower=(5, 2, 0),
            upper=(85, 95, 100),
        ),
        Sensor(
            *(2, 'Fan 1', FAN, RPM, 6000.0),
            lower=(1500, 1000, 500),
            upper=(25500, 25500, 25500),
            factor=100,
        ),
        Sensor(
            *(3, '12V', VOLTAGE, VOLTS, 12.0),
            lower=(11.2, 10.8, 10.0),
            upper=(13.2, 14.0, 15.0),
            exponent=-1,
        ),
        Discrete(4, 'PSU 1', SUPPLY, {0}),
    ]
