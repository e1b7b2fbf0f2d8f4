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
moments, several at once. Then everything is mended, an operator retries what
is held, and the cloud must come to rest with every protected instance
running exactly once. At no moment may an instance run twice or be evacuated
off a host that is not off.
"""

from collections.abc import Callable
import random
import tempfile

from hass.db import models
from hass.db import recoveries
from hass.tests import fake_cloud

FAULTS = 6
PATIENCE_SECONDS = 7200


class Unsafe(AssertionError):
    """The oracle objects, or the cloud never came to rest."""


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
        self.instances = [
            instance
            for host in self.cloud.hosts
            for instance in self.cloud.boot(host, instances=2)
        ]
        self.told: list[str] = []

    def run(self) -> None:
        """Break things, mend them, and see what became of the instances.

        :raises Unsafe: with the story of what was done
        """
        for _ in range(FAULTS):
            self._do(self.random.choice(self._faults()))
            self.cloud.tick(self.random.choice((0.25, 1, 3, 8, 30)))
        self._mend()
        self._settle()
        self._judge()

    def _host(self) -> fake_cloud.FakeHost:
        return self.random.choice(list(self.cloud.hosts.values()))

    def _faults(self) -> list[Callable[[], None]]:
        return [
            self.lose_power,
            self.hang,
            self.cut_off,
            self.dark_network,
            self.join,
            self.mute_bmc,
            self.kill_agent,
            self.power_on,
            self.kill_engine,
            self.restart_engines,
            self.deafen_engine,
            self.break_nova,
            self.lose_answers,
            self.drop_calls,
            self.jump_clock,
        ]

    def _do(self, fault: Callable[[], None]) -> None:
        now = self.cloud.clock.monotonic()
        self.told.append(f'{now:.2f} {fault.__name__}')
        fault()

    def lose_power(self) -> None:
        self._host().lose_power_supply()

    def hang(self) -> None:
        self._host().hang()

    def cut_off(self) -> None:
        self._host().lose_network()

    def dark_network(self) -> None:
        self._host().lose_network(fake_cloud.NETWORKS[0])

    def join(self) -> None:
        self._host().join_network()

    def mute_bmc(self) -> None:
        self._host().bmc_mute = True

    def kill_agent(self) -> None:
        self._host().agent_killed = True

    def power_on(self) -> None:
        self._host().host.power_on()

    def kill_engine(self) -> None:
        moment = self.random.choice(('before', 'after'))
        ahead = self.random.randint(1, 4)
        self.cloud.kill_at = (self.cloud.steps + ahead, moment)

    def restart_engines(self) -> None:
        for name, engine in list(self.cloud.engines.items()):
            if not engine.alive:
                self.cloud.start_engine(name)

    def deafen_engine(self) -> None:
        engine = self.random.choice(list(self.cloud.engines.values()))
        engine.ears.cut_off = not engine.ears.cut_off

    def break_nova(self) -> None:
        broken = self.cloud.compute.failing is not None
        self.cloud.compute.failing = None if broken else fake_cloud.no_answer()

    def lose_answers(self) -> None:
        answers = self.cloud.compute
        answers.loses_answers = not answers.loses_answers

    def drop_calls(self) -> None:
        self.cloud.compute.drops_evacuations = self.random.randint(1, 3)

    def jump_clock(self) -> None:
        self.cloud.clock.jump(self.random.choice((-5, 10, 300)))

    def _mend(self) -> None:
        """Everything works again, but for what is off: that is HASS's."""
        self.told.append(f'{self.cloud.clock.monotonic():.2f} mended')
        self.cloud.kill_at = None
        self.cloud.compute.failing = None
        self.cloud.compute.loses_answers = False
        self.cloud.compute.drops_evacuations = 0
        self.restart_engines()
        for engine in self.cloud.engines.values():
            engine.ears.cut_off = False
        for host in self.cloud.hosts.values():
            host.join_network()
            host.bmc_mute = False
            host.agent_killed = False

    def _settle(self) -> None:
        began = self.cloud.clock.monotonic()
        while not self._at_rest():
            self.cloud.tick(seconds=11)
            self._retry_held()
            for name, host in self.cloud.hosts.items():
                found = self._open(name)
                if found is None or found.state == 'held':
                    host.host.power_on()
            if self.cloud.clock.monotonic() - began > PATIENCE_SECONDS:
                self._fail('the cloud never came to rest')

    def _at_rest(self) -> bool:
        running = self.cloud.verdict().running
        return (
            all(host.host.os_running for host in self.cloud.hosts.values())
            and not any(self._open(name) for name in self.cloud.hosts)
            and all(len(running.get(one, ())) == 1 for one in self.instances)
        )

    def _open(self, host: str) -> models.Recovery | None:
        with self.cloud.database.reader() as session:
            return recoveries.open_of_host(session, host)

    def _retry_held(self) -> None:
        for name in self.cloud.hosts:
            found = self._open(name)
            if found is not None and found.state == 'held':
                with self.cloud.database.writer() as session:
                    recoveries.wish(session, found.uuid, models.Wish.RETRY)

    def _judge(self) -> None:
        verdict = self.cloud.verdict(self.instances)
        if verdict.started_twice or verdict.evacuated_unfenced:
            self._fail('the oracle objects')
        if verdict.lost:
            self._fail('instances were lost')

    def _fail(self, why: str) -> None:
        verdict = self.cloud.verdict(self.instances)
        story = '\n'.join(self.told)
        raise Unsafe(
            f'{why}\n{story}\n{self.cloud}\ntwice: {verdict.started_twice}\n'
            f'unfenced: {verdict.evacuated_unfenced}\nlost: {verdict.lost}'
        )


def play(seed: int) -> None:
    """Play one seed.

    :raises Unsafe: with the story of what was done
    """
    with tempfile.TemporaryDirectory() as folder:
        Chaos(seed, folder).run()
