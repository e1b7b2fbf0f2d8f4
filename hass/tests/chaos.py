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

"""Random faults in virtual time, judged by the oracle: one seed a story.

What may happen to hosts, networks, BMCs, Nova and engines happens at random
moments, several at once (havoc.py). Then everything is mended, and the cloud
must come to rest by itself: every protected instance runs exactly once, or
its user has ended it, or a page names it, and no page names what runs. At no
moment may an instance run twice, be evacuated off a host that is not off, or
a host be cut off by the BMC of another.
"""

import dataclasses
import random
import tempfile

from hass.db import losses
from hass.db import models
from hass.db import recoveries
from hass.tests import fake_cloud
from hass.tests import havoc

FAULTS = 8
FINE_SECONDS = 3
"""After each deed the clock goes on in quarters of a second, later in whole
seconds."""
ALONE_SECONDS = 1800
"""So long nobody helps; then an operator retries what is held."""
PATIENCE_SECONDS = 7200
CROSSED = 0.2
"""So many clouds have two rows with one BMC."""


class Unsafe(AssertionError):
    """The oracle objects, or the cloud never came to rest."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How a story ended well.

    :ivar retried: an operator had to retry what was held: why it was
    :ivar named: what pages say of instances that do not run
    """

    retried: tuple[str, ...]
    named: tuple[str, ...]


class Chaos:
    """One cloud, one seed."""

    def __init__(self, seed: int, folder: str) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.cloud = fake_cloud.FakeCloud(
            folder,
            fencing__max_fencings=100,
            restraint__max_suspects=100,
            recovery__held_seconds=20,
        )
        self.havoc = havoc.Havoc(self.random, self.cloud)
        self.told: list[str] = []
        self._retried: list[str] = []

    def run(self) -> Outcome:
        """Break things, mend them, and see what became of the instances.

        :raises Unsafe: with the story of what was done
        """
        if self.random.random() < CROSSED:
            self._do(self.havoc.cross_wires)
        for _ in range(FAULTS):
            self._do(self.random.choice(self.havoc.deeds()))
            seconds = self.random.choice((0.25, 1, 3, 8, 30))
            self.cloud.tick(min(seconds, FINE_SECONDS))
            if seconds > FINE_SECONDS:
                self.cloud.tick(
                    seconds - FINE_SECONDS, fake_cloud.COARSE_SECONDS
                )
        self.told.append(f'{self.cloud.clock.monotonic():.2f} mended')
        self.havoc.mend()
        self._settle()
        self._judge()
        named = tuple(loss.why for loss in self._losses())
        return Outcome(tuple(self._retried), named)

    def _do(self, deed: havoc.Deed) -> None:
        now = self.cloud.clock.monotonic()
        self.told.append(f'{now:.2f} {deed.__name__} {deed()}')

    def _settle(self) -> None:
        began = self.cloud.clock.monotonic()
        while not self._at_rest():
            self.cloud.tick(seconds=11)
            passed = self.cloud.clock.monotonic() - began
            if passed > PATIENCE_SECONDS:
                self._fail('the cloud never came to rest')
            for name in self.cloud.hosts:
                found = self._open(name)
                if found is None or found.state == 'held':
                    self.havoc.tend(name, is_held=found is not None)
                if found is not None and passed > ALONE_SECONDS:
                    self._retry(found)

    def _at_rest(self) -> bool:
        running = self.cloud.verdict().running
        missing = {
            one for one in self.havoc.meant if len(running.get(one, ())) != 1
        }
        return (
            all(host.host.os_running for host in self.cloud.hosts.values())
            and not self._all_open()
            and missing == {one.instance_uuid for one in self._losses()}
            and missing <= self._paged()
        )

    def _all_open(self) -> list[models.Recovery]:
        with self.cloud.database.reader() as session:
            return recoveries.all(session, is_open=True)

    def _open(self, host: str) -> models.Recovery | None:
        with self.cloud.database.reader() as session:
            return recoveries.open_of_host(session, host)

    def _losses(self) -> list[models.Loss]:
        with self.cloud.database.reader() as session:
            return losses.all(session, is_open=True)

    def _paged(self) -> set[str]:
        """Instances that a page has named."""
        told = {
            uuid
            for alarm in self.cloud.pager.alarms
            for uuid in alarm.get('losses', ())  # type: ignore[attr-defined]
        }
        return {
            one.instance_uuid for one in self._losses() if one.uuid in told
        }

    def _retry(self, found: models.Recovery) -> None:
        if found.state == 'held':
            self._retried.append(f'{found.subject}: {found.why}')
            with self.cloud.database.writer() as session:
                recoveries.wish(session, found.uuid, models.Wish.RETRY)

    def _judge(self) -> None:
        verdict = self.cloud.verdict()
        if verdict.started_twice or verdict.evacuated_unfenced:
            self._fail('the oracle objects')
        if verdict.runs_deleted:
            self._fail('what its user has deleted runs')
        if self.cloud.bmcs.astray:
            self._fail('a host was cut off by the BMC of another')

    def _fail(self, why: str) -> None:
        verdict = self.cloud.verdict(self.havoc.meant)
        story = '\n'.join(self.told)
        named = [
            f'{one.instance_name} since {one.since}: {one.why}'
            for one in self._losses()
        ]
        raise Unsafe(
            f'{why}\n{story}\n{self.cloud}\ntwice: {verdict.started_twice}\n'
            f'unfenced: {verdict.evacuated_unfenced}\nlost: {verdict.lost}\n'
            f'deleted: {verdict.runs_deleted}\nlosses: {named}\n'
            f'astray: {self.cloud.bmcs.astray}'
        )


def play(seed: int) -> Outcome:
    """Play one seed.

    :raises Unsafe: with the story of what was done
    """
    with tempfile.TemporaryDirectory() as folder:
        return Chaos(seed, folder).run()
