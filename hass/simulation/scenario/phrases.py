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

"""Sentences with slots: how the lines of a scenario are understood."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import dataclasses
from typing import Any

SLOTS = ('SECONDS', 'SHARE', 'NUMBER', 'NAME', 'NETWORKS', 'HOSTS', 'WORDS')
MAX_DIGITS = 15
MAX_SECONDS = 400 * 24 * 3600
"""No clock is moved, and nothing lasts, longer."""
UNITS = {
    's': 1,
    'second': 1,
    'seconds': 1,
    'minute': 60,
    'minutes': 60,
    'hour': 3600,
    'hours': 3600,
}


class BadLine(ValueError):
    """A line says nothing that a scenario may say.

    :ivar line: its number, from 1; 0 for the file as a whole
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f'line {line}: {why}' if line else why)
        self.line = line
        self.why = why


@dataclasses.dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence, and what it means.

    :ivar pattern: words, ``one|other`` for either, and slots in capitals:
        SECONDS (``20 s``, ``1 hour``), SHARE (``30 %``), NUMBER, NAME, and
        for one or more names NETWORKS, HOSTS, WORDS
    :ivar means: called with the slots by their names in small letters
    """

    pattern: str
    means: Callable[..., None]

    def slots(self, words: Sequence[str]) -> dict[str, Any] | None:
        """What stands in the slots; None when it is another sentence."""
        return next(_match(split(self.pattern), list(words)), None)

    def __str__(self) -> str:
        """The sentence as it is offered to somebody who missed it."""
        return ' '.join(
            word.partition('|')[0] for word in self.pattern.split()
        )


def understand(
    phrases: Iterable[Phrase], words: Sequence[str]
) -> tuple[Phrase, dict[str, Any]] | None:
    """The phrase that the words are, and what fills its slots."""
    for phrase in phrases:
        slots = phrase.slots(words)
        if slots is not None:
            return phrase, slots
    return None


def split(text: str) -> list[str]:
    """The words of a line; commas and *and* only divide."""
    words = text.replace(',', ' ').replace('%', ' % ').split()
    return [word for word in words if word != 'and']


def number(word: str) -> float | None:
    """The number that a word is, if it is one and not below 0."""
    plain = word.replace('.', '', 1)
    if not (plain.isascii() and plain.isdigit()) or len(word) > MAX_DIGITS:
        return None
    return float(word)


def seconds(words: Sequence[str]) -> float | None:
    """The time that two words are, as ``5 minutes``.

    :raises ValueError: it is too long
    """
    amount = number(words[0]) if words else None
    if amount is None or len(words) < 2 or words[1] not in UNITS:
        return None
    found = amount * UNITS[words[1]]
    if found > MAX_SECONDS:
        raise ValueError(f'{words[0]} {words[1]} are more than 400 days')
    return found


def _match(pattern: list[str], words: list[str]) -> Iterator[dict[str, Any]]:
    if not pattern:
        if not words:
            yield {}
        return
    head, *rest = pattern
    if head in SLOTS:
        for count, value in _fill(head, words):
            for others in _match(rest, words[count:]):
                yield {head.lower(): value} | others
    elif words and words[0] in head.split('|'):
        yield from _match(rest, words[1:])


def _fill(slot: str, words: list[str]) -> Iterator[tuple[int, Any]]:
    """How many words may fill the slot, and what they say."""
    amount = number(words[0]) if words else None
    match slot:
        case 'SECONDS':
            found = seconds(words)
            if found is not None:
                yield 2, found
        case 'SHARE':
            if amount is not None and words[1:2] == ['%'] and amount <= 100:
                yield 2, amount / 100
        case 'NUMBER':
            if amount is not None and amount == int(amount):
                yield 1, int(amount)
        case 'NAME':
            if words:
                yield 1, words[0]
        case _:
            for count in range(1, len(words) + 1):
                yield count, words[:count]
