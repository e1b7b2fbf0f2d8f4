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


"""What is known of each layer and side path of a host now. Pure code.

Each aspect has the newest word of its surest witnesses: what a device read
goes before what was inferred, and that before what a host says of itself;
among equals the newest counts. Whoever differs is named as a conflict. What
is older than :data:`FRESH_SECONDS` counts no more.

Networks do not vouch for each other, so each has its own word: the network
layer has failed when it failed on every network that can be told of.

A layer works only if every layer under it works: that it was healthy before
one under it failed says nothing of it any more.
"""

from collections.abc import Iterable
import dataclasses
import datetime

from hass import faults

FRESH_SECONDS = 300.0

FAILED = faults.Verdict.FAILED
HEALTHY = faults.Verdict.HEALTHY
UNKNOWN = faults.Verdict.UNKNOWN
ORDER: tuple[faults.Aspect, ...] = (*faults.Layer, *faults.SidePath)
SURENESS = {
    faults.Certainty.READ: 2,
    faults.Certainty.INFERRED: 1,
    faults.Certainty.ALLEGED: 0,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one aspect.

    :ivar by: the observation that decided, or the newest one; None without
        any
    :ivar why: why the state is unknown, '' when it is known
    :ivar conflict: who sees it otherwise, '' when nobody does
    """

    aspect: faults.Aspect
    state: faults.Verdict
    by: faults.Observation | None = None
    why: str = ''
    conflict: str = ''


def standings(
    seen: Iterable[faults.Observation], now: datetime.datetime
) -> tuple[Standing, ...]:
    """Every layer, lowest first, then every side path.

    :param seen: the newest observation of each detector and network of one
        host
    :param now: database time
    """
    looks = list(seen)
    found = []
    lowest: Standing | None = None
    for aspect in ORDER:
        one = _standing(
            aspect, [it for it in looks if it.layer is aspect], now
        )
        if isinstance(aspect, faults.Layer):
            one = _under(one, lowest)
            if lowest is None and one.state is FAILED:
                lowest = one
        found.append(one)
    return tuple(found)


def age_seconds(seen: faults.Observation, now: datetime.datetime) -> float:
    """How old it is; never negative, whatever the clocks did."""
    return max(0.0, (now - seen.seen_at).total_seconds())


def fresh(seen: faults.Observation, now: datetime.datetime) -> bool:
    """Whether it still counts; a clock that was set leaves nothing fresh."""
    return abs((now - seen.seen_at).total_seconds()) <= FRESH_SECONDS


def _standing(
    aspect: faults.Aspect,
    looks: list[faults.Observation],
    now: datetime.datetime,
) -> Standing:
    if not looks:
        return Standing(aspect, UNKNOWN, why='no detector')
    counted = [it for it in looks if fresh(it, now)]
    told = [it for it in counted if it.verdict is not UNKNOWN]
    if not told:
        newest = max(counted or looks, key=lambda it: it.seen_at)
        why = newest.detail if counted else 'not looked at for too long'
        return Standing(aspect, UNKNOWN, newest, why)
    words = [
        max((it for it in told if it.network == network), key=_weight)
        for network in {it.network for it in told}
    ]
    state = HEALTHY if any(it.verdict is HEALTHY for it in words) else FAILED
    by = max((it for it in words if it.verdict is state), key=_weight)
    others = [it for it in told if it.verdict is not state]
    return Standing(aspect, state, by, conflict=_named(others))


def _weight(seen: faults.Observation) -> tuple[int, datetime.datetime]:
    return SURENESS[seen.certainty], seen.seen_at


def _named(others: list[faults.Observation]) -> str:
    return '; '.join(
        f'{it.detector} says {it.verdict}'
        + (f' on {it.network}' if it.network else '')
        + (f': {it.detail}' if it.detail else '')
        for it in sorted(others, key=lambda it: (it.detector, it.network))
    )


def _under(one: Standing, lowest: Standing | None) -> Standing:
    """The standing of a layer above one that has failed."""
    if one.state is not HEALTHY or lowest is None:
        return one
    assert one.by is not None and lowest.by is not None
    if one.by.seen_at < lowest.by.seen_at:
        why = f'{lowest.aspect} under it failed since it was seen to work'
        return dataclasses.replace(one, state=UNKNOWN, why=why)
    words = f'it works although {lowest.aspect} under it fails'
    conflict = '; '.join(filter(None, [words, one.conflict]))
    return dataclasses.replace(one, conflict=conflict)
