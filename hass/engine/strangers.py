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

"""Remembers who signs with no key of the host that it says it is.

Anybody may send any number of datagrams under any names, so little is kept,
and nothing of it is written at once: the rounds write what is to be told now
into the engine's row, with what they write there anyway.
"""

import dataclasses
import threading

from hass import beats
from hass import clock as clock_
from hass.diagnosis import strangers
from hass import exception

SURE_SECONDS = 2.0
"""What lasts no longer is no mistake that somebody has to mend: an agent that
got its new key a moment before the engines read it, or a stray datagram."""
TOLD_SECONDS = 60.0
"""It is told for so long after it was last heard."""
MOST = {True: 256, False: 16}
"""So many are remembered: under names of hosts, and under other names."""
SHOWN_CHARACTERS = 64


@dataclasses.dataclass(slots=True)
class _Heard:
    since: float
    last: float
    address: str


class Strangers:
    """What one engine heard of them; for any thread."""

    def __init__(self, clock: clock_.Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[bool, dict[str, _Heard]] = {True: {}, False: {}}

    def note(
        self, refused: exception.MessageRefused, address: str | None = None
    ) -> None:
        """A message was refused, for whatever reason.

        :param address: where it came from; None: over the bus
        """
        if refused.reason not in (
            beats.Refusal.FORGED,
            beats.Refusal.UNKNOWN_HOST,
        ):
            return
        known = refused.reason == beats.Refusal.FORGED
        name = refused.host if known else _visible(refused.host)
        place = strangers.plain(address or '')
        now = self._clock.monotonic()
        with self._lock:
            group = self._heard[known]
            one = group.get(name)
            if one is not None and now - one.last <= TOLD_SECONDS:
                one.last, one.address = now, place or one.address
                return
            if one is None and len(group) >= MOST[known]:
                self._forget(group, now)
            if one is not None or len(group) < MOST[known]:
                group[name] = _Heard(now, now, place)

    def now(self) -> list[strangers.Stranger]:
        """Those that are to be told of."""
        now = self._clock.monotonic()
        with self._lock:
            for group in self._heard.values():
                self._forget(group, now)
            return [
                strangers.Stranger(name, known, one.address)
                for known, group in self._heard.items()
                for name, one in group.items()
                if one.last - one.since >= SURE_SECONDS
            ]

    @staticmethod
    def _forget(group: dict[str, _Heard], now: float) -> None:
        for name, one in list(group.items()):
            if now - one.last > TOLD_SECONDS:
                del group[name]


def _visible(name: str) -> str:
    """ASCII that no terminal takes for a command, and not much of it."""
    shown = ascii(name)[1:-1]
    if len(shown) > SHOWN_CHARACTERS:
        return f'{shown[:SHOWN_CHARACTERS]}...'
    return shown
