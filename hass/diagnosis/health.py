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

"""An engine's doubt in itself, before it doubts anybody else.

Pure code: moments are CLOCK_BOOTTIME seconds of this engine.

After Dadgar, Phillips and Currey, "Lifeguard: Local Health Awareness for
More Accurate Failure Detection" (DSN-W 2018): who notices that it is slow
itself multiplies all its time-outs. Who was paused has heard nothing in
that time, whatever was sent: it listens anew.
"""

import math

from hass.diagnosis import quality

MAX_SCORE = 7.0
"""Lifeguard's default of 8 as the most that time-outs are multiplied by."""
CALM_SECONDS = 5.0
"""Punctual for so long, and the score falls by one."""
LATE_SECONDS = 0.25
SHARE_PATIENCE = 2.0


class Health:
    """How far this engine may trust its own ears.

    For one thread, the one that takes the turns.

    :param now: when it began to listen
    :param turn_seconds: time from one of its turns to the next
    :param listener_seconds: the listener wakes up at least this often
    :param listen_seconds: it suspects nobody until it has listened so long
    :param pause_seconds: lateness that counts as a pause
    :raises ValueError: one of them is no positive number
    """

    def __init__(
        self,
        now: float,
        *,
        turn_seconds: float,
        listener_seconds: float = 0.5,
        listen_seconds: float = 5.0,
        pause_seconds: float = 2.0,
    ) -> None:
        quality.positive('turn_seconds', turn_seconds)
        quality.positive('listener_seconds', listener_seconds)
        quality.positive('listen_seconds', listen_seconds)
        quality.positive('pause_seconds', pause_seconds)
        self._turn_seconds = turn_seconds
        self._listener_seconds = listener_seconds
        self._listen_seconds = listen_seconds
        self._pause_seconds = pause_seconds
        self._turned_at = self._since = _moment('now', now)
        self._why = 'it began'
        self._score = 0.0
        self._share = 0.0
        self._fewest: int | None = None

    def turn(
        self, now: float, listener_at: float, fallen: int, hosts: int
    ) -> None:
        """A turn begins: look at oneself before looking at hosts.

        :param listener_at: when the listener last finished a turn
        :param fallen: hosts that are silent and were not known to be down
        :param hosts: all that should be heard, those included
        :raises ValueError: a moment is negative or no number, or more
            hosts have fallen than there are
        """
        _moment('now', now)
        _moment('listener_at', listener_at)
        if not 0 <= fallen <= hosts:
            raise ValueError(f'fallen must be from 0 to {hosts}, not {fallen}')
        gap = now - self._turned_at
        self._turned_at = now
        late = gap - self._turn_seconds
        deaf = now - listener_at - self._listener_seconds
        paused = self._note_pause(now, gap, late, deaf)
        if max(late, deaf) >= LATE_SECONDS:
            self._score = min(MAX_SCORE, self._score + 1)
        else:
            self._score = max(0.0, self._score - max(0.0, gap) / CALM_SECONDS)
        # One host may die any time. It is the others that tell of us.
        self._share = max(0, fallen - 1) / max(1, hosts - 1)
        if not paused:
            self._note_deaf(now, hosts - fallen, hosts)

    def slowness(self) -> float:
        """(1 + score) for lateness, as Lifeguard has it."""
        return 1.0 + self._score

    def patience(self) -> float:
        """By what all time-outs are to be multiplied, at least 1.

        The slowness, times up to 3 for the share of hosts that fell silent
        together with another one.
        """
        return self.slowness() * (1.0 + SHARE_PATIENCE * self._share)

    def since(self) -> float:
        """Since when it listens without a break: no silence is older."""
        return self._since

    def distrust(self, now: float) -> str:
        """Why nobody may be suspected now; '' when one may."""
        listened = _moment('now', now) - self._since
        if listened >= self._listen_seconds:
            return ''
        return f'it has listened for {listened:.1f} s since {self._why}'

    def _note_deaf(self, now: float, heard: int, hosts: int) -> None:
        """Who was deaf and hears again listens anew.

        The first hosts that it hears again say nothing against the others,
        whose beats are still on their way. When the silence of those that
        it did not hear is explained, it was not deaf.
        """
        if heard * 2 < hosts:
            fewest = heard if self._fewest is None else self._fewest
            self._fewest = min(fewest, heard)
        elif self._fewest is not None:
            if heard > self._fewest:
                self._since, self._why = now, 'it was deaf'
            self._fewest = None

    def _note_pause(
        self, now: float, gap: float, late: float, deaf: float
    ) -> bool:
        if gap < 0:
            self._why = 'its clock went back'
        elif late >= self._pause_seconds:
            self._why = f'it was paused for {gap:.1f} s'
        elif deaf >= self._pause_seconds:
            self._why = f'its listener was stuck for {deaf:.1f} s'
        else:
            return False
        self._since, self._fewest = now, None
        return True


def _moment(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f'{name} must be at least 0, not {value}')
    return value
