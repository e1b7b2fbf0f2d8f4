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

"""The cloud of tools/minicloud, as these tests look at it.

It is brought up once and used by all tests. HASS is asked over its API,
Nova over its own, the hosts' power by the oracle's ledger.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from concurrent import futures
import configparser
import contextlib
import dataclasses
import datetime
import functools
import json
import sys
from typing import Any
from typing import ClassVar
from typing import TypeVar

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from keystoneauth1.identity import v3
from keystoneauth1 import session

from hass.agent.guests import namespaces
from hass import clock
from tools.minicloud import bmcs
from tools.minicloud import faults
from tools.minicloud import hass_services
from tools.minicloud import hosts
from tools.minicloud import lab as minicloud
from tools.minicloud import lifecycle
from tools.minicloud import openstack
from tools.minicloud import processes
from tools.minicloud import stores

Options = Mapping[str, Mapping[str, str]]
OPTIONS: Options = {
    'nova': {'settle_seconds': '30'},
    'fencing': {'max_fencings': '100', 'strikes': '0'},
    'restraint': {'max_suspects': '100', 'max_instances': '100'},
    'recovery': {'held_seconds': '15'},
    'detection': {'rounds_seconds': '2'},
}
"""Shorter than one would wait in production; many are fenced here."""
ENDED = frozenset({'finished', 'returned', 'dismissed'})
CALL_SECONDS = 300
REPAIR_SECONDS = 300
"""Recoveries end by themselves as a rule; a new lab takes as long."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A server as Nova lists it."""

    uuid: str
    name: str
    host: str
    status: str
    task: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """An evacuation migration of Nova's."""

    instance: str
    source: str
    destination: str | None
    status: str


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One transition in the history of a recovery."""

    at: datetime.datetime
    before: str | None
    after: str
    engine: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """A recovery as hass-api shows it."""

    uuid: str
    workflow: str
    host: str
    state: str
    why: str
    held_kind: str | None
    engine: str | None
    opened_at: datetime.datetime
    history: tuple[Line, ...] = ()


class Cloud:
    """A lab that is up, with protected instances on every host.

    :cvar guests: what the hosts run is real
    :cvar options: of HASS, for its tests
    """

    guests: ClassVar[bool] = False
    options: ClassVar[Options] = OPTIONS

    def __init__(self, lab: minicloud.Lab, with_hass: bool = True) -> None:
        self.lab = lab
        self.with_hass = with_hass
        # A thread may stand in another network namespace than its process.
        self._inside = futures.ThreadPoolExecutor(
            1, initializer=enter, initargs=('controller',)
        )
        env = openstack.client_environment(lab)
        login = session.Session(
            v3.Password(
                env['OS_AUTH_URL'],
                username=env['OS_USERNAME'],
                password=env['OS_PASSWORD'],
                project_name=env['OS_PROJECT_NAME'],
                user_domain_name=env['OS_USER_DOMAIN_NAME'],
                project_domain_name=env['OS_PROJECT_DOMAIN_NAME'],
            ),
            timeout=60,
        )
        self._nova = adapter.Adapter(
            login,
            endpoint_override=f'{minicloud.url("nova-api")}/v2.1',
            default_microversion='2.94',
            service_type='compute',
        )
        self._hass = adapter.Adapter(
            login,
            endpoint_override=minicloud.url('hass-api'),
            additional_headers={'OpenStack-API-Version': 'hass latest'},
        )

    # Asking.

    def nova(self, method: str, path: str, body: Any = None) -> Any:
        """Call Nova as the administrator; the answer's body."""
        return self._call(self._nova, method, path, body)

    def hass(self, method: str, path: str, body: Any = None) -> Any:
        """Call hass-api as the administrator; the answer's body."""
        return self._call(self._hass, method, path, body)

    def _call(
        self, to: adapter.Adapter, method: str, path: str, body: Any
    ) -> Any:
        answer = self._inside.submit(
            to.request, path, method, json=body
        ).result(CALL_SECONDS)
        return answer.json() if answer.content else None

    def token(self) -> str:
        """A token of the administrator."""
        return str(
            self._inside.submit(self._hass.get_token).result(CALL_SECONDS)
        )

    @contextlib.contextmanager
    def callers(self, count: int) -> Iterator[Callable[..., futures.Future]]:
        """Call Nova many times at once: call(method, path, body)."""
        with futures.ThreadPoolExecutor(
            count, initializer=enter, initargs=('controller',)
        ) as pool:

            def call(method: str, path: str, body: Any) -> futures.Future:
                return pool.submit(self._nova.request, path, method, json=body)

            yield call

    @property
    def hosts(self) -> tuple[str, ...]:
        return self.lab.hosts

    def servers(self) -> list[Server]:
        found = self.nova('GET', '/servers/detail?all_tenants=1')
        return [
            Server(
                one['id'],
                one['name'],
                one['OS-EXT-SRV-ATTR:host'] or '',
                one['status'],
                one['OS-EXT-STS:task_state'],
            )
            for one in found['servers']
        ]

    def on(self, host: str) -> list[Server]:
        return [server for server in self.servers() if server.host == host]

    def busiest(self, *, but: Collection[str] = ()) -> str:
        """The host with the most instances, those named left out."""
        servers = self.servers()
        return max(
            (name for name in self.hosts if name not in but),
            key=lambda name: sum(one.host == name for one in servers),
        )

    def moves(self, since: datetime.datetime) -> list[Move]:
        """Nova's evacuation migrations made after a moment."""
        found = self.nova('GET', '/os-migrations?migration_type=evacuation')
        return [
            Move(
                one['instance_uuid'],
                one['source_compute'],
                one['dest_compute'],
                one['status'],
            )
            for one in found['migrations']
            if moment(one['created_at']) >= since
        ]

    def stories(
        self, since: datetime.datetime, subject: str | None = None
    ) -> list[Story]:
        """Recoveries opened after a moment, the oldest first."""
        query = f'?subject={subject}' if subject else ''
        found = self.hass('GET', f'/v1/recoveries{query}')['recoveries']
        told = [_story(one) for one in reversed(found)]
        return [one for one in told if one.opened_at >= since]

    def story(self, uuid: str) -> Story:
        """One recovery with its history."""
        return _story(self.hass('GET', f'/v1/recoveries/{uuid}'))

    def actions(self, server: str) -> list[dict[str, Any]]:
        """What was asked of a server, by whom; of a deleted one as well."""
        found = self.nova('GET', f'/servers/{server}/os-instance-actions')
        return list(found['instanceActions'])

    def strangers(
        self, server: str, user: str, since: datetime.datetime
    ) -> list[str]:
        """What anybody else has asked of it, but for Nova itself."""
        return [
            one['action']
            for one in self.actions(server)
            if one['user_id'] not in (user, None)
            and moment(one['start_time']) >= since
        ]

    def quiet_seconds(self, server: str) -> float:
        """Since anything that was asked of a server went on."""
        now = clock.SystemClock().now()
        return min(
            (now - moment(one['updated_at'])).total_seconds()
            for one in self.actions(server)
        )

    def notifications(self, since: datetime.datetime) -> list[dict[str, Any]]:
        """Notifications received after a moment."""
        found = self.hass('GET', '/v1/notifications')['notifications']
        return [one for one in found if moment(one['received_at']) >= since]

    def timeline(self, since: datetime.datetime) -> str:
        """What HASS did since a moment, for a reader."""
        told = [self.story(one.uuid) for one in self.stories(since)]
        lines = [(line, story) for story in told for line in story.history]
        lines.sort(key=lambda pair: pair[0].at)
        return '\n'.join(
            f'{(line.at - since).total_seconds():6.2f} s {story.host} '
            f'{line.before or "·"} -> {line.after} ({line.engine}): {line.why}'
            for line, story in lines
        )

    # Being at rest.

    def unrest(self, guests: bool = True) -> str:
        """What is not as it should be between two faults; '' at rest."""
        return next(filter(None, self._complaints(guests)), '')

    def _complaints(self, guests: bool) -> Iterable[str]:
        if self.with_hass:
            yield from self._of_hass()
        services = self.nova('GET', '/os-services?binary=nova-compute')
        for one in services['services']:
            if one['forced_down'] or one['status'] != 'enabled':
                yield f'nova-compute of {one["host"]} is {one["status"]}'
            if one['state'] != 'up':
                yield f'nova-compute of {one["host"]} is {one["state"]}'
        for server in self.servers() if guests else ():
            if server.status != 'ACTIVE' or server.task:
                yield f'{server.name} is {server.status} {server.task or ""}'

    def _of_hass(self) -> Iterable[str]:
        open_ones = self.hass('GET', '/v1/recoveries?open=true')['recoveries']
        for one in open_ones:
            yield f'{one["subject"]} is {one["state"]}: {one["why"]}'
        for one in self.hass('GET', '/v1/hosts')['hosts']:
            if one['planned_until']:
                yield f'the agent of {one["name"]} is stopped'
        now = clock.SystemClock().now()
        engines = self.hass('GET', '/v1/services')['services']
        for one in engines:
            if (now - moment(one['turn_at'])).total_seconds() > 3:
                yield f'{one["name"]} does not patrol'
            if one['deaf'] or one['silent']:
                yield f'{one["name"]} does not hear {list(one["silent"])}'

    def deaf(self) -> dict[str, bool]:
        """Which engine knows that it hears too few hosts."""
        engines = self.hass('GET', '/v1/services')['services']
        return {one['name']: one['deaf'] for one in engines}

    def alarms(self) -> list[dict[str, Any]]:
        """What HASS has paged since it is up."""
        if not self.lab.alarms.exists():
            return []
        lines = self.lab.alarms.read_text().splitlines()
        return [json.loads(line) for line in lines if line]

    def layers(self, host: str) -> dict[str, str]:
        """Layer -> healthy, failed or unknown."""
        found = self.hass('GET', f'/v1/hosts/{host}/layers')['layers']
        return {one['layer']: one['state'] for one in found}

    def dark(self, host: str) -> set[str]:
        """Networks on which a host is known not to be reached."""
        found = self.hass('GET', f'/v1/hosts/{host}/layers')['observations']
        return {
            seen['network']
            for seen in found
            if seen['layer'] == 'network' and seen['verdict'] == 'failed'
        }

    def membership(self, host: str) -> dict[str, str]:
        """Store -> healthy (a member), failed (gone) or unknown."""
        found = self.hass('GET', f'/v1/hosts/{host}/layers')['observations']
        return {
            stores.name(seen['network']): seen['verdict']
            for seen in found
            if seen['layer'] == 'membership'
        }

    def degraded(self, host: str) -> str:
        """What HASS cannot see of a host; '' if it sees all."""
        found = self.hass('GET', f'/v1/hosts/{host}/layers')['degraded']
        return '; '.join(found)

    def mend(self) -> None:
        """Take all faults back, whatever the last test has left."""
        faults.nova_api_500(self.lab, False)
        faults.nova_api_slow(self.lab, 0)
        faults.nova_api_sigcont(self.lab)
        faults.switch_up(self.lab)
        for host in self.hosts:
            faults.spawn_seconds(self.lab, host, 0)
            faults.bmc_honest(self.lab, host)
            faults.bmc_unmute(self.lab, host)
            faults.unhang(self.lab, host)
            faults.lose(self.lab, host, 0)
            faults.undelay(self.lab, host)
            faults.sensor(self.lab, host, bmcs.COOL)
            faults.common_clock(self.lab, host)
            if hosts.has_panicked(self.lab, host):
                faults.power_cycle(self.lab, host)
        for name in self.lab.engines:
            number = minicloud.number(name)
            faults.join_engine(self.lab, number)
            faults.engine_cont(self.lab, number)
            faults.common_clock(self.lab, name)
            if processes.pid_of(self.lab, f'hass-{name}') is None:
                faults.engine_start(self.lab, number)
        if processes.pid_of(self.lab, 'rabbitmq') is None:
            faults.rabbit_start(self.lab)
        running = stores.NAMES if stores.are_up(self.lab) else ('memcached',)
        for name in running:
            faults.store_start(self.lab, name)
        for one in self.hass('GET', '/v1/recoveries?state=held')['recoveries']:
            self.hass('POST', f'/v1/recoveries/{one["uuid"]}/release')

    def repair(self) -> None:
        """Do by hand what a recovery that failed has left undone.

        Nobody knows what became of the instances: others take their place.
        A lab that cannot be repaired is taken down.
        """
        try:
            self.mend()
            if processes.until(self._repaired, REPAIR_SECONDS, every=1):
                self._replace_instances()
                return
        except (minicloud.LabError, exceptions.ClientException) as error:
            say(f'not repaired: {error}')
        lifecycle.down(self.lab)
        _clouds.clear()

    def _replace_instances(self) -> None:
        for one in self.hass('GET', '/v1/instances')['instances']:
            self.hass('DELETE', f'/v1/instances/{one["uuid"]}')
        openstack.script(self.lab, 'servers', 'delete-all')
        self.populate()

    def _repaired(self) -> bool:
        """Take one step to all hosts in service; whether they are."""
        if self.hass('GET', '/v1/recoveries?open=true')['recoveries']:
            return False
        found = self.nova('GET', '/os-services?binary=nova-compute')
        changes = {one['id']: _change(one) for one in found['services']}
        for uuid, change in changes.items():
            if change:
                self.nova('PUT', f'/os-services/{uuid}', change)
        return not any(changes.values())

    def powered_on(self, host: str) -> bool:
        return hosts.is_on(self.lab, host)

    def pid(self, daemon: str) -> int | None:
        return processes.pid_of(self.lab, daemon)

    def reconfigure_engines(self, group: str, **values: object) -> None:
        """Restart both engines with other options."""
        for name in self.lab.engines:
            path = self.lab.etc / 'hass' / f'{name}.conf'
            parser = configparser.RawConfigParser(default_section='-')
            parser.read(path)
            parser.read_dict({group: values})
            with open(path, 'w') as out:
                parser.write(out)
            hass_services.restart_engine(self.lab, name)

    def boot(self, host: str, *names: str) -> list[str]:
        """Boot instances that nobody protects; their uuids."""
        made = [self._create(name, host) for name in names]
        self._await_active()
        return made

    def delete(self, uuid: str) -> None:
        """Delete a server, if it is still there."""
        with contextlib.suppress(exceptions.NotFound):
            self.nova('DELETE', f'/servers/{uuid}')

    # Bringing up.

    def need_flavor(self, name: str) -> None:
        """One that is a little bigger than the usual one."""
        flavors = self.nova('GET', '/flavors')['flavors']
        if name not in {one['name'] for one in flavors}:
            bigger = {'name': name, 'vcpus': 1, 'ram': 96, 'disk': 1}
            self.nova('POST', '/flavors', {'flavor': bigger})

    def populate(self) -> None:
        """Protected instances on every host."""
        if not self.servers():
            self.fill()
        known = self.hass('GET', '/v1/instances')['instances']
        protected = {one['uuid'] for one in known}
        for server in self.servers():
            if server.status == 'ACTIVE' and server.uuid not in protected:
                self.hass('POST', '/v1/instances', {'uuid': server.uuid})

    def fill(self) -> None:
        """Two instances on each host."""
        for host in self.hosts:
            self.boot(host, f'{host}-a', f'{host}-b')

    def _create(self, name: str, host: str) -> str:
        flavors = self.nova('GET', '/flavors')['flavors']
        server = {
            'name': name,
            'flavorRef': next(f['id'] for f in flavors if f['name'] == 'tiny'),
            'imageRef': self._image(),
            'networks': 'none',
            'host': host,
        }
        made = self.nova('POST', '/servers', {'server': server})
        return str(made['server']['id'])

    @functools.cache  # noqa: B019
    def _image(self) -> str:
        glance = adapter.Adapter(
            self._nova.session, endpoint_override=minicloud.url('glance')
        )
        images = self._call(glance, 'GET', '/v2/images?name=blank', None)
        return str(images['images'][0]['id'])

    def _await_active(self) -> None:
        def active() -> bool:
            return all(one.status == 'ACTIVE' for one in self.servers())

        if not processes.until(active, 120, every=0.3):
            raise minicloud.LabError(f'not all ACTIVE: {self.servers()}')


