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
import json
import uuid

from hass.db import clusters
from hass.db import evacuations
from hass.db import hosts
from hass.db import models
from hass.db import notifications
from hass.db import recoveries
from hass.tests import builders
from hass.tests.functional.client import base
from hass.until import Kind
from hass.until import Until

FAULT = {'host': 'compute-1', 'layer': 'power', 'why': 'off', 'evidence': []}


class RecoveriesTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))

    def open_one(self, host='compute-1', workflow='host_failure'):
        with self.database.writer() as session:
            row = recoveries.open_one(
                session,
                workflow=workflow,
                host=host,
                cluster_id=clusters.get(session, 'rack-1').id,
                state='confirming',
                deadline_seconds=60,
                engine='engine-1',
                why='silent on all networks',
                fault=FAULT,
            )
            assert row is not None
            return row.uuid

    def move(self, recovery, state, why, **fields):
        """What an engine does in one turn."""
        with self.database.writer() as session:
            row = recoveries.get(session, recovery)
            recoveries.append_history(
                session, row.id, row.state, state, 'engine-1', why
            )
            row.state, row.why = state, why
            for name, value in fields.items():
                setattr(row, name, value)

    def hold(self, recovery):
        self.move(recovery, 'held', 'two at once', held_kind='restraint')

    def end(self, recovery, state='finished'):
        with self.database.writer() as session:
            row = recoveries.get(session, recovery)
            recoveries.end(session, row, state, 'engine-1', 'all done')

    def plan(self, recovery):
        with self.database.writer() as session:
            row = recoveries.get(session, recovery)
            wanted = evacuations.Intention(str(uuid.uuid4()), 'vm-1', 'blue')
            evacuations.plan(session, row.id, 'compute-1', [wanted])

    def row(self, recovery):
        with self.database.reader() as session:
            return recoveries.get(session, recovery)

    def test_list_filters(self):
        first, second = self.open_one(), self.open_one('compute-2')
        self.end(first)
        self.nova.boot('compute-1', 'admins', name='web')
        with self.database.reader() as session:
            host = hosts.get(session, 'compute-1').uuid
        for words, wanted in (
            ((), [second, first]),
            (('--open',), [second]),
            (('--no-open', '--host', 'compute-1'), [first]),
            (('--state', 'finished', '--cluster', 'rack-1'), [first]),
            (('--host', host), [first]),
            (('--instance', 'web'), []),
            (('--workflow', 'host_return'), []),
        ):
            found = self.read('recovery', 'list', *words)
            self.assertEqual(wanted, [one['UUID'] for one in found])
        said = self.refused('recovery', 'list', '--host', 'compute-9')
        self.assertIn('there is no host compute-9', said)

    def test_show_takes_a_uuid_or_a_host(self):
        found = self.open_one()
        self.plan(found)
        shown = self.read('recovery', 'show', 'compute-1')
        self.assertEqual(found, shown['uuid'])
        self.assertEqual('off', shown['fault']['why'])
        self.assertEqual('confirming', shown['history'][0]['to'])
        self.assertEqual('vm-1', shown['evacuations'][0]['instance_name'])
        self.assertEqual(shown, self.read('recovery', 'show', found))
        said = self.refused('recovery', 'show', 'compute-9')
        self.assertIn('openstack ha recovery list', said)

    def test_a_table_has_a_line_for_each_step_and_the_evidence_last(self):
        found = self.open_one()
        self.plan(found)
        self.move(found, 'fencing', 'power failed: its BMC reads power off')
        table = self.ha('recovery', 'show', found)
        wanted = (
            '+0.0 s confirming: silent on all networks',
            's fencing: power failed: its BMC reads power off',
            'vm-1: pending',
            'layer: power',
        )
        places = [table.find(line) for line in wanted]
        self.assertNotIn(-1, places, table)
        self.assertEqual(sorted(places), places)

    def test_a_held_one_says_when_it_goes_on_by_itself(self):
        found = self.open_one()
        self.move(
            found,
            'held',
            'its power state cannot be read',
            held_kind='restraint',
            attempt=371,
            until=[Until(Kind.BMC_ANSWERS, 'compute-1').to_dict()],
            looked_at=datetime.datetime(2026, 1, 31, 12, 0),
        )
        shown = self.read('recovery', 'show', found)
        self.assertEqual(
            ('the BMC of compute-1 answers', '2026-01-31T12:00:00.000000Z'),
            (shown['goes_on_when'], shown['looked_at']),
        )
        self.assertEqual(0, shown['attempt'])
        said = self.refused('recovery', 'watch', found)
        self.assertIn(
            'goes on by itself when the BMC of compute-1 answers', said
        )

    def test_an_older_server_does_not_say_what_ends_a_hold(self):
        found = self.open_one()
        self.hold(found)
        done = self.run_openstack(
            *('--os-hass-api-version', '1.5'),
            *('ha', 'recovery', 'show', found, '-f', 'json'),
        )
        shown = json.loads(done.stdout)
        self.assertEqual('two at once', shown['why'])
        self.assertIsNone(shown['goes_on_when'])

    def test_retry_and_acknowledge_are_written_down(self):
        found = self.open_one()
        self.hold(found)
        self.ha('recovery', 'acknowledge', 'compute-1')
        self.assertIsNotNone(self.row(found).acknowledged_at)
        done = self.run_command('recovery', 'retry', 'compute-1', '-f', 'json')
        self.assertEqual('retry', json.loads(done.stdout)['wish'])
        self.assertIn('no engine has read the wish yet', done.stderr)
        self.assertEqual(models.Wish.RETRY, self.row(found).wish)
        self.assertTrue(self.engine.woken.is_set())

    def test_what_is_not_held_is_not_retried(self):
        found = self.open_one()
        said = self.refused('recovery', 'retry', found)
        self.assertIn('HTTP 409', said)
        self.assertIn('confirming', said)

    def test_release_waits_until_it_has_ended(self):
        found = self.open_one()
        self.hold(found)
        waiting = self.start_command(
            *('recovery', 'release', found, '--wait', '-f', 'json')
        )
        self.wait_for(
            lambda: self.row(found).wish,
            why='the wish is a row',
        )
        self.end(found, 'dismissed')
        said, errors = waiting.communicate()
        self.assertEqual(0, waiting.returncode, errors)
        self.assertIn('"state": "dismissed"', said)

    def test_waiting_ends_when_it_is_held_again_and_says_what_to_do(self):
        found = self.open_one()
        self.hold(found)
        waiting = self.start_command('recovery', 'retry', found, '--wait')
        self.wait_for(
            lambda: self.row(found).wish,
            why='the wish is a row',
        )
        self.move(found, 'held', 'still two at once', wish=None)
        _, errors = waiting.communicate()
        self.assertEqual(1, waiting.returncode)
        self.assertIn('still two at once', errors)
        self.assertIn(f'openstack ha recovery release {found}', errors)

    def test_waiting_has_an_end(self):
        found = self.open_one()
        self.hold(found)
        said = self.refused(
            'recovery', 'retry', found, '--wait', '--timeout', '0'
        )
        self.assertIn('it goes on without being waited for', said)

    def test_watch_tells_each_step_and_goes_on_with_the_hosts_return(self):
        found = self.open_one()
        self.plan(found)
        watching = self.start_command(
            *('recovery', 'watch', 'compute-1', '--interval', '0.1')
        )
        self.assertIn(f'host_failure {found}', watching.stdout.readline())
        self.assertIn('silent on all', watching.stdout.readline())
        self.assertIn('vm-1: pending', watching.stdout.readline())
        self.move(found, 'fencing', 'the BMC reads on')
        self.assertIn('the BMC reads on', watching.stdout.readline())
        with self.database.writer() as session:
            row = recoveries.get(session, found)
            recoveries.end(session, row, 'finished', 'engine-1', 'all done')
            recoveries.chain(
                session,
                row,
                workflow='host_return',
                state='powering_on',
                deadline_seconds=60,
                engine='engine-1',
            )
        self.assertIn('all done', watching.stdout.readline())
        self.assertIn('host_return', watching.stdout.readline())
        self.assertIn(f'after recovery {found}', watching.stdout.readline())
        self.end(self.newest(), 'returned')
        rest, errors = watching.communicate()
        self.assertIn('returned', rest)
        self.assertEqual(0, watching.returncode, errors)

    def newest(self):
        with self.database.reader() as session:
            return recoveries.all(session)[0].uuid

    def test_watch_fails_when_it_is_held(self):
        found = self.open_one()
        self.hold(found)
        said = self.refused('recovery', 'watch', found)
        self.assertIn('is held: two at once', said)
        self.assertIn(f'openstack ha recovery retry {found}', said)


class NotificationsTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1')

    def settle(self, uuid, state=models.NotificationState.IGNORED):
        with self.database.writer() as session:
            row = notifications.get(session, uuid)
            notifications.settle(session, row.id, state, 'it beats')

    def all(self):
        with self.database.reader() as session:
            return notifications.all(session)

    def start(self):
        """A recovery asked for, and the notification that it became."""
        waiting = self.start_command(
            *('recovery', 'start', 'compute-1', '-f', 'json')
        )
        (row,) = self.wait_for(self.all, why='it is a row')
        self.assertEqual(('operator', 'power'), (row.source, row.layer))
        return waiting, row

    def test_start_shows_the_recovery_that_came_of_it(self):
        waiting, row = self.start()
        with self.database.writer() as session:
            builders.make_recovery(session, why='alleged by operator')
        self.settle(row.uuid, models.NotificationState.OPENED)
        said, errors = waiting.communicate()
        self.assertEqual(0, waiting.returncode, errors)
        self.assertIn('alleged by operator', said)

    def test_start_says_why_there_is_none(self):
        waiting, row = self.start()
        self.settle(row.uuid)
        _, errors = waiting.communicate()
        self.assertEqual(1, waiting.returncode)
        self.assertIn('it beats', errors)
        self.assertIn('openstack ha host explain compute-1', errors)

    def test_create_list_and_show(self):
        made = self.read(
            *('notification', 'create', 'compute-1', 'power'),
            *('--payload', '{rack: r1}'),
        )
        (row,) = self.all()
        self.assertEqual({'rack': 'r1'}, row.payload)
        self.assertEqual('operator', row.source)
        shown = self.read('notification', 'show', made['uuid'])
        self.assertEqual(made, shown)
        with self.database.reader() as session:
            host = hosts.get(session, 'compute-1').uuid
        words = ('notification', 'list', '--host', host)
        (one,) = self.read(*words, '--state', 'new', '--source', 'operator')
        self.assertEqual(made['uuid'], one['UUID'])
        self.assertEqual([], self.read(*words, '--state', 'opened'))
        self.assertIn('is no UUID', self.refused('notification', 'show', 'x'))

    def test_create_waits_until_it_was_judged(self):
        waiting = self.start_command(
            *('notification', 'create', 'compute-1', 'os', '--wait'),
            *('-f', 'json'),
        )
        (row,) = self.wait_for(self.all, why='it is a row')
        self.settle(row.uuid)
        said, errors = waiting.communicate()
        self.assertEqual(0, waiting.returncode, errors)
        self.assertIn('it beats', said)

    def test_a_host_of_no_cluster_is_told(self):
        said = self.refused('notification', 'create', 'compute-9', 'os')
        self.assertIn('compute-9 is in no cluster', said)
