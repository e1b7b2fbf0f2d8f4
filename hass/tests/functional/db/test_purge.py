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

import datetime

import fixtures

from hass.db import evacuations
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import purge
from hass.db import recoveries
from hass.db import services
from hass.tests import builders
from hass.tests.functional.db import base

DAY = datetime.timedelta(days=1)


@base.on_every_database
class PurgeTest(base.DatabaseTest):
    def recovery(self, host, days=None):
        """Ended so many days ago, or open; with one evacuation."""
        with self.database.writer() as session:
            made = builders.make_recovery(session, host)
            wanted = evacuations.Intention(f'vm-of-{host}', 'vm', 'blue')
            evacuations.plan(session, made.id, host, [wanted])
            if days is not None:
                evacuations.let_go(session, made.id)
                recoveries.end(session, made, 'finished', 'engine-1', 'why')
                made.ended_at = moments.read_now(session) - days * DAY
        return made

    def notification(self, days, state, recovery=None):
        with self.database.writer() as session:
            made = builders.make_notification(session)
            made.received_at = moments.read_now(session) - days * DAY
            made.state = state
            made.recovery_id = recovery.id if recovery else None
        return made

    def test_what_ended_long_ago_goes_with_its_history(self):
        self.recovery('compute-1', days=31)
        young = self.recovery('compute-2', days=29)
        standing = self.recovery('compute-3')
        done = purge.purge(self.database, 30)
        self.assertEqual(purge.Purged(1, 0, 0), done)
        with self.database.reader() as session:
            left = {one.uuid for one in recoveries.all(session)}
            moves = {one.recovery_id for one in evacuations.all(session)}
            lines = session.query(models.RecoveryHistory).all()
        self.assertEqual({young.uuid, standing.uuid}, left)
        self.assertEqual({young.id, standing.id}, moves)
        self.assertEqual(
            {young.id, standing.id}, {line.recovery_id for line in lines}
        )

    def test_settled_notifications_go_and_new_ones_stay(self):
        self.notification(31, models.NotificationState.IGNORED)
        young = self.notification(29, models.NotificationState.IGNORED)
        new = self.notification(31, models.NotificationState.NEW)
        done = purge.purge(self.database, 30)
        self.assertEqual(purge.Purged(0, 1, 0), done)
        left = self.read(notifications.all)
        self.assertEqual({young.uuid, new.uuid}, {one.uuid for one in left})

    def test_a_young_notification_may_outlive_its_recovery(self):
        old = self.recovery('compute-1', days=31)
        young = self.notification(1, models.NotificationState.OPENED, old)
        done = purge.purge(self.database, 30)
        self.assertEqual(purge.Purged(1, 0, 0), done)
        self.assertIsNone(self.read(notifications.get, young.uuid).recovery_id)

    def test_losses_that_ended_long_ago_go_and_open_ones_stay(self):
        with self.database.writer() as session:
            ended, young, standing = losses.record(
                session,
                'compute-1',
                [losses.Lost(f'i{n}', f'vm-{n}', 'blue', 'x') for n in 'abc'],
            )
            for loss, days in ((ended, 31), (young, 29)):
                losses.end(session, loss, models.LossEnd.RUNS, 'it runs')
                loss.ended_at = moments.read_now(session) - days * DAY
            standing.since = moments.read_now(session) - 31 * DAY
        done = purge.purge(self.database, 30)
        self.assertEqual(purge.Purged(0, 0, 0, losses=1), done)
        left = {one.uuid for one in self.read(losses.all)}
        self.assertEqual({young.uuid, standing.uuid}, left)

    def test_a_long_past_goes_in_parts(self):
        self.useFixture(fixtures.MonkeyPatch('hass.db.purge.AT_ONCE', 2))
        for _ in range(5):
            self.notification(31, models.NotificationState.IGNORED)
        done = purge.purge(self.database, 30)
        self.assertEqual(purge.Purged(0, 5, 0), done)

    def test_an_evacuation_that_nova_has_not_ended_keeps_its_recovery(self):
        kept = self.recovery('compute-1', days=31)
        with self.database.writer() as session:
            (move,) = evacuations.of_recovery(session, kept.id)
            move.open_key = move.instance_uuid
        self.assertEqual(purge.Purged(0, 0, 0), purge.purge(self.database, 30))
        self.assertEqual(1, len(self.read(evacuations.all)))

    def test_engines_that_never_came_back_go_and_others_stay(self):
        with self.database.writer() as session:
            for name, days in (('lost', 31), ('away', 0.5), ('well', 0)):
                services.enter(session, name, '1.0')
                (row,) = [one for one in services.all(session)
                          if one.name == name]  # fmt: skip
                row.turn_at -= days * DAY
        self.assertEqual(purge.Purged(0, 0, 1), purge.purge(self.database, 30))
        self.assertEqual(purge.Purged(0, 0, 0), purge.purge(self.database, 0))
        self.assertEqual(
            ['away', 'well'], [one.name for one in self.read(services.all)]
        )

    def test_a_dry_run_counts_and_deletes_nothing(self):
        self.useFixture(fixtures.MonkeyPatch('hass.db.purge.AT_ONCE', 2))
        for number in range(3):
            self.recovery(f'compute-{number}', days=31)
            self.notification(31, models.NotificationState.IGNORED)
        self.recovery('compute-9')
        wanted = purge.Purged(3, 3, 0)
        self.assertEqual(wanted, purge.purge(self.database, 30, dry=True))
        self.assertEqual(4, len(self.read(recoveries.all)))
        self.assertEqual(wanted, purge.purge(self.database, 30))
