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

"""Waiting with a progress bar, where there is a terminal to show it."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import sys
from typing import Any
from typing import TypeVar

from osc_lib import exceptions
from rich import console as rich_console
from rich import progress

from hassclient import clock as clocks
from hassclient.osc import command

POLL_SECONDS = 0.5
Thing = TypeVar('Thing')


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """How far it has come.

    :ivar total: 0: nobody can tell
    """

    what: str
    done: int = 0
    total: int = 0


def add_options(parser: Any, until: str) -> None:
    """``--wait`` and ``--timeout``."""
    parser.add_argument('--wait', action='store_true', help=f'Wait {until}.')
    parser.add_argument(
        '--timeout',
        metavar='<seconds>',
        type=command.seconds(0),
        help='Wait no longer than this (default: as long as it takes).',
    )


@contextlib.contextmanager
def bar() -> Iterator[tuple[rich_console.Console, Callable[[Stage], None]]]:
    """A bar on stderr, which a pipe or a file does not get.

    :returns: where to print lines above it, and how to move it
    """
    moving = progress.Progress(
        progress.SpinnerColumn(),
        progress.TextColumn('{task.description}', markup=False),
        progress.BarColumn(bar_width=24),
        progress.TextColumn('{task.fields[counted]}'),
        progress.TimeElapsedColumn(),
        console=rich_console.Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with moving:
        task = moving.add_task('', total=None, counted='')

        def show(stage: Stage) -> None:
            moving.update(
                task,
                description=stage.what,
                completed=stage.done,
                total=stage.total or None,
                counted=f'{stage.done}/{stage.total}' if stage.total else '',
            )

        yield moving.console, show


class Wait:
    """Looks again and again.

    :param timeout: seconds; None: as long as it takes
    """

    def __init__(
        self,
        clock: clocks.Clock,
        timeout: float | None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._poll_seconds = poll_seconds

    def until(
        self,
        look: Callable[[], Thing],
        done: Callable[[Thing], bool],
        stage: Callable[[Thing], Stage],
    ) -> Thing:
        """What was seen when it was done.

        :raises osc_lib.exceptions.CommandError: it was not done in time
        """
        started = self._clock.monotonic()
        with bar() as (_, show):
            while True:
                found = look()
                if done(found):
                    return found
                show(stage(found))
                waited = self._clock.monotonic() - started
                if self._timeout is not None and waited >= self._timeout:
                    raise exceptions.CommandError(
                        f'after {waited:.0f} s: {stage(found).what}; it goes '
                        'on without being waited for'
                    )
                self._clock.pause(self._poll_seconds)
