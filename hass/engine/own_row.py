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

"""What an engine writes about itself, for its peers.

Recoveries weigh what the engines hear. So an engine writes its row in each
turn while one is open or a host is silent, and less often in calm times.
"""

from collections.abc import Collection
import math

from sqlalchemy import orm

from hass import clock as clock_
from hass.db import services
from hass.diagnosis import liveness
from hass.recovery import witness as witness_

NAMED_AFTER_SECONDS = 1.25
"""Silence after which this engine's row names a host; the witness relies
on it: see Witness.PICTURE_SECONDS."""
CALM_SECONDS = 1.0
"""From one row to the next when there is nothing to tell."""
Told = tuple[bool, dict[str, str | None], list[str]]
"""Whether this engine is deaf, which hosts are silent, which are mute."""
NOTHING: Told = (False, {}, [])


class OwnRow:
    """One engine's row of ``services``.

    :param alive_seconds: an engine whose row is older counts for dead
    """

    def __init__(
        self,
        ears: witness_.Ears,
        almanac: clock_.Almanac,
        clock: clock_.Clock,
        engine: str,
        *,
        turn_seconds: float,
        alive_seconds: float,
    ) -> None:
        self._ears = ears
        self._almanac = almanac
        self._clock = clock
        self._engine = engine
        # A turn may be a little early.
        self._seconds = min(CALM_SECONDS, alive_seconds / 4) - turn_seconds / 2
        self._told: Told | None = None
        self._written_at = -math.inf

    def write(
        self, session: orm.Session, ears: liveness.Ears, deaf: bool, calm: bool
    ) -> Told | None:
        """Write the row, unless it says the same and there is time.

        :param calm: no recovery is open
        :returns: what was written, to be handed to committed()
        """
        mute = self._ears.mute()
        told = deaf, self._silent(ears, mute), mute
        age = self._clock.monotonic() - self._written_at
        if calm and told == NOTHING == self._told and age < self._seconds:
            return None
        # Unless this is committed, nobody knows what the row says.
        self._told = None
        services.turn(session, self._engine, *told, self._clock.now())
        self._written_at = ears.now
        return told

    def committed(self, told: Told | None) -> None:
        """The transaction in which write() returned this has ended well."""
        if told is not None:
            self._told = told

    def _silent(
        self, ears: liveness.Ears, mute: Collection[str]
    ) -> dict[str, str | None]:
        """Hosts not heard for over a beat, with the moment they last were.

        One that was never heard is named from the first turn on, and one
        whose silence began before this engine was paused: what a row does
        not name is taken for heard. What such a host sent over the bus since
        then counts as the moment at which it was heard.
        """
        silent: dict[str, str | None] = {}
        for name, last in sorted(ears.last.items()):
            late = last is None or ears.now - last >= NAMED_AFTER_SECONDS
            if late or name in mute:
                signs = [
                    sign
                    for sign in (last, self._ears.told(name))
                    if sign is not None
                ]
                silent[name] = (
                    self._almanac.moment_of(max(signs)).isoformat()
                    if signs
                    else None
                )
        return silent
