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

"""What users do with their instances is left alone; what kills them is not."""

import collections
import os
import random

from hass.db import models
from hass.db import notifications
from hass.db import recoveries
from hass.tests.scenario import base
from hass.tests.scenario import user_actions
from hass.tests import user_actions as deeds

SEED = int(os.environ.get('USER_SEED', '1'))
ACTIONS = 100
QUIET_SECONDS = 10


class UserActionsTest(base.ScenarioTest):
    """Random actions on eight protected instances, two on each host."""

    def play(self, seed):
        self.dice = random.Random(seed)
        self.users = user_actions.Users(self.cloud, self.dice)
        self.instances = [
            one
            for host in self.cloud.hosts
            for one in self.cloud.boot(host, instances=2)
        ]
        self.killed = []
        self.users.rest(QUIET_SECONDS)
        drawn = deeds.draw(seed, ACTIONS)
        for number, kind in enumerate(drawn):
            if number % 20 == 19:
                self.kill_one()
            at = self.dice.randrange(len(self.instances))
            self.instances[at] = self.users.do(
                kind, self.instances[at], self.create
            )
            self.assert_left_alone(f'seed {seed}, {number}: {kind}')
        self.users.rest(QUIET_SECONDS)
        self.assert_left_alone(f'seed {seed}, the end')
        self.assert_answered()

    def create(self, host):
        (made,) = self.cloud.boot(host, instances=1)
        return made

    def kill_one(self):
        """The control: its user has let it alone for a while."""
        self.users.rest(QUIET_SECONDS)
        instance = self.dice.choice(
            [one for one in self.instances if one not in self.killed]
        )
        self.killed.append(instance)
        server = self.cloud.nova.servers[instance]
        self.cloud.hosts[server.host].host.kill_guest(instance)
        self.users.rest(QUIET_SECONDS)
        self.cloud.run_until_state(instance, 'finished')

    def stories(self):
        with self.cloud.database.reader() as session:
            return recoveries.all(session)

    def assert_left_alone(self, after):
        """One recovery for each kill, and no other of anybody."""
        self.assertEqual(
            collections.Counter(self.killed),
            collections.Counter(one.subject for one in self.stories()),
            after,
        )

    def assert_answered(self):
        """Each end was told, and the engines have said something to it."""
        with self.cloud.database.reader() as session:
            told = notifications.all(session, source='agent')
        self.assertEqual(self.users.told, len(told))
        states = {one.state for one in told}
        self.assertNotIn(models.NotificationState.NEW, states)

    def test_a_hundred_actions_start_no_recovery_and_kills_do(self):
        self.play(SEED)
