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

"""A cloud in virtual time: Nova, BMCs, beats, and engines to be killed.

Nova is the simulated one, which refuses what Nova refuses; power and
guests are written into the oracle's ledger, which knows nothing of HASS.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from concurrent import futures
import contextlib
import datetime
import pathlib
from typing import Any

import futurist
from oslo_config import cfg

from hass import beats
from hass import clock as clock_
from hass import conf as options
from hass.db import clusters
from hass.db import evacuations
from hass.db import hosts as hosts_
from hass.db import instances as instances_
from hass.db import migration
from hass.db import models
from hass.db import recoveries
from hass.db import services
from hass.db import session as db_session
from hass.detection import panel
from hass.diagnosis import accrual
from hass.diagnosis import quality
from hass.engine import alarms
from hass.engine import hearing
from hass.engine import inventory
from hass.engine import patrol
from hass import events
from hass import exception
from hass.fencing import base as fencing
from hass import nova
from hass.nova import proofs
from hass.nova import records
from hass.recovery import control_plane
from hass.recovery import hands
from hass.recovery import host_failure
from hass.recovery import host_return
from hass.recovery import looking
from hass.recovery import outside
from hass.recovery import planner
from hass.recovery import runner
from hass.recovery import witness
from hass.recovery import workflow
from hass import secrets
from hass.simulation import clock as virtual
from hass.simulation import nova_cloud
from hass.simulation import nova_host
from hass.simulation import nova_rows
from hass_oracle import checker
from hass_oracle import ledger

NETWORKS = ('management', 'storage')
BEAT_SECONDS = 1.0
TICK_SECONDS = 0.25
BOOT_SECONDS = 8.0
COARSE_SECONDS = 1.0
PACE = nova_rows.Pace(scheduling=0.5, spawning=3.0)


class Killed(BaseException):
    """kill -9: nothing of the engine's own code runs after it."""


def make_conf(folder: str, **changes: object) -> cfg.ConfigOpts:
    """Every option at its default but for ``group__option=value``."""
    conf = cfg.ConfigOpts()
    options.register(conf)
    db_session.register_opts(conf)
    conf([])
    conf.set_override(
        'connection', f'sqlite:///{folder}/hass.sqlite', 'database'
    )
    conf.set_override('sqlite_synchronous', False, 'database')
    for name, value in changes.items():
        group, _, option = name.partition('__')
        conf.set_override(option, value, group)
    return conf


class Ears:
    """What one engine hears; it may be cut off."""

    def __init__(
        self, clock: clock_.Clock, wish: quality.Wish | None = None
    ) -> None:
        self._clock = clock
        self._memory = hearing.Hearing(wish or quality.Wish())
        self.cut_off = False

    def hear(
        self, host: str, boot_id: str, networks: Collection[str], planned: bool
    ) -> None:
        """A beat on each of the networks, without any delay."""
        if self.cut_off:
            return
        now = self._clock.monotonic()
        wall = beats.wall(self._clock)
        sequence = round(now * 1000)
        for network in networks:
            self._memory.take(
                beats.Beat(
                    host, boot_id, sequence, wall, now, network, planned
                ),
                now,
                wall,
            )

    def heard(self, host: str) -> hearing.Heard | None:
        return self._memory.heard(host)

    def liveness(self, host: str) -> accrual.Host:
        return self._memory.liveness(host)

    def ears(self) -> float:
        return self._clock.monotonic()

    def learn(self, hosts: Iterable[str]) -> None:
        """Nobody is asked directly here."""

    def probe(self, host: str) -> bool:
        return False

    def mute(self) -> list[str]:
        return []


