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

"""Restraint: so many at once are no longer faults of single hosts. Pure.

A network, a power circuit or a clock that fails makes many hosts look
dead. So the suspects of a sliding window are counted for each cluster and
each failure domain, those of recoveries that have ended as well: a
cascade that takes one host every few minutes is one event.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import enum

EVERYBODY = 0.9
"""A domain with a greater share of all hosts tells nothing of a cause."""
SHOWN = 5


class Kind(enum.StrEnum):
    """What makes hosts neighbours; the most telling first."""

    LABEL = 'label'
    AGGREGATE = 'aggregate'
    ZONE = 'availability zone'
    CLUSTER = 'cluster'


@dataclasses.dataclass(frozen=True, slots=True)
class Domain:
    """Hosts that one cause may take down together.

    :ivar label: the label's name when it is one: rack, pdu, switch …
    """

    kind: Kind
    value: str
    label: str = ''

    def __str__(self) -> str:
        if self.kind is Kind.LABEL:
            return f'on {self.value} ({self.label})'
        return f'in {self.kind} {self.value}'


Places = Mapping[str, frozenset[Domain]]
"""Each host that there is, to the domains that it belongs to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """How many hosts of one domain may be concerned at once.

    :ivar option: where the number comes from, for the sentence
    :ivar share: of its hosts, if that is more
    """

    option: str
    number: int
    share: float

    def of(self, size: int) -> int:
        """The limit in a domain of so many hosts."""
        return max(self.number, int(self.share * size))


def domains_of(
    cluster: str,
    labels: Mapping[str, str],
    aggregates: Iterable[str] = (),
    zone: str | None = None,
) -> frozenset[Domain]:
    """All the domains of one host."""
    found = {Domain(Kind.CLUSTER, cluster)}
    found |= {Domain(Kind.LABEL, value, key) for key, value in labels.items()}
    found |= {Domain(Kind.AGGREGATE, name) for name in aggregates}
    if zone:
        found.add(Domain(Kind.ZONE, zone))
    return frozenset(found)


def too_many(
    host: str,
    suspects: Collection[str],
    places: Places,
    cluster: Limit,
    domain: Limit,
    window_seconds: float,
) -> str | None:
    """Why the suspected host must wait for a human, None when it need not.

    :param suspects: hosts suspected within the window, this one or not;
        those that are in no cluster any more are not counted
    :param cluster: how many of one cluster may be
    :param domain: how many of any other domain that tells something
    """
    found = {one for one in suspects if one in places} | {host}
    worst: tuple[int, int, Domain, set[str], Limit] | None = None
    for place, members in _neighbours(host, places):
        limit = cluster if place.kind is Kind.CLUSTER else domain
        concerned = found & members
        if len(concerned) <= limit.of(len(members)):
            continue
        rank = (len(concerned), -len(members))
        if worst is None or rank > worst[:2]:
            worst = (*rank, place, concerned, limit)
    if worst is None:
        return None
    _, size, place, concerned, limit = worst
    named = narrowest(concerned, places) or place
    return (
        f'{len(concerned)} hosts, all {named}, were suspected within '
        f'{window_seconds:g} s: {_list(concerned)}; [restraint] '
        f'{limit.option} allows {limit.of(-size)} {place}'
    )


def crowded(
    host: str, others: Collection[str], places: Places, limit: Limit
) -> tuple[Domain, int, int] | None:
    """A domain of the host in which the others use the limit up.

    Its cluster is not looked at: that has a limit of its own.

    :returns: the domain, how many of the others are in it, its limit
    """
    for place, members in _neighbours(host, places):
        allowed = limit.of(len(members))
        concerned = len(members & set(others) - {host})
        if place.kind is not Kind.CLUSTER and concerned >= allowed:
            return place, concerned, allowed
    return None


def narrowest(hosts: Collection[str], places: Places) -> Domain | None:
    """The most specific domain that all these hosts share, if any.

    That is the smallest, and of equal ones a label before an aggregate
    before a zone. A domain of nearly everybody names no cause.
    """
    shared = frozenset.intersection(
        *(places.get(host, frozenset()) for host in hosts)
    )
    telling = [
        (len(members), list(Kind).index(place.kind), place.label, place.value)
        for place in shared
        if _tells(members := _members(place, places), places)
    ]
    if not telling:
        return None
    _, kind, label, value = min(telling)
    return Domain(list(Kind)[kind], value, label)


def neighbours(host: str, places: Places) -> frozenset[str]:
    """The host, and all that share a telling domain or the cluster."""
    found = {host}
    for _, members in _neighbours(host, places):
        found |= members
    return frozenset(found)


def _neighbours(
    host: str, places: Places
) -> list[tuple[Domain, frozenset[str]]]:
    """The domains of a host that count, each with its hosts."""
    found = [
        (place, _members(place, places))
        for place in places.get(host, frozenset())
    ]
    return sorted(
        (
            (place, members)
            for place, members in found
            if place.kind is Kind.CLUSTER or _tells(members, places)
        ),
        key=lambda one: str(one[0]),
    )


def _members(place: Domain, places: Places) -> frozenset[str]:
    return frozenset(host for host, own in places.items() if place in own)


def _tells(members: Collection[str], places: Places) -> bool:
    return len(members) <= EVERYBODY * len(places)


def _list(hosts: Collection[str]) -> str:
    names = sorted(hosts)
    more = ' …' if len(names) > SHOWN else ''
    return ', '.join(names[:SHOWN]) + more
