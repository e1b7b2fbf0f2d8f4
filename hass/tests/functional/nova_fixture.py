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

"""A Nova to test against: the simulated one, through its real HTTP API."""

import pathlib

import fixtures
from oslo_config import cfg

from hass import clock
from hass.conf import nova as options
from hass import nova
from hass.simulation import nova as simulation
from hass.simulation import nova_cloud
from hass.simulation import nova_host
from hass.simulation import nova_rows
from hass_oracle import checker
from hass_oracle import ledger

PACE = nova_rows.Pace(
    scheduling=0.02,
    spawning=0.1,
    report_interval=0.05,
    service_down_time=1,
    rpc_response_timeout=5,
)


class SimulatedNova(fixtures.Fixture):
    """Hosts that are on, and what a test may do to them."""

    def __init__(self, hosts=('a', 'b', 'c'), **changes):
        self.hosts = hosts
        self._changes = changes
        self.clock = clock.SystemClock()

    def _setUp(self):
        folder = self.useFixture(fixtures.TempDir()).path
        self.ledger = pathlib.Path(folder) / 'ledger'
        book = ledger.Ledger(self.ledger)
        machines = [
            nova_host.Host(name, book, self.clock) for name in self.hosts
        ]
        self.machines = {one.name: one for one in machines}
        for machine in machines:
            machine.power_on()
        self.cloud = nova_cloud.Cloud(machines, book, self.clock, PACE)
        self.cloud.advance()
        self.server = simulation.SimulatedNova(
            self.cloud, self.clock, **self._changes
        )
        self.server.start()
        self.addCleanup(self.server.stop)

    def conf(self, **changes):
        """[nova] for this Nova, with changes; None leaves one out."""
        settings = {
            'auth_type': 'password',
            'auth_url': self.server.auth_url,
            'username': self.server.user.name,
            'password': self.server.user.password,
            'project_name': self.server.user.project,
            'user_domain_id': 'default',
            'project_domain_id': 'default',
            'region_name': 'RegionOne',
            'call_seconds': 2,
            'answer_seconds': 0.5,
        } | changes
        lines = [
            f'{name} = {value}'
            for name, value in settings.items()
            if value is not None
        ]
        folder = self.useFixture(fixtures.TempDir()).path
        file = pathlib.Path(folder) / 'hass.conf'
        file.write_text('\n'.join(['[nova]', *lines]))
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        conf([], default_config_files=[str(file)])
        return conf

    def client(self, **changes):
        return nova.connect(self.conf(**changes), self.clock)

    def boot(self, name, host):
        """The uuid of a new server that runs on the host."""
        return self.cloud.boot(name, host).uuid

    def power_off(self, host):
        self.machines[host].power_off()

    def power_on(self, host):
        self.machines[host].power_on()

    def verdict(self):
        return checker.check(ledger.read(self.ledger))

    def seen(self, method=None):
        """Compute calls so far, as 'METHOD path', versions left out."""
        return [
            f'{call.method} {call.path}'
            for call in self.server.calls
            if call.path not in ('', '/') and method in (None, call.method)
        ]
