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

"""The real application on a database, with a Nova and engines that behave."""

from collections.abc import Iterator
import contextlib
import dataclasses
import datetime
import json
import threading
import uuid

from falcon import testing
import fixtures
from oslo_config import cfg
from oslo_log import log
import sqlalchemy as sa

from hass.api import app
from hass.api import engines
from hass.api import microversion
from hass.api import parts as api_parts
from hass import bmc
from hass import clock
from hass import conf as options
from hass.conf import protection
from hass.db import hosts
from hass.db import models
from hass.engine import powering
from hass.engine import returning
from hass import exception
from hass.fencing import fake
from hass import nova
from hass.tests.functional.db import base as stores

ADMIN = 'operator:admins:admin'
MEMBER = 'alice:blue:member'
READER = 'bob:blue:reader'
STRANGER = 'eve:red:member'
MONITOR = 'prober:services:service'


class FakeNova:
    """Hosts and servers that a test puts there.

    :ivar asked: how often each call was made
    :ivar failure: raised by every call while it is set
    """

    def __init__(self):
        self.hosts = {}
        self.servers = {}
        self.failure = None
        self.left_out = set()
        self.unshown = set()

    def host(self, name, state='up', forced_down=False):
        self.hosts[name] = nova.Service(
            uuid=str(uuid.uuid4()),
            host=name,
            status='enabled',
            state=state,
            forced_down=forced_down,
            disabled_reason=None,
            updated_at=None,
        )

    def boot(
        self,
        host,
        project='blue',
        status='ACTIVE',
        image_backed=False,
        metadata=None,
        name=None,
        ephemeral_gb=0,
    ) -> str:
        server = nova.Server(
            uuid=str(uuid.uuid4()),
            name=name or f'vm-{len(self.servers)}',
            project_id=project,
            host=host,
            status=status,
            vm_state=status.lower(),
            task_state=None,
            power_state=1,
            locked=False,
            locked_reason=None,
            image_backed=image_backed,
            ephemeral_gb=ephemeral_gb,
            launched=True,
            metadata=metadata or {},
        )
        self.servers[server.uuid] = server
        return server.uuid

    def move(self, instance, host):
        old = self.servers[instance]
        self.servers[instance] = dataclasses.replace(old, host=host)

    def services(self):
        self._maybe_fail()
        return list(self.hosts.values())

    def server(self, uuid):
        self._maybe_fail()
        if uuid in self.unshown:
            raise exception.NovaFailed('show server', 'no vm_state')
        return self.servers.get(uuid)

    def servers_on(self, host):
        self._maybe_fail()
        return [
            one
            for one in self.servers.values()
            if one.host == host and one.uuid not in self.left_out
        ]

    def _maybe_fail(self):
        if self.failure is not None:
            raise self.failure


class FakePanel(bmc.Bmc):
    """The sensors and the event log of every host.

    :ivar address: of its BMC; None: it has none
    """

    def __init__(self):
        self.address: bmc.Address | None = bmc.Address(
            '192.0.2.9', 623, 'root', 'secret'
        )
        self.readings = [
            bmc.SensorReading('CPU Temp', 'Temperature', 41.0, '°C', 'ok'),
            bmc.SensorReading('Fan 1', 'Fan', 0.0, 'RPM', 'failed', ('low',)),
        ]

        at = datetime.datetime(2026, 5, 4, 3, 12, 45, tzinfo=datetime.UTC)
        supply = ('PSU 1', 'Power Supply', 'Failure', True, 'critical')
        fan = ('Fan 1', 'Fan', 'Upper critical', False, 'critical')
        self.log = [bmc.Event(2, None, *fan), bmc.Event(1, at, *supply)]

    def sensors(self, address):
        return self.readings

    def newest_events(self, address):
        return self.log


class FakeEngine:
    """An engine behind RPC: it tries fences and writes down what it found.

    :ivar outcomes: per host (state, why, guid, power restore policy)
    """

    def __init__(self, database):
        self._database = database
        self.outcomes = {}
        self.woken = threading.Event()
        self.fencer = fake.FakeFencer()
        self.panel = FakePanel()
        self.power = powering.PowerEndpoint(
            powering.Power(
                database,
                self.fencer,
                self.panel,
                lambda host: self.panel.address,
                clock.SystemClock(),
                2.0,
                returning.Returning('engine-1', self.woken.set),
            )
        )
        self.answers = True
        self.hangs = False
        self.let_go = threading.Event()

    def wake(self):
        self._reach('wake')
        self.woken.set()

    def test_fence(self, host):
        self._reach('test_fence')
        outcome = self.outcomes.get(
            host, ('working', 'power is on', 'guid-1', 'always-off')
        )
        with self._database.writer() as session:
            state, *rest = outcome
            hosts.set_fence(session, host, models.FenceState(state), *rest)
        return {}

    def read_power(self, host):
        self._reach('read_power')
        return self.power.read_power(None, host)

    def turn_power(self, host, power, until, who):
        self._reach('turn_power')
        return self.power.turn_power(None, host, power, until, who)

    def bring_back(self, host, until, who):
        self._reach('bring_back')
        return self.power.bring_back(None, host, until, who)

    def read_sensors(self, host):
        self._reach('read_sensors')
        return self.power.read_sensors(None, host)

    def read_events(self, host):
        self._reach('read_events')
        return self.power.read_events(None, host)

    def _reach(self, method):
        if self.hangs:
            self.let_go.wait(60)
        if self.hangs or not self.answers:
            raise exception.EngineUnreachable(method, 'no engine answered')


