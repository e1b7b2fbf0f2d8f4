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

"""A call stays in one worker of nova-api that stands still, and comes late."""

import functools
from unittest import mock

from hass.db import clusters
from hass.db import losses
from hass.db import models
from hass.db import recoveries
from hass.db import services
from hass import exception
from hass.tests import fake_cloud
from hass.tests.scenario import base

HOST = base.HOST
STUCK = 2


class LateCallTest(base.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.instances = self.cloud.boot(HOST, instances=4)
        self.asked = []
        self.accept = self.cloud.compute.evacuate
        self.cloud.compute.evacuate = self.listen

    def listen(self, server, *rest):
        """Remember who is asked for, and for which host."""
        self.asked.append((server.uuid, rest[2]))
        self.accept(server, *rest)

    def cut_power(self, seconds):
        """The first calls stay in nova-api for so long."""
        self.cloud.compute.keeps_evacuations = (STUCK, seconds)
        self.cloud.hosts[HOST].lose_power_supply()
        self.cloud.run_until(lambda: len(self.asked) == 4, seconds=60)

    def attempts(self):
        return sorted(row.attempt for row in self.cloud.evacuations(HOST))

    def assert_comes_late_without_harm(self, seconds):
        self.cut_power(seconds)
        self.cloud.tick(seconds=seconds)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances, evacuated_once=False)

    def test_it_is_made_again_to_the_same_host_once_its_answer_is_due(self):
        self.cut_power(300)
        limit = self.cloud.conf.nova.settle_seconds / 2
        self.cloud.run_until(
            lambda: self.attempts() == [1, 1, 2, 2], seconds=limit
        )
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(4 + STUCK, len(self.asked))
        self.assertEqual({*self.asked[:STUCK]}, {*self.asked[4:]})
        self.assert_recovered(HOST, self.instances)

    def test_where_that_host_refuses_no_other_one_is_asked_before(self):
        self.cut_power(300)
        full = exception.NovaRefused('evacuate', 400, 'No valid host')
        refuse = mock.Mock(side_effect=full)
        self.cloud.nova.evacuate = refuse
        limit = self.cloud.conf.nova.settle_seconds
        self.cloud.tick(seconds=0.75 * limit)
        asked = {(call.args[0], call.args[1]) for call in refuse.mock_calls}
        self.assertEqual({*self.asked[:STUCK]}, asked)
        self.cloud.tick(seconds=0.5 * limit)
        self.assertGreater(len({*self.asked}), 4)

    def refuse_again(self):
        """For good; returns when the kept calls have been made once more."""
        never = exception.NovaRefused('evacuate', 403, 'not allowed')
        self.cloud.compute.evacuate = mock.Mock(side_effect=never)
        self.cloud.run_until(
            lambda: self.attempts() == [1, 1, 2, 2], seconds=30
        )

    def test_its_host_stays_off_while_it_may_come(self):
        self.cut_power(45)
        self.refuse_again()
        self.cloud.tick(seconds=25)
        self.assertFalse(self.cloud.hosts[HOST].host.is_on)
        self.assertIsNone(self.cloud.newest(HOST).ended_at)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assert_recovered(HOST, self.instances)

    def test_nor_is_it_powered_on_when_an_operator_releases_it(self):
        self.cut_power(45)
        self.refuse_again()
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        self.wish(self.cloud.run_until_state(HOST, 'held'), 'release')
        self.cloud.tick(seconds=25)
        self.assertFalse(self.cloud.hosts[HOST].host.is_on)
        self.assertEqual('giving_back', self.cloud.newest(HOST).state)
        self.cloud.tick(seconds=60)
        self.assertEqual([], self.cloud.verdict().started_twice)
        self.assertIsNotNone(self.cloud.stories(HOST)[0].ended_at)

    def test_nor_when_it_is_planned_anew_and_is_to_stay(self):
        """Its user stops it meanwhile, and an operator retries."""
        self.cut_power(45)
        self.refuse_again()
        with self.cloud.database.writer() as session:
            recoveries.hold_open_ones(session, 'hass-manage', 'restored')
        held = self.cloud.run_until_state(HOST, 'held')
        for instance in self.instances:
            if self.cloud.nova.servers[instance].host == HOST:
                self.cloud.nova.stop(instance)
        self.wish(held, 'retry')
        self.cloud.tick(seconds=25)
        self.assertFalse(self.cloud.hosts[HOST].host.is_on)
        self.assertIsNone(self.cloud.newest(HOST).ended_at)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assertEqual([], self.cloud.verdict().started_twice)

    def test_a_nova_that_is_silent_as_a_whole_is_given_its_time(self):
        self.cut_power(20)
        self.cloud.compute.failing = fake_cloud.no_answer()
        self.cloud.tick(seconds=20)
        self.cloud.compute.failing = None
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(4, len(self.asked))
        self.assert_recovered(HOST, self.instances)

    def test_where_nova_chooses_the_host_it_is_given_its_time(self):
        with self.cloud.database.writer() as session:
            clusters.update(
                session, self.cloud.cluster.uuid, targets=models.Targets.ANY
            )
        self.cut_power(50)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assertEqual(4, len(self.asked))
        self.assert_recovered(HOST, self.instances)

    def test_beside_an_engine_of_another_release_it_is_given_its_time(self):
        """That one does not know to which host alone it may be asked."""
        with self.cloud.database.writer() as session:
            services.enter(session, 'engine-2', 'of another release')
        self.cut_power(50)
        self.cloud.run_until_state(HOST, 'returned', seconds=300)
        self.assertEqual(4, len(self.asked))
        self.assert_recovered(HOST, self.instances)

    def test_a_jump_of_the_databases_clock_makes_no_answer_due(self):
        self.assert_made_once_after_a_jump(30)

    def test_nor_does_one_of_more_than_nova_is_given(self):
        """And less than makes a turn stale."""
        self.assert_made_once_after_a_jump(90)

    def assert_made_once_after_a_jump(self, seconds):
        self.cut_power(5)
        self.cloud.clock.jump(seconds)
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual(4, len(self.asked))
        self.assert_recovered(HOST, self.instances)


