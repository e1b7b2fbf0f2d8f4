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

"""Hosts, Nova, a database, engines, and a clock that somebody turns."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
import os
import pathlib

from oslo_config import cfg

from hass import beats
from hass import conf as options
from hass.db import clusters
from hass.db import hosts as hosts_
from hass.db import instances as instances_
from hass.db import models
from hass.db import orders
from hass.db import wirings
from hass.engine import endpoint
from hass import events
from hass import exception
from hass.rpc import messages
from hass import secrets
from hass.simulation import clock as virtual
from hass.simulation import nova_cloud
from hass.simulation import nova_host
from hass.simulation import nova_rows
from hass.simulation.virtual import agents
from hass.simulation.virtual import bmcs
from hass.simulation.virtual import compute
from hass.simulation.virtual import database as database_
from hass.simulation.virtual import ears
from hass.simulation.virtual import engines as engines_
from hass.simulation.virtual import guests
from hass.simulation.virtual import hosts as machines
from hass.simulation.virtual import views
from hass_oracle import checker
from hass_oracle import ledger

NETWORKS = ('management', 'storage')
BOOT_SECONDS = 8.0
LISTEN_SECONDS = 6.0
"""After them the engines have heard every host, and may judge."""
PACE = nova_rows.Pace(scheduling=0.5, spawning=3.0)


def make_conf(folder: str, **changes: object) -> cfg.ConfigOpts:
    """Every option at its default but for ``group__option=value``."""
    conf = cfg.ConfigOpts()
    options.register(conf)
    database_.make_conf(conf, folder)
    conf([], project='hass', default_config_files=[])
    for name, value in changes.items():
        group, _, option = name.partition('__')
        conf.set_override(option, value, group)
    return conf


class Book(ledger.Ledger):
    """Remembers what was written."""

    def __init__(
        self, path: str | os.PathLike[str], now: Callable[[], float]
    ) -> None:
        super().__init__(path, now)
        self.events: list[ledger.Event] = []

    def append(
        self,
        event: ledger.Kind,
        host: str,
        instance: str | None = None,
        detail: str = '',
    ) -> ledger.Event:
        written = super().append(event, host, instance, detail)
        self.events.append(written)
        return written


class Bus:
    """The message bus of agents and engines."""

    dead = False

    def ping(self) -> None:
        """An engine asks itself over the bus."""
        if self.dead:
            raise exception.EngineUnreachable('wake', 'the broker is gone')


class Cloud:
    """A cluster of hosts, and the engines that watch over it.

    :param folder: takes the database and the ledger
    :param turn_seconds: the longest step of the clock that engines bear
    :param seed: of the networks' noise
    """

    def __init__(
        self,
        folder: str,
        conf: cfg.ConfigOpts,
        *,
        hosts: int = 4,
        engines: int = 2,
        networks: Sequence[str] = NETWORKS,
        mode: models.Mode = models.Mode.ACT,
        notifier: events.Notifier | None = None,
        turn_seconds: float = 0.25,
        seed: int = 0,
    ) -> None:
        self.conf = conf
        self.clock = virtual.VirtualClock()
        self.turn_seconds = turn_seconds
        self.notifier = notifier or events.QuietNotifier()
        place = pathlib.Path(folder)
        secrets.create(place / 'keyring')
        self.keyring = secrets.Keyring(place / 'keyring')
        self.database = database_.Database(conf, self.clock)
        self.ledger_path = place / 'ledger.jsonl'
        self.ledger = Book(self.ledger_path, now=self.clock.monotonic)
        names = [f'compute-{number + 1}' for number in range(hosts)]
        self.hosts = {name: self._make_host(name, networks) for name in names}
        self.nova = nova_cloud.Cloud(
            [one.host for one in self.hosts.values()],
            self.ledger,
            self.clock,
            PACE,
        )
        self.bmcs = bmcs.Bmcs(self.hosts, self.clock)
        self.compute = compute.Compute(self.nova, self.clock)
        self.pinger = views.Pinger(self.hosts)
        self.refusals: list[str] = []
        self.bus = Bus()
        self.guests = guests.Guests(self)
        self._signs = 0
        self._air = agents.Air(self.clock, seed)
        self._agents = {
            name: agents.Agent(self.hosts[name], number)
            for number, name in enumerate(names)
        }
        self._add_rows(mode)
        for one in self.hosts.values():
            one.host.power_on()
        self.clock.advance(BOOT_SECONDS)
        self.nova.advance()
        self.engines: dict[str, engines_.Engine] = {}
        for number in range(engines):
            self.start_engine(f'engine-{number + 1}')
        self.tick(LISTEN_SECONDS, turn_seconds)

    def _make_host(self, name: str, networks: Sequence[str]) -> machines.Host:
        return machines.Host(
            nova_host.Host(
                name, self.ledger, self.clock, boot_seconds=BOOT_SECONDS
            ),
            networks,
        )

    def _add_rows(self, mode: models.Mode) -> None:
        with self.database.writer() as session:
            self.cluster = clusters.create(
                session, 'racks', mode=mode, shared_storage=True
            )
            for name, host in self.hosts.items():
                hosts_.add(
                    session,
                    self.cluster,
                    name,
                    agent_key='key',
                    addresses={net: f'{net}/{name}' for net in host.networks},
                )

    def start_engine(self, name: str) -> None:
        self.engines[name] = engines_.Engine(self, name)

    def close(self) -> None:
        self.database.close()

    # Operating it.

    def boot(
        self,
        host: str,
        instances: int = 3,
        *,
        protected: bool = True,
        metadata: Mapping[str, str] | None = None,
        prefix: str = '',
    ) -> list[str]:
        """Boot instances on a host; returns their uuids.

        :param protected: chosen to be protected
        :param prefix: of their names, before the host's
        """
        found = []
        stem = f'{prefix}{host}-vm-'
        for _ in range(instances):
            number = sum(
                one.name.startswith(stem) for one in self.nova.servers.values()
            )
            server = self.nova.boot(f'{stem}{number}', host, image_backed=True)
            server.metadata.update(metadata or {})
            found.append(server.uuid)
            if protected:
                with self.database.writer() as session:
                    instances_.protect(
                        session,
                        self.cluster,
                        server.uuid,
                        server.name,
                        server.project_id,
                    )
        return found

    def reaches_bus(self, host: machines.Host) -> bool:
        """The bus is reached on any network of the host."""
        return not (
            self.bus.dead or host.bus_lost or set(host.networks) <= host.cut
        )

    def takes_reports(self, host: machines.Host) -> bool:
        """Whether an engine gets what the agent of a host sends."""
        return self.reaches_bus(host) and any(
            engine.listens() and not engine.no_database
            for engine in self.engines.values()
        )

    def report(self, host: machines.Host) -> None:
        """The full report of an agent reaches an engine, over the bus."""
        if not self.takes_reports(host):
            return
        self._agents[host.name].reported(self.clock.monotonic())
        name = host.name
        report = messages.Report(
            host=name,
            boot_id=host.boot_id(),
            sequence=0,
            sent_at=beats.wall(self.clock),
            uptime=self.clock.monotonic(),
            addresses={},
            domains=self._agents[name].domains(),
            system_uuid=host.system_uuid,
            resume_guests=False,
            watchdog='off',
            health={},
            observations=host.units.sights(),
            faults=[],
            results=host.units.results,
        )
        with self.database.writer() as session:
            row = endpoint.record(session, report)
            wanted = orders.outstanding(session, row, host.boot_id())
        host.units.results = []
        for one, seconds in wanted:
            order = messages.Order(one.id, one.kind, one.subject, seconds)
            if order.kind == wirings.KIND:
                now = self.clock.monotonic()
                host.units.results.append(host.mark_bmc(order, now))
            elif order.kind == 'resume':
                self.guests.obey(host, order)
            else:
                host.units.obey(order)

    def say_goodbye(self, host: machines.Host) -> None:
        """The agent is stopped on purpose: its last act is to say so."""
        host.stop_agent()
        if not self.bus.dead:
            with self.database.writer() as session:
                hosts_.plan_stop(session, host.name, endpoint.GOODBYE_SECONDS)
        self.beat(host)
        host.agent_killed = True

    # Time.

    def tick(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass: beats, Nova and the living engines."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            began = self.clock.monotonic()
            self.clock.advance(step)
            for host in self.hosts.values():
                host.obey_late(self.clock.monotonic())
            self.compute.carry_out_late()
            self.nova.advance()
            self._carry_beats(began)
            self.guests.look()
            for engine in list(self.engines.values()):
                if engine.alive:
                    engine.turn()

    def _carry_beats(self, began: float) -> None:
        now, wall = self.clock.monotonic(), beats.wall(self.clock)
        for name, agent in self._agents.items():
            host = self.hosts[name]
            if agent.starts(began) or agent.reports(now):
                self.report(host)
            for uptime in agent.shows_life(began, now):
                self._carry_sign(host, uptime)
            sent = agent.beats_between(began, now, wall)
            self._air.carry(host, sent, self._receivers())

    def _carry_sign(self, host: machines.Host, uptime: float) -> None:
        """The bus hands a sign of life to one of the engines in turn."""
        networks = set(host.networks) - host.cut
        hearing = [
            engine
            for engine in self.engines.values()
            if engine.listens()
            and any(engine.view.reaches(host.name, one) for one in networks)
        ]
        if hearing and self.reaches_bus(host):
            self._signs += 1
            taker = hearing[self._signs % len(hearing)]
            taker.ears.tell(host.name, host.boot_id(), uptime)

    def beat(self, host: machines.Host) -> None:
        """An extra round of beats of one host, at this moment."""
        sent = self._agents[host.name].beats_now(
            self.clock.monotonic() - agents.BOTTOM_SECONDS,
            beats.wall(self.clock),
        )
        self._air.carry(host, sent, self._receivers())

    def _receivers(self) -> list[tuple[ears.Ears, views.View]]:
        return [
            (engine.ears, engine.view)
            for engine in self.engines.values()
            if engine.alive
        ]

    # Looking.

    def verdict(self, instances: Collection[str] = ()) -> checker.Result:
        """What the oracle says of all that happened."""
        return checker.check(
            ledger.read(self.ledger_path), expect=instances or None
        )
