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

"""What an engine costs while nothing happens.

One hass-engine, MariaDB, RabbitMQ, and hosts that beat once a second on two
networks, report every ten seconds, and have a BMC; no lab. Processor time
counts, not what a loaded machine made of it; and statements as MariaDB counts
them, in which transactions begin and end with others.
"""

import contextlib
import itertools
import threading
import time

import psutil

from hass.agent import identity
from hass import exception
from hass import faults
from hass.rpc import api
from hass.rpc import messages
from hass.rpc import transport
from hass.tests.functional.db import stores
from hass.tests.functional.engine import base
from hass.tests.functional.rpc import ears
from hass.tests.functional import servers

HOSTS = (4, 100)
BEAT_SECONDS = 1.0
REPORT_SECONDS = 10.0
READY_SECONDS = 300
WARM_SECONDS, SECONDS = 120.0, 60.0
STATEMENTS = ('select', 'insert', 'update', 'delete')
SIGHTS = (
    faults.Layer.HARDWARE,
    faults.SidePath.LIBVIRT,
    faults.SidePath.COMPUTE,
)
"""What the agents tell of, each time."""


def shares() -> dict[str, dict[str, float]]:
    """For each number of hosts: the share of a core, statements a second."""
    return {str(count): _measured(count) for count in HOSTS}


def _measured(count: int) -> dict[str, float]:
    store = stores.MariaDB()
    url = store.create()
    names = tuple(f'bench-{number}' for number in range(count))
    world = base.World(url, beat_seconds=BEAT_SECONDS, hosts=names)
    try:
        with world:
            return _idle(world, store)
    finally:
        store.drop(url)


def _idle(world: base.World, store: stores.MariaDB) -> dict[str, float]:
    world.migrate()
    broker = servers.rabbitmq().url()
    # What hosts have is learnt within WARM_SECONDS.
    world.configure(
        DEFAULT__transport_url=broker, recovery__baseline_seconds=10
    )
    engine = psutil.Process(world.start().pid)
    agents = Agents(world)
    agents.start()
    try:
        end = time.monotonic() + READY_SECONDS
        while not world.hears_all():
            if time.monotonic() > end:
                raise SystemExit(f'bench: it does not hear:\n{world.said()}')
            time.sleep(0.5)
        time.sleep(WARM_SECONDS)
        spent, asked = _spent(engine), _asked(store)
        began = time.monotonic()
        time.sleep(SECONDS)
        passed = time.monotonic() - began
        return {
            'core_percent': round(100 * (_spent(engine) - spent) / passed, 2),
            'statements': round((_asked(store) - asked) / passed, 1),
            'memory_mb': round(engine.memory_full_info().pss / 1e6, 1),
        }
    finally:
        agents.stop()


def _spent(engine: psutil.Process) -> float:
    """Processor seconds of it and of the processes that ask BMCs."""
    family = [engine, *engine.children(recursive=True)]
    return sum(sum(each.cpu_times()[:2]) for each in family)


def _asked(store: stores.MariaDB) -> int:
    counts = dict(store.ask("SHOW GLOBAL STATUS LIKE 'Com%%'"))
    return sum(int(counts[f'Com_{kind}']) for kind in STATEMENTS)


class Agents(threading.Thread):
    """All hosts report over the bus, one after the other."""

    def __init__(self, world: base.World) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._stopping = threading.Event()
        conf = ears.make_conf(servers.rabbitmq().url())
        self._engine = api.EngineAPI(transport.connect(conf), REPORT_SECONDS)

    def run(self) -> None:
        machines = list(self._world.nova.machines.values())
        known = {
            one.name: identity.Identity(
                self._world.clock,
                one.name,
                f'boot-{one.boots}',
                base.KEY.encode(),
            )
            for one in machines
        }
        pause = REPORT_SECONDS / len(machines)
        for name in itertools.cycle(known):
            if self._stopping.wait(pause):
                return
            # The engine takes its time to start, and to stop.
            with contextlib.suppress(exception.HassError):
                self._report(known[name])

    def _report(self, host: identity.Identity) -> None:
        healthy = faults.Verdict.HEALTHY
        self._engine.report(
            host.seal(
                messages.Report,
                addresses=base.NETWORKS,
                domains=[],
                system_uuid=self._world.guids[host.host],
                resume_guests=False,
                watchdog='off',
                health={},
                observations=[
                    messages.Sight(one, 'local', healthy, 0.0)
                    for one in SIGHTS
                ],
                faults=[],
            )
        )

    def stop(self) -> None:
        self._stopping.set()
        self.join()
