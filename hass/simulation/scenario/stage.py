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

"""Where a scenario is played: the cloud, and what is to happen when."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import heapq
import pathlib

from hass.simulation import nova_rows
from hass.simulation.virtual import cloud as cloud_

Act = Callable[['Stage'], None]


class Stage:
    """The cloud, seconds since the scenario began, and later acts.

    :ivar kept: the database as it was when its replication stopped
    :ivar tell: takes a line for the log
    """

    def __init__(self, cloud: cloud_.Cloud) -> None:
        self.cloud = cloud
        self._began = cloud.clock.monotonic()
        self._plan: list[tuple[float, int, Act]] = []
        self._count = 0
        self.kept: pathlib.Path | None = None
        self.tell: Callable[[str], None] = lambda line: None

    def seconds(self) -> float:
        return self.cloud.clock.monotonic() - self._began

    @contextlib.contextmanager
    def asking_nova(self) -> Iterator[None]:
        """What Nova refuses changes nothing, and is told."""
        try:
            yield
        except nova_rows.Refused as refused:
            self.tell(f'Nova refuses: {refused}')

    def at(self, seconds: float, act: Act) -> None:
        """Have something happen at a moment of the scenario."""
        self._count += 1
        heapq.heappush(self._plan, (seconds, self._count, act))

    def later(self, seconds: float, act: Act) -> None:
        """Have something happen so many seconds from now."""
        self.at(self.seconds() + seconds, act)

    def act(self) -> None:
        """Let everything happen that is due."""
        while self._plan and self._plan[0][0] <= self.seconds() + 1e-6:
            _at, _count, act = heapq.heappop(self._plan)
            act(self)
