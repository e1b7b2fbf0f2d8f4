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


"""The newest look at each instance, and which of them are news."""

from collections.abc import Collection, Mapping, Sequence
import threading
from typing import NamedTuple

from hass import clock as clocks
from hass import faults

ALL_SECONDS = 300.0
"""So often everything is told, whether it is news or not."""


class Look(NamedTuple):
    """What one detector saw of one instance; ``at`` is CLOCK_BOOTTIME."""

    instance: str
    detector: str
    layer: faults.Layer
    verdict: faults.Verdict
    at: float
    detail: str


Key = tuple[str, str]


class Sights:
    """A place for each detector and instance: nothing piles up."""

    def __init__(self, clock: clocks.Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._looks: dict[Key, Look] = {}
        # In the order in which they became news, with a number that is
        # another one when they are news again.
        self._news: dict[Key, int] = {}
        self._number = 0
        self._renewed: set[Key] = set()
        self._all_at = clock.monotonic()

    def put(self, look: Look) -> None:
        """Keep it; another verdict than before is news."""
        key = look.instance, look.detector
        with self._lock:
            before = self._looks.get(key)
            self._looks[key] = look
            is_same = before is not None and before.verdict is look.verdict
            if not is_same or key in self._renewed:
                self._announce(key)
            self._renewed.discard(key)

    def renew(self, instance: str) -> None:
        """Something happened: the next looks are news, whatever they say."""
        with self._lock:
            self._renewed.update(
                key for key in self._looks if key[0] == instance
            )

    def forget(self, instance: str) -> None:
        """It is not here any more."""
        with self._lock:
            for key in [key for key in self._looks if key[0] == instance]:
                del self._looks[key]
                self._news.pop(key, None)
                self._renewed.discard(key)

    def news(
        self, number: int, instances: Collection[str]
    ) -> tuple[Mapping[Key, int], Sequence[Look]]:
        """The first so many of these instances, and what told() wants."""
        wanted = frozenset(instances)
        with self._lock:
            self._announce_all_now_and_then()
            marks: dict[Key, int] = {}
            for key, mark in self._news.items():
                if len(marks) == number:
                    break
                if key[0] in wanted:
                    marks[key] = mark
            return marks, [self._looks[key] for key in marks]

    def told(self, marks: Mapping[Key, int]) -> None:
        """An engine has taken what news() gave."""
        with self._lock:
            for key, mark in marks.items():
                if self._news.get(key) == mark:
                    del self._news[key]

    def _announce(self, key: Key) -> None:
        self._number += 1
        self._news.pop(key, None)
        self._news[key] = self._number

    def _announce_all_now_and_then(self) -> None:
        now = self._clock.monotonic()
        if now - self._all_at >= ALL_SECONDS:
            self._all_at = now
            for key in self._looks.keys() - self._news.keys():
                self._announce(key)
