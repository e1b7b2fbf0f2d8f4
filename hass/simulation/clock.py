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

"""Time that stands until it is moved."""

import datetime

START = datetime.datetime(2026, 1, 1)


class VirtualClock:
    """A Clock whose hands a test turns; both kinds of time go together."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._jumped = 0.0

    def now(self) -> datetime.datetime:
        seconds = self._seconds + self._jumped
        return START + datetime.timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return 1000.0 + self._seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds

    def jump(self, seconds: float) -> None:
        """Let somebody set the wall clock."""
        self._jumped += seconds


class OtherClock:
    """The clock of one machine: its wall clock may be set by itself."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._jumped = 0.0

    def now(self) -> datetime.datetime:
        return self._clock.now() + datetime.timedelta(seconds=self._jumped)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def jump(self, seconds: float) -> None:
        """Let somebody set this wall clock."""
        self._jumped += seconds
