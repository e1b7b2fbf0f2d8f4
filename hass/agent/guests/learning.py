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


"""Learns who answers, so that silence means something. Pure.

Many guests have no agent, or forbid pings: only who has answered can fall
silent. And when many of a host fall silent together, it is more likely the
host's own way to them than each of them.
"""

import dataclasses

from hass.faults import Verdict

ENOUGH = 2
"""Answers of a guest before its silence counts; one if it did so before."""
MISSES = 3
"""Looks in a row without an answer that count as silence."""
MANY = 2
"""So many at once, if they are half of all, accuse nobody."""


@dataclasses.dataclass(slots=True)
class _Record:
    answers: int = 0
    misses: int = 0
    silent_since: float = 0.0
    failed: bool = False
    doubted: bool = False
    is_known: bool = False

    @property
    def answers_enough(self) -> bool:
        return self.answers >= (1 if self.is_known else ENOUGH)

    @property
    def counts(self) -> bool:
        return self.answers_enough and not self.failed


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """What the looks at one guest come to.

    :ivar since: of a failed one: the first look without an answer
    """

    verdict: Verdict
    why: str
    since: float = 0.0


HEALTHY = Word(Verdict.HEALTHY, 'it answers')


class Learning:
    """What is known of the guests of one host, by their UUIDs."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def begin(self, uuid: str) -> None:
        """It starts anew: all that is known of it is that it once answered."""
        was = self._records.get(uuid, _Record())
        self._records[uuid] = _Record(
            is_known=was.is_known or was.answers_enough
        )

    def forget(self, uuid: str) -> None:
        self._records.pop(uuid, None)

    def excuse(self, uuid: str) -> None:
        """It was not looked at: its silence begins anew."""
        if uuid in self._records:
            self._records[uuid].misses = 0

    def doubt(self, uuid: str) -> None:
        """Something happened: until it answers, nothing is known of it."""
        if uuid in self._records:
            self._records[uuid].doubted = True

    def knows(self, uuid: str) -> bool:
        """Whether it has answered since it began."""
        return uuid in self._records and self._records[uuid].answers > 0

    def is_missed(self, uuid: str) -> bool:
        """Whether it has answered, and has not failed."""
        return self.knows(uuid) and not self.has_failed(uuid)

    def note(self, uuid: str, answered: bool, at: float) -> None:
        """A look at one that has begun; others are nobody's business."""
        record = self._records.get(uuid)
        if record is None:
            return
        if answered:
            record.answers += 1
            record.misses = 0
            record.failed = record.doubted = False
        else:
            if not record.misses:
                record.silent_since = at
            record.misses += 1

    def word(self, uuid: str) -> Word | None:
        """What to make of it; None: the next looks will tell."""
        record = self._records.get(uuid)
        if record is None:
            return None
        if record.answers and not record.misses:
            return HEALTHY
        if not record.answers_enough:
            often = 'only once' if record.answers else 'never'
            return Word(Verdict.UNKNOWN, f'it has answered {often} yet')
        if record.misses < MISSES:
            since = 'it has not answered since something befell it'
            return Word(Verdict.UNKNOWN, since) if record.doubted else None
        many = self._many() if not record.failed else 0
        if many:
            return Word(
                Verdict.UNKNOWN,
                f'{many} guests fell silent at once: it may be the host',
            )
        return Word(Verdict.FAILED, 'it answers no more', record.silent_since)

    def fail(self, uuid: str) -> None:
        """It has failed until it answers again."""
        if uuid in self._records:
            self._records[uuid].failed = True

    def has_failed(self, uuid: str) -> bool:
        return uuid in self._records and self._records[uuid].failed

    def _many(self) -> int:
        counting = [each for each in self._records.values() if each.counts]
        silent = sum(1 for each in counting if each.misses)
        return silent if silent >= max(MANY, len(counting) / 2) else 0
