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

"""Engines that lose the database, or the time: they act no more."""

import signal

from hass.db import models
from hass.db import recoveries
from hass.tests.functional.engine import base
from hass.tests.functional import servers

HOST = 'a'
CLAIM_SECONDS = 6.0


class LossTest(base.EngineTest):
    """safety.md §3, with real processes."""

    def start_world(self, *engines):
        self.server = self.need(servers.mariadb)
        self.addCleanup(self.ensure_server)
        self.world = self.make_world(
            url=self.make_url(self.server), engines=engines
        )
        self.world.migrate()
        self.instances = self.world.protect(HOST, 2)
        for name in engines:
            self.world.start(name)
        self.wait_ready(self.world, *engines)
        self.machine = self.world.nova.machines[HOST]

    def ensure_server(self):
        """Other tests of this process use it too."""
        if not self.server.ready():
            self.server.start()

    def wait_state(self, *states):
        return self.wait_for(
            lambda: (
                (story := self.world.story())
                and story.state in states
                and story
            ),
            why=f'recovery in {" or ".join(states)}',
        )

    def wait_seconds(self, seconds):
        """Let that much time pass: the claim has to run out."""
        clock = self.world.clock
        end = clock.monotonic() + seconds
        self.wait_for(
            lambda: clock.monotonic() > end,
            why='the end of the claim',
        )

    def test_an_engine_that_loses_only_the_database_acts_no_more(self):
        self.start_world('engine-1')
        self.world.chassis[HOST].stuck = True
        self.machine.hang()
        self.wait_for(
            lambda: self.world.power_commands() >= 3,
            why='commands to a BMC that does not obey',
        )
        self.server.kill()
        on_their_way = self.world.power_commands() + 1
        self.wait_seconds(CLAIM_SECONDS)
        sent = self.world.power_commands()
        self.assertLessEqual(sent, on_their_way)
        self.wait_seconds(2)
        self.assertEqual(sent, self.world.power_commands())
        self.wait_said(self.world, 'the database cannot be used now')
        self.server.start()
        self.world.chassis[HOST].stuck = False
        self.wait_state('evacuating', 'powering_on', 'returned')
        verdict = self.world.nova.verdict()
        self.assertEqual([], verdict.evacuated_unfenced)

    def stop_the_next_look(self, stopped):
        """SIGSTOP whoever looks at the power in fencing, in mid-call."""

        def look():
            if stopped:
                return
            with self.world.database.reader() as session:
                story = recoveries.open_of_host(session, HOST)
            if story is not None and story.state == 'fencing':
                name = story.claimed_by or ''
                stopped.append(name)
                self.world.processes[name].send_signal(signal.SIGSTOP)

        self.world.chassis[HOST].looked = look

    def test_an_engine_stopped_between_look_and_act_sends_nothing_later(self):
        self.start_world('engine-1', 'engine-2')
        stopped: list[str] = []
        self.stop_the_next_look(stopped)
        began = self.world.clock.monotonic()
        self.machine.hang()
        self.wait_for(lambda: stopped, why='a look in fencing')
        looked = self.world.clock.monotonic()
        self.wait_state('returned')
        commands = self.world.power_commands()
        self.assertEqual(2, commands, 'one off, one on')
        turned = self.turned(stopped[0])
        self.world.processes[stopped[0]].send_signal(signal.SIGCONT)
        self.wait_for(
            lambda: self.turned(stopped[0]) > turned,
            why='a turn of the engine that was stopped',
        )
        self.wait_for(
            lambda: 'is claimed by another engine' in self.said(stopped[0]),
            why='the end of its step',
        )
        self.wait_seconds(2)
        self.assertEqual(commands, self.world.power_commands())
        self.assertTrue(self.machine.is_on)
        self.assert_well()
        self.assertGreater(looked, began)

    def said(self, name):
        return self.world.said(name)

    def turned(self, name):
        with self.world.database.reader() as session:
            query = session.query(models.Service).filter_by(name=name)
            return query.one().turn_at

    def assert_well(self):
        """Once each, elsewhere, and only after the host was off."""
        verdict = self.world.nova.verdict()
        self.assertEqual([], verdict.evacuated_unfenced)
        self.assertEqual([], verdict.started_twice)
        for instance in self.instances:
            self.assertEqual(1, verdict.evacuations[instance])
            (where,) = verdict.running[instance]
            self.assertNotEqual(HOST, where)
