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

"""What a host has while it is well, and what it lacks when it is back. Pure.

A baseline only grows while its host is in service. What is gone is kept as
missing, and forgotten after a day, so that a fault which takes something
away and is noticed later does not lower what the host has to bring back.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import datetime
import enum
from typing import Any
from typing import Self

FORGET = datetime.timedelta(days=1)
"""What a host in service lacks for so long is demanded no more."""
TOLERANCE: Mapping[str, float] = {
    # A kernel takes another amount of memory for itself at each boot.
    'MEMORY_MB': 0.95,
    # Storage that many share grows and shrinks without this host.
    'DISK_GB': 0.0,
}
"""Which part of what it had is enough, by resource class; else all."""


class Kind(enum.StrEnum):
    """What a host may have."""

    NETWORK = 'network'
    """On which its agent beats."""
    STORAGE = 'storage'
    """A look of its agent at its storage."""
    AGENT = 'agent'
    """An agent of Neutron."""
    RESOURCE = 'resource'
    """A resource class that Placement has of it or of its devices."""


WORDS: Mapping[Kind, str] = {
    Kind.NETWORK: 'network {name}',
    Kind.STORAGE: 'its storage, by the word of {name}',
    Kind.AGENT: "Neutron's {name}",
    Kind.RESOURCE: "Nova's resource class {name}",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One thing that a host may have."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f'{self.kind}:{self.name}'

    def __lt__(self, other: Self) -> bool:
        return self._place() < other._place()

    def _place(self) -> tuple[int, str]:
        return list(Kind).index(self.kind), self.name

    @classmethod
    def of(cls, text: str) -> Self:
        """From what was stored.

        :raises ValueError: a newer engine wrote of a kind unknown here
        """
        kind, _, name = text.partition(':')
        return cls(Kind(kind), name)


Items = Mapping[Item, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What a host is seen to have at one moment.

    :ivar unread: kinds that could not be read, with why
    """

    has: Items
    unread: Mapping[Kind, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Baseline:
    """What a host has to have.

    :ivar has: how many, or how much, of each item
    :ivar missing: items that it has less of now, with the moment since
    """

    has: Items = dataclasses.field(default_factory=dict)
    missing: Mapping[Item, datetime.datetime] = dataclasses.field(
        default_factory=dict
    )

    def to_dict(self) -> dict[str, Any]:
        """As the row of the host has it."""
        return {
            'has': {str(one): self.has[one] for one in sorted(self.has)},
            'missing': {
                str(one): self.missing[one].isoformat()
                for one in sorted(self.missing)
            },
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """From the row; NULL demands nothing."""
        stored = stored or {}
        missing = _read(stored.get('missing', {}))
        return cls(
            _read(stored.get('has', {})),
            {
                one: datetime.datetime.fromisoformat(since)
                for one, since in missing.items()
            },
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Lack:
    """One thing that a host has less of than its baseline says.

    :ivar why: it could not be read, and why
    """

    item: Item
    was: int
    now: int = 0
    why: str = ''

    def __str__(self) -> str:
        words = WORDS[self.item.kind].format(name=self.item.name)
        if self.why:
            return f'{words} ({self.why})'
        if self.item.kind is not Kind.RESOURCE:
            return words
        left = f'{self.now}, ' if self.now else ''
        return f'{words} ({left}was {self.was})'


def lacks(baseline: Baseline, sight: Sight) -> tuple[Lack, ...]:
    """What is to be there, and is not seen to be; in a fixed order.

    What cannot be read is not known to be there.
    """
    found = []
    for item in sorted(baseline.has):
        was, now = baseline.has[item], sight.has.get(item, 0)
        unread = sight.unread.get(item.kind)
        if unread is not None:
            found.append(Lack(item, was, was, unread))
        elif now < _least(item, was):
            found.append(Lack(item, was, now))
    return tuple(found)


def sentence(host: str, found: Iterable[Lack]) -> str:
    """What people are told of a host that lacks something."""
    return f'{host} came back without: {"; ".join(map(str, found))}'


def keeps_from_starting(found: Iterable[Lack], sight: Sight) -> bool:
    """Whether an instance that is started there may find no disk.

    That is so without the storage, and without a network where nothing
    looks at the storage: it may be behind that network.
    """
    kinds = {one.item.kind for one in found}
    looks = any(one.kind is Kind.STORAGE for one in sight.has)
    return Kind.STORAGE in kinds or (Kind.NETWORK in kinds and not looks)


def accepted(baseline: Baseline, items: Items) -> Baseline:
    """The baseline after an operator has accepted what it lacks.

    :param items: what was named to the operator, and how much was there
    """
    has = {one: items.get(one, was) for one, was in baseline.has.items()}
    return Baseline(
        {one: number for one, number in has.items() if number},
        {
            one: since
            for one, since in baseline.missing.items()
            if one not in items
        },
    )


def learnt(
    baseline: Baseline,
    sight: Sight,
    settled: Items,
    now: datetime.datetime,
) -> Baseline:
    """What the baseline of a host in service is after a look at it.

    :param settled: what it has had for long enough to count
    """
    has = dict(baseline.has)
    for item, number in settled.items():
        if number > has.get(item, 0):
            has[item] = number
    missing = {}
    for one in lacks(Baseline(has), sight):
        since = min(baseline.missing.get(one.item, now), now)
        if one.why:
            # Whether it is missing is not known: neither is how long.
            if one.item in baseline.missing:
                missing[one.item] = since
        elif now - since < FORGET:
            missing[one.item] = since
        elif one.now:
            has[one.item] = one.now
        else:
            del has[one.item]
    return Baseline(has, missing)


class Settling:
    """Which items of a host have been there for a while.

    :param seconds: after so long they count
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Item, tuple[int, float]] = {}

    def settled(self, sight: Sight, now: float) -> Items:
        """What was there all the time, in at least this number.

        :param now: in seconds
        """
        settled: dict[Item, int] = {}
        since: dict[Item, tuple[int, float]] = {}
        for item, number in sight.has.items():
            least, began = self._since.get(item, (number, now))
            if number < least:
                least, began = number, now
            if now - began >= self._seconds:
                settled[item] = least
                if number > least:
                    least, began = number, now
            since[item] = least, began
        for item, known in self._since.items():
            if item.kind in sight.unread:
                since.setdefault(item, known)
        self._since = since
        return settled


def read_items(stored: Mapping[str, int]) -> Items:
    """Items as a recovery remembers them."""
    found: Items = _read(stored)
    return found


def _read(stored: Mapping[str, Any]) -> dict[Item, Any]:
    """What a newer engine wrote of kinds unknown here is left out."""
    found = {}
    for text, value in stored.items():
        try:
            found[Item.of(text)] = value
        except ValueError:
            continue
    return found


def _least(item: Item, was: int) -> float:
    """How much of an item is enough; something always has to be left."""
    if item.kind is not Kind.RESOURCE:
        return was
    return max(was * TOLERANCE.get(item.name, 1.0), 1.0)
