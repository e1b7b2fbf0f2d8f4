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

"""The cloud in virtual time, with engines that a test kills at any step."""

from collections.abc import Callable
from collections.abc import Collection
import datetime

from oslo_config import cfg

from hass import beats
from hass import clock as clock_
from hass.db import clusters
from hass.db import evacuations
from hass.db import models
from hass.db import recoveries
from hass.diagnosis import quality
from hass import events
from hass import exception
from hass.recovery import workflow
from hass.simulation.virtual import cloud
from hass.simulation.virtual import ears
from hass.simulation.virtual import engines
from hass.simulation.virtual import hosts
from hass.simulation.virtual import looks
from hass.simulation.virtual import views

FakeHost = hosts.Host
FakePinger = views.Pinger
FakePeers = looks.Peers
at_once = looks.at_once
make_outside = looks.make_outside
NETWORKS = cloud.NETWORKS
TICK_SECONDS = 0.25
COARSE_SECONDS = 1.0


class Killed(BaseException):
    """kill -9: nothing of the engine's own code runs after it."""


def make_conf(folder: str, **changes: object) -> cfg.ConfigOpts:
    """Every option at its default but for ``group__option=value``."""
    return cloud.make_conf(folder, **changes)


class Ears(ears.Ears):
    """A test says what it hears, and it has heard it."""

    def __init__(
        self, clock: clock_.Clock, wish: quality.Wish | None = None
    ) -> None:
        super().__init__(clock, wish, turn_seconds=COARSE_SECONDS)

    def hear_now(
        self, host: str, boot_id: str, networks: Collection[str], planned: bool
    ) -> None:
        """A beat on each of the networks, without any delay."""
        now, wall = self._clock.monotonic(), beats.wall(self._clock)
        for network in networks:
            beat = beats.Beat(
                host, boot_id, round(now * 1000), wall, now, network, planned
            )
            self.hear(beat, now)
        self.listen()


class FakeEngine(engines.Engine):
    """An engine that may be killed around any step."""

    def __init__(self, cloud: 'FakeCloud', name: str) -> None:
        super().__init__(
            cloud,
            name,
            lambda story: Mortal(story, cloud),  # type: ignore[arg-type,return-value]
        )

    def _work(
        self,
        recovery_id: int,
        claim: int,
        until: datetime.datetime | None = None,
    ) -> None:
        try:
            super()._work(recovery_id, claim, until)
        except Killed:
            self.alive = False


class Mortal:
    """A workflow whose engine may be killed around any step."""

    def __init__(self, story: workflow.Workflow, cloud: 'FakeCloud') -> None:
        self._story = story
        self._cloud = cloud

    def __getattr__(self, name: str) -> object:
        return getattr(self._story, name)

    def step(self, turn: workflow.Turn) -> workflow.Step:
        self._cloud.around_step('before', turn)
        step = self._story.step(turn)
        self._cloud.around_step('after', turn)
        return step


class Pager(events.QuietNotifier):
    """Remembers what a human was told."""

    def __init__(self) -> None:
        self.alarms: list[dict[str, object]] = []

    def alarm(self, payload: dict[str, object]) -> None:
        self.alarms.append(payload)


class FakeCloud(cloud.Cloud):
    """A cloud that tests run until something is so.

    :ivar kill_at: the number of a step, and whether before or after it
    :ivar before_step: called with the turn of each step
    """

    def __init__(
        self,
        folder: str,
        *,
        hosts: int = 4,
        mode: models.Mode = models.Mode.ACT,
        **changes: object,
    ) -> None:
        self.pager = Pager()
        self.steps = 0
        self.kill_at: tuple[int, str] | None = None
        self.before_step: Callable[[workflow.Turn], None] | None = None
        super().__init__(
            folder,
            make_conf(folder, **changes),
            hosts=hosts,
            mode=mode,
            notifier=self.pager,
            turn_seconds=COARSE_SECONDS,
        )

    def start_engine(self, name: str) -> None:
        self.engines[name] = FakeEngine(self, name)

    def cluster_stores_nothing_shared(self) -> None:
        with self.database.writer() as session:
            clusters.update(session, self.cluster.uuid, shared_storage=False)

    def receiving(self) -> list[str]:
        """Hosts on which a guest is being spawned now."""
        return [
            one.destination
            for one in self.nova.migrations
            if one.status == 'pre-migrating' and one.destination
        ]

    def around_step(self, moment: str, turn: workflow.Turn) -> None:
        if moment == 'before':
            self.steps += 1
            if self.before_step is not None:
                self.before_step(turn)
        if self.kill_at == (self.steps, moment):
            self.kill_at = None
            raise Killed

    # Time.

    def tick(
        self, seconds: float = TICK_SECONDS, step: float | None = None
    ) -> None:
        """Let time pass; long spells pass in steps of a whole second."""
        coarse = COARSE_SECONDS if seconds > 10 else TICK_SECONDS
        super().tick(seconds, step or coarse)

    def hear(self, host: str) -> None:
        """The host beats at this moment, and every engine has heard it."""
        self.beat(self.hosts[host])
        for engine in self.engines.values():
            engine.ears.listen()

    def run_until(
        self, condition: Callable[[], object], seconds: float = 900
    ) -> None:
        """Tick until the condition holds.

        :raises AssertionError: it did not in that much virtual time
        """
        began = self.clock.monotonic()
        while not condition():
            passed = self.clock.monotonic() - began
            if passed > seconds:
                raise AssertionError(f'not so after {seconds} s: {self}')
            self.tick(TICK_SECONDS if passed < 60 else COARSE_SECONDS * 11)

    def run_until_state(
        self, host: str, state: str, seconds: float = 900
    ) -> models.Recovery:
        self.run_until(lambda: self.newest(host, state=state), seconds)
        found = self.newest(host, state=state)
        assert found is not None
        return found

    # Looking.

    def newest(
        self,
        host: str,
        *,
        state: str | None = None,
        workflow: str | None = None,
    ) -> models.Recovery | None:
        with self.database.reader() as session:
            found = recoveries.all(
                session, subject=host, workflow=workflow, limit=1
            )
            if not found or state not in (None, found[0].state):
                return None
            return found[0]

    def stories(self, host: str) -> list[models.Recovery]:
        with self.database.reader() as session:
            return recoveries.all(session, subject=host)[::-1]

    def history(self, recovery: models.Recovery) -> list[str]:
        with self.database.reader() as session:
            rows = recoveries.history_of(session, recovery.id)
            return [row.to_state for row in rows]

    def evacuations(self, host: str) -> list[models.Evacuation]:
        story = self.newest(host, workflow='host_failure')
        assert story is not None
        with self.database.reader() as session:
            return evacuations.of_recovery(session, story.id)

    def __str__(self) -> str:
        with self.database.reader() as session:
            return '; '.join(
                f'{row.subject} {row.workflow} {row.state}: {row.why}'
                for row in recoveries.all(session)
            )


def no_answer() -> exception.NovaError:
    return exception.NovaFailed('any call', '500 injected')
