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

"""One client of Nova, and the verbs of a recovery."""

from hass import clock as hass_clock
from hass import exception
from hass.fencing import base as fencing
from hass import nova
from hass.tests import base
from hass.tests import clocks
from hass.tests.functional import nova_fixture

RECOVERY = '4ab2ae6e-7b53-4fe7-a0a2-5e67a4d3ad3f'


class Off(fencing.Fencer):
    """A device that says off of every host."""

    def status(self, target):
        return fencing.PowerState.OFF

    def off(self, target, deadline):
        """It is."""

    def on(self, target, deadline):
        """It stays off."""


def off(host, read_at):
    """A proof as the device gave it at that moment."""
    clock = clocks.HandClock()
    clock.boottime = read_at
    return fencing.look(Off(), fencing.Target(host, None), clock).proof()


class NovaTest(base.TestCase):
    """One client, and the verbs of a recovery."""

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(self.make_nova())
        self.clock = self.cloud.clock
        self.nova = self.cloud.client()
        self.a, self.b, self.c = self.cloud.hosts

    def make_nova(self):
        return nova_fixture.SimulatedNova()

    def deadline(self, seconds=30):
        return hass_clock.FixedDeadline(self.clock, seconds)

    def proofs(self, *hosts, age=0.0):
        read_at = self.clock.monotonic() - age
        return {host: off(host, read_at) for host in hosts}

    def lose(self, host):
        """Power off, and forced down as a recovery does it."""
        self.cloud.power_off(host)
        service = self.nova.service(host)
        return self.nova.force_down(service, RECOVERY, self.deadline())

    def evacuate(self, instance, *, target=None, age=0.0, deadline=None):
        server = self.nova.server(instance)
        self.nova.evacuate(
            server,
            self.proofs(server.host, age=age),
            nova.must_prove(server, self.nova.migrations_of(instance)),
            target,
            deadline or self.deadline(),
        )

    def newest(self, instance):
        return self.nova.migrations_of(instance)[0]

    def wait_for_status(self, instance, status):
        self.wait_for(
            lambda: self.newest(instance).status == status,
            why=f'migration {status}',
        )

    def refusal(self, call, *arguments):
        error = self.assertRaises(exception.NovaRefused, call, *arguments)
        return error.status
