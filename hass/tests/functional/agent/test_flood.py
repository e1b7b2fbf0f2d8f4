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

"""A flood of events, from libvirt to the rows, with answers that get lost."""

import threading

from oslo_config import cfg

from hass.agent import identity
from hass.agent.instances import ear
from hass.agent import service
from hass import clock
from hass.conf import agent as options
from hass.db import clusters
from hass.db import hosts
from hass.db import notifications
from hass.detection import guests
from hass.detection import libvirt_keepalive
from hass.engine import endpoint
from hass.engine import keys
from hass.engine import overview
from hass import exception
from hass.tests import base
from hass.tests.functional.agent import tiny_guest
from hass.tests.functional import debian_libvirt
from hass.tests.unit.agent import engines
from hass.tests.unit.engine import test_endpoint

DOMAINS = 50
ROUNDS = 40
# libvirt's own test driver: its state is that of this process.
URI = 'test:///default'
XML = """<domain type='test'>
<name>flood-{number}</name><uuid>{uuid}</uuid><metadata>{metadata}</metadata>
<memory>65536</memory><os><type>hvm</type></os>
</domain>"""


class Engine(engines.SilentEngine):
    """A real endpoint; of every three answers one is lost."""

    def __init__(self, served):
        self._served = served
        self._calls = 0

    def report(self, envelope):
        answer = self._served.report(None, envelope)
        assert 'refused' not in answer, answer
        self._calls += 1
        if self._calls % 3 == 1:
            raise exception.EngineUnreachable('report', 'the answer is lost')
        return answer


class FloodTest(base.TestCase):
    def setUp(self):
        super().setUp()
        debian_libvirt.need(self)
        self.libvirt = libvirt_keepalive.start_events()
        self.clock = clock.SystemClock()
        self.database = test_endpoint.make_database(self, self.clock)
        key = test_endpoint.KEY
        with self.database.writer() as session:
            cluster = clusters.create(session, 'cluster-1')
            hosts.add(session, cluster, 'compute-1', agent_key=key[::-1])
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
        self.agent = self.start_agent(Engine(served), key.encode())
        self.domains = self.define()

    def start_agent(self, engine, key):
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTIONS, 'agent')
        conf([], default_config_files=[])
        nobody = options.EngineAddress('', '127.0.0.1', 9)
        for option, value in {
            'engines': [nobody],
            'nova_conf': '/does/not/exist',
        }.items():
            conf.set_override(option, value, 'agent')
        self.ear = ear.Ear(URI, self.clock)
        self.addCleanup(self.ear.close)
        agent = service.Agent(
            conf.agent,
            self.clock,
            engine,
            identity.Identity(self.clock, 'compute-1', 'boot-1', key),
            guests.NoGuests(),
            ear=self.ear,
        )
        self.addCleanup(agent.kill)
        agent.start()
        self.wait_for(lambda: self.ear.listed_at > 0, why='a listing')
        return agent

    def define(self):
        connection = self.libvirt.open(URI)
        self.addCleanup(connection.close)
        domains = []
        for number in range(DOMAINS):
            xml = XML.format(
                number=number,
                uuid=f'00000000-0000-4000-8000-{number:012}',
                metadata=tiny_guest.NOVA,
            )
            domains.append(connection.defineXML(xml))
            self.addCleanup(domains[-1].undefine)
        return domains

    def notified(self):
        with self.database.reader() as session:
            return [
                one.payload['instance']
                for one in notifications.all(session, source='agent')
            ]

    def test_no_event_is_lost_and_none_comes_twice(self):
        pause = threading.Event()
        for _each in range(ROUNDS):
            for domain in self.domains:
                domain.create()
                domain.coreDump('/dev/null', self.libvirt.VIR_DUMP_CRASH)
            # About 200 a second, as far as this machine can.
            pause.wait(DOMAINS / 220)
        told = self.wait_for(
            lambda: (
                self.notified()
                if len(self.notified()) >= DOMAINS * ROUNDS
                else []
            ),
            why='all events',
            every=0.5,
        )
        for domain in self.domains:
            self.assertEqual(ROUNDS, told.count(domain.UUIDString()))
        self.assertEqual({'ok'}, set(self.agent.facts().health.values()))
