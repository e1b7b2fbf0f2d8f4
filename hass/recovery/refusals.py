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

"""Why an evacuation did not succeed, and how long to go on trying. Pure.

Sources: Nova's api/openstack/compute/evacuate.py and exception.py.
"""

from collections.abc import Mapping
import dataclasses
import datetime
import enum
import re
from typing import Any, Self

PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
NO_ROOM_SECONDS = 30.0
"""How long Placement may offer no place: room comes back with a delay."""
NO_PLACE_SECONDS = 300.0
"""How long every place may refuse it although Placement offers some.

An affinity group that cannot be kept does so for ever. Nova says the same
for a minute when a service that it needs is away.
"""

ANYWHERE = ''
"""Stands for the choice of Nova's scheduler among the places tried."""


class Kind(enum.StrEnum):
    """What a refusal means for the next try."""

    PERMANENT = 'permanent'
    """No other try can succeed."""
    PLACE = 'place'
    """Another host may take it."""
    PASSING = 'passing'
    """Something is away that comes back."""


# What Nova never evacuates, whatever the place (exception.py, NotSupported
# and the 409 of Manila shares).
_NEVER = re.compile(
    r'not support|unsupported|vtpm|emulated tpm|\bshares?\b|accelerator|'
    r'extended resource|never launched',
    re.IGNORECASE,
)
_OTHER_PLACE = re.compile(
    r"compute host .* (not|could not be) found|can't be the same|"
    r'same host|no valid host',
    re.IGNORECASE,
)
_AWAY = re.compile(
    r'connect|timed? ?out|timeout|unavailable|unreachable|\b50[0234]\b|'
    r'cinder|neutron|glance|keystone|placement|messaging|'
    r'endpoint|service .*(down|away)',
    re.IGNORECASE,
)


def of_answer(status: int, reason: str) -> Kind:
    """Judge a 4xx of the evacuate call.

    What is not known passes: the budget ends it.
    """
    if status in (401, 404, 408, 413, 429) or status >= 500:
        found = _OTHER_PLACE.search(reason)
        return Kind.PLACE if found else Kind.PASSING
    if _OTHER_PLACE.search(reason):
        return Kind.PLACE
    if status in (403, 406) or _NEVER.search(reason):
        return Kind.PERMANENT
    return Kind.PASSING


def of_fault(fault: str) -> Kind:
    """Judge a migration that failed by the fault that Nova wrote down.

    :param fault: '' when Nova wrote none
    """
    if _OTHER_PLACE.search(fault):
        return Kind.PLACE
    if _AWAY.search(fault):
        return Kind.PASSING
    return Kind.PERMANENT if _NEVER.search(fault) else Kind.PLACE


def pause_seconds(rounds: int) -> float:
    """How long to wait before everything is tried again."""
    return min(PAUSE_SECONDS * 2.0 ** min(rounds, 10), LONGEST_PAUSE_SECONDS)


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """What the tries of one instance have come to.

    :ivar since: when it was refused first
    :ivar last: when it was refused last
    :ivar rounds: how often every place, or what was away, was tried
    :ivar tried: the places of this round
    """

    kind: Kind
    why: str
    since: datetime.datetime
    last: datetime.datetime
    rounds: int = 0
    tried: tuple[str, ...] = ()

    @classmethod
    def read(cls, was: Mapping[str, Any]) -> Self | None:
        """As a row of evacuations remembers it; None: never."""
        told = was.get('refusal')
        if told is None:
            return None
        return cls(
            Kind(told['kind']),
            told['why'],
            datetime.datetime.fromisoformat(told['since']),
            datetime.datetime.fromisoformat(told['last']),
            told['rounds'],
            tuple(told['tried']),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            'kind': str(self.kind),
            'why': self.why,
            'since': self.since.isoformat(),
            'last': self.last.isoformat(),
            'rounds': self.rounds,
            'tried': list(self.tried),
        }

    def is_rested(self, now: datetime.datetime) -> bool:
        """Whether it may be asked for again; at the next place at once."""
        if self.kind is Kind.PERMANENT:
            return True
        if self.kind is Kind.PLACE and self.tried:
            return True
        waited = (now - self.last).total_seconds()
        return waited >= pause_seconds(self.rounds - 1)

    def round_ended(self) -> Self:
        """Every place has refused: a pause, then all of them again."""
        return dataclasses.replace(self, rounds=self.rounds + 1, tried=())

    def given_up(
        self,
        now: datetime.datetime,
        began: datetime.datetime,
        budget_seconds: float,
        *,
        offered: bool,
        hope: bool,
    ) -> str:
        """Why no other try is made; '' while there is one to make.

        :param began: when the host was proved off: what was refused before
            that counts from there
        :param offered: Placement offers a place
        :param hope: other hosts are on their way back
        """
        if self.kind is Kind.PERMANENT:
            return self.why
        spent = (now - began).total_seconds()
        if spent >= budget_seconds:
            return f'not evacuated within {budget_seconds:.0f} s: {self.why}'
        if self.kind is Kind.PASSING or hope:
            return ''
        waited = (now - max(self.since, began)).total_seconds()
        limit = NO_PLACE_SECONDS if offered else NO_ROOM_SECONDS
        if waited < limit:
            return ''
        return f'no place for it within {waited:.0f} s: {self.why}'


def after(
    before: Refused | None,
    kind: Kind,
    why: str,
    now: datetime.datetime,
    place: str | None = None,
) -> Refused:
    """What is to be remembered when a try was refused.

    :param place: the host that refused it, ANYWHERE for all of them, None
        when nobody was asked
    """
    since = before.since if before else now
    rounds = before.rounds if before else 0
    tried = before.tried if before else ()
    if kind is not Kind.PLACE or place is None:
        return Refused(kind, why, since, now, rounds + 1)
    return Refused(kind, why, since, now, rounds, (*tried, place))
