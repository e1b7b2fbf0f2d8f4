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

"""The listener of one engine: the real memory, and no socket."""

from collections.abc import Iterable
import heapq

from hass import beats
from hass import clock as clock_
from hass.diagnosis import accrual
from hass.diagnosis import quality
from hass.engine import hearing
from hass.engine import listener
from hass import exception


class Ears:
    """Beats wait in a queue until it listens, as in a socket's buffer.

    :param turn_seconds: the longest time between two listen()
    :ivar cut_off: it hears nobody
    """

    def __init__(
        self,
        clock: clock_.Clock,
        wish: quality.Wish | None = None,
        turn_seconds: float = listener.WAIT_SECONDS,
    ) -> None:
        self._clock = clock
        self._memory = hearing.Hearing(wish or quality.Wish())
        self._queue: list[tuple[float, int, beats.Beat]] = []
        self._count = 0
        self._patience = turn_seconds + listener.LATE_SECONDS
        self._turned_at = clock.monotonic()
        self._told = hearing.Told()
        self.cut_off = False
        self.refused: dict[str, int] = {}

    def hear(self, beat: beats.Beat, arrival: float) -> None:
        """A beat will arrive at a moment of the clock, in seconds."""
        if not self.cut_off:
            self._count += 1
            heapq.heappush(self._queue, (arrival, self._count, beat))

    def listen(self) -> None:
        """Take what has arrived.

        After a pause all that waited is taken to arrive now: nobody can
        tell how long it has been there.
        """
        now = self._clock.monotonic()
        wall = beats.wall(self._clock)
        late = now - self._turned_at > self._patience
        while self._queue and self._queue[0][0] <= now:
            arrival, _count, beat = heapq.heappop(self._queue)
            try:
                self._memory.take(
                    beat, now if late else arrival, wall, not late
                )
            except exception.MessageRefused as refused:
                count = self.refused.get(refused.reason, 0)
                self.refused[refused.reason] = count + 1
        self._turned_at = now

    def heard(self, host: str) -> hearing.Heard | None:
        return self._memory.heard(host)

    def liveness(self, host: str) -> accrual.Host:
        return self._memory.liveness(host)

    def tell(self, host: str, boot_id: str, uptime: float) -> float:
        """Returns when a message over the bus must have been sent."""
        now = self._clock.monotonic()
        return self._told.take(host, boot_id, uptime, now, self.heard(host))

    def told(self, host: str) -> float | None:
        return self._told.newest(host)

    def ears(self) -> float:
        return self._turned_at

    def learn(self, hosts: Iterable[str]) -> None:
        """Nobody is asked directly here."""

    def probe(self, host: str) -> bool:
        return False

    def mute(self) -> list[str]:
        return []
