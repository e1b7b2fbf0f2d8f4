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

"""What the API has to do with the engines: ask them, and miss them.

A broker that was never reached keeps a call for as long as that lasts, so
calls run in threads of their own that no request and no exit waits for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
import datetime
import queue
import threading
from typing import Any, Protocol

from oslo_log import log
from sqlalchemy import orm

from hass import clock as hass_clock
from hass.db import models
from hass.db import moments
from hass.db import services
from hass import exception
from hass import origin

LOG = log.getLogger(__name__)

AT_ONCE = 8
"""Fences that one request tries at the same time."""
MOST = 64
"""Calls of all requests that may wait for an engine."""
ALIVE_SECONDS = 30.0
"""What an engine without a turn for so long sees and hears does not count."""


class Operator(Protocol):
    """hass.rpc.api.OperatorAPI; a double in a test is enough."""

    def wake(self) -> None: ...

    def test_fence(self, host: str) -> Mapping[str, Any]: ...

    def read_power(self, host: str) -> Mapping[str, Any]: ...

    def turn_power(
        self, host: str, power: str, until: str, who: str
    ) -> Mapping[str, Any]: ...

    def bring_back(
        self, host: str, until: str, who: str
    ) -> Mapping[str, Any]: ...

    def read_sensors(self, host: str) -> Mapping[str, Any]: ...

    def read_events(self, host: str) -> Mapping[str, Any]: ...


class Engines:
    """The engines as the handlers know them.

    :param fence_seconds: how long a request waits for tests of fences
    """

    def __init__(
        self,
        operator: Operator,
        clock: hass_clock.Clock,
        fence_seconds: float,
    ) -> None:
        self._operator = operator
        self._clock = clock
        self._fence_seconds = fence_seconds
        self._slots = threading.BoundedSemaphore(MOST)

    @property
    def seconds(self) -> float:
        """How long a request waits for an engine."""
        return self._fence_seconds

    def wake(self) -> None:
        """Ring the bell; when it is not heard the next scan finds the row."""
        self._start(self._wake)

    def test_fences(self, hosts: Iterable[str]) -> dict[str, str]:
        """Let engines try the fences; they write down what they find.

        :returns: why not, for each host whose test did not end in time
        """
        waiting = queue.SimpleQueue[str]()
        open_ones = dict.fromkeys(hosts, 'no engine answered in time')
        for host in open_ones:
            waiting.put(host)
        end = self._clock.monotonic() + self._fence_seconds

        def work() -> None:
            while self._clock.monotonic() < end:
                try:
                    host = waiting.get_nowait()
                except queue.Empty:
                    return
                self._test_fence(host, open_ones)

        threads = [
            self._start(work) for _ in range(min(AT_ONCE, len(open_ones)))
        ]
        for thread in filter(None, threads):
            thread.join(max(0.0, end - self._clock.monotonic()))
        return dict(open_ones)

    def ask(
        self, call: Callable[[Operator], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """What an engine answers.

        :raises hass.exception.EngineUnreachable: none does, in time
        """
        said: list[Mapping[str, Any] | exception.EngineUnreachable] = []

        def work() -> None:
            try:
                said.append(call(self._operator))
            except exception.EngineUnreachable as error:
                said.append(error)

        thread = self._start(work)
        if thread is not None:
            thread.join(self._fence_seconds)
        if not said:
            raise exception.EngineUnreachable(
                'ask', 'no engine answered in time'
            )
        if isinstance(said[0], exception.EngineUnreachable):
            raise said[0]
        return said[0]

    def _wake(self) -> None:
        try:
            self._operator.wake()
        except exception.EngineUnreachable as error:
            LOG.warning('the bell was not heard: %s', error)

    def _test_fence(self, host: str, open_ones: dict[str, str]) -> None:
        try:
            self._operator.test_fence(host)
        except exception.EngineUnreachable as error:
            LOG.warning('the fence of %s was not tried: %s', host, error)
            open_ones[host] = 'no engine answered'
        else:
            del open_ones[host]

    def _start(self, work: Callable[[], None]) -> threading.Thread | None:
        """A thread for a call; none when too many are waiting already."""
        if not self._slots.acquire(blocking=False):
            return None

        def run() -> None:
            try:
                work()
            finally:
                self._slots.release()

        thread = threading.Thread(target=origin.carried(run), daemon=True)
        thread.start()
        return thread


def silence(session: orm.Session, seconds: float) -> str | None:
    """Why nobody is protected, if no engine finished a turn lately."""
    now = moments.read_now(session)
    return silence_of(services.all(session), now, seconds)


def silence_of(
    engines: Sequence[models.Service], now: datetime.datetime, seconds: float
) -> str | None:
    """The same of rows that were read already.

    :param now: the database's
    """
    if not engines:
        return 'no engine runs: nothing is watched, nothing is recovered'
    newest = max(engine.turn_at for engine in engines)
    quiet = (now - newest).total_seconds()
    if quiet <= seconds:
        return None
    return (
        f'no engine has finished a turn of its patrol for {quiet:.0f} s: '
        'nothing is watched, nothing is recovered'
    )
