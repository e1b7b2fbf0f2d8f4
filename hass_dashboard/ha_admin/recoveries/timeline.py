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

"""A recovery as bars along one line of time."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import datetime
from typing import Any

SHORTEST = 0.5
"""Percent of the line that a step takes at least, to be seen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A state that the recovery was in.

    :ivar since: seconds after the first step
    :ivar lasted: seconds
    :ivar left: where its bar begins, percent of the line
    :ivar width: how long its bar is, percent of the line
    """

    state: str
    at: str
    since: float
    lasted: float
    left: float
    width: float
    why: str
    engine: str


def steps(
    history: Sequence[Mapping[str, Any]], end: datetime.datetime
) -> Iterator[Step]:
    """In their order.

    :param history: as the API shows it
    :param end: when the last state ended; now, if it goes on
    """
    moments = [datetime.datetime.fromisoformat(it['at']) for it in history]
    moments.append(max([end, *moments]))
    whole = (moments[-1] - moments[0]).total_seconds() or 1.0
    for number, line in enumerate(history):
        since = (moments[number] - moments[0]).total_seconds()
        lasted = (moments[number + 1] - moments[number]).total_seconds()
        width = max(lasted / whole * 100, SHORTEST)
        yield Step(
            state=line['to'],
            at=line['at'],
            since=since,
            lasted=lasted,
            left=min(since / whole * 100, 100 - width),
            width=width,
            why=line['why'],
            engine=line['engine'],
        )
