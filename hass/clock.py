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

"""The only door to time: services get a Clock, tests turn its hands."""

import datetime
import time
from typing import Protocol

from hass import exception


class Clock(Protocol):
    """Wall time and the time that no one can set."""

    def now(self) -> datetime.datetime:
        """Wall clock, naive UTC. It may jump; order nothing by it."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_BOOTTIME: runs on in suspend, never jumps."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)

    def monotonic(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class Deadline(Protocol):
    """The moment after which nothing may be sent to the outside."""

    def at(self) -> float:
        """The moment on CLOCK_BOOTTIME, in seconds."""

    def check(self) -> None:
        """Raise ClaimExpired when the moment has passed."""


class FixedDeadline:
    """A deadline that nobody moves: for operators' calls and tests."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._at = clock.monotonic() + seconds

    def at(self) -> float:
        return self._at

    def check(self) -> None:
        late = self._clock.monotonic() - self._at
        if late > 0:
            raise exception.ClaimExpired(late)
