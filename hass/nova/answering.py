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

"""How quickly nova-api answers, by what this engine asks of it."""

import collections
from collections.abc import Iterator
import contextlib
import dataclasses
import itertools
import math
import threading

from hass import clock as hass_clock

REMEMBERED = 1000
"""Requests that have ended."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """What became of the requests of some time.

    :ivar number: how many were sent
    :ivar seconds: since the first of them left
    :ivar longest: seconds that an answer took, or has been waited for;
        infinite: there was none
    """

    number: int
    seconds: float
    longest: float


class Answering:
    """Remembers when requests left, and how long their answers took."""

    def __init__(self, clock: hass_clock.Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._out: dict[int, float] = {}
        self._ended: collections.deque[tuple[float, float]] = (
            collections.deque(maxlen=REMEMBERED)
        )

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """One request is sent; without an error it was answered."""
        with self._lock:
            number = next(self._numbers)
            left = self._out[number] = self._clock.monotonic()
        took = math.inf
        try:
            yield
            took = self._clock.monotonic() - left
        finally:
            with self._lock:
                del self._out[number]
                self._ended.append((left, took))

    def since(self, seconds: float) -> Answers:
        """What became of what left in the last so many seconds."""
        with self._lock:
            now = self._clock.monotonic()
            took = [
                *self._ended,
                *((left, now - left) for left in self._out.values()),
            ]
        took = [one for one in took if one[0] >= now - seconds]
        return Answers(
            len(took),
            max((now - left for left, _ in took), default=0.0),
            max((one for _, one in took), default=0.0),
        )
