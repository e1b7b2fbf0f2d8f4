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

"""The ears of an engine: listener, endpoint, server and rows, no more."""

import os

import fixtures
from oslo_config import cfg

from hass.agent import identity
from hass import clock
from hass import conf as options
from hass.db import clusters
from hass.db import hosts
from hass.db import migration
from hass.db import notifications
from hass.db import observations
from hass.db import session as db
from hass.diagnosis import quality
from hass.engine import endpoint
from hass.engine import keys
from hass.engine import listener
from hass.engine import overview
from hass.engine import signs
from hass.rpc import transport

HOST = 'compute-1'
KEY = 'k' * 32
NETWORKS = {'management': '127.0.0.2', 'storage': '127.0.0.3'}


class PlainKeyring:
    """Nothing is encrypted: that is another test's business."""

    def decrypt(self, secret, what):
        return secret


def make_conf(url, **agent):
    """Options as a process has them, with RPC over this URL."""
    conf = cfg.ConfigOpts()
    conf.register_opts(options.options('agent'), 'agent')
    db.register_opts(conf)
    transport.register_opts(conf)
    conf([], default_config_files=[])
    conf.set_override('transport_url', url)
    for option, value in agent.items():
        conf.set_override(option, value, 'agent')
    return conf


class Ears(fixtures.Fixture):
    """An engine that hears one host and writes down what it says.

    :param serves: RPC from the start; else from serve() on
    """

    def __init__(self, url, serves=True):
        super().__init__()
        self._serves = serves
        self.clock = clock.SystemClock()
        self.conf = make_conf(url)

    def _setUp(self):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'db')
        self.conf.set_override('connection', f'sqlite:///{path}', 'database')
        self.database = db.Database(self.conf, self.clock)
        self.addCleanup(self.database.close)
        migration.sync(self.database)
        with self.database.writer() as session:
            cluster = clusters.create(session, 'cluster-1')
            hosts.add(session, cluster, HOST, agent_key=KEY)
        known = keys.AgentKeys(self.database, PlainKeyring(), self.clock)
        known.refresh()
        self.listener = listener.Listener(
            self.clock,
            known,
            [(each, 0) for each in NETWORKS.values()],
            quality.Wish(),
        )
        self.listener.start()
        self.addCleanup(self.listener.stop)
        self.endpoint = endpoint.ReportsEndpoint(
            self.database,
            known,
            self.listener,
            self.clock,
            overview.Overview(self.database, self.clock, 5.0),
        )
        if self._serves:
            self.serve()

    def engines(self):
        """What [agent] engines says to be heard here."""
        return [
            f'{network}={address}:{port}'
            for network, (address, port) in zip(
                NETWORKS, self.listener.addresses(), strict=True
            )
        ]

    def host(self):
        with self.database.reader() as session:
            return hosts.get(session, HOST)

    def observations(self):
        with self.database.reader() as session:
            return observations.of_host(session, HOST)

    def notifications(self):
        with self.database.reader() as session:
            return notifications.all(session)

    def make_identity(self, boot_id='boot-1', key=KEY):
        return identity.Identity(self.clock, HOST, boot_id, key.encode())

    def serve(self):
        """Take part in what agents say over RPC."""
        connected = transport.connect(self.conf)
        self.addCleanup(connected.cleanup)
        server = transport.server(
            connected,
            transport.REPORTS,
            'engine-1',
            [self.endpoint, signs.SignsEndpoint(self.endpoint)],
        )
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