class PlainKeyring:
    """Closes a secret recognisably."""

    def encrypt(self, text):
        return f'closed({text[::-1]})'


def make_conf(files=(), **overrides) -> cfg.ConfigOpts:
    """A configuration of its own, with what the API reads."""
    conf = cfg.ConfigOpts()
    log.register_options(conf)
    for group in ('api', 'fencing', 'detection', protection.GROUP):
        conf.register_opts(options.options(group), group)
    conf([], project='hass', default_config_files=files)
    for name, value in overrides.items():
        group, _, option = name.partition('__')
        conf.set_override(option, value, group)
    return conf


class ApiTest(stores.DatabaseTest):
    """Requests go through every middleware, as a WSGI server sends them."""

    kind = 'SQLite'
    auth_strategy = 'noauth'
    fence_test_seconds = 5.0

    def setUp(self):
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        self.conf = make_conf(
            files=self.make_files(),
            api__auth_strategy=self.auth_strategy,
            api__max_limit=1000,
        )
        self.clock = self.make_clock()
        self.database = self.open(self.url, self.clock)
        self.nova = FakeNova()
        self.engine = FakeEngine(self.database)
        self.addCleanup(self.engine.let_go.set)
        self.application = self.make_application()

    def make_files(self):
        """Configuration files, if a test wants some."""
        return []

    def make_clock(self):
        return clock.SystemClock()

    def make_application(self):
        parts = api_parts.Parts(
            database=self.database,
            compute=self.nova,
            engines=engines.Engines(
                self.engine, self.clock, self.fence_test_seconds
            ),
            keyring=PlainKeyring(),
            rule=protection.rule(self.conf),
            max_limit=self.conf.api.max_limit,
            silence_seconds=30.0,
            test_seconds=self.conf.fencing.test_seconds,
            search_seconds=self.conf.detection.search_seconds,
        )
        return app.build(self.conf, parts)

    def ask(self, method, path, body=None, token=ADMIN, headers=(), **options):
        """The answer to one request, of the newest version unless told."""
        headers = {microversion.HEADER: 'hass latest'} | dict(headers)
        if token is not None:
            headers.setdefault('X-Auth-Token', token)
        if body is not None:
            options['body'] = json.dumps(body)
            headers.setdefault('Content-Type', 'application/json')
        return testing.simulate_request(
            self._serve, method, path, headers=headers, **options
        )

    def _serve(self, environ, start_response):
        return self.application(environ, start_response)

    def get(self, path, token=ADMIN, **options):
        return self.ask('GET', path, token=token, **options)

    def post(self, path, body=None, token=ADMIN, **options):
        return self.ask('POST', path, body, token, **options)

    def change(self, path, body=None, token=ADMIN, **options):
        return self.ask('PATCH', path, body, token, **options)

    def delete(self, path, token=ADMIN, **options):
        return self.ask('DELETE', path, token=token, **options)

    def assertSays(self, status, words, answer):
        """An error with this status, and these words in its message."""
        self.assertEqual(status, answer.status_code, answer.text)
        error = answer.json['error']
        self.assertEqual(status, error['code'])
        self.assertIn(words, error['message'])
        return error

    def assertFine(self, status, answer):
        self.assertEqual(status, answer.status_code, answer.text)
        return answer.json if answer.content else None

    def make_cluster(self, name='rack-1', hosts=('compute-1',), **fields):
        """A cluster whose hosts Nova knows; returns the answer's body."""
        for host in hosts:
            self.nova.host(host)
        wanted = [{'name': host} for host in hosts]
        body = {'name': name, 'hosts': wanted} | fields
        return self.assertFine(201, self.post('/v1/clusters', body))

    def protect(self, host='compute-1', project='blue'):
        """A protected instance; returns its uuid."""
        instance = self.nova.boot(host, project)
        answer = self.post('/v1/instances', {'uuid': instance})
        self.assertFine(201, answer)
        return instance

    @contextlib.contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL that is sent meanwhile."""
        seen: list[str] = []

        def see(connection, cursor, statement, *rest):
            seen.append(statement)

        engine = self.database.engine
        sa.event.listen(engine, 'before_cursor_execute', see)
        try:
            yield seen
        finally:
            sa.event.remove(engine, 'before_cursor_execute', see)


def unreachable() -> exception.NovaError:
    return exception.NovaUnreachable('GET', 'http://10.0.0.9:8774 is silent')
