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

"""Nova over its API: the acts check their deadline, evacuate its proofs."""

import collections
from collections.abc import Callable, Iterator, Mapping
import datetime
import re

from hass import clock as hass_clock
from hass import exception
from hass.nova import answering
from hass.nova import beside as beside_
from hass.nova import compute
from hass.nova import door as doors
from hass.nova import network
from hass.nova import placement
from hass.nova import proofs as proving
from hass.nova import records

# Everything but evacuate. 2.53: services by UUID, all in one PUT; 2.59:
# paged migrations; 2.69: an answer where a cell is down; 2.73: locked_reason.
VERSION = '2.73'
OF_A_DOWN_CELL = 'UNKNOWN'
"""The status of services in a cell whose database is down: Nova names them,
and tells nothing else."""
REASON_LENGTH = 255
"""What Nova has room for in a disabled_reason."""


class Nova(compute.Compute):
    """The compute API behind one door, Placement and Neutron behind others.

    :param evacuate_at: the highest microversion of evacuate requests
    """

    def __init__(
        self,
        door: doors.Door,
        beside: placement.Placement,
        agents: network.Network,
        neighbours: beside_.Neighbours,
        clock: hass_clock.Clock,
        evacuate_at: str,
    ) -> None:
        self._door = door
        self._placement = beside
        self._network = agents
        self._neighbours = neighbours
        self._clock = clock
        self._evacuate_at = evacuate_at
        self._versions: records.Versions | None = None

    def check_versions(self) -> records.Versions:
        call = 'versions'
        # Without a microversion, which an old Nova may not know.
        found = self._door.get(call, '/', '2.1').get('version')
        fields = records.Record(call, found)
        versions = records.Versions(
            _pair(call, fields.text('min_version')),
            _pair(call, fields.text('version')),
        )
        wanted = VERSION if self._evacuate_at == '2.94' else self._evacuate_at
        need = _pair(call, wanted)
        if not versions.lowest <= need <= versions.highest:
            raise exception.NovaTooOld(
                call,
                f'it offers microversions {fields.text("min_version")} to '
                f'{fields.text("version")}, HASS needs {wanted}',
            )
        self._versions = versions
        return versions

    def answers_since(self, seconds: float) -> answering.Answers:
        return self._door.answering.since(seconds)

    def service(self, host: str) -> records.Service | None:
        call = f'show service {host}'
        found = self._services(call, {'host': host})
        return records.Service.read(call, found[0]) if found else None

    def services(self) -> list[records.Service]:
        call = 'list services'
        return [
            records.Service.read(call, one)
            for one in self._services(call, {})
            # Those of one cell must not hinder the hosts of others.
            if records.Record(call, one).text('status') != OF_A_DOWN_CELL
        ]

    def _services(self, call: str, query: dict[str, str]) -> list[object]:
        return self._list(
            call,
            '/os-services',
            'services',
            {'binary': 'nova-compute'} | query,
        )

    def daemons(self) -> list[records.Daemon]:
        call = 'list daemons'
        return [
            records.Daemon.read(call, one)
            for binary in compute.DAEMONS
            for one in self._list(
                call, '/os-services', 'services', {'binary': binary}
            )
        ]

    def aggregates(self) -> list[records.Aggregate]:
        call = 'list aggregates'
        found = self._list(call, '/os-aggregates', 'aggregates', {})
        return [records.Aggregate.read(call, one) for one in found]

    def check_placement(self) -> None:
        self._placement.answer()

    def check_beside(self, service: compute.Beside) -> None:
        self._neighbours.check(service)

    def open_providers(self, host: str) -> list[str]:
        providers = self._providers_of(host)
        return [one for one in providers if self._placement.is_open(one)]

    def inventory(self, host: str) -> dict[str, int]:
        total: collections.Counter[str] = collections.Counter()
        for provider in self._providers_of(host):
            total.update(self._placement.inventory(provider))
        return dict(total)

    def network_agents(self, host: str) -> list[records.NetworkAgent]:
        return self._network.agents(host)

    def places(self, server: records.Server) -> list[str]:
        if server.flavor is None:
            return []
        wanted = server.flavor.resources(local_root=server.image_backed)
        hosts = self._hosts_of_providers()
        found = self._placement.candidates(wanted)
        return [hosts[one] for one in found if one in hosts]

    def _providers_of(self, host: str) -> list[str]:
        found = self._providers(host, {'hypervisor_hostname_pattern': host})
        # A hypervisor need not be named after its host.
        return found or self._providers(host, {})

    def _hosts_of_providers(self) -> dict[str, str]:
        """The host of each hypervisor, whose UUID is its provider's too."""
        call = 'list hypervisors'
        return {
            one.text('id'): records.Record(call, one.anything('service')).text(
                'host'
            )
            for one in self._hypervisors(call, {})
        }

    def _providers(self, host: str, query: dict[str, str]) -> list[str]:
        call = f'list hypervisors of {host}'
        try:
            found = self._hypervisors(call, query)
        except exception.NovaRefused as error:
            if query and error.status == 404:
                return []
            raise
        return [
            one.text('id')
            for one in found
            if records.Record(call, one.anything('service')).text('host')
            == host
        ]

    def _hypervisors(
        self, call: str, query: dict[str, str]
    ) -> list[records.Record]:
        pages = self._door.pages(
            call, '/os-hypervisors/detail', VERSION, query, 'hypervisors', 'id'
        )
        return [records.Record(call, one) for page in pages for one in page]

    def stop_placements(
        self, provider: str, deadline: hass_clock.Deadline
    ) -> None:
        self._placement.close(provider, deadline)

    def allow_placements(
        self, provider: str, deadline: hass_clock.Deadline
    ) -> None:
        self._placement.open(provider, deadline)

    def _list(
        self, call: str, path: str, name: str, query: dict[str, str]
    ) -> list[object]:
        """A list that Nova does not page."""
        found = self._door.get(call, path, VERSION, query).get(name)
        if not isinstance(found, list):
            raise exception.NovaFailed(call, f'the answer holds no {name!r}')
        return found

    def force_down(
        self,
        service: records.Service,
        recovery: str,
        deadline: hass_clock.Deadline,
    ) -> records.Service:
        change = _disabling(service, recovery)
        if not service.forced_down:
            change['forced_down'] = True
        return self._update('force down', service, change, deadline)

    def unforce(
        self, service: records.Service, deadline: hass_clock.Deadline
    ) -> records.Service:
        change = {'forced_down': False} if service.forced_down else {}
        return self._update('un-force', service, change, deadline)

    def disable(
        self,
        service: records.Service,
        recovery: str,
        deadline: hass_clock.Deadline,
    ) -> records.Service:
        change = _disabling(service, recovery)
        return self._update('disable', service, change, deadline)

    def enable(
        self,
        service: records.Service,
        recovery: str,
        deadline: hass_clock.Deadline,
    ) -> records.Service:
        now = self.service(service.host)
        if now is None:
            raise exception.NovaRefused(
                f'enable {service.host}', 404, 'there is no such service'
            )
        ours = now.disabled_reason == compute.mark(recovery)
        change = {'status': 'enabled'} if ours else {}
        return self._update('enable', now, change, deadline)

    def keep_disabled(
        self,
        service: records.Service,
        recovery: str,
        reason: str,
        deadline: hass_clock.Deadline,
    ) -> records.Service:
        now = self.service(service.host)
        if now is None or now.disabled_reason != compute.mark(recovery):
            return now or service
        change: doors.JSON = {
            'status': 'disabled',
            'disabled_reason': reason[:REASON_LENGTH],
        }
        return self._update('keep disabled', now, change, deadline)

    def _update(
        self,
        verb: str,
        service: records.Service,
        change: doors.JSON,
        deadline: hass_clock.Deadline,
    ) -> records.Service:
        if not change:
            return service
        call = f'{verb} {service.host}'
        path = f'/os-services/{service.uuid}'
        try:
            body = self._door.act(call, 'PUT', path, VERSION, change, deadline)
        except (exception.NovaUnreachable, exception.NovaFailed):
            # It may have taken effect: then nobody has to wait.
            found = self.service(service.host)
            if found is None or not _shows(found, change):
                raise
            return found
        return records.Service.read(call, body.get('service'))

    def servers_on(self, host: str) -> list[records.Server]:
        return self._servers(f'list servers on {host}', {'host': host})

    def servers_changed_since(
        self, moment: datetime.datetime
    ) -> list[records.Server]:
        return self._servers(
            'list changed servers', {'changes-since': moment.isoformat() + 'Z'}
        )

    def _servers(
        self, call: str, query: dict[str, str]
    ) -> list[records.Server]:
        pages = self._door.pages(
            call,
            '/servers/detail',
            VERSION,
            {'all_tenants': '1'} | query,
            'servers',
            'id',
        )
        return [
            records.Server.read(call, one) for page in pages for one in page
        ]

    def server(self, uuid: str) -> records.Server | None:
        call = f'show server {uuid}'
        try:
            body = self._door.get(call, f'/servers/{_path(uuid)}', VERSION)
        except exception.NovaRefused as error:
            if error.status == 404:
                return None
            raise
        return records.Server.read(call, body.get('server'))

    def migrations(
        self,
        source: str | None = None,
        since: datetime.datetime | None = None,
        kind: str | None = 'evacuation',
        status: str | None = None,
    ) -> list[records.Migration]:
        query = {
            'source_compute': source,
            'migration_type': kind,
            'status': status,
        }
        given = {name: value for name, value in query.items() if value}
        return list(
            self._migrations(f'migrations off {source or "all"}', given, since)
        )

    def migrations_of(self, instance: str) -> list[records.Migration]:
        return list(
            self._migrations(
                f'migrations of {instance}', {'instance_uuid': instance}, None
            )
        )

    def _migrations(
        self,
        call: str,
        query: dict[str, str],
        since: datetime.datetime | None,
    ) -> Iterator[records.Migration]:
        # Not by changes-since: Nova compares it with updated_at, which is
        # NULL in a record that was only just accepted, and leaves it out.
        # The list is sorted by created_at, newest first.
        for page, told_at in self._door.dated_pages(
            call, '/os-migrations', VERSION, query, 'migrations', 'uuid'
        ):
            now = told_at or self._clock.now()
            for entry in page:
                migration = records.Migration.read(call, entry, now)
                if since and migration.created_at < since:
                    return
                yield migration

    def actions_of(
        self, instance: str, since: datetime.datetime | None = None
    ) -> list[records.Action]:
        call = f'actions of {instance}'
        body, told_at = self._door.get_dated(
            call, f'/servers/{_path(instance)}/os-instance-actions', VERSION
        )
        now = told_at or self._clock.now()
        found = body.get('instanceActions')
        if not isinstance(found, list):
            raise exception.NovaFailed(
                call, "the answer holds no 'instanceActions'"
            )
        actions = [records.Action.read(call, one, now) for one in found]
        return [
            one for one in actions if since is None or one.started_at >= since
        ]

    def evacuate(
        self,
        server: records.Server,
        proofs: Mapping[str, proving.Proof],
        needed: frozenset[str],
        target: str | None,
        deadline: hass_clock.Deadline,
        sending: Callable[[], None] = compute.nothing,
    ) -> None:
        hosts = needed | {server.host or proving.UNKNOWN_HOST}
        self._act(
            f'evacuate {server.uuid}',
            server,
            {'evacuate': {'host': target} if target else {}},
            deadline,
            version=self._evacuate_version(),
            guard=lambda: proving.check(
                server, hosts, proofs, self._clock.monotonic()
            ),
            sending=sending,
        )

    def _evacuate_version(self) -> str:
        versions = self._versions or self.check_versions()
        highest = min(versions.highest, _pair('versions', self._evacuate_at))
        return f'{highest[0]}.{highest[1]}'

    def start(
        self, server: records.Server, deadline: hass_clock.Deadline
    ) -> None:
        self._act(f'start {server.uuid}', server, {'os-start': None}, deadline)

    def stop(
        self, server: records.Server, deadline: hass_clock.Deadline
    ) -> None:
        self._act(f'stop {server.uuid}', server, {'os-stop': None}, deadline)

    def hard_reboot(
        self, server: records.Server, deadline: hass_clock.Deadline
    ) -> None:
        self._act(
            f'hard reboot {server.uuid}',
            server,
            {'reboot': {'type': 'HARD'}},
            deadline,
        )

    def migrate(
        self,
        server: records.Server,
        target: str | None,
        deadline: hass_clock.Deadline,
    ) -> None:
        self._act(
            f'migrate {server.uuid}',
            server,
            {'migrate': {'host': target} if target else None},
            deadline,
        )

    def confirm_resize(
        self, server: records.Server, deadline: hass_clock.Deadline
    ) -> None:
        self._act(
            f'confirm resize of {server.uuid}',
            server,
            {'confirmResize': None},
            deadline,
        )

    def delete(
        self, server: records.Server, deadline: hass_clock.Deadline
    ) -> None:
        self._door.act(
            f'delete {server.uuid}',
            'DELETE',
            f'/servers/{_path(server.uuid)}',
            VERSION,
            {},
            deadline,
        )

    def ports(self, instance: str) -> list[records.Port]:
        found = self._list(
            f'ports of {instance}',
            f'/servers/{_path(instance)}/os-interface',
            'interfaceAttachments',
            {},
        )
        return [
            records.Port.read(f'ports of {instance}', one) for one in found
        ]

    def reset_state(
        self,
        server: records.Server,
        state: str,
        deadline: hass_clock.Deadline,
    ) -> None:
        self._act(
            f'reset state of {server.uuid}',
            server,
            {'os-resetState': {'state': state}},
            deadline,
        )

    def _act(
        self,
        call: str,
        server: records.Server,
        body: doors.JSON,
        deadline: hass_clock.Deadline,
        version: str = VERSION,
        guard: doors.Guard = doors.nothing,
        sending: doors.Guard | None = None,
    ) -> None:
        path = f'/servers/{_path(server.uuid)}/action'
        self._door.act(
            call, 'POST', path, version, body, deadline, guard, sending
        )


def _disabling(service: records.Service, recovery: str) -> doors.JSON:
    """What takes new placements off a service; nothing if none come."""
    if service.status != 'enabled':
        return {}
    return {'status': 'disabled', 'disabled_reason': compute.mark(recovery)}


def _shows(service: records.Service, change: doors.JSON) -> bool:
    """Whether a service is as it was asked to be."""
    return all(getattr(service, key) == change[key] for key in change)


def _path(uuid: str) -> str:
    """A UUID that may stand in a path.

    :raises Invalid: it is something else
    """
    if not re.fullmatch(r'[0-9A-Za-z-]{1,64}', uuid):
        raise exception.Invalid('instance', 'is no UUID')
    return uuid


def _pair(call: str, version: str) -> tuple[int, int]:
    found = re.fullmatch(r'(\d+)\.(\d+)', version)
    if found is None:
        raise exception.NovaFailed(call, 'the answer holds no microversion')
    return int(found[1]), int(found[2])
