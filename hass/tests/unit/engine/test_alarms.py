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

"""How a human is called: a line, a notification, and a command."""

import datetime
import json
import pathlib
import sys

from hass.db import losses
from hass.db import models
from hass.db import recoveries
from hass.engine import alarms
from hass import events
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks
from hass import until

REPEAT_SECONDS = 300
COPY = 'import sys; open(sys.argv[1], "a").write(sys.stdin.read() + "\\n")'


class Bus(events.QuietNotifier):
    """Remembers the alarms that were announced."""

    def __init__(self):
        self.alarms = []

    def alarm(self, payload):
        self.alarms.append(payload)


class AlarmsCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        self.bus = Bus()

    def make(self, *command, seconds=10.0):
        return alarms.Alarms(
            self.database,
            self.bus,
            command=command,
            command_seconds=seconds,
            repeat_seconds=REPEAT_SECONDS,
        )

    def hold(self, *ends):
        with self.database.writer() as session:
            return builders.make_recovery(
                session,
                state='held',
                held_kind=models.HeldKind.SAFETY,
                why='its power state cannot be read',
                until=[one.to_dict() for one in ends],
            )


class AlarmsTest(AlarmsCase):
    def test_the_command_gets_the_alarm_as_json(self):
        path = pathlib.Path(self.make_folder(), 'paged')
        held = self.hold()
        self.make(sys.executable, '-c', COPY, str(path)).page_held()
        self.assertEqual(
            {
                'recovery': held.uuid,
                'workflow': 'host_failure',
                'subject': 'compute-1',
                'held_kind': 'safety',
                'goes_on_when': None,
                'why': 'its power state cannot be read',
                'since': '2030-01-01T00:00:00.000000Z',
            },
            json.loads(path.read_text()),
        )

    def test_who_is_paged_learns_what_ends_the_hold_by_itself(self):
        self.hold(until.Until(until.Kind.BMC_ANSWERS, 'compute-1'))
        self.make().page_held()
        (alarm,) = self.bus.alarms
        self.assertEqual('the BMC of compute-1 answers', alarm['goes_on_when'])

    def test_an_alarm_is_a_line_and_a_notification(self):
        self.hold()
        self.make().page_held()
        self.assertIn(
            'ERROR hass.engine.alarms: '
            'ALARM compute-1: its power state cannot be read',
            self.log.output,
        )
        self.assertEqual(
            ['compute-1'], [a['subject'] for a in self.bus.alarms]
        )

    def test_what_is_held_is_paged_again_until_it_is_acknowledged(self):
        held = self.hold()
        pager = self.make()
        for paged in (1, 2, 3):
            pager.page_held()
            pager.page_held()
            self.assertEqual(paged, len(self.bus.alarms))
            self.clock.turn(REPEAT_SECONDS + 1)
        self.database.write(recoveries.acknowledge, held.uuid)
        pager.page_held()
        self.assertEqual(3, len(self.bus.alarms))

    def test_what_is_not_held_is_not_paged(self):
        self.database.write(builders.make_recovery)
        self.make().page_held()
        self.assertEqual([], self.bus.alarms)


class LossesTest(AlarmsCase):
    def lose(self, *names, host='compute-1', recovery=None):
        found = [losses.Lost(n, n, 'blue', 'it is paused') for n in names]
        return self.database.write(losses.record, host, found, recovery)

    def test_many_of_one_host_are_one_alarm_that_names_them(self):
        self.lose('web-1', 'web-2')
        self.lose('db-1', host='compute-2')
        self.make().page_losses()
        self.assertEqual(
            [
                '2 instances that should run do not: '
                'web-1 (web-1): it is paused; web-2 (web-2): it is paused',
                '1 instance that should run does not: '
                'db-1 (db-1): it is paused',
            ],
            [one['why'] for one in self.bus.alarms],
        )

    def test_of_very_many_some_are_counted(self):
        self.lose(*[f'web-{n}' for n in range(alarms.NAMED + 5)])
        self.make().page_losses()
        (alarm,) = self.bus.alarms
        self.assertIn('; and 5 more', alarm['why'])
        self.assertEqual(alarms.NAMED + 5, len(alarm['losses']))

    def test_they_are_paged_again_until_acknowledged_or_over(self):
        one, other = self.lose('web-1', 'web-2')
        pager = self.make()
        for paged in (1, 2):
            pager.page_losses()
            pager.page_losses()
            self.assertEqual(paged, len(self.bus.alarms))
            self.clock.turn(REPEAT_SECONDS + 1)
        self.database.write(losses.acknowledge, one.uuid)
        self.database.write(
            losses.end, other, models.LossEnd.RUNS, 'it runs again'
        )
        pager.page_losses()
        self.assertEqual(2, len(self.bus.alarms))

    def lose_anew(self, loss, recovery=None):
        """An hour before it was acknowledged, by a clock that was set back."""
        off_at = loss.acknowledged_at - datetime.timedelta(hours=1)
        found = [losses.Lost('web-1', 'web-1', 'blue', 'it is paused')]
        self.database.write(
            losses.record, 'compute-1', found, recovery, off_at
        )
        before = len(self.bus.alarms)
        self.make().page_losses()
        return len(self.bus.alarms) - before

    def test_a_clock_that_was_set_back_hides_no_new_loss(self):
        story = self.database.write(builders.make_recovery, 'compute-1')
        (loss,) = self.lose('web-1', recovery=story.uuid)
        self.make().page_losses()
        loss = self.database.write(losses.acknowledge, loss.uuid)
        self.assertEqual(0, self.lose_anew(loss, story.uuid))
        self.assertEqual(1, self.lose_anew(loss), 'by a boot')
        loss = self.database.write(losses.acknowledge, loss.uuid)
        later = self.database.write(builders.make_recovery, 'compute-2')
        self.assertEqual(1, self.lose_anew(loss, later.uuid))


class FailingCommandTest(AlarmsCase):
    """It is logged; neither its arguments nor its output are."""

    def page(self, *command, seconds=10.0):
        self.make(*command, '--token', 's3cret', seconds=seconds).page(
            {'subject': 'compute-1', 'why': 'held'}
        )
        self.assertNotIn('s3cret', self.log.output)
        self.assertEqual(1, len(self.bus.alarms))
        return self.log.output

    def test_a_command_that_fails(self):
        said = self.page('/bin/false')
        self.assertIn(
            '[alarm] command /bin/false failed: CalledProcessError', said
        )

    def test_a_command_that_is_not_there(self):
        said = self.page('/nowhere/page')
        self.assertIn('/nowhere/page failed: FileNotFoundError', said)

    def test_a_command_that_hangs_is_killed(self):
        hang = 'import threading; threading.Event().wait()'
        said = self.page(sys.executable, '-c', hang, seconds=0.3)
        self.assertIn('failed: TimeoutExpired', said)
