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


"""One instance on a living host, and what befalls it."""

from hass.db import instance_observations
from hass.db import notifications
from hass.faults import Incident
from hass.tests.scenario import base

HOST = 'compute-1'
HEALTHY_SECONDS = 8
"""After them the guest has answered, and is expected to answer again."""


class InstanceTest(base.ScenarioTest):
    """``self.vm`` is the uuid of a protected instance on compute-1."""

    def setUp(self):
        super().setUp()
        (self.vm,) = self.cloud.boot(HOST, instances=1)
        self.server = self.cloud.nova.servers[self.vm]
        self.host = self.cloud.hosts[HOST]
        self.cloud.tick(HEALTHY_SECONDS)

    def kill(self, incident=Incident.KILLED):
        self.host.host.kill_guest(self.vm)
        self.tell(incident)

    def tell(self, incident):
        self.cloud.guests.tell(self.host, self.vm, incident)

    def hang(self, always=False):
        """The guest hangs, and its watchdog tells and does nothing."""
        if always:
            self.cloud.guests.stubborn.add((HOST, self.vm))
        self.cloud.guests.hung.add(self.vm)
        self.tell(Incident.WATCHDOG_NONE)

    def until(self, state, seconds=900):
        return self.cloud.run_until_state(self.vm, state, seconds)

    def held(self):
        return self.until('held')

    def asked(self):
        """What was asked of the instance, in order."""
        return [
            one.name
            for one in self.cloud.nova.actions
            if one.instance_uuid == self.vm and one.user_id is not None
        ]

    def answers(self):
        """Why each notification came to what it came to."""
        with self.cloud.database.reader() as session:
            return [one.why for one in notifications.all(session)]

    def looks(self):
        with self.cloud.database.reader() as session:
            host = self.cloud.nova.servers[self.vm].host
            return instance_observations.of_instance(session, self.vm, host)

    def assert_runs(self, *hosts):
        """Once, on one of the hosts, and never twice at a time."""
        verdict = self.cloud.verdict([self.vm])
        self.assertEqual([], verdict.started_twice)
        self.assertEqual(list(hosts or (HOST,)), verdict.running[self.vm])

    def assert_left_alone(self, why):
        self.cloud.tick(60)
        self.assertEqual([], self.cloud.stories(self.vm))
        self.assertIn(why, self.answers()[-1])
