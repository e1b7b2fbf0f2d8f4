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

"""The one door to a BMC.

pyghmi may block for half a minute on a BMC that falls silent, and its
session stays broken after that; so it runs in processes that can be thrown
away (pool.py starts them, worker.py is what runs in them).
"""

from collections.abc import Iterable
import dataclasses
import datetime
from typing import Any
import uuid

from hass.bmc import pool
from hass.bmc import values
from hass import clock as clock_

Access = values.Access
Address = values.Address
Event = values.Event
Identity = values.Identity
LocalDevice = values.LocalDevice
LogMark = values.LogMark
PowerState = values.PowerState
SensorReading = values.SensorReading
Watchdog = values.Watchdog
same_guid = values.same_guid

SENSORS_FACTOR = 5
"""Sensors are a hundred round trips: their limit is this much longer."""


class Bmc:
    """Reads and changes the power of hosts, each call within a hard limit.

    Any thread may call it. Processes start with the first call.

    :param call_seconds: how long one call may take; reading sensors or
        events may take five times as long, and a read may wait as long
        again for a free process
    :param workers: processes at most

    Every call raises hass.exception.BmcUnreachable (no answer in time),
    BmcRefused (it answers and says no) or BmcBadAnswer (what it says means
    nothing, which is never taken for *off*).
    """

    def __init__(
        self, clock: clock_.Clock, *, call_seconds: float, workers: int
    ) -> None:
        self.call_seconds = call_seconds
        self._pool = pool.Pool(clock, workers)

    @property
    def long_seconds(self) -> float:
        """How long sensors or events may take to be read."""
        return self.call_seconds * SENSORS_FACTOR

    def power(self, address: Access) -> PowerState:
        """Read the power state (IPMI 2.0, 28.2)."""
        return PowerState(self._read(address, 'power'))

    def power_off(self, address: Address, deadline: clock_.Deadline) -> None:
        """Ask for the hard power down (28.3, 00h), once.

        Returning is no proof that it happened, failing is none that it
        did not.

        :raises hass.exception.ClaimExpired: the deadline has passed and
            nothing was sent
        """
        self._act(address, 'off', deadline)

    def power_on(self, address: Address, deadline: clock_.Deadline) -> None:
        """Ask for power up (28.3, 01h), once; see power_off()."""
        self._act(address, 'on', deadline)

    def identity(self, address: Access) -> Identity:
        """Read GUID, power and the power restore policy (22.14, 28.2).

        The MAC address too (23.2), where the GUID tells nothing.
        """
        return _identity(self._read(address, 'identity'))

    def marked(self, address: Access) -> Identity:
        """The same, and the mark of 22.14b, in one session."""
        return _identity(self._read(address, 'marked'))

    def mark_block(self, address: Access) -> bytes | None:
        """Read the block that a mark is written to (22.14b).

        :returns: encoding, length and text; None: the BMC has no such block
        """
        found = self._read(address, 'mark block')
        return None if found is None else bytes.fromhex(found)

    def write_mark_block(self, device: LocalDevice, block: bytes) -> None:
        """Write that block (22.14a), from inside of the host alone."""
        self._pool.call(
            device, 'write mark block', self.call_seconds, argument=block.hex()
        )

    def watchdog(self, address: Access) -> Watchdog:
        """Read the watchdog timer (27.7)."""
        answer = self._read(address, 'watchdog')
        return Watchdog(**answer | {'expired': tuple(answer['expired'])})

    def sensors(self, address: Access) -> list[SensorReading]:
        """Read every sensor of the repository (33.12, 35.14)."""
        answer: Iterable[dict[str, Any]] = self._read_long(address, 'sensors')
        return [
            SensorReading(**reading | {'states': tuple(reading['states'])})
            for reading in answer
        ]

    def events(
        self, address: Access, after: LogMark | None
    ) -> tuple[LogMark, list[Event]]:
        """Read the event log after the mark (31.5), oldest first.

        A long log comes in parts: ask again with the new mark. One that was
        cleared or has overwritten itself is new from its beginning.

        :param after: None: what is there is old, only the mark is wanted
        """
        argument = None if after is None else dataclasses.asdict(after)
        answer = self._read_long(address, 'events', argument)
        events = [_event(**one) for one in answer['events']]
        return LogMark(**answer['mark']), events

    def newest_events(self, address: Access) -> list[Event]:
        """Read the end of the event log (31.5), newest first: 128 at most."""
        answer = self._read_long(address, 'newest events')
        return [_event(**one) for one in answer]

    def close(self) -> None:
        """End all processes; a call under way fails."""
        self._pool.close()

    def _read(self, address: Access, verb: str) -> Any:
        return self._pool.call(address, verb, self.call_seconds)

    def _read_long(
        self, address: Access, verb: str, argument: Any = None
    ) -> Any:
        return self._pool.call(
            address, verb, self.long_seconds, argument=argument, slow=True
        )

    def _act(
        self, address: Address, verb: str, deadline: clock_.Deadline
    ) -> None:
        deadline.check()
        self._pool.call(address, verb, self.call_seconds, deadline=deadline)


def _identity(answer: dict[str, Any]) -> Identity:
    guid = answer['guid']
    return Identity(
        PowerState(answer['power']),
        None if guid is None else uuid.UUID(guid),
        answer['policy'],
        answer['asked_at'],
        answer['mac'],
        answer.get('mark'),
    )


def _event(seconds: int | None, **fields: Any) -> Event:
    # Below it counts from the start of the BMC, all ones is not set (37).
    known = seconds is not None and 0x20000000 < seconds < 0xFFFFFFFF
    at = (
        datetime.datetime.fromtimestamp(seconds or 0, datetime.UTC)
        if known
        else None
    )
    return Event(at=at, **fields)


__all__ = [
    'Access',
    'Address',
    'Bmc',
    'Event',
    'Identity',
    'LocalDevice',
    'LogMark',
    'PowerState',
    'SensorReading',
    'Watchdog',
    'same_guid',
]