Kind = TypeVar('Kind', bound=Cloud)
_clouds: list[Cloud] = []


def cloud(kind: type[Cloud] = Cloud) -> Cloud:
    """The cloud of the tests, brought up if it is not, or is of another kind.

    It stays up when the tests are over: tools/minicloud takes it down.
    """
    if not _clouds or _clouds[0].guests != kind.guests:
        _clouds.clear()
        found = bring_up(kind.options, kind)
        found.populate()
        _clouds.append(found)
    return _clouds[0]


def bring_up(options: Options, kind: type[Kind]) -> Kind:
    """A cloud with HASS, these options set for all its services."""
    lab = minicloud.load()
    if lab.guests != kind.guests:
        sizes = minicloud.DEFAULT_HOSTS, minicloud.GUEST_HOSTS
        size = sizes[kind.guests]
        lab = dataclasses.replace(lab, size=size, guests=kind.guests)
        lifecycle.up(lab, say)
    elif not lab.is_up():
        lifecycle.up(lab, say)
    if hass_services.is_up(lab) and not _as_wanted(lab, options):
        hass_services.down(lab)
    if not hass_services.is_up(lab):
        hass_services.up(lab, say, options)
    return kind(lab)


def say(text: str) -> None:
    # stdout carries the results of the tests.
    print(text, file=sys.stderr, flush=True)


