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

"""A COMMIT takes effect, and its answer is lost: nothing is done twice."""

import psycopg
import pymysql

from hass.db import models
from hass.db import recoveries
from hass import exception
from hass.recovery import host_return
from hass.recovery import runner
from hass.recovery import workflow
from hass.tests import builders
from hass.tests import clocks
from hass.tests.functional.db import base

LOST = {
    'MariaDB': pymysql.err.OperationalError(2013, 'Lost connection'),
    'PostgreSQL': psycopg.OperationalError('server closed the connection'),
}
DAY = 86400


class Story(workflow.Workflow):
    """Hops as host_failure does."""

    name = 'host_failure'
    initial = workflow.State.CONFIRMING
    transitions = {
        workflow.State.CONFIRMING: frozenset({workflow.State.FENCING}),
        workflow.State.FENCING: frozenset({workflow.State.FINISHED}),
    }
    deadlines = {}

    def __init__(self):
        """It looks at nothing and acts on nothing."""

    def held(self, turn):
        raise NotImplementedError


@base.on_servers
class LostAnswersTest(base.DatabaseTest):
    def setUp(self):
        super().setUp()
        self.database.write(builders.make_cluster)
        made = self.database.write(builders.make_recovery)
        self.uuid = made.uuid
        mine = self.database.write(
            recoveries.take, made.id, made.claim, 'engine-1', 60
        )
        assert mine is not None
        self.mine = mine
        clock = clocks.HandClock()
        self.runner = runner.Runner(
            self.database,
            {Story.name: Story()},
            clock,
            'engine-1',
            held_seconds=60,
            stale_seconds=120,
        )
        self.claimed = runner.Claimed(
            mine, runner.ClaimDeadline(clock, 60.0), 0.0
        )
        self.counted = 0

    def lose_answer(self):
        """Of the next COMMIT."""
        dialect = self.database.engine.dialect
        commit = dialect.do_commit

        def late(connection):
            self.patch(dialect, 'do_commit', commit)
            commit(connection)
            raise LOST[self.kind]

        self.patch(dialect, 'do_commit', late)

    def hop(self, to, **more):
        return self.runner._record(
            self.claimed, workflow.Hop(to, 'why', **more)
        )

    def count(self, session):
        self.counted += 1

    def lines(self):
        return [
            row.to_state
            for row in self.read(recoveries.history_of, self.mine.id)
        ]

    def test_a_fencing_is_counted_once(self):
        self.lose_answer()
        going = self.hop(workflow.State.FENCING, within=self.count)
        self.assertTrue(going)
        self.assertEqual(1, self.counted)
        self.assertEqual(1, self.lines().count('fencing'))
        self.assertEqual('fencing', self.claimed.recovery.state)
        self.assertEqual(1, self.read(recoveries.strikes, 'compute-1', DAY))

    def test_a_hold_stays_as_it_was_written(self):
        self.lose_answer()
        step = workflow.hold(models.HeldKind.SAFETY, 'why')
        claimed = self.claimed
        try:
            self.runner._record(claimed, step)
        except exception.LostClaim:
            pass
        found = self.read(recoveries.get, self.uuid)
        self.assertEqual('held', found.state)
        self.assertEqual(1, self.lines().count('held'))

    def test_what_follows_an_end_is_opened_once(self):
        self.hop(workflow.State.FENCING)
        self.lose_answer()
        try:
            self.hop(workflow.State.FINISHED, then=host_return.HostReturn)
        except exception.LostClaim:
            pass
        opened = self.read(recoveries.open_ones)
        self.assertEqual(['host_return'], [one.workflow for one in opened])
        self.assertEqual(1, self.lines().count('finished'))

    def test_a_wait_is_written_again(self):
        self.lose_answer()
        step = workflow.Wait(30, 'patience')
        try:
            self.runner._record(self.claimed, step)
        except exception.LostClaim:
            pass
        found = self.read(recoveries.get, self.uuid)
        self.assertEqual('patience', found.why)
        self.assertIsNone(found.claimed_by)
