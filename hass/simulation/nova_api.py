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

"""The simulated Nova's resources: path, query and body in, JSON out.

Of the compute API (v2.1) only what is used by HASS, its demo and its
tests; unknown paths are 404 as they are in Nova.
"""

from collections.abc import Callable, Mapping
import dataclasses
import datetime
import re
from typing import Any

from hass.simulation import nova_cloud
from hass.simulation import nova_rows as rows
from hass.simulation import nova_views as views

JSON = dict[str, Any]
Version = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request, its microversion negotiated."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    version: Version
    url: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What to send, after ``seconds`` of silence."""

    status: int
    body: JSON | None
    seconds: float = 0.0


def refusal(status: int, message: str) -> Reply:
    """An error body as Nova makes it."""
    name = {400: 'badRequest', 404: 'itemNotFound'}.get(status, 'conflict')
    if status == 500:
        name = 'computeFault'
    return Reply(status, {name: {'code': status, 'message': message}})


# From 2.59 on Nova refuses what it does not know here.
_MIGRATION_FILTERS = {
    'hidden',
    'host',
    'instance_uuid',
    'source_compute',
    'status',
    'migration_type',
    'limit',
    'marker',
    'changes-since',
    'changes-before',
}


class Api:
    """Answers for one cloud.

    :param page: how many entries a list has at most
    """

    def __init__(self, cloud: nova_cloud.Cloud, page: int = 1000) -> None:
        self._cloud = cloud
        self._page = page
        one = r'/servers/(?P<server>[^/]+)'
        self._routes: list[tuple[str, str, Callable[..., Reply]]] = [
            ('GET', '/os-services', self._services),
            ('PUT', '/os-services/(?P<service>[^/]+)', self._update_service),
            ('GET', '/servers/detail', self._servers),
            ('GET', one, self._server),
            ('DELETE', one, self._delete),
            ('POST', f'{one}/action', self._action),
            ('GET', f'{one}/os-instance-actions', self._actions),
            ('GET', f'{one}/os-interface', self._ports),
            ('GET', '/os-migrations', self._migrations),
            ('GET', '/os-aggregates', self._aggregates),
            ('GET', '/os-hypervisors/detail', self._hypervisors),
        ]

    def answer(self, request: Request) -> Reply:
        for method, pattern, handler in self._routes:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                try:
                    with self._cloud.lock:
                        self._cloud.advance()
                        return handler(request, **match.groupdict())
                except rows.Refused as error:
                    return refusal(error.status, error.message)
        return refusal(404, 'The resource could not be found.')

    def _services(self, request: Request) -> Reply:
        host = request.query.get('host')
        binary = request.query.get('binary', 'nova-compute')
        if binary != 'nova-compute':
            others = [
                views.daemon(one)
                for one in self._cloud.daemons
                if one.binary == binary and host in (None, '', one.host)
            ]
            return Reply(200, {'services': others})
        found = [
            views.service(one, self._cloud.is_up(one))
            for one in self._cloud.computes.values()
            if host in (None, '', one.host.name)
        ]
        return Reply(200, {'services': found})

    def _aggregates(self, request: Request) -> Reply:
        found = [
            {'id': number, 'name': name, 'hosts': sorted(hosts)}
            for number, (name, hosts) in enumerate(
                self._cloud.aggregates.items(), 1
            )
        ]
        return Reply(200, {'aggregates': found})

    def _hypervisors(self, request: Request) -> Reply:
        pattern = request.query.get('hypervisor_hostname_pattern')
        found = [
            views.hypervisor(one)
            for one in self._cloud.computes.values()
            if pattern is None or pattern in one.host.name
        ]
        if pattern is not None and not found:
            raise rows.Refused(404, f"No hypervisor matching '{pattern}'")
        return self._paged(request, 'hypervisors', found, 'id')

    def _update_service(self, request: Request, service: str) -> Reply:
        change = _object(request.body, 'status', 'forced_down')
        if change.get('status', 'enabled') not in ('enabled', 'disabled'):
            raise rows.Refused(400, 'Invalid input for field status.')
        if change.get('status') == 'enabled' and change.get('disabled_reason'):
            raise rows.Refused(400, 'disabled_reason with enabled is invalid.')
        if not isinstance(change.get('forced_down', True), bool):
            raise rows.Refused(400, 'Invalid input for field forced_down.')
        blocks = self._cloud.update_service(service, change)
        compute = self._cloud.compute(service)
        body = {'service': views.service(compute, self._cloud.is_up(compute))}
        seconds = self._cloud.pace.rpc_response_timeout if blocks else 0.0
        return Reply(200, body, seconds)

    def _servers(self, request: Request) -> Reply:
        query = request.query
        since = query.get('changes-since')
        moment = _moment(since) if since else None
        found = [
            views.server(one)
            for one in self._cloud.changed_since(moment)
            if query.get('all_tenants') == '1'
            and query.get('host') in (None, one.host)
            and query.get('uuid') in (None, one.uuid)
        ]
        return self._paged(request, 'servers', found, 'id')

    def _server(self, request: Request, server: str) -> Reply:
        return Reply(200, {'server': views.server(self._cloud.show(server))})

    def _delete(self, request: Request, server: str) -> Reply:
        self._cloud.ask_to_delete(server)
        return Reply(204, None)

    def _action(self, request: Request, server: str) -> Reply:
        body = request.body
        if not isinstance(body, dict) or len(body) != 1:
            raise rows.Refused(400, 'There is no such action.')
        ((name, details),) = body.items()
        match name:
            case 'evacuate':
                details = _object(details, 'host', 'adminPass')
                self._cloud.evacuate(
                    server, details.get('host'), request.version >= (2, 95)
                )
                return Reply(200, None)
            case 'os-start':
                self._cloud.start(server)
            case 'os-stop':
                self._cloud.stop(server)
            case 'reboot':
                kind = _object(details, 'type').get('type')
                if kind != 'HARD':
                    raise rows.Refused(400, f'Invalid input: type {kind}')
                self._cloud.hard_reboot(server)
            case 'migrate':
                details = _object(details or {}, 'host')
                self._cloud.migrate(server, details.get('host'))
            case 'confirmResize':
                self._cloud.confirm_resize(server)
                return Reply(204, None)
            case 'pause':
                self._cloud.pause(server)
            case 'unpause':
                self._cloud.unpause(server)
            case 'os-resetState':
                state = _object(details, 'state').get('state')
                self._cloud.reset_state(server, state)
            case _:
                raise rows.Refused(400, f'There is no such action: {name}')
        return Reply(202, None)

    def _actions(self, request: Request, server: str) -> Reply:
        self._cloud.show(server)
        found = [
            views.action(one)
            for one in reversed(self._cloud.actions)
            if one.instance_uuid == server
        ]
        return Reply(200, {'instanceActions': found})

    def _ports(self, request: Request, server: str) -> Reply:
        found = [views.port(self._cloud.show(server))]
        return Reply(200, {'interfaceAttachments': found})

    def _migrations(self, request: Request) -> Reply:
        query = request.query
        if unknown := set(query) - _MIGRATION_FILTERS:
            raise rows.Refused(
                400, f'Additional properties are not allowed ({unknown})'
            )
        since = query.get('changes-since')
        moment = _moment(since) if since else None
        host = query.get('host')
        found = [
            views.migration(one)
            for one in reversed(self._cloud.migrations)
            if query.get('instance_uuid') in (None, one.instance_uuid)
            and query.get('source_compute') in (None, one.source)
            and query.get('status') in (None, one.status)
            and query.get('migration_type') in (None, one.type)
            and host in (None, one.source, one.destination)
            # As in Nova's query: what never changed has no updated_at.
            and (not moment or (one.updated_at and one.updated_at >= moment))
        ]
        return self._paged(request, 'migrations', found, 'uuid')

    def _paged(
        self, request: Request, name: str, found: list[JSON], key: str
    ) -> Reply:
        marker = request.query.get('marker')
        if marker is not None:
            keys = [one[key] for one in found]
            if marker not in keys:
                raise rows.Refused(400, f'marker [{marker}] not found')
            found = found[keys.index(marker) + 1 :]
        limit = min(self._page, int(request.query.get('limit', self._page)))
        page = found[:limit]
        body: JSON = {name: page}
        # Nova gives a link after every full page, the last one too.
        if page and len(page) == limit:
            link = f'{request.url}?marker={page[-1][key]}'
            body[f'{name}_links'] = [{'rel': 'next', 'href': link}]
        return Reply(200, body)


def _object(value: Any, *allowed: str) -> JSON:
    if not isinstance(value, dict):
        raise rows.Refused(400, 'Invalid input: not an object.')
    if unknown := set(value) - set(allowed) - {'disabled_reason'}:
        raise rows.Refused(
            400, f'Additional properties are not allowed ({unknown})'
        )
    return value


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise rows.Refused(400, 'Invalid input for changes-since') from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return moment
