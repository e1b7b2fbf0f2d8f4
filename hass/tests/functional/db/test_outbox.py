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

"""What is to be told is told once it happened, and to each channel."""

import datetime

from hass.db import models
from hass.db import moments
from hass.db import outbox
from hass.db import recoveries
from hass import payloads
from hass.tests import builders
from hass.tests.functional.db import base

ALARM = payloads.Event.ALARM
FIELDS = ('from', 'to', 'held_kind', 'layer', 'why', 'engine')


class OutboxCase(base.DatabaseTest):
    def put(self, *numbers):
        with self.database.writer() as session:
            now = moments.read_now(session)
            for number in numbers:
                outbox.put(session, ALARM, {'number': number}, now)

    def write(self, function, *args):
        return self.database.write(function, *args)

    def take(self, channel, database=None, seconds=60.0):
        return (database or self.database).write(outbox.take, channel, seconds)

    def rows(self):
        with self.database.reader() as session:
            return session.query(models.Outgoing).order_by('id').all()


@base.on_every_database
class OutboxTest(OutboxCase):
    def test_each_channel_is_told_everything_in_its_order(self):
        self.put(1, 2)
        self.assertEqual({None}, self.read(outbox.due))
        self.write(outbox.spread, ['bus', 'webhook pager'])
        self.assertEqual({'bus', 'webhook pager'}, self.read(outbox.due))
        for channel in ('bus', 'webhook pager'):
            for number in (1, 2):
                message = self.take(channel)
                self.assertEqual(
                    (ALARM, {'number': number}, 1),
                    (message.event, message.body, message.attempt),
                )
                self.write(outbox.delivered, message)
            self.assertIsNone(self.take(channel))
        self.assertEqual([], self.rows())

    def test_what_nobody_wants_to_know_goes(self):
        self.put(1, 2)
        self.write(outbox.spread, [])
        self.assertEqual([], self.rows())

    def test_one_engine_takes_it_and_another_when_that_one_died(self):
        self.put(1)
        self.write(outbox.spread, ['bus'])
        first = self.take('bus', seconds=60)
        self.assertIsNone(self.take('bus'))
        # The claim of an engine that is gone ends by itself.
        with self.database.writer() as session:
            (row,) = session.query(models.Outgoing).all()
            row.due_at = moments.read_now(session)
        second = self.take('bus')
        self.assertEqual(first.uuid, second.uuid)
        self.assertEqual(2, second.attempt)

    def test_two_engines_that_spread_at_once_do_it_once(self):
        self.put(*range(20))
        views = [self.open(self.url) for _ in range(2)]
        base.at_once(
            *[
                lambda view=view: view.write(outbox.spread, ['bus'])
                for view in views
            ]
        )
        self.assertEqual(
            [(n, 'bus') for n in range(20)],
            sorted((row.body['number'], row.channel) for row in self.rows()),
        )

    def test_two_engines_that_take_at_once_take_it_once(self):
        self.put(1)
        self.write(outbox.spread, ['bus'])
        views = [self.open(self.url) for _ in range(3)]
        took = base.at_once(
            *[lambda view=view: self.take('bus', view) for view in views]
        )
        self.assertEqual(1, len([one for one in took if one]), took)

    def test_what_failed_waits_and_says_why(self):
        self.put(1)
        self.write(outbox.spread, ['bus'])
        self.write(outbox.failed, self.take('bus'), 60.0, 'it is away')
        self.assertIsNone(self.take('bus'))
        (row,) = self.rows()
        self.assertEqual('it is away', row.why)

    def test_what_waits_since_before_the_clock_was_set_back_is_due(self):
        self.put(1)
        self.write(outbox.spread, ['bus'])
        longest = outbox.LONGEST_PAUSE_SECONDS
        self.write(outbox.failed, self.take('bus'), longest, 'it is away')
        self.assertEqual(set(), self.read(outbox.due))
        with self.database.writer() as session:
            (row,) = session.query(models.Outgoing).all()
            row.due_at += datetime.timedelta(hours=1)
        self.assertEqual({'bus'}, self.read(outbox.due))
        self.assertEqual(2, self.take('bus').attempt)

    def test_what_is_old_is_given_up(self):
        self.put(1, 2)
        with self.database.writer() as session:
            row = session.query(models.Outgoing).order_by('id').first()
            assert row is not None
            row.created_at = row.created_at.replace(year=2020)
        self.assertEqual(1, self.write(outbox.forget, 86400))
        self.assertEqual([2], [row.body['number'] for row in self.rows()])


@base.on_every_database
class TransitionsTest(OutboxCase):
    """Whoever changes a recovery, it is told, with the change."""

    def told(self):
        return [row.body for row in self.rows()]

    def hops(self):
        return [(one['from'], one['to']) for one in self.told()]

    def open(self, *args, **kwargs):
        if args:
            return super().open(*args, **kwargs)
        with self.database.writer() as session:
            return builders.make_recovery(
                session, fault={'layer': 'power', 'host': 'compute-1'}
            )

    def hop(self, recovery, to, **changes):
        fields = {
            'to': to,
            'ended': False,
            'deadline_seconds': None,
            'wake_seconds': 0,
            'held_kind': None,
            'engine': 'engine-2',
            'why': 'because',
        }
        return self.write(
            lambda session: recoveries.record_hop(
                session, recovery, **fields | changes
            )
        )

    def test_the_opening_is_told(self):
        made = self.open()
        (body,) = self.told()
        self.assertEqual((None, 'confirming'), (body['from'], body['to']))
        self.assertEqual(made.uuid, body['recovery'])
        self.assertEqual('rack-1', body['cluster'])

    def test_each_hop_is_told_with_what_was_true_then(self):
        made = self.open()
        held = self.hop(made, 'held', held_kind=models.HeldKind.CAPACITY)
        self.hop(held, 'confirming')
        _opened, first, second = self.told()
        self.assertEqual(
            ('confirming', 'held', 'capacity', 'power', 'because', 'engine-2'),
            tuple(map(first.get, FIELDS)),
        )
        self.assertEqual(
            ('held', 'confirming', None),
            tuple(map(second.get, FIELDS[:3])),
        )

    def test_an_end_from_outside_is_told(self):
        made = self.open()
        with self.database.writer() as session:
            row = session.get_one(models.Recovery, made.id)
            recoveries.end(session, row, 'dismissed', 'engine-1', 'superseded')
        self.assertIn(('confirming', 'dismissed'), self.hops())

    def test_recoveries_that_hass_manage_holds_are_told(self):
        self.open()
        self.write(
            recoveries.hold_open_ones, 'hass-manage', 'the database is older'
        )
        body = self.told()[-1]
        self.assertEqual(('held', 'safety'), (body['to'], body['held_kind']))

    def test_what_did_not_happen_is_not_told(self):
        made = self.open()

        def fail(session):
            recoveries.append_history(
                session, made.id, 'confirming', 'fencing', 'e', 'why'
            )
            raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, self.write, fail)
        self.assertEqual([(None, 'confirming')], self.hops())
