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

"""Asks a host's agent to beat now, and tells what it means if it does not.

A healthy agent answers within milliseconds, so that half a second without an
answer can mean as much as several missed beats. How much follows from the
losses that were measured on the host's networks, and nothing follows for an
agent that was never seen to answer in this boot.
"""

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import math
import threading
from typing import Protocol

from hass import clock as clock_
from hass.diagnosis import accrual
from hass.engine import hearing

POKES = 6
PAUSE_SECONDS = 0.08
ENOUGH_PHI = 6.0
"""One chance in a million that a living host did not answer."""
FRESH_SECONDS = 2.0
PROMPT_SECONDS = 0.2
CALM_SECONDS = (0.25, 0.6)
"""So long after a beat the next one is not due: what comes is an answer."""
AGAIN_SECONDS = 2.0
SEEN_TWICE = 2


class Ears(Protocol):
    """What the listener does for this."""

    def heard(self, host: str) -> hearing.Heard | None: ...

    def liveness(self, host: str) -> accrual.Host: ...

    def poke(self, host: str) -> int: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking.

    :ivar answered: a beat was sent after the first question
    :ivar phi: if not, -log10 of the chance that a living host stays mute; 0
        when its agent is not known to answer
    """

    answered: bool
    phi: float

    @property
    def mute(self) -> bool:
        """It should have answered, and did not."""
        return not self.answered and self.phi >= ENOUGH_PHI


class Poker:
    """Any thread may ask; learn() belongs to the patrol.

    :param wait: pauses between two questions, a real sleep
    """

    def __init__(
        self,
        ears: Ears,
        clock: clock_.Clock,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._ears = ears
        self._clock = clock
        self._wait = wait or threading.Event().wait
        self._answers: dict[str, tuple[str, int]] = {}
        self._asked: dict[str, tuple[str, float]] = {}
        self._newest: dict[str, tuple[float, Answer]] = {}

    def ask(self, host: str) -> Answer:
        """Ask a host a few times; takes half a second if it is mute."""
        began = self._clock.monotonic()
        known = self._newest.get(host)
        if known is not None and began - known[0] < FRESH_SECONDS:
            return Answer(self._lives(host, known[0]), known[1].phi)
        for _each in range(POKES):
            self._ears.poke(host)
            self._wait(PAUSE_SECONDS)
            if self._lives(host, began):
                break
        answer = Answer(self._lives(host, began), self._phi(host))
        self._newest[host] = began, answer
        return answer

    def mute(self) -> list[str]:
        """Hosts that were asked lately and should have answered."""
        return sorted(
            host
            for host, (began, answer) in self._newest.items()
            if answer.mute and not self._lives(host, began)
        )

    def learn(self, hosts: Iterable[str]) -> None:
        """See in calm times whose agent answers at all."""
        now = self._clock.monotonic()
        for host in hosts:
            heard = self._ears.heard(host)
            if heard is None:
                continue
            self._note(host, heard)
            asked = self._asked.get(host, ('', -math.inf))[1]
            least, most = CALM_SECONDS
            if (
                self._seen(host, heard.boot_id) < SEEN_TWICE
                and now - asked >= AGAIN_SECONDS
                and least <= now - heard.last <= most
            ):
                self._asked[host] = heard.boot_id, now
                self._ears.poke(host)

    def _note(self, host: str, heard: hearing.Heard) -> None:
        """Whether its newest beat can only be an answer."""
        boot_id, asked = self._asked.get(host, ('', math.inf))
        if heard.boot_id == boot_id and (
            0 <= heard.last - asked <= PROMPT_SECONDS
        ):
            seen = self._seen(host, boot_id)
            self._answers[host] = boot_id, seen + 1
            self._asked[host] = '', asked

    def _seen(self, host: str, boot_id: str) -> int:
        known, seen = self._answers.get(host, ('', 0))
        return seen if known == boot_id else 0

    def _lives(self, host: str, moment: float) -> bool:
        heard = self._ears.heard(host)
        return heard is not None and heard.sent > moment

    def _phi(self, host: str) -> float:
        """Question and answer are both to arrive, on any network."""
        heard = self._ears.heard(host)
        if heard is None or self._seen(host, heard.boot_id) < SEEN_TWICE:
            return 0.0
        phi = 0.0
        for path in self._ears.liveness(host).paths.values():
            network = path.network()
            first = 1 - (1 - network.loss) ** 2
            later = 1 - (1 - max(network.loss, network.loss_after_loss)) ** 2
            phi -= math.log10(first) + (POKES - 1) * math.log10(later)
        return phi
