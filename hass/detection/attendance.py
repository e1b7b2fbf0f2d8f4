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

"""Who has been seen in a group, and since when who is gone.

Pure code: moments are CLOCK_BOOTTIME seconds.
"""

from hass.detection import base
from hass.detection import groups
from hass import faults

ABSENT_SECONDS = 5.0
STALE_SECONDS = 5.0
NAME_CHARACTERS = 64
"""What the row of an observation has room for."""


class Attendance:
    """What one store tells of its members.

    Who was never seen is unknown. A store that was away, or that has lost
    its memory, tells nothing of those whom it knew before.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._read_at: float | None = None
        self._why = 'nobody has answered yet'
        self._seen: set[str] = set()
        self._gone_at: dict[str, float] = {}

    def note(self, now: float, roll: groups.Roll) -> None:
        """The store has answered."""
        if self._read_at is None or roll.anew:
            self._seen.clear()
            self._gone_at.clear()
        elif now - self._read_at > STALE_SECONDS:
            # We were away ourselves: who is gone, is gone from now on.
            self._gone_at.clear()
        self._read_at = now
        self._seen |= roll.members
        for name in roll.members:
            self._gone_at.pop(name, None)
        for name in self._seen - roll.members:
            self._gone_at.setdefault(name, now)

    def miss(self, why: str) -> None:
        """The store has not answered."""
        self._read_at = None
        self._why = why

    def finding(self, now: float, host: str) -> base.Finding:
        """What is to be said of a host."""
        if self._read_at is None:
            return self._found(faults.Verdict.UNKNOWN, self._why)
        age = now - self._read_at
        if age > STALE_SECONDS:
            return self._found(
                faults.Verdict.UNKNOWN, f'not read for {age:.0f} s'
            )
        if host not in self._seen:
            return self._found(
                faults.Verdict.UNKNOWN, f'{host} was not seen there'
            )
        if host not in self._gone_at:
            return self._found(faults.Verdict.HEALTHY, f'{host} is a member')
        gone = now - self._gone_at[host]
        verdict = (
            faults.Verdict.FAILED
            if gone >= ABSENT_SECONDS
            else faults.Verdict.UNKNOWN
        )
        return self._found(verdict, f'{host} has been gone for {gone:.0f} s')

    def _found(self, verdict: faults.Verdict, detail: str) -> base.Finding:
        certainty = (
            faults.Certainty.INFERRED
            if verdict is faults.Verdict.FAILED
            else faults.Certainty.READ
        )
        return base.Finding(
            verdict,
            f'{self._place}: {detail}',
            network=self._place[:NAME_CHARACTERS],
            certainty=certainty,
        )
