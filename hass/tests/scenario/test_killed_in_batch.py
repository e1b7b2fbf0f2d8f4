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

"""An engine dies among the evacuate calls of one batch."""

from hass.tests import fake_cloud
from hass.tests.scenario import base

HOST = base.HOST
COUNT = 4


class KilledInBatchTest(base.ScenarioTest):
    """Each instance is asked for once, and soon where that is certain."""

    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=COUNT)

    def kill_at_call(self, number, moment):
        """kill -9 before a call is noted, or noted, or carried out."""
        evacuate = self.cloud.compute.evacuate
        made = 0
        dying = False

        def die():
            nonlocal dying
            dying = True
            raise fake_cloud.Killed

        def call(server, proofs, needed, target, deadline, sending):
            nonlocal made
            if dying and all(e.alive for e in self.cloud.engines.values()):
                raise fake_cloud.Killed  # The threads beside it die as well.
            made += 1
            if made != number:
                evacuate(server, proofs, needed, target, deadline, sending)
                return
            if moment == 'before':
                die()
            if moment == 'noted':
                sending()
                die()
            evacuate(server, proofs, needed, target, deadline, sending)
            die()

        self.cloud.compute.evacuate = call

    def seconds_until_moved(self):
        self.cloud.hosts[HOST].lose_power_supply()
        began = self.cloud.clock.monotonic()
        self.cloud.run_until(self.has_finished, seconds=200)
        return self.cloud.clock.monotonic() - began

    def has_finished(self):
        return any(one.state == 'finished' for one in self.cloud.stories(HOST))

    def assert_each_was_asked_for_once(self):
        self.cloud.run_until_state(HOST, 'returned')
        self.assert_recovered(HOST, self.instances)
        self.assertEqual(
            COUNT,
            sum(
                one.type == 'evacuation' for one in self.cloud.nova.migrations
            ),
        )

    def take_over_at(self, number, moment):
        self.kill_at_call(number, moment)
        seconds = self.seconds_until_moved()
        dead = [e.name for e in self.cloud.engines.values() if not e.alive]
        self.assertEqual(1, len(dead))
        self.assert_each_was_asked_for_once()
        return seconds

    def test_what_was_noted_and_not_sent_waits_for_its_answer_alone(self):
        seconds = self.take_over_at(2, 'noted')
        self.assertLess(seconds, self.cloud.conf.nova.settle_seconds / 2)


def _add(number, moment):
    def test(self):
        unkilled = self.make_cloud()
        unkilled.boot(HOST, instances=COUNT)
        unkilled.hosts[HOST].lose_power_supply()
        began = unkilled.clock.monotonic()
        unkilled.run_until_state(HOST, 'powering_on', seconds=200)
        seconds = unkilled.clock.monotonic() - began
        # The claim of the dead engine has to run out before all else.
        self.assertLessEqual(
            self.take_over_at(number, moment), 1.2 * seconds + 8 + 1
        )

    test.__name__ = f'test_killed_{moment}_call_{number}'
    setattr(KilledInBatchTest, test.__name__, test)


for _number in range(1, COUNT + 1):
    for _moment in ('before', 'after'):
        _add(_number, _moment)
