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

"""In each state of each workflow a person does each thing: what comes of it.

Judged by the oracle: no instance runs twice, none is lost without a page, no
power is cut under guests of a host that speaks. Every sixth cell is played
here, all by ``make soak SET=acts``.
"""

import csv
import os

from hass.db import losses
from hass.db import recoveries
from hass import faults
from hass.recovery.workflow import ENDED
from hass.recovery.workflow import State
from hass.simulation.virtual import units
from hass.tests import base as base_
from hass.tests import documented
from hass.tests.scenario import acts
from hass.tests.scenario import base

SECONDS = 240
"""After that everything has ended, or somebody is told."""
SETTLED = 12
"""What an act leads to has begun after so long."""
PATIENCE = 40
"""After that a person mends what can be mended, and asks to go on."""
TABLE = documented.ROOT / 'doc/source/admin/state-and-act.csv'


def table():
    """Workflow, state and act to what HASS does."""
    with TABLE.open(newline='') as file:
        heads, *rows = csv.reader(file)
    return {
        (workflow, state, act): does
        for workflow, state, *cells in rows
        for act, does in zip(heads[2:], cells, strict=True)
    }


class TableTest(base_.TestCase):
    def test_every_state_has_a_cell_for_every_act(self):
        wanted = {
            (story.name, str(state), str(act))
            for story, state in acts.states()
            for act in acts.Act
        }
        self.assertEqual(wanted, set(table()))

    def test_the_cells_say_what_the_page_explains(self):
        self.assertEqual({str(one) for one in acts.Does}, {*table().values()})


