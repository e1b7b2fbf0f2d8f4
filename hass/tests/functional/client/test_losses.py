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


from hass.db import hosts
from hass.db import losses
from hass.db import models
from hass.tests import builders
from hass.tests.functional.client import base


class LossesTest(base.ClientTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))

    def lose(self, name, host='compute-1', project='admins', **fields):
        """An instance whose loss is open."""
        instance = self.nova.boot(host, project, name=name)
        with self.database.writer() as session:
            return builders.make_loss(
                session, instance, name, project, host, **fields
            )

    def row(self, loss):
        with self.database.reader() as session:
            return losses.get(session, loss.uuid)

    def end(self, loss):
        self.database.write(
            losses.end, loss, models.LossEnd.RUNS, 'it runs on compute-2'
        )

    def test_list_filters(self):
        with self.database.writer() as session:
            recovery = builders.make_recovery(session).uuid
            host = hosts.get(session, 'compute-1').uuid
        first = self.lose('web-1', recovery_uuid=recovery)
        second = self.lose('db-1', 'compute-2', 'blue')
        self.end(first)
        for words, wanted in (
            ((), [second, first]),
            (('--open',), [second]),
            (('--no-open', '--host', 'compute-1'), [first]),
            (('--host', host), [first]),
            (('--instance', 'web-1'), [first]),
            (('--instance', second.instance_uuid), [second]),
            (('--project', 'blue'), [second]),
            (('--recovery', 'compute-1'), [first]),
            (('--limit', '1'), [second]),
        ):
            found = self.read('loss', 'list', *words)
            self.assertEqual(
                [one.uuid for one in wanted],
                [one['UUID'] for one in found],
                str(words),
            )
        (one,) = self.read('loss', 'list', '--long', '--open')
        self.assertEqual(
            ('db-1', 'compute-2', 'it is paused'),
            (one['Instance Name'], one['Host'], one['Why']),
        )

    def test_show_takes_a_uuid_or_an_instance(self):
        loss = self.lose('web-1')
        shown = self.read('loss', 'show', 'web-1')
        self.assertEqual(loss.uuid, shown['uuid'])
        self.assertEqual('it is paused', shown['why'])
        for ref in (loss.uuid, loss.instance_uuid):
            self.assertEqual(shown, self.read('loss', 'show', ref))

    def test_what_is_not_lost_is_told(self):
        instance = self.nova.boot('compute-1', 'admins', name='web-1')
        for ref in ('web-1', instance):
            said = self.refused('loss', 'show', ref)
            self.assertIn('openstack ha loss list', said)

    def test_several_are_acknowledged_at_once(self):
        made = [self.lose('web-1'), self.lose('web-2'), self.lose('web-3')]
        self.ha('loss', 'acknowledge', 'web-1', made[1].uuid)
        self.assertEqual(
            [True, True, False],
            [self.row(one).acknowledged_at is not None for one in made],
        )

    def test_one_that_has_ended_does_not_keep_the_others(self):
        ended, lost = self.lose('web-1'), self.lose('web-2')
        self.end(ended)
        said = self.refused('loss', 'acknowledge', 'web-1', 'web-2')
        self.assertIn('could not acknowledge loss web-1', said)
        self.assertIn('it runs on compute-2', said)
        self.assertIsNotNone(self.row(lost).acknowledged_at)
