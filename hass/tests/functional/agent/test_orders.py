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

"""Orders from a report's answer to a unit of systemd, on a real bus.

Who answers there for systemd is a fake; agent and engine are real.
"""

import datetime

from oslo_config import cfg

from hass.agent import detectors
from hass.agent import identity
from hass.agent import restarts
from hass.agent import service
from hass import clock as clock_
from hass import conf as options
from hass.conf import agent as agent_options
from hass.db import orders
from hass.db import recoveries
from hass.detection import base as detection
from hass.detection import guests
from hass.detection import panel
from hass.detection import systemd
from hass.engine import endpoint
from hass.engine import keys
from hass.engine import overview
from hass import exception
from hass.tests import builders
from hass.tests.functional.detection import fake_systemd
from hass.tests.functional.detection import inside_case
from hass.tests.unit.agent import engines
from hass.tests.unit.engine import test_endpoint

FAILED = ('loaded', 'failed', 'failed')
UNITS = {'compute': 'nova-compute.service', 'libvirt': 'libvirtd.service'}


class SystemdCase(inside_case.BesideCase):
    def setUp(self):
        super().setUp()
        self.need('dbus-daemon')
        self.bus, self.systemd = fake_systemd.start(self)
        manager = systemd.Manager()
        self.addCleanup(manager.close)
        self.restart = restarts.Restarter(UNITS, manager)


class RestarterTest(SystemdCase):
    def refused(self, subject='compute', *state):
        if state:
            self.systemd.state = state
        why = self.assertRaises(exception.OrderRefused, self.restart, subject)
        self.assertEqual([], self.systemd.restarted)
        return why.reason

    def test_a_failed_unit_is_restarted_even_at_its_limit_of_starts(self):
        self.systemd.state = FAILED
        self.assertEqual(
            'nova-compute.service is failed (failed); systemd restarts it',
            self.restart('compute'),
        )
        self.assertEqual(['nova-compute.service'], self.systemd.restarted)

    def test_one_that_runs_and_hangs_is_restarted(self):
        self.restart('libvirt')
        self.assertEqual(['libvirtd.service'], self.systemd.restarted)

    def test_what_somebody_stopped_or_masked_is_left_alone(self):
        for state in (
            ('loaded', 'inactive', 'dead'),
            ('masked', 'inactive', 'dead'),
            ('not-found', 'inactive', 'dead'),
            ('loaded', 'deactivating', 'stop-sigterm'),
        ):
            self.assertIn('left alone', self.refused('compute', *state))

    def test_other_units_are_none_of_its_business(self):
        self.assertEqual(
            'only compute and libvirt can be restarted', self.refused('sshd')
        )

    def test_what_systemd_says_against_it_is_told(self):
        self.systemd.refusal = 'Access denied'
        self.assertEqual(
            'systemd: Access denied', self.refused('compute', *FAILED)
        )

    def test_a_bus_that_ended_is_told(self):
        self.bus.kill()
        self.bus.wait()
        self.assertIn('D-Bus: ', self.refused())


class Engine(engines.SilentEngine):
    """An engine's endpoint without a message bus."""

    def __init__(self, served):
        self.served = served

    def report(self, envelope):
        return self.served.report(None, envelope)


class AgentTest(SystemdCase):
    """A recovery's order is carried out, and its result written down."""

    def setUp(self):
        super().setUp()
        self.clock = clock_.SystemClock()
        self.database = builders.make_database(self, self.clock)
        key = test_endpoint.KEY
        with self.database.writer() as session:
            builders.make_host(session, agent_key=key[::-1])
        known = keys.AgentKeys(
            self.database, test_endpoint.Keyring(), self.clock
        )
        served = endpoint.ReportsEndpoint(
            self.database,
            known,
            test_endpoint.Ears(self.clock),
            self.clock,
            overview.Overview(self.database, self.clock, 5.0),
        )
        self.start_agent(Engine(served), key.encode())

    def start_agent(self, engine, key):
        conf = cfg.ConfigOpts()
        options.register(conf)
        conf([], default_config_files=[])
        nobody = agent_options.EngineAddress('', '127.0.0.1', 9)
        for option, value in {
            'engines': [nobody],
            'nova_conf': '/does/not/exist',
            'look_seconds': 0.2,
            'report_seconds': 300.0,
        }.items():
            conf.set_override(option, value, 'agent')
        tools = detection.Tools(conf, self.clock)
        found = panel.load(tools, in_band=True)
        found.detectors['compute_systemd'].lacks = lambda subject: ''  # type: ignore[method-assign]
        looker = detectors.Looker(
            found,
            detection.Subject('compute-1'),
            self.clock,
            ['compute_systemd'],
        )
        agent = service.Agent(
            conf.agent,
            self.clock,
            engine,
            identity.Identity(self.clock, 'compute-1', 'boot-1', key),
            guests.NoGuests(),
            looker=looker,
            doers={'restart': self.restart},
        )
        self.addCleanup(agent.kill)
        agent.start()

    def order(self):
        with self.database.writer() as session:
            until = self.clock.now() + datetime.timedelta(seconds=60)
            wanted = orders.Order.make(
                'restart', 'compute-1', 'boot-1', 'compute', until
            )
            builders.make_recovery(
                session,
                workflow='service_failure',
                state='restarting',
                was={orders.KEY: wanted.to_dict()},
            )

    def result(self):
        with self.database.reader() as session:
            found = recoveries.open_of_host(session, 'compute-1')
            assert found is not None
            order = orders.Order.of(found.was)
        assert order is not None
        return order

    def test_a_failed_service_is_restarted_soon(self):
        self.systemd.state = FAILED
        self.order()
        self.wait_for(lambda: self.result().done, why='a result')
        self.assertEqual(['nova-compute.service'], self.systemd.restarted)
        self.assertIn('systemd restarts it', self.result().detail)

    def test_a_refusal_comes_back_to_the_recovery(self):
        self.systemd.state = FAILED
        self.systemd.refusal = 'Access denied'
        self.order()
        self.wait_for(lambda: self.result().done is False, why='a result')
        self.assertEqual('systemd: Access denied', self.result().detail)
