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

"""What is promised of the database's time: it alone is compared."""

import datetime

import sqlalchemy as sa

from hass import clock as clocks
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass.tests import builders
from hass.tests import clocks as hands
from hass.tests.functional.db import base

HOUR = datetime.timedelta(hours=1)
ZONES = {
    'MariaDB': "SET time_zone = '+05:45'",
    'PostgreSQL': "SET TIME ZONE 'Asia/Kathmandu'",
}


def seconds(number):
    return datetime.timedelta(seconds=number)


class ShiftedClock(clocks.SystemClock):
    """An engine's clock that someone set wrong."""

    def __init__(self, shift):
        self._shift = shift

    def now(self):
        return super().now() + self._shift


class Claims(base.DatabaseTest):
    """A round of claims: what must work whatever the clocks say."""

    def assertClaimsWork(self, database):
        with database.writer() as session:
            made = builders.make_recovery(session)
        self.assertEqual([(made.id, 0)], database.read(recoveries.due, 2, 9))
        taken = database.write(recoveries.take, made.id, 0, 'engine-1', 6)
        with database.reader() as session:
            left = taken.claimed_until - moments.read_now(session)
        self.assertTrue(seconds(3) < left <= seconds(6), left)
        self.assertEqual([], database.read(recoveries.due, 2, 9))
        self.assertTrue(database.write(recoveries.renew, made.id, 1, 0.0))
        self.wait_for(
            lambda: database.read(recoveries.due, 0.2, 9),
            why='the claim runs out, and another engine may take it',
        )


@base.on_every_database
class MomentsTest(Claims):
    def test_now_is_utc(self):
        with self.database.reader() as session:
            now = moments.read_now(session)
        self.assertLess(abs(now - clocks.SystemClock().now()), seconds(5))
        self.assertIsNone(now.tzinfo)

    def test_time_goes_on_while_a_transaction_is_open_for_3_s(self):
        with self.database.writer() as session:
            first = moments.read_now(session)
            self.wait_for(
                lambda: moments.read_now(session) - first > seconds(3),
                why='the transaction sees time go on',
            )

    def test_now_and_so_many_seconds(self):
        for number in (1.5, -1.5, 86400.000001):
            query = sa.select(moments.db_now(), moments.db_now(number))
            with self.database.reader() as session:
                now, then = session.execute(query).one()
            off = abs(then - now - seconds(number))
            self.assertLess(off, seconds(0.5))

    def test_microseconds_survive(self):
        moment = datetime.datetime(2030, 1, 2, 3, 4, 5, 123457)
        with self.database.writer() as session:
            made = builders.make_recovery(session, wake_at=moment)
        with self.database.reader() as session:
            found = recoveries.get(session, made.uuid)
        self.assertEqual(moment, found.wake_at)

    def test_whole_seconds_survive(self):
        moment = datetime.datetime(2030, 1, 2, 3, 4, 5)
        with self.database.writer() as session:
            made = builders.make_recovery(session, wake_at=moment)
        with self.database.reader() as session:
            found = recoveries.get(session, made.uuid)
        self.assertEqual(moment, found.wake_at)

    def test_what_now_was_survives(self) -> None:
        with self.database.writer() as session:
            made = builders.make_recovery(session)
            session.execute(
                sa.update(models.Recovery).values(
                    wake_at=moments.db_now(), deadline_at=moments.db_now(600)
                )
            )
        with self.database.reader() as session:
            found = recoveries.get(session, made.uuid)
        self.assertLess(abs(found.wake_at - made.opened_at), seconds(60))
        late = found.wake_at + seconds(600) - found.deadline_at
        self.assertLess(abs(late), seconds(0.5))

    def test_moments_compare_to_the_microsecond(self):
        moment = datetime.datetime(2030, 1, 2, 3, 4, 5)
        column = models.Recovery.wake_at
        with self.database.writer() as session:
            builders.make_recovery(session, wake_at=moment)
            for off, expected in ((-1, 0), (0, 1), (1, 1)):
                limit = moment + datetime.timedelta(microseconds=off)
                query = sa.select(sa.func.count()).where(column <= limit)
                self.assertEqual((off, expected), (off, session.scalar(query)))

    def test_claims_work_with_an_engine_whose_clock_is_an_hour_ahead(self):
        self.assertClaimsWork(self.open(self.url, ShiftedClock(HOUR)))

    def test_claims_work_with_an_engine_whose_clock_is_an_hour_late(self):
        self.assertClaimsWork(self.open(self.url, ShiftedClock(-HOUR)))


@base.on_servers
class ServersTimeTest(Claims):
    def test_now_is_utc_in_a_session_with_an_odd_time_zone(self):
        with self.database.writer() as session:
            session.execute(sa.text(ZONES[self.kind]))
            now = moments.read_now(session)
            made = builders.make_recovery(session)
            session.execute(
                sa.update(models.Recovery).values(wake_at=moments.db_now())
            )
        self.assertLess(abs(now - clocks.SystemClock().now()), seconds(5))
        with self.database.reader() as session:
            found = recoveries.get(session, made.uuid)
        self.assertLess(abs(found.wake_at - now), seconds(5))
        self.assertLess(abs(found.opened_at - now), seconds(5))

    def test_an_engine_whose_clock_is_wrong_reads_the_same_time(self):
        wrong = self.open(self.url, ShiftedClock(HOUR))
        with wrong.reader() as session:
            now = moments.read_now(session)
        self.assertLess(abs(now - clocks.SystemClock().now()), seconds(5))

    def test_claims_work_when_the_servers_clock_is_an_hour_ahead(self):
        self.shift(3600)
        self.assertClaimsWork(self.database)

    def test_claims_work_when_the_servers_clock_is_an_hour_late(self):
        self.shift(-3600)
        self.assertClaimsWork(self.database)

    def shift(self, number):
        self.addCleanup(self.restart, 0)
        self.restart(number)
        with self.database.reader() as session:
            off = moments.read_now(session) - clocks.SystemClock().now()
        self.assertLess(abs(off - seconds(number)), seconds(5))

    def restart(self, number):
        self.store.server.stop()
        self.store.server.start(number)


@base.on('SQLite')
class SQLiteTimeTest(base.DatabaseTest):
    def test_time_is_that_of_the_clock_that_was_handed_in(self):
        clock = hands.HandClock()
        with self.open(self.url, clock).reader() as session:
            first = moments.read_now(session)
            clock.turn(0.000001)
            self.assertEqual(
                seconds(0.000001), moments.read_now(session) - first
            )

    def test_what_is_due_at_a_whole_second_is_due_in_that_second(self):
        clock = hands.HandClock()
        database = self.open(self.url, clock)
        with database.writer() as session:
            builders.make_recovery(
                session,
                wake_at=clock.now() + seconds(1),
                deadline_at=None,
            )
        clock.turn(0.999999)
        self.assertEqual([], database.read(recoveries.due, 2, 9))
        clock.turn(0.000001)
        self.assertEqual(1, len(database.read(recoveries.due, 2, 9)))