class FakeHost:
    """A compute host, its cables and its BMC."""

    def __init__(self, host: nova_host.Host) -> None:
        self.host = host
        self.cut: set[str] = set()
        self.agent_killed = False
        self.planned = False
        self.bmc_mute = False
        self.bmc_reads: fencing.PowerState | None = None
        self.power_supply = True
        self.off_calls = 0
        self.ailing: list[str] = []

    def lose_power_supply(self) -> None:
        """The guests die; the BMC lives on its own supply."""
        self.host.power_off()

    def hang(self) -> None:
        """The kernel stops; the guests' disks may still be written."""
        self.host.hang()

    def lose_network(self, *networks: str) -> None:
        self.cut |= set(networks or NETWORKS)

    def join_network(self) -> None:
        self.cut.clear()

    def stop_agent(self) -> None:
        """On purpose: it says goodbye."""
        self.planned = True

    def boot_id(self) -> str:
        return f'{self.host.name}-boot-{self.host.boots}'

    def reachable_on(self) -> set[str]:
        return set(NETWORKS) - self.cut if self.host.os_running else set()


class FakeBmcs(fencing.Fencer):
    """All BMCs of the cloud behind the contract of a fencer."""

    def __init__(self, hosts: Mapping[str, FakeHost]) -> None:
        self._hosts = hosts
        self.before_off: Callable[[], None] | None = None

    def _reach(self, target: fencing.Target) -> FakeHost:
        host = self._hosts[target.name]
        if host.bmc_mute:
            raise exception.BmcUnreachable(target.name, 'no answer in 2 s')
        return host

    def status(self, target: fencing.Target) -> fencing.PowerState:
        host = self._reach(target)
        if host.bmc_reads is not None:
            return host.bmc_reads
        on = host.host.is_on
        return fencing.PowerState.ON if on else fencing.PowerState.OFF

    def off(self, target: fencing.Target, deadline: clock_.Deadline) -> None:
        hook, self.before_off = self.before_off, None
        if hook is not None:
            hook()
        deadline.check()
        host = self._reach(target)
        host.off_calls += 1
        host.host.power_off()

    def on(self, target: fencing.Target, deadline: clock_.Deadline) -> None:
        deadline.check()
        host = self._reach(target)
        if host.power_supply:
            host.host.power_on()


class FakePinger:
    """Addresses are NETWORK/HOST; a host without an OS answers nothing."""

    def __init__(self, hosts: Mapping[str, FakeHost]) -> None:
        self._hosts = hosts

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        return frozenset(
            address
            for address in addresses
            for network, name in [address.split('/')]
            if network in self._hosts[name].reachable_on()
        )


class FakePeers:
    """The agents of other hosts, as far as their networks reach."""

    def __init__(self, hosts: Mapping[str, FakeHost]) -> None:
        self._hosts = hosts

    def reach(
        self,
        host: str,
        addresses: Mapping[str, str],
        of: Collection[str],
        seconds: float,
    ) -> dict[str, dict[str, bool]]:
        return {
            helper: {
                network: network in asked.reachable_on()
                and network in self._hosts[host].reachable_on()
                for network in addresses
            }
            for helper in of
            for asked in [self._hosts[helper]]
            if asked.reachable_on() and not asked.agent_killed
        }


def at_once(work: Callable[[], Any]) -> 'futures.Future[Any]':
    """Do the work before anything else: time stands still meanwhile."""
    return futurist.SynchronousExecutor().submit(work)


def make_outside(
    fencer: fencing.Fencer,
    pinger: outside.Pinger,
    peers: outside.Peers,
    clock: clock_.Clock,
    engine: str,
) -> outside.Outside:
    """Looks that take no virtual time, with no detector but the given."""
    return outside.Outside(
        fencer,
        pinger,
        peers,
        panel.Panel({}, clock, spawn=at_once),
        looking.Search(clock, limit=None, seconds=2.0, spawn=at_once),
        engine,
        at_once,
    )