class StalledCallTest(base.ScenarioTest):
    """A worker of nova-api has seen the source down, and saves much later."""

    def setUp(self):
        super().setUp()
        (self.instance,) = self.cloud.boot(HOST, instances=1)
        self.cloud.compute.stalls_evacuations = 1
        self.cloud.hosts[HOST].lose_power_supply()

    @property
    def server(self):
        return self.cloud.nova.servers[self.instance]

    def go_on(self):
        """The conductor finds no other host at once."""
        (save,) = self.cloud.compute.stalled
        save()
        self.cloud.nova.evacuations[-1].due = 0.0

    def assert_runs_well(self):
        self.cloud.run_until_state(HOST, 'returned')
        self.assertEqual('active', self.server.vm_state)
        self.assert_recovered(HOST, [self.instance], evacuated_once=False)

    def open_losses(self):
        with self.cloud.database.reader() as session:
            return losses.all(session, is_open=True)

    def pages(self):
        return ' '.join(str(one['why']) for one in self.cloud.pager.alarms)

    def test_an_error_is_lifted_while_the_recovery_verifies(self):
        self.once_in('verifying', self.go_on)
        self.assert_runs_well()
        self.assertEqual('', self.pages())

    def test_one_after_the_return_is_paged_until_it_is_lifted(self):
        self.assert_runs_well()
        self.go_on()
        words = f'Nova has it in ERROR, though {self.server.host} runs it'
        self.cloud.run_until(lambda: words in self.pages(), seconds=60)
        self.cloud.nova.reset_state(self.instance, 'active')
        self.cloud.run_until(lambda: not self.open_losses(), seconds=60)

    def test_a_second_start_is_paged(self):
        """It was asked for on a host that it did not come to."""
        self.assert_runs_well()
        other = next(
            name
            for name in self.cloud.hosts
            if name not in (HOST, self.server.host)
        )
        self.cloud.hosts[other].host.start_guest(self.instance)
        words = f'it runs on {self.server.host}, and on {other} too'
        self.cloud.run_until(lambda: words in self.pages(), seconds=90)


def _add(seconds):
    name = f'test_{seconds}_s_later'.replace('.', '_')
    setattr(
        LateCallTest,
        name,
        functools.partialmethod(
            LateCallTest.assert_comes_late_without_harm, seconds
        ),
    )


for _seconds in (0.5, 8, 10.5, 11.5, 12, 12.5, 13, 14, 16, 30, 70):
    _add(_seconds)
