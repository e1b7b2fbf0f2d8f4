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


"""Plays seeds of hass/tests/chaos.py, and says how far it is."""

from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures
import dataclasses
import datetime
import gc
import logging
import resource
import signal
import time
import traceback

from hass.tests import chaos

LINE_SECONDS = 30.0
"""As often a line says how far it is."""
GARBAGE = 50_000
"""So many more objects than before, and a process looks for garbage."""


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """What came of one seed.

    :ivar outcome: how it ended well, or the story of its failure
    """

    seed: int
    outcome: chaos.Outcome | str


def play(seed: int) -> Played:
    """Play one seed; nothing is raised."""
    logging.disable(logging.CRITICAL)
    try:
        return Played(seed, chaos.play(seed))
    except chaos.Unsafe as error:
        return Played(seed, str(error))
    except Exception:
        return Played(seed, traceback.format_exc())


def soak(
    seed: int, count: int, processes: int, until: datetime.datetime | None
) -> bool:
    """Play so many seeds from one on; whether all of them ended well.

    Said at the end: how often only an operator's retry helped, and how
    often a page names what does not run.

    :param until: no seed is begun after it
    """
    _say(f'chaos: {count} seeds from {seed} on, {processes} at a time')
    if until is not None:
        _say(f'until {until:%H:%M}')
    tally = _Tally(seed, count)
    for played in _play_all(range(seed, seed + count), processes, until):
        tally.add(played)
    tally.close()
    return not tally.failed


def _play_all(
    seeds: range, processes: int, until: datetime.datetime | None
) -> Iterator[Played]:
    """In order of their ends; an interrupt lets those that run end."""
    waiting = iter(seeds)
    running: set[futures.Future[Played]] = set()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    with futures.ProcessPoolExecutor(processes, initializer=_prepare) as pool:
        while True:
            late = until is not None and datetime.datetime.now() >= until
            while not (late or stopping) and len(running) < processes:
                seed = next(waiting, None)
                if seed is None:
                    break
                running.add(pool.submit(play, seed))
            if not running:
                return
            done, running = futures.wait(
                running, return_when=futures.FIRST_COMPLETED
            )
            for one in done:
                yield one.result()


def _prepare() -> None:
    """A process ignores interrupts, and seldom looks for garbage.

    What is imported never becomes garbage, and looking through it takes long.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(GARBAGE)


class _Tally:
    """Counts, and says each failure with its story."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._count = count
        self._began = self._said = time.monotonic()
        self._seeds: list[int] = []
        self.failed: list[int] = []
        self._retried: list[int] = []
        self._named: list[int] = []

    def add(self, played: Played) -> None:
        """One more is played."""
        seed, outcome = played.seed, played.outcome
        self._seeds.append(seed)
        if isinstance(outcome, str):
            self.failed.append(seed)
            _say(f'seed {seed}: {outcome}')
        else:
            self._note(seed, 'retried', outcome.retried, self._retried)
            self._note(seed, 'paged', outcome.named, self._named)
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            self._progress()

    @staticmethod
    def _note(
        seed: int, what: str, told: Sequence[str], seeds: list[int]
    ) -> None:
        if told:
            seeds.append(seed)
            _say(f'seed {seed}, {what}: {"; ".join(told)}')

    def _progress(self) -> None:
        """How far it is, and how long the rest takes at this pace."""
        played = len(self._seeds)
        passed = time.monotonic() - self._began
        left = (self._count - played) * passed / played / 60
        _say(
            f'{datetime.datetime.now():%H:%M:%S} {played} of {self._count} '
            f'played, {len(self.failed)} failed, {left:.0f} minutes left'
        )

    def close(self) -> None:
        """What came of all of them."""
        played = len(self._seeds)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if played:
            seconds = (used.ru_utime + used.ru_stime) / played
            _say(
                f'seeds {min(self._seeds)} to {max(self._seeds)} played, '
                f'{seconds:.1f} s of a processor each'
            )
        _say(
            f'{played - len(self.failed)} passed, {len(self.failed)} failed: '
            f'{sorted(self.failed)}\n'
            f'{len(self._retried)} needed an operator\'s retry: '
            f'{sorted(self._retried)}\n'
            f'{len(self._named)} ended with a page for what does not run: '
            f'{sorted(self._named)}'
        )


def _say(text: str) -> None:
    print(text, flush=True)