class FakeCompute(nova.Compute):
    """The simulated Nova without HTTP; it may answer 500 or time out.

    :ivar failing: what is raised instead of an answer
    :ivar placement_failing: the same for Placement alone
    :ivar loses_answers: an evacuation takes effect, its answer is lost
    :ivar drops_evacuations: how many more calls never reach Nova
    """

    def __init__(self, cloud: nova_cloud.Cloud, clock: clock_.Clock) -> None:
        self._cloud = cloud
        self._clock = clock
        self.failing: exception.NovaError | None = None
        self.placement_failing: exception.NovaError | None = None
        self.loses_answers = False
        self.drops_evacuations = 0
        self.calls: list[str] = []

    @contextlib.contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        if self.failing is not None:
            raise self.failing
        self._cloud.advance()
        try:
            yield
        except nova_rows.Refused as refused:
            raise exception.NovaRefused(
                name, refused.status, refused.message
            ) from None

    def check_versions(self) -> records.Versions:
        return records.Versions((2, 1), (2, 100))

    def services(self) -> list[records.Service]:
        with self._call('list services'):
            return [
                self._service(one) for one in self._cloud.computes.values()
            ]

    def service(self, host: str) -> records.Service | None:
        with self._call('show service'):
            return self._service(self._cloud.computes[host])

    def _service(self, row: nova_rows.Compute) -> records.Service:
        return records.Service(
            uuid=row.uuid,
            host=row.host.name,
            status='disabled' if row.disabled else 'enabled',
            state='up' if self._cloud.is_up(row) else 'down',
            forced_down=row.forced_down,
            disabled_reason=row.disabled_reason,
            updated_at=row.updated_at,
            zone=row.zone,
        )

    def daemons(self) -> list[records.Daemon]:
        with self._call('list daemons'):
            return [
                records.Daemon(
                    one.binary, one.host, 'up' if one.up else 'down'
                )
                for one in self._cloud.daemons
            ]

    def aggregates(self) -> list[records.Aggregate]:
        with self._call('list aggregates'):
            return [
                records.Aggregate(name, tuple(sorted(hosts)))
                for name, hosts in self._cloud.aggregates.items()
            ]

    def check_placement(self) -> None:
        with self._call('ask Placement'):
            if self.placement_failing is not None:
                raise self.placement_failing

    def open_providers(self, host: str) -> list[str]:
        self.check_placement()
        provider = self._cloud.computes[host].provider
        closed = nova_rows.DISABLED in provider.traits
        return [] if closed else [provider.uuid]

    def stop_placements(
        self, provider: str, deadline: clock_.Deadline
    ) -> None:
        self._place(provider, True, deadline)

    def allow_placements(
        self, provider: str, deadline: clock_.Deadline
    ) -> None:
        self._place(provider, False, deadline)

    def _place(
        self, provider: str, disabled: bool, deadline: clock_.Deadline
    ) -> None:
        deadline.check()
        self.check_placement()
        for compute in self._cloud.computes.values():
            if compute.provider.uuid == provider:
                compute.provider.disable(disabled)

    def _update(
        self,
        service: records.Service,
        change: dict[str, object],
        deadline: clock_.Deadline,
    ) -> records.Service:
        deadline.check()
        with self._call('update service'):
            if change:
                self._cloud.update_service(service.uuid, change)
        return self._service(self._cloud.computes[service.host])

    def force_down(
        self,
        service: records.Service,
        recovery: str,
        deadline: clock_.Deadline,
    ) -> records.Service:
        change: dict[str, object] = {}
        if service.status == 'enabled':
            change['status'] = 'disabled'
            change['disabled_reason'] = nova.mark(recovery)
        if not service.forced_down:
            change['forced_down'] = True
        return self._update(service, change, deadline)

    def unforce(
        self, service: records.Service, deadline: clock_.Deadline
    ) -> records.Service:
        return self._update(service, {'forced_down': False}, deadline)

    def enable(
        self,
        service: records.Service,
        recovery: str,
        deadline: clock_.Deadline,
    ) -> records.Service:
        ours = service.disabled_reason == nova.mark(recovery)
        change: dict[str, object] = {'status': 'enabled'} if ours else {}
        return self._update(service, change, deadline)

    def _servers(
        self, wanted: Callable[[nova_rows.Server], bool]
    ) -> list[records.Server]:
        return [
            records.Server(
                uuid=row.uuid,
                name=row.name,
                project_id=row.project_id,
                host=row.host,
                status=row.vm_state.upper(),
                vm_state=row.vm_state,
                task_state=row.task_state,
                power_state=row.power_state,
                locked=row.locked,
                locked_reason=None,
                image_backed=row.image_backed,
                launched=row.launched_at is not None,
            )
            for row in self._cloud.servers.values()
            if wanted(row)
        ]

    def servers_on(self, host: str) -> list[records.Server]:
        with self._call('list servers'):
            return self._servers(
                lambda row: row.host == host and not row.deleted
            )

    def servers_changed_since(self, moment: object) -> list[records.Server]:
        with self._call('list servers'):
            return self._servers(lambda row: True)

    def server(self, uuid: str) -> records.Server | None:
        with self._call('show server'):
            return next(
                iter(self._servers(lambda row: row.uuid == uuid)), None
            )

    def _migrations(
        self, wanted: Callable[[nova_rows.Migration], bool]
    ) -> list[records.Migration]:
        return [
            records.Migration(
                uuid=row.uuid,
                id=row.id,
                instance_uuid=row.instance_uuid,
                source=row.source,
                destination=row.destination,
                destination_node=row.destination_node,
                status=row.status,
                type=row.type,
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
            for row in reversed(self._cloud.migrations)
            if wanted(row)
        ]

    def migrations(
        self,
        source: str | None = None,
        since: datetime.datetime | None = None,
        kind: str | None = 'evacuation',
        status: str | None = None,
    ) -> list[records.Migration]:
        with self._call('list migrations'):
            return self._migrations(
                lambda row: (
                    source in (None, row.source)
                    and kind in (None, row.type)
                    and status in (None, row.status)
                    and (since is None or row.created_at >= since)
                )
            )

    def migrations_of(self, instance: str) -> list[records.Migration]:
        with self._call('list migrations'):
            return self._migrations(lambda row: row.instance_uuid == instance)

    def actions_of(
        self, instance: str, since: datetime.datetime | None = None
    ) -> list[records.Action]:
        with self._call('list actions'):
            return [
                records.Action(row.name, row.request_id, row.started_at)
                for row in self._cloud.actions
                if row.instance_uuid == instance
                and (since is None or row.started_at >= since)
            ]

    def evacuate(
        self,
        server: records.Server,
        proven: Mapping[str, nova.Proof],
        needed: frozenset[str],
        target: str | None,
        deadline: clock_.Deadline,
    ) -> None:
        deadline.check()
        proofs.check(
            server,
            needed | {server.host or ''},
            proven,
            self._clock.monotonic(),
        )
        if self.drops_evacuations:
            self.drops_evacuations -= 1
            raise exception.NovaUnreachable('evacuate', 'read timed out')
        with self._call('evacuate'):
            self._cloud.evacuate(server.uuid, target, False)
        if self.loses_answers:
            raise exception.NovaUnreachable('evacuate', 'read timed out')

    def _act(self, deadline: clock_.Deadline, act: Callable[[], None]) -> None:
        deadline.check()
        with self._call('act'):
            act()

    def start(self, server: records.Server, deadline: clock_.Deadline) -> None:
        self._act(deadline, lambda: self._cloud.start(server.uuid))

    def stop(self, server: records.Server, deadline: clock_.Deadline) -> None:
        self._act(deadline, lambda: self._cloud.stop(server.uuid))

    def reset_state(
        self, server: records.Server, state: str, deadline: clock_.Deadline
    ) -> None:
        self._act(
            deadline, lambda: self._cloud.reset_state(server.uuid, state)
        )


class FakeEngine:
    """The patrol and the stories of one engine, a tick at a time.

    :ivar kill: called before and after each step; it may raise Killed
    """

    def __init__(self, cloud: 'FakeCloud', name: str) -> None:
        self.name = name
        self.alive = True
        self.working = False
        self.ears = Ears(cloud.clock)
        self._cloud = cloud
        conf = cloud.conf
        self._inventory = inventory.Inventory(
            cloud.database, cloud.keyring, cloud.clock, {}
        )
        self.hands = hands.Hands(
            fencer=cloud.bmcs,
            compute=cloud.compute,
            witness=witness.Witness(
                self.ears,
                make_outside(
                    cloud.bmcs, cloud.pinger, cloud.peers, cloud.clock, name
                ),
                cloud.clock,
                name,
                self._inventory.excused,
                listen_seconds=conf.detection.listen_seconds,
                turn_seconds=COARSE_SECONDS,
                alive_seconds=conf.engine.alive_seconds,
            ),
            address_of=lambda host: None,
            clock=cloud.clock,
            control_plane=control_plane.ControlPlane(
                control_plane.parts_of(cloud.compute, cloud.bus.ping),
                cloud.clock,
                lambda work: work(),
            ),
        )
        stories = (
            host_failure.HostFailure(
                self.hands, conf, planner.DefaultPlanner()
            ),
            host_return.HostReturn(
                self.hands,
                lambda host: cloud.hosts[host.name].ailing,
                restart_unprotected=conf.recovery.restart_unprotected,
            ),
        )
        self.workflows = {one.name: Mortal(one, cloud) for one in stories}
        self.runner = runner.Runner(
            cloud.database,
            self.workflows,  # type: ignore[arg-type]
            events.QuietNotifier(),
            cloud.clock,
            name,
            held_seconds=conf.recovery.held_seconds,
            stale_seconds=conf.recovery.stale_seconds,
        )
        self.patrol = patrol.Patrol(
            cloud.database,
            self._inventory,
            self.hands,
            self.ears,
            cloud.pinger,
            alarms.Alarms(
                cloud.database,
                cloud.pager,
                command=(),
                command_seconds=1,
                repeat_seconds=300,
            ),
            name,
            conf,
            lambda: None,
            lambda: None,
            futurist.SynchronousExecutor(),
        )
        with cloud.database.writer() as session:
            services.enter(session, name, 'test')

    def turn(self) -> None:
        """One turn of the patrol, then every recovery that is due."""
        self.patrol.turn()
        recovery = self.conf.recovery
        with self._cloud.database.reader() as session:
            due = recoveries.due(session, recovery.call_seconds, 100)
        for recovery_id, claim in due:
            self._work(recovery_id, claim)

    @property
    def conf(self) -> cfg.ConfigOpts:
        return self._cloud.conf

    def claim(self, recovery_id: int, claim: int) -> runner.Claimed | None:
        seconds = self.conf.recovery.claim_seconds
        began = self._cloud.clock.monotonic()
        with self._cloud.database.writer() as session:
            taken = recoveries.take(
                session, recovery_id, claim, self.name, seconds
            )
        if taken is None:
            return None
        deadline = runner.ClaimDeadline(self._cloud.clock, seconds)
        deadline.renewed(began)
        return runner.Claimed(taken, deadline, began)

    def _work(self, recovery_id: int, claim: int) -> None:
        claimed = self.claim(recovery_id, claim)
        if claimed is None:
            return
        self.working = True
        try:
            self.runner.run(claimed)
        except exception.HassError as error:
            self._cloud.refusals.append(str(error))
        except Killed:
            self.alive = False
        finally:
            self.working = False


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


class Bus:
    """The message bus of the engines."""

    dead = False

    def ping(self) -> None:
        if self.dead:
            raise exception.EngineUnreachable('wake', 'the broker is gone')


class Pager(events.QuietNotifier):
    """Remembers what a human was told."""

    def __init__(self) -> None:
        self.alarms: list[dict[str, object]] = []

    def alarm(self, payload: dict[str, object]) -> None:
        self.alarms.append(payload)


class FakeCloud:
    """Hosts, Nova, a database, engines, and a clock that a test turns."""

    def __init__(
        self,
        folder: str,
        *,
        hosts: int = 4,
        mode: models.Mode = models.Mode.ACT,
        **changes: object,
    ) -> None:
        self.clock = virtual.VirtualClock()
        self.conf = make_conf(folder, **changes)
        keyring = pathlib.Path(folder) / 'keyring'
        secrets.create(keyring)
        self.keyring = secrets.Keyring(keyring)
        self.database = db_session.Database(self.conf, self.clock)
        migration.sync(self.database)
        self._ledger_path = pathlib.Path(folder) / 'ledger.jsonl'
        self.ledger = ledger.Ledger(
            self._ledger_path, now=self.clock.monotonic
        )
        names = [f'compute-{n + 1}' for n in range(hosts)]
        self.hosts = {
            name: FakeHost(
                nova_host.Host(
                    name, self.ledger, self.clock, boot_seconds=BOOT_SECONDS
                )
            )
            for name in names
        }
        self.nova = nova_cloud.Cloud(
            [one.host for one in self.hosts.values()],
            self.ledger,
            self.clock,
            PACE,
        )
        self.bmcs = FakeBmcs(self.hosts)
        self.compute = FakeCompute(self.nova, self.clock)
        self.pinger = FakePinger(self.hosts)
        self.peers = FakePeers(self.hosts)
        self.pager = Pager()
        self.bus = Bus()
        self.refusals: list[str] = []
        self.steps = 0
        self.kill_at: tuple[int, str] | None = None
        self.before_step: Callable[[workflow.Turn], None] | None = None
        with self.database.writer() as session:
            cluster = clusters.create(
                session, 'racks', mode=mode, shared_storage=True
            )
            for name in names:
                hosts_.add(
                    session,
                    cluster,
                    name,
                    agent_key='key',
                    addresses={net: f'{net}/{name}' for net in NETWORKS},
                )
                hosts_.record_report(
                    session,
                    name,
                    boot_id='first',
                    addresses={},
                    domains=None,
                    system_uuid=None,
                    resume_guests=False,
                )
        self.cluster = cluster
        for one in self.hosts.values():
            one.host.power_on()
        self.clock.advance(BOOT_SECONDS)
        self.engines: dict[str, FakeEngine] = {}
        for name in ('engine-1', 'engine-2'):
            self.start_engine(name)
        self.tick(seconds=8)

    # Operating it.

    def start_engine(self, name: str) -> None:
        self.engines[name] = FakeEngine(self, name)

    def boot(
        self, host: str, instances: int = 3, *, protected: bool = True
    ) -> list[str]:
        """Boot instances on a host; returns their uuids."""
        found = []
        for number in range(instances):
            server = self.nova.boot(
                f'{host}-vm-{number}', host, image_backed=True
            )
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

    def tick(self, seconds: float = TICK_SECONDS) -> None:
        """Let time pass: beats, Nova and the living engines.

        Long spells pass in steps of a whole second.
        """
        step = COARSE_SECONDS if seconds > 10 else TICK_SECONDS
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            self.clock.advance(step)
            self.nova.advance()
            phase = self.clock.monotonic() % BEAT_SECONDS
            if step == COARSE_SECONDS or phase < TICK_SECONDS / 2:
                self.beat()
            for engine in self.engines.values():
                if engine.alive:
                    engine.turn()

    def beat(self) -> None:
        for name, host in self.hosts.items():
            if host.agent_killed:
                continue
            for engine in self.engines.values():
                engine.ears.hear(
                    name, host.boot_id(), host.reachable_on(), host.planned
                )

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

    def verdict(self, instances: Collection[str] = ()) -> checker.Result:
        """What the oracle says of all that happened."""
        return checker.check(
            ledger.read(self._ledger_path), expect=instances or None
        )

    def __str__(self) -> str:
        with self.database.reader() as session:
            return '; '.join(
                f'{row.subject} {row.workflow} {row.state}: {row.why}'
                for row in recoveries.all(session)
            )


def no_answer() -> exception.NovaError:
    return exception.NovaFailed('any call', '500 injected')
