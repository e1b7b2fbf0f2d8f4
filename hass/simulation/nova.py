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

"""A simulated Nova, Placement and Keystone behind real HTTP, on loopback.

For the demo and for tests. It refuses what Nova refuses, takes the time
that it is told to take, and fails on demand.
"""

from collections.abc import Mapping
import dataclasses
import datetime
import email.utils
import http.server
import json
import socket
import threading
from typing import Any
from urllib import parse

from hass import clock as hass_clock
from hass.simulation import nova_api as api
from hass.simulation import nova_cloud
from hass.simulation import nova_keystone as keystone
from hass.simulation import nova_placement as placement
from hass.simulation import nova_views as views

COMPUTE = '/compute/v2.1'
BESIDE = '/beside'
PLACEMENT = '/placement'
NETWORK = '/network/v2.0'
IDENTITY = '/identity/v3'


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A request as it came in at the compute endpoint."""

    method: str
    path: str
    query: Mapping[str, str]
    version: str
    body: Any
    request_id: str | None = None


class SimulatedNova:
    """One HTTP server for all three services.

    Its troubles may be set at any moment:

    :ivar answer: a status (500, 503 …) that every compute call gets, or
        None; nothing of the call is carried out
    :ivar placement_answer: the same for the calls of Placement
    :ivar unlisted: types of services that the catalog does not name
    :ivar beside: other services of the catalog: type to what they answer
    :ivar asked_beside: what they were asked
    :ivar garbage: bytes that every compute call gets instead of an answer

    :param tick_seconds: how often time is let pass between requests, 0
        when a test does that itself
    :param highest: the newest microversion on offer
    """

    def __init__(
        self,
        cloud: nova_cloud.Cloud,
        clock: hass_clock.Clock,
        user: keystone.User | None = None,
        highest: tuple[int, int] = (2, 100),
        page: int = 1000,
        tick_seconds: float = 0.02,
    ) -> None:
        self.cloud = cloud
        self.user = user or keystone.User()
        self.keystone = keystone.Keystone(clock, self.user)
        self.calls: list[Call] = []
        self.answer: int | None = None
        self.placement_answer: int | None = None
        self.beside: dict[str, int] = {}
        self.asked_beside: list[str] = []
        self.garbage: bytes | None = None
        self.unlisted: set[str] = set()
        self.highest = highest
        self._api = api.Api(cloud, page)
        self._placement = placement.Placement(cloud)
        self._tick_seconds = tick_seconds
        self._working = threading.Event()
        self._working.set()
        self._speaking = threading.Event()
        self._speaking.set()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._threads: list[threading.Thread] = []

    def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1, on a free port unless one is given."""
        self._stopping.clear()
        self._server = _Server(self, port)
        self._threads = [
            threading.Thread(
                target=self._server.serve_forever,
                kwargs={'poll_interval': 0.05},
                name='simulated-nova',
                daemon=True,
            )
        ]
        if self._tick_seconds:
            self._threads.append(
                threading.Thread(
                    target=self._tick, name='simulated-time', daemon=True
                )
            )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self._stopping.set()
        self._working.set()
        self._speaking.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.close()
            self._server = None
        for thread in self._threads:
            thread.join()

    @property
    def endpoint(self) -> str:
        """The compute endpoint, for auth_type none or endpoint_override."""
        return self._base() + COMPUTE

    @property
    def auth_url(self) -> str:
        return self._base() + IDENTITY

    def _base(self) -> str:
        if self._server is None:
            raise RuntimeError('the simulated Nova is not started')
        return f'http://127.0.0.1:{self._server.server_port}'

    def hang(self) -> None:
        """Take calls in and leave them waiting, as a stopped process does."""
        self._working.clear()

    def mute(self) -> None:
        """Carry calls out, and keep the answers."""
        self._speaking.clear()

    def resume(self) -> None:
        """End both: what waited is carried out now, whoever still hears."""
        self._working.set()
        self._speaking.set()

    def _tick(self) -> None:
        while not self._stopping.wait(self._tick_seconds):
            self.cloud.advance()

    # For the handler's threads.

    def respond(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers of the answer to one request."""
        url = parse.urlsplit(target)
        content = _json(body)
        if url.path.startswith('/identity'):
            reply, extra = self._identity(method, url.path, content)
            return reply.status, _bytes(reply.body), extra
        if url.path.startswith(f'{BESIDE}/'):
            kind = url.path.removeprefix(f'{BESIDE}/').split('/')[0]
            self.asked_beside.append(target.removeprefix(BESIDE))
            return self.beside[kind], b'{}', {}
        query = dict(parse.parse_qsl(url.query, keep_blank_values=True))
        if url.path.startswith(PLACEMENT):
            path = url.path.removeprefix(PLACEMENT)
            reply = self._place(method, path, query, headers, content)
            return reply.status, _bytes(reply.body), {}
        if url.path.startswith(NETWORK):
            path = url.path.removeprefix(NETWORK)
            reply = self._network(method, path, query, headers)
            return reply.status, _bytes(reply.body), {}
        version = headers.get('OpenStack-API-Version', 'compute 2.1')
        path = url.path.removeprefix(COMPUTE)
        name = headers.get('X-OpenStack-Request-ID')
        self.calls.append(Call(method, path, query, version, content, name))
        self._working.wait()
        if self.garbage is not None:
            return 200, self.garbage, {}
        reply = self._compute(method, path, query, headers, content)
        self._stopping.wait(reply.seconds)
        self._speaking.wait()
        return (
            reply.status,
            _bytes(reply.body),
            {'OpenStack-API-Version': version},
        )

    def _place(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        content: Any,
    ) -> api.Reply:
        if self.placement_answer is not None:
            return placement.refusal(self.placement_answer, 'injected')
        if not self.keystone.knows(headers.get('X-Auth-Token')):
            return placement.refusal(401, 'Authentication required')
        return self._placement.answer(method, path, query, content)

    def _network(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> api.Reply:
        if not self.keystone.knows(headers.get('X-Auth-Token')):
            return api.refusal(401, 'Authentication required')
        compute = self.cloud.computes.get(query.get('host', ''))
        if (method, path) != ('GET', '/agents') or compute is None:
            return api.refusal(404, 'The resource could not be found.')
        found = [
            views.network_agent(
                compute.host.name, one, alive=self.cloud.is_alive(one)
            )
            for one in compute.agents
        ]
        return api.Reply(200, {'agents': found})

    def _identity(
        self, method: str, path: str, body: Any
    ) -> tuple[api.Reply, dict[str, str]]:
        if method == 'POST' and path == f'{IDENTITY}/auth/tokens':
            where = {
                'compute': self.endpoint,
                'placement': self._base() + PLACEMENT,
                'network': self._base() + NETWORK,
            } | {
                kind: f'{self._base()}{BESIDE}/{kind}' for kind in self.beside
            }
            for kind in self.unlisted:
                del where[kind]
            return self.keystone.log_in(body, where)
        if method == 'GET' and path.rstrip('/') == IDENTITY:
            return api.Reply(200, self.keystone.version(self.auth_url)), {}
        return api.refusal(404, 'The resource could not be found.'), {}

    def _compute(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,
    ) -> api.Reply:
        if self.answer is not None:
            return api.refusal(self.answer, 'Unexpected API Error.')
        highest = '.'.join(map(str, self.highest))
        if method == 'GET' and path in ('', '/'):
            return api.Reply(200, _version_document(self.endpoint, highest))
        if not self.keystone.knows(headers.get('X-Auth-Token')):
            return api.refusal(401, 'The request requires authentication.')
        asked = headers.get('OpenStack-API-Version', 'compute 2.1')
        version = _version(asked)
        if version is None or not (2, 1) <= version <= self.highest:
            return api.refusal(
                406, f'Version {asked} is not supported: 2.1 to {highest}'
            )
        return self._api.answer(
            api.Request(method, path, query, body, version, self.endpoint)
        )


def _version(header: str) -> tuple[int, int] | None:
    try:
        major, minor = header.removeprefix('compute ').split('.')
        return int(major), int(minor)
    except ValueError:
        return None


def _version_document(url: str, highest: str) -> api.JSON:
    return {
        'version': {
            'id': 'v2.1',
            'status': 'CURRENT',
            'version': highest,
            'min_version': '2.1',
            'links': [{'rel': 'self', 'href': url}],
        }
    }


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _bytes(body: api.JSON | None) -> bytes:
    return b'' if body is None else json.dumps(body).encode()


class _Server(http.server.ThreadingHTTPServer):
    """Remembers its connections, to close them all."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, nova: SimulatedNova, port: int) -> None:
        self.nova = nova
        self._open: set[socket.socket] = set()
        super().__init__(('127.0.0.1', port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""

    def close(self) -> None:
        self.server_close()
        for connection in list(self._open):
            self.shutdown_request(connection)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get('Content-Length') or 0)
        status, content, headers = self.server.nova.respond(
            self.command,
            self.path,
            self.headers,  # type: ignore[arg-type]
            self.rfile.read(length),
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The simulated Nova's own time, in each answer's Date."""
        now = self.server.nova.cloud.clock.now()
        return email.utils.format_datetime(
            now.replace(tzinfo=datetime.UTC), usegmt=True
        )

    do_GET = do_PUT = do_POST = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
