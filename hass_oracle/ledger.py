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

"""The ledger: one JSON object a line, appended by many processes.

A line has the keys ``at`` (seconds of CLOCK_BOOTTIME, which all processes
of a machine share), ``event``, ``host``, ``instance`` (or null) and
``detail``.
"""

from collections.abc import Callable
import dataclasses
import enum
import json
import os
import time


class Kind(enum.StrEnum):
    """What happened.

    A hang has no event of its own: the guests go on. ``OFF`` ends every
    guest of the host, ``ON`` starts a host without any.
    """

    ON = 'on'
    OFF = 'off'
    START = 'start'
    STOP = 'stop'
    EVACUATE = 'evacuate'
    FAULT = 'fault'
    DELETE = 'delete'
    """Its user wants it no more."""


# An evacuate event is written before the call is carried out. A second
# one whose detail begins like this takes the newest one of the same
# instance back.
REFUSED = 'refused'


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger; ``at`` is in seconds of CLOCK_BOOTTIME."""

    at: float
    event: Kind
    host: str
    instance: str | None = None
    detail: str = ''


class LedgerUnreadable(ValueError):
    """A line of the ledger is not an event."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f'{path}, line {line}: {reason}')
        self.path = path
        self.line = line
        self.reason = reason


def boottime() -> float:
    """Seconds since the machine booted, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Ledger:
    """Appends events to one file; safe for many writers at once."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        now: Callable[[], float] = boottime,
    ) -> None:
        self._path = os.fspath(path)
        self._now = now

    def append(
        self,
        event: Kind,
        host: str,
        instance: str | None = None,
        detail: str = '',
    ) -> Event:
        """Write one event, stamped with the present moment.

        O_APPEND and a single write keep the lines of several writers
        apart.
        """
        entry = Event(self._now(), Kind(event), host, instance, detail)
        line = json.dumps(dataclasses.asdict(entry)) + '\n'
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        return entry


def parse(line: str) -> Event:
    """Read one line.

    :raises ValueError: the line is no JSON, or not an event
    """
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise ValueError('not a JSON object')
    names = {field.name for field in dataclasses.fields(Event)}
    if unknown := set(fields) - names:
        raise ValueError(f'unknown keys {sorted(unknown)}')
    if missing := {'at', 'event', 'host'} - set(fields):
        raise ValueError(f'missing keys {sorted(missing)}')
    return Event(
        at=float(fields['at']),
        event=Kind(fields['event']),
        host=str(fields['host'] or ''),
        instance=fields.get('instance'),
        detail=str(fields.get('detail') or ''),
    )


def read(path: str | os.PathLike[str]) -> list[Event]:
    """Read a whole ledger, in the order of the events' times.

    :raises LedgerUnreadable: a line is not an event
    :raises OSError: the file cannot be read
    """
    events = []
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, start=1):
            try:
                events.append(parse(line))
            except ValueError as error:
                raise LedgerUnreadable(
                    os.fspath(path), number, str(error)
                ) from error
    # Sorting keeps the order of the file where two times are equal.
    return sorted(events, key=lambda event: event.at)