def _as_wanted(lab: minicloud.Lab, options: Options) -> bool:
    for name in lab.engines:
        parser = configparser.RawConfigParser(default_section='-')
        parser.read(lab.etc / 'hass' / f'{name}.conf')
        for group, values in options.items():
            for option, value in values.items():
                if parser.get(group, option, fallback=None) != value:
                    return False
    return True


def enter(name: str) -> None:
    """Move this thread into a network namespace."""
    namespaces.enter(f'{namespaces.FOLDER}/{minicloud.namespace(name)}')


def _change(service: dict[str, Any]) -> dict[str, object]:
    """What puts a service back into service."""
    if service['forced_down']:
        return {'forced_down': False}
    if service['status'] != 'enabled':
        return {'status': 'enabled'}
    return {}


def _story(one: dict[str, Any]) -> Story:
    return Story(
        uuid=one['uuid'],
        workflow=one['workflow'],
        host=one['subject'],
        state=one['state'],
        why=one['why'],
        held_kind=one['held_kind'],
        engine=one['claimed_by'],
        opened_at=moment(one['opened_at']),
        history=tuple(
            Line(
                moment(line['at']),
                line['from'],
                line['to'],
                line['engine'],
                line['why'],
            )
            for line in one.get('history', ())
        ),
    )


def moment(text: str) -> datetime.datetime:
    """Nova's and HASS's moments, as naive UTC."""
    read = datetime.datetime.fromisoformat(text)
    if read.tzinfo is not None:
        read = read.astimezone(datetime.UTC)
    return read.replace(tzinfo=None)
