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
from typing import Any
import uuid

from hass.bmc import pool
from hass.bmc import values
from hass import clock as clock_

Address = values.Address
Identity = values.Identity
PowerState = values.PowerState
SensorReading = values.SensorReading
same_guid = values.same_guid

SENSORS_FACTOR = 5
"""Sensors are a hundred round trips: their limit is this much longer."""


class Bmc:
    """Reads and changes the power of hosts, each call within a hard limit.

    Any thread may call it. Processes start with the first call.

    :param call_seconds: how long one call may take, waiting for a free
        process included; reading sensors may take five times as long
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

    def power(self, address: Address) -> PowerState:
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

    def identity(self, address: Address) -> Identity:
        """Read the GUID and the power restore policy (22.14, 28.2)."""
        answer = self._read(address, 'identity')
        return Identity(uuid.UUID(answer['guid']), answer['policy'])

    def sensors(self, address: Address) -> list[SensorReading]:
        """Read every sensor of the repository (33.12, 35.14)."""
        answer: Iterable[dict[str, Any]] = self._pool.call(
            address, 'sensors', self.call_seconds * SENSORS_FACTOR, slow=True
        )
        return [SensorReading(**reading) for reading in answer]

    def close(self) -> None:
        """End all processes; a call under way fails."""
        self._pool.close()

    def _read(self, address: Address, verb: str) -> Any:
        return self._pool.call(address, verb, self.call_seconds)

    def _act(
        self, address: Address, verb: str, deadline: clock_.Deadline
    ) -> None:
        deadline.check()
        self._pool.call(address, verb, self.call_seconds, deadline=deadline)


__all__ = [
    'Address',
    'Bmc',
    'Identity',
    'PowerState',
    'SensorReading',
    'same_guid',
]
