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

import dataclasses
import datetime

from hass.db import hosts
from hass.db import instance_observations
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass import exception
from hass import faults
from hass.tests import builders
from hass.tests.functional.db import base

UUID = 'aaaaaaaa-0000-4000-8000-000000000001'
AN_HOUR = datetime.timedelta(hours=1)
WEB = losses.Lost(UUID, 'web-1', 'blue', 'it was left: it is paused', ['p1'])


@base.on_every_database
class LossesTest(base.DatabaseTest):
    def lose(self, *found, host='compute-1', recovery=None):
        with self.database.writer() as session:
            return losses.record(session, host, found or (WEB,), recovery)

    def open_ones(self):
        return self.read(losses.all, is_open=True)

    def test_an_instance_has_one_open_loss(self):
        (first,) = self.lose()
        newer = losses.Lost(UUID, 'web-1', 'blue', 'its boot failed', ['p2'])
        (second,) = self.lose(newer, host='compute-2', recovery='r-2')
        self.assertEqual(first.uuid, second.uuid)
        (loss,) = self.open_ones()
        self.assertEqual('its boot failed', loss.why)
        self.assertEqual('compute-2', loss.host)
        self.assertEqual('r-2', loss.recovery_uuid)
        self.assertEqual(['p1', 'p2'], loss.was['ports'])

    def test_engines_that_name_it_at_once_make_one(self):
        done = base.at_once(self.lose, self.lose, self.lose)
        self.assertEqual(1, len(self.open_ones()), done)
        self.assertEqual(1, len({row.uuid for (row,) in done}))

    def test_one_that_has_ended_may_be_lost_again(self):
        (first,) = self.lose()
        with self.database.writer() as session:
            loss = losses.get(session, first.uuid)
            self.assertTrue(
                losses.end(session, loss, models.LossEnd.RUNS, 'it runs')
            )
            self.assertFalse(
                losses.end(session, loss, models.LossEnd.DELETED, 'gone')
            )
        (second,) = self.lose()
        self.assertNotEqual(first.uuid, second.uuid)
        ended = self.read(losses.get, first.uuid)
        self.assertEqual(
            ('runs', 'it runs'), (ended.ended_how, ended.ended_why)
        )

    def test_it_is_paged_by_one_engine(self):
        self.lose()
        with self.database.writer() as session:
            self.assertEqual(1, len(losses.to_page(session, 300)))
        with self.database.writer() as session:
            self.assertEqual([], losses.to_page(session, 300))

    def test_what_may_come_back_by_itself_is_not_paged_yet(self):
        with self.database.writer() as session:
            slow = dataclasses.replace(WEB, page_seconds=60)
            losses.record(session, 'compute-1', [slow])
            self.assertEqual([], losses.to_page(session, 300))
            (loss,) = losses.all(session)
            loss.page_at -= datetime.timedelta(seconds=61)
            session.flush()
            self.assertEqual(1, len(losses.to_page(session, 300)))

    def test_one_from_before_the_clock_was_set_back_waits_for_nothing(self):
        self.lose()
        with self.database.writer() as session:
            (loss,) = losses.all(session)
            loss.page_at += AN_HOUR
            loss.look_at += AN_HOUR
            session.flush()
            self.assertEqual(1, len(losses.to_page(session, 300)))
            self.assertEqual(1, len(losses.to_look_at(session, 10)))

    def test_one_paged_before_the_clock_was_set_back_is_paged_again(self):
        self.lose()
        with self.database.writer() as session:
            (loss,) = losses.to_page(session, 300)
            loss.alarmed_at = moments.read_now(session) + AN_HOUR
            session.flush()
            self.assertEqual(1, len(losses.to_page(session, 300)))

    def lose_off(self, off_at, host='compute-1'):
        with self.database.writer() as session:
            (loss,) = losses.record(session, host, [WEB], off_at=off_at)
        return loss

    def test_that_its_host_was_off_is_not_forgotten(self):
        off_at = self.read(moments.read_now)
        self.lose_off(off_at)
        again = self.lose_off(None)
        self.assertEqual(off_at, losses.off_at(again))
        again = self.lose_off(off_at - AN_HOUR)
        self.assertEqual(off_at, losses.off_at(again))
        again = self.lose_off(off_at + AN_HOUR)
        self.assertEqual(off_at + AN_HOUR, losses.off_at(again))
        again = self.lose_off(None, host='compute-2')
        self.assertIsNone(losses.off_at(again))

    def look(self):
        with self.database.writer() as session:
            for loss in losses.all(session):
                loss.look_at = moments.read_now(session)
            session.flush()
            (loss,) = losses.to_look_at(session, 10)
        return losses.off_at(loss)

    def see_healthy(self, seen_at):
        look = instance_observations.Seen(
            UUID,
            'instance_libvirt',
            faults.Layer.INSTANCE,
            faults.Verdict.HEALTHY,
            seen_at,
        )
        with self.database.writer() as session:
            instance_observations.put(session, 'compute-1', [look])

    def test_what_is_seen_counts_after_the_clock_was_set_back(self):
        now = self.read(moments.read_now)
        self.lose_off(now + AN_HOUR)
        self.see_healthy(now)
        self.assertLess(self.look(), now + AN_HOUR / 2)
        self.assertGreater(self.look(), now)

    def test_a_look_of_before_the_clock_was_set_back_never_counts(self):
        now = self.read(moments.read_now)
        self.lose_off(now + AN_HOUR)
        self.see_healthy(now + AN_HOUR / 2)
        self.assertEqual(now + AN_HOUR, self.look())

    def maintain(self, session, row, seconds):
        now = moments.read_now(session)
        row.maintenance_until = now + datetime.timedelta(seconds=seconds)

    def test_nobody_is_paged_for_a_host_in_maintenance(self):
        with self.database.writer() as session:
            host = builders.make_host(session, 'compute-1')
            self.maintain(session, host, 60)
        self.lose()
        with self.database.writer() as session:
            self.assertEqual([], losses.to_page(session, 300))
            row = hosts.get(session, 'compute-1')
            self.maintain(session, row, -1)
            session.flush()
            self.assertEqual(1, len(losses.to_page(session, 300)))

    def test_nor_for_one_of_a_cluster_in_maintenance(self):
        with self.database.writer() as session:
            host = builders.make_host(session, 'compute-1')
            self.maintain(session, host.cluster, 60)
        self.lose()
        with self.database.writer() as session:
            self.assertEqual([], losses.to_page(session, 300))
            row = hosts.get(session, 'compute-1')
            self.maintain(session, row.cluster, -1)
            session.flush()
            self.assertEqual(1, len(losses.to_page(session, 300)))

    def test_what_is_acknowledged_stays_open_and_pages_no_more(self):
        (loss,) = self.lose()
        self.database.write(losses.acknowledge, loss.uuid)
        self.lose()
        with self.database.writer() as session:
            self.assertEqual([], losses.to_page(session, 300))
        self.assertEqual(1, len(self.open_ones()))
        self.assertEqual({True: 1, False: 0}, self.read(losses.count_open))

    def test_what_was_acknowledged_and_is_lost_anew_is_paged_again(self):
        """It ran meanwhile, and nobody has looked."""
        (loss,) = self.lose()
        with self.database.writer() as session:
            losses.to_page(session, 300)
            seen = losses.acknowledge(session, loss.uuid).acknowledged_at
        assert seen is not None
        for seconds, paged in ((-1, 0), (1, 1)):
            off_at = seen + datetime.timedelta(seconds=seconds)
            with self.database.writer() as session:
                losses.record(session, 'compute-1', [WEB], 'r-2', off_at)
                found = losses.to_page(session, 300)
            self.assertEqual(paged, len(found), str(seconds))

    def test_what_has_ended_cannot_be_acknowledged(self):
        (loss,) = self.lose()
        with self.database.writer() as session:
            row = losses.get(session, loss.uuid)
            losses.end(session, row, models.LossEnd.RUNS, 'it runs')
        self.assertRefused(
            f'loss {loss.uuid} has ended: it runs',
            losses.acknowledge,
            loss.uuid,
        )

    def test_one_engine_looks_at_it_and_later_less_often(self):
        self.lose()
        with self.database.writer() as session:
            (loss,) = losses.to_look_at(session, 10)
        with self.database.writer() as session:
            self.assertEqual([], losses.to_look_at(session, 10))
        (row,) = self.open_ones()
        self.assertEqual(1, row.looks)
        self.assertLess(loss.since, row.look_at)

    def test_they_are_asked_for_by_what_they_belong_to(self):
        other = losses.Lost('b', 'db-1', 'red', 'x')
        self.lose(recovery='r-1')
        self.lose(other, host='compute-2')

        def names(**wanted):
            return [
                one.instance_name for one in self.read(losses.all, **wanted)
            ]

        self.assertEqual(['db-1', 'web-1'], names())
        self.assertEqual(['web-1'], names(host='compute-1'))
        self.assertEqual(['web-1'], names(recovery='r-1'))
        self.assertEqual(['db-1'], names(project_id='red'))
        self.assertEqual(['db-1'], names(instance='b'))
        self.assertEqual([], names(is_open=False))
        self.assertEqual({UUID}, self.read(losses.named, [UUID, 'c']))

    def test_there_is_none_of_that_uuid(self):
        self.assertNotFound('loss nobody', losses.get, 'nobody')
        self.assertRaises(
            exception.Invalid, self.read, losses.all, marker='nobody'
        )
