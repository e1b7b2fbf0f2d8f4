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

"""A recovery as it goes: each step a line, the work under way a bar."""

import datetime
import textwrap
from typing import Any
from typing import TextIO

from osc_lib import exceptions

from hassclient import clock as clocks
from hassclient.osc import progress
from hassclient.v1 import proxy
from hassclient.v1 import recovery as recoveries

MAX_STEPS, MAX_MOVES, MAX_LOOKS = 12, 8, 4
"""So many lines of each leave the rest of a recovery on a screen."""
WIDTH = 76


class Timeline:
    """Prints what is new since the last look.

    :param out: where the lines go; the bar goes to stderr
    """

    def __init__(
        self,
        client: proxy.Proxy,
        clock: clocks.Clock,
        interval: float,
        out: TextIO,
    ) -> None:
        self._client = client
        self._clock = clock
        self._interval = interval
        self._out = out

    def watch(self, found: recoveries.Recovery, follow: bool) -> None:
        """Until it has ended.

        :param follow: go on with the next story of the same subject
        :raises osc_lib.exceptions.CommandError: it is held
        """
        next_one: recoveries.Recovery | None = found
        while next_one is not None:
            ended = self._watch_one(next_one)
            next_one = self._next(ended) if follow else None

    def _watch_one(self, found: recoveries.Recovery) -> recoveries.Recovery:
        self._print(f'{found.subject}: {found.workflow} {found.uuid}')
        shown = 0
        moved: dict[str, str] = {}
        with progress.bar() as (_, show):
            while True:
                for line in found.history[shown:]:
                    self._print(_line(line, found.history[0]))
                shown = len(found.history)
                self._print_moves(found, moved)
                if found.ended_at:
                    return found
                if found.state == 'held' and not found.wish:
                    raise exceptions.CommandError(held(found))
                show(stage(found))
                self._clock.pause(self._interval)
                found = self._client.get_recovery(found.uuid)

    def _print_moves(
        self, found: recoveries.Recovery, moved: dict[str, str]
    ) -> None:
        """Evacuations whose state is another than at the last look."""
        for one in found.evacuations:
            if moved.get(one['uuid']) != one['state']:
                moved[one['uuid']] = one['state']
                self._print(f'    {_move(one)}')

    def _next(self, ended: recoveries.Recovery) -> recoveries.Recovery | None:
        later = self._client.recoveries(
            subject=ended.subject, open=True, limit=1
        )
        for one in later:
            return self._client.get_recovery(one.uuid)
        return None

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def stage(found: recoveries.Recovery) -> progress.Stage:
    """How far a recovery has come."""
    moves = found.evacuations or []
    return progress.Stage(
        f'{found.subject} {found.state}: {found.why}',
        sum(1 for one in moves if one['ended_at']),
        len(moves),
    )


def held(found: recoveries.Recovery) -> str:
    """What an operator has to know, and may do."""
    by_itself = ''
    if found.goes_on_when:
        by_itself = f'It goes on by itself when {found.goes_on_when}. '
    return (
        f'recovery {found.uuid} of {found.subject} is held: {found.why}. '
        f'{by_itself}'
        f'Look, then: openstack ha recovery retry {found.uuid} (go on), or '
        f'openstack ha recovery release {found.uuid} (give back and end)'
    )


def steps(found: recoveries.Recovery) -> list[str]:
    """The history, a line for each step; the newest of a long one."""
    history = found.history or []
    lines = [
        f'{_since(one, history[0]):+.1f} s {one["to"]}: {one["why"]}'
        for one in history
    ]
    left = len(lines) - MAX_STEPS
    if left > 0:
        lines[1 : left + 1] = [f'... {_more(left)}']
    return lines


def moves(found: recoveries.Recovery) -> list[str]:
    """The evacuations, a line each; of many, first what has not ended."""
    known = sorted(
        found.evacuations or [], key=lambda one: one['ended_at'] or ''
    )
    lines = [_move(one) for one in known[:MAX_MOVES]]
    left = len(known) - MAX_MOVES
    return [*lines, _more(left)] if left > 0 else lines


def evidence(found: recoveries.Recovery) -> list[str]:
    """What failed and why that is believed, each look on a short line."""
    fault = found.fault or {}
    seen = fault.get('evidence') or []
    lines = [
        f'{name}: {value}'
        for name, value in fault.items()
        if name != 'evidence' and value
    ]
    for one in seen[:MAX_LOOKS]:
        network = f' ({one["network"]})' if one.get('network') else ''
        look = (
            f'{one["layer"]}{network} {one["verdict"]} by {one["detector"]} '
            f'of {one["seen_by"]}: {one.get("detail") or ""}'
        )
        lines.append(textwrap.shorten(look, WIDTH, placeholder=' ...'))
    left = len(seen) - MAX_LOOKS
    return [*lines, _more(left)] if left > 0 else lines


def _more(count: int) -> str:
    return f'and {count} more, which -f json shows'


def _move(one: dict[str, Any]) -> str:
    where = one['destination'] or one['target']
    to = f' to {where}' if where else ''
    return f'{one["instance_name"] or one["instance"]}{to}: {one["state"]}'


def _line(line: dict[str, Any], first: dict[str, Any]) -> str:
    return (
        f'{line["at"]}  {_since(line, first):+9.1f} s  {line["to"]:<14} '
        f'{line["why"]} [{line["engine"]}]'
    )


def _since(line: dict[str, Any], first: dict[str, Any]) -> float:
    """Seconds from one step to another."""
    return (_moment(line['at']) - _moment(first['at'])).total_seconds()


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
