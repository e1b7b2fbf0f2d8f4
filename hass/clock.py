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
import math
import threading
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


def wait_for_ever() -> None:
    """Let the main thread wait for signals, whose handlers it runs.

    One that comes just before a wait without an end is not handled before
    that end: so there are many short ones.
    """
    never = threading.Event()
    while not never.wait(0.5):
        pass


class Almanac:
    """Which moments of our own the database's moments were.

    Somebody may set the clock of the database, or of its machine, while we
    remember moments of both. So it is noted now and then what both clocks
    show; a moment is converted by the notes of its own time.
    """

    JUMP_SECONDS = 1.0
    """Less than this is drift, and the time that asking takes."""
    AHEAD = datetime.timedelta(seconds=5)
    """A moment may be so much later than the newest note."""
    ERAS = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Between two jumps; the newest is the last.
        self._eras: list[_Era] = []

    def __bool__(self) -> bool:
        return bool(self._eras)

    def note(self, monotonic: float, moment: datetime.datetime) -> None:
        """Both clocks at the same time."""
        with self._lock:
            if self._eras:
                era = self._eras[-1]
                drift = era.monotonic_of(moment) - monotonic
                if monotonic < era.monotonic:
                    return  # Another thread was quicker.
                if abs(drift) < self.JUMP_SECONDS:
                    era.monotonic, era.moment = monotonic, moment
                    return
            self._eras.append(_Era(monotonic, moment))
            del self._eras[: -self.ERAS]

    def knows(self, moment: datetime.datetime) -> bool:
        """Whether it was noted what the clock showed at that time.

        Other moments are converted as if nobody had set it in between.
        """
        with self._lock:
            return any(
                era.first <= moment <= era.moment + self.AHEAD
                for era in self._eras
            )

    def monotonic_of(self, moment: datetime.datetime) -> float:
        """Our CLOCK_BOOTTIME when the database's clock showed this.

        What a clock that was set back showed twice is taken for the later.

        :raises IndexError: nothing was noted yet
        """
        with self._lock:
            end = math.inf
            for era in reversed(self._eras):
                if era.first <= moment <= era.moment + self.AHEAD:
                    return min(era.monotonic_of(moment), end)
                if era.moment < moment and end < math.inf:
                    return end  # It lies in a jump.
                end = era.began
            return min(self._eras[0].monotonic_of(moment), end)

    def moment_of(self, monotonic: float) -> datetime.datetime:
        """What the database's clock showed at a moment of ours.

        :raises IndexError: nothing was noted yet
        """
        with self._lock:
            begun = [one for one in self._eras if one.began <= monotonic]
            return (begun or self._eras[:1])[-1].moment_of(monotonic)


class _Era:
    """A time without a jump: its beginning, and its newest note."""

    def __init__(self, monotonic: float, moment: datetime.datetime) -> None:
        self.began, self.first = monotonic, moment
        self.monotonic, self.moment = monotonic, moment

    def monotonic_of(self, moment: datetime.datetime) -> float:
        return self.monotonic + (moment - self.moment).total_seconds()

    def moment_of(self, monotonic: float) -> datetime.datetime:
        return self.moment + datetime.timedelta(
            seconds=monotonic - self.monotonic
        )


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