class StateAndActTest(base.ScenarioTest):
    def make_cloud(self, **changes):
        cloud = super().make_cloud(hosts=3, **changes)
        del cloud.engines['engine-2']
        return cloud

    def play(self, story, state, act):
        """The act comes right before the first turn in that state."""
        cloud = self.cloud
        self.instances = cloud.boot(acts.HOST, instances=2)
        if (story.name, state) == ('host_return', State.RESTARTING):
            # It was cut off without being protected: it is started there.
            cloud.boot(acts.HOST, instances=1, protected=False)
        cloud.tick(8, 1)
        self.people = acts.People(cloud, self.instances[0])
        self.stories = acts.Stories(cloud, self.instances[0])
        self.acted_at = None
        self.changed = self.waited = self.in_mid_spawn = False
        self.cuts = []
        self.watch_power()
        cloud.before_step = lambda turn: self.step(turn, story, state, act)
        self.stories.begin(story, state)
        began = cloud.clock.monotonic()
        while cloud.clock.monotonic() - began < SECONDS:
            cloud.tick(1, 1)
            self.look(story, state, act)
            if self.acted_at is not None and self.is_over():
                break
        self.judge(state)
        return self.does(story, act)

    def does(self, story, act):
        """The word of the table for what was seen."""
        people, cloud = self.people, self.cloud
        server = cloud.nova.servers[people.instance]
        if people.refused:
            return acts.Does.REFUSES
        if not self.changed:
            return acts.Does.NOTHING
        runs = cloud.verdict().running.get(people.instance)
        if not people.wants_run and (not runs or self.in_mid_spawn):
            return acts.Does.LEAVES
        if act is acts.Act.DISABLE and cloud.nova.computes[acts.HOST].disabled:
            return acts.Does.LEAVES
        with cloud.database.reader() as session:
            stories = recoveries.all(session)
        newest = self.newest(story)
        if any(
            row.workflow == 'host_failure' and row.id > newest.id
            for row in stories
        ):
            return acts.Does.HANDS_ON
        if act is acts.Act.MOVE and server.host != acts.HOST:
            return acts.Does.ADOPTS
        return acts.Does.WAITS if self.waited else acts.Does.GOES_ON

    def watch_power(self):
        """Whose power is cut while its guests run and its agent speaks."""
        off = self.cloud.bmcs.off

        def look(target, deadline):
            host = self.cloud.hosts[target.name]
            if host.host.os_running and host.host.guests:
                self.cuts.append(target.name)
            off(target, deadline)

        self.cloud.bmcs.off = look

    def step(self, turn, story, state, act):
        recovery = turn.recovery
        if recovery.workflow != story.name or self.acted_at is not None:
            return
        if recovery.state == state and state is not State.HELD:
            self.act(act)

    def look(self, story, state, act):
        """What a person does who looks at held stories."""
        cloud = self.cloud
        now = cloud.clock.monotonic()
        newest = self.newest(story)
        if newest is None:
            return
        if self.acted_at is None:
            if state in (State.HELD, State.GIVING_BACK):
                if newest.state not in (*ENDED, State.HELD, state):
                    if self.may_be_held(story, state, newest):
                        self.stories.hold()
                elif newest.state == State.HELD:
                    if state is State.HELD:
                        self.act(act)
                    else:
                        self.stories.wish(story.name, state)
            elif story.name == 'service_failure' and state is State.ENABLING:
                if newest.state == State.HELD:
                    self.cloud.hosts[acts.HOST].units.set(
                        faults.SidePath.COMPUTE, units.Run.ACTIVE
                    )
            return
        if now - self.acted_at > PATIENCE:
            self.waited = True
            self.people.mend()
            self.cloud.nova.glance_is_up = True
            self.stories.wish(story.name, state)
        elif state is State.HELD:
            self.stories.wish(story.name, state)

    def may_be_held(self, story, state, newest):
        """Whether it has touched what it will have to give back."""
        if story.name == 'host_failure':
            return bool(newest.was.get('off_sent'))
        return (story.name, state) != ('service_failure', State.GIVING_BACK)

    def act(self, act):
        self.acted_at = self.cloud.clock.monotonic()
        # What is deleted then Nova leaves behind, until its own periodic look
        # (running_deleted_instance_action).
        server = self.cloud.nova.servers[self.people.instance]
        self.in_mid_spawn = server.task_state == 'rebuild_spawning'
        self.changed = self.people.do(act)

    def newest(self, story):
        with self.cloud.database.reader() as session:
            found = recoveries.all(session, workflow=story.name, limit=1)
            return found[0] if found else None

    def is_over(self):
        if self.people.refused or not self.changed:
            return True
        if self.cloud.clock.monotonic() - self.acted_at < SETTLED:
            return False
        with self.cloud.database.reader() as session:
            return all(row.ended_at for row in recoveries.all(session))

    def judge(self, state):
        self.assertIsNotNone(self.acted_at, f'never {state}: {self.cloud}')
        verdict = self.cloud.verdict()
        self.assertEqual([], verdict.started_twice)
        self.assertEqual([], verdict.evacuated_unfenced)
        if not self.in_mid_spawn:
            self.assertEqual([], verdict.runs_deleted)
        self.assertEqual([], self.cuts)
        if self.people.refused or not self.changed:
            return
        with self.cloud.database.reader() as session:
            lost = losses.named(session, self.instances)
            held = [
                row
                for row in recoveries.all(session)
                if row.state == State.HELD
            ]
        told = {one['subject'] for one in self.cloud.pager.alarms}
        for row in held:
            self.assertIn(row.subject, told)
        meant = (
            self.instances if self.people.wants_run else (self.instances[1:])
        )
        for one in meant:
            runs = verdict.running.get(one, [])
            if not runs and one not in lost:
                self.assertNotEqual([], held, f'{one} lost: {self.cloud}')


def add(story, state, act):
    def test(self):
        does = self.play(story, state, act)
        self.assertEqual(CELLS[story.name, state, act], does, self.cloud)

    words = act.replace(' ', '_').replace('-', '_')
    test.__name__ = f'test_{story.name}_{state}_{words}'
    setattr(StateAndActTest, test.__name__, test)


CELLS = table()
SHARE = int(os.environ.get('ACTS_SHARE', '6'))
"""One cell of so many is played: others of each state, and of each act."""
for _row, (_story, _state) in enumerate(acts.states()):
    for _column, _act in enumerate(acts.Act):
        if (_row + _column) % SHARE == 0:
            add(_story, _state, _act)
