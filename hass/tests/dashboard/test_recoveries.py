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

"""Recoveries: drawn, followed, and what operators decide."""

from hass.db import clusters
from hass.db import evacuations
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import faults
from hass.tests.dashboard import base
from hass.tests import installed
from hass import until
from hass import workflows

PATH = '/ha_admin/recoveries/'


class RecoveriesTest(base.DashboardTest):
    def setUp(self):
        super().setUp()
        self.make_rack()
        self.instance = self.boot('vm-1')

    def open_one(self, state='confirming'):
        with self.database.writer() as session:
            seen = faults.Observation(
                'compute-1',
                faults.Layer.POWER,
                'power_ipmi',
                faults.Verdict.FAILED,
                moments.read_now(session),
                detail='power off',
                seen_by='engine-1',
            )
            layer = faults.Layer.POWER
            fault = faults.Fault('compute-1', layer, 'it is off', (seen,))
            row = recoveries.open_one(
                session,
                workflow='host_failure',
                host='compute-1',
                cluster_id=clusters.get(session, 'rack-1').id,
                state=state,
                deadline_seconds=60,
                engine='engine-1',
                why='compute-1 is off',
                fault=fault.to_dict(),
            )
            assert row is not None
            wanted = evacuations.Intention(self.instance, 'vm-1', 'blue')
            evacuations.plan(session, row.id, 'compute-1', [wanted])
            return row.uuid

    def go_on(self, uuid, state, why):
        """As an engine records it."""
        with self.database.writer() as session:
            row = recoveries.get(session, uuid)
            recoveries.append_history(
                session, row.id, row.state, state, 'engine-2', why
            )
            row.state, row.why = state, why

    def end(self, uuid):
        with self.database.writer() as session:
            row = recoveries.get(session, uuid)
            recoveries.end(session, row, 'finished', 'engine-2', 'all done')

    def row(self, uuid):
        return self.assertFine(200, self.get(f'/v1/recoveries/{uuid}'))

    def test_rows_that_change_are_asked_for_again_until_they_ended(self):
        found = self.open_one()
        self.become('operator', PATH)
        self.page.said('Confirming', '#recoveries')
        self.go_on(found, 'evacuating', 'one instance is to go')
        self.page.said('Evacuating', '#recoveries')
        self.end(found)
        self.page.said('Finished', '#recoveries')
        self.page.gone('#recoveries tr.warning')

    def test_a_workflow_that_has_no_word_here_is_shown_by_its_name(self):
        point = 'dark_start = hass.tests.toy.dark_start:DarkStart'
        self.useFixture(
            installed.Installed('toy', {workflows.NAMESPACE: [point]})
        )
        with self.database.writer() as session:
            cluster = clusters.get(session, 'rack-1')
            row = recoveries.open_for(
                session,
                cluster.uuid,
                workflow='dark_start',
                cluster_id=cluster.id,
                state='confirming',
                deadline_seconds=60,
                engine='engine-1',
                why='nothing is heard of any host',
                fault={},
            )
        assert row is not None
        self.become('operator', PATH)
        self.page.said('Dark start', '#recoveries')
        self.become('operator', f'{PATH}{row.uuid}/')
        self.page.said('nothing is heard of any host', '.hass-live ol')

    def test_one_is_drawn_and_goes_on_while_one_looks(self):
        found = self.open_one()
        self.become('operator', f'{PATH}{found}/')
        self.page.said('compute-1 is off', '.hass-live ol')
        self.page.said('Pending', '#evacuations')
        self.go_on(found, 'fencing', 'two kinds of evidence')
        self.page.said('two kinds of evidence', '.hass-live ol')
        self.end(found)
        self.page.said('all done', '.hass-live ol')
        self.page.find('.hass-live:not([data-live-url])')
        self.assertEqual(3, self.page.count('.hass-live .progress-bar'))
        self.page.press('Evidence')
        self.page.said('power_ipmi', '#evidence')
        (seen,) = self.page.rows('evidence')
        self.assertEqual(['Power', 'Failed', 'power_ipmi'], seen[:3])

    def test_a_held_one_says_when_it_goes_on_by_itself(self):
        found = self.open_one('held')
        with self.database.writer() as session:
            row = recoveries.get(session, found)
            heard = until.Until(until.Kind.HOST_HEARD, 'compute-1')
            row.until = [heard.to_dict()]
            row.looked_at = moments.read_now(session)
        self.become('operator', f'{PATH}{found}/')
        self.page.said(
            'It goes on by itself when compute-1 is heard again.', '.hass-live'
        )
        self.page.said('Last looked at 20', '.hass-live')

    def test_a_held_one_is_retried(self):
        found = self.open_one('held')
        self.become('operator', PATH)
        self.page.row_button('recoveries', 'compute-1', 'Retry Recovery')
        self.page.said('the consent to fence')
        self.page.confirm()
        self.page.said('Let look again: recovery of: compute-1')
        self.assertEqual(models.Wish.RETRY, self.row(found)['wish'])
        self.assertTrue(self.engine.woken.is_set())

    def test_a_held_one_is_acknowledged_and_released(self):
        found = self.open_one('held')
        self.become('operator', PATH)
        self.page.row_button('recoveries', 'compute-1', 'Acknowledge Recovery')
        self.page.said('Acknowledged recovery of: compute-1')
        self.assertIsNotNone(self.row(found)['acknowledged_at'])
        self.page.row_button('recoveries', 'compute-1', 'Release Recovery')
        self.page.said('gives back what it touched')
        self.page.confirm()
        self.page.said('Let go: recovery of: compute-1')
        self.assertEqual(models.Wish.RELEASE, self.row(found)['wish'])

    def test_one_that_is_not_held_offers_nothing(self):
        self.open_one()
        self.become('operator', PATH)
        self.page.said('Confirming', '#recoveries')
        self.assertEqual(0, self.page.count('#recoveries tbody button'))
