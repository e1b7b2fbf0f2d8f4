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
import uuid

from hass.db import clusters
from hass.db import evacuations
from hass.db import models
from hass.db import recoveries
from hass import faults
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores
from hass.until import Kind
from hass.until import Until

FAULT = {'host': 'compute-1', 'layer': 'power', 'why': 'off', 'evidence': []}


@stores.on_every_database
class RecoveriesTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))

    def open_one(self, host='compute-1', state='confirming'):
        with self.database.writer() as session:
            row = recoveries.open_one(
                session,
                workflow='host_failure',
                host=host,
                cluster_id=clusters.get(session, 'rack-1').id,
                state=state,
                deadline_seconds=60,
                engine='engine-1',
                why='silent on all networks',
                fault=FAULT,
            )
            assert row is not None
            evacuations.plan(
                session,
                row.id,
                host,
                [evacuations.Intention(str(uuid.uuid4()), 'vm-1', 'blue')],
            )
            return row.uuid

    def end(self, recovery):
        with self.database.writer() as session:
            row = recoveries.get(session, recovery)
            recoveries.end(session, row, 'finished', 'engine-1', 'all done')

    def test_one_is_shown_with_its_history_evacuations_and_evidence(self):
        found = self.open_one()
        shown = self.assertFine(200, self.get(f'/v1/recoveries/{found}'))
        self.assertEqual('rack-1', shown['cluster'])
        self.assertEqual('compute-1', shown['subject'])
        self.assertEqual(FAULT, shown['fault'])
        (line,) = shown['history']
        self.assertEqual(
            ('confirming', 'engine-1', 'silent on all networks'),
            (line['to'], line['engine'], line['why']),
        )
        (move,) = shown['evacuations']
        self.assertEqual(
            ('pending', 'compute-1', 'vm-1'),
            (move['state'], move['source'], move['instance_name']),
        )

    def test_evidence_tells_what_was_seen_when_by_whom_and_how_surely(self):
        found = self.open_one()
        seen = faults.Observation(
            'compute-1',
            faults.Layer.POWER,
            'power_ipmi',
            faults.Verdict.FAILED,
            datetime.datetime(2026, 1, 31, 12, 0),
            detail='power off',
            seen_by='engine-1',
        )
        fault = faults.Fault('compute-1', faults.Layer.POWER, 'off', (seen,))
        with self.database.writer() as session:
            row = recoveries.get(session, found)
            recoveries.set_fault(session, row.id, fault.to_dict())
        shown = self.assertFine(200, self.get(f'/v1/recoveries/{found}'))
        (evidence,) = shown['fault']['evidence']
        self.assertEqual('2026-01-31T12:00:00.000000Z', evidence['seen_at'])
        self.assertEqual(
            ('power', 'failed', 'power off', 'engine-1', 'read'),
            tuple(
                evidence[key]
                for key in (
                    'layer', 'verdict', 'detail', 'seen_by', 'certainty',
                )
            ),
        )  # fmt: skip

    def test_they_are_filtered(self):
        first, second = self.open_one(), self.open_one('compute-2', 'held')
        self.end(first)
        for query, wanted in (
            ('', [second, first]),
            ('?open=true', [second]),
            ('?open=false', [first]),
            ('?host=compute-1', [first]),
            ('?subject=compute-2', [second]),
            ('?state=held', [second]),
            ('?workflow=host_failure', [second, first]),
            ('?workflow=host_return', []),
            ('?cluster=rack-1', [second, first]),
            ('?host=compute-2&open=false', []),
        ):
            self.assertEqual(wanted, self.listed(query), query)

    def test_filters_name_what_there_is(self):
        for field, name in (('cluster', 'rack-9'), ('host', 'compute-9')):
            answer = self.get(f'/v1/recoveries?{field}={name}')
            told = f'{field}: there is no {field} {name}'
            error = self.assertSays(400, told, answer)
            self.assertEqual(field, error['field'])

    def test_those_of_a_host_that_was_removed_are_found(self):
        gone = self.open_one('compute-9')
        self.assertEqual([gone], self.listed('?host=compute-9'))
        self.assertEqual([], self.listed('?host=compute-9&open=false'))

    def test_filters_that_contradict_each_other_are_refused(self):
        answer = self.get('/v1/recoveries?host=compute-1&subject=compute-2')
        error = self.assertSays(400, 'subject: contradicts host', answer)
        self.assertEqual('subject', error['field'])
        self.open_one()
        both = '?host=compute-1&subject=compute-1'
        self.assertEqual(1, len(self.listed(both)))

    def test_pages_go_from_new_to_old(self):
        first, second = self.open_one(), self.open_one('compute-2')
        self.assertEqual([second], self.listed('?limit=1'))
        self.assertEqual([first], self.listed(f'?limit=1&marker={second}'))
        answer = self.get('/v1/recoveries?marker=nobody')
        self.assertSays(400, 'marker: ', answer)

    def test_open_says_yes_or_no(self):
        answer = self.get('/v1/recoveries?open=maybe')
        self.assertSays(400, 'open: allowed: true, false', answer)

    def test_a_held_one_is_tried_again(self):
        found = self.open_one(state='held')
        answer = self.post(f'/v1/recoveries/{found}/retry')
        self.assertEqual('retry', self.assertFine(202, answer)['wish'])
        self.assertEqual(models.Wish.RETRY, self.row(found).wish)
        self.assertTrue(self.engine.woken.wait(60))

    def test_a_held_one_is_released(self):
        found = self.open_one(state='held')
        answer = self.post(f'/v1/recoveries/{found}/release', {})
        self.assertEqual('release', self.assertFine(202, answer)['wish'])

    def test_a_held_one_is_acknowledged(self):
        found = self.open_one(state='held')
        answer = self.post(f'/v1/recoveries/{found}/acknowledge')
        self.assertIsNotNone(self.assertFine(200, answer)['acknowledged_at'])

    def test_one_that_is_not_held_takes_no_wish(self):
        found = self.open_one()
        for wish in ('retry', 'release', 'acknowledge'):
            answer = self.post(f'/v1/recoveries/{found}/{wish}')
            self.assertSays(409, 'is confirming, not held', answer)

    def test_a_wish_takes_no_argument(self):
        found = self.open_one(state='held')
        answer = self.post(f'/v1/recoveries/{found}/retry', {'force': True})
        self.assertSays(400, 'force: unknown field', answer)
        self.assertIsNone(self.row(found).wish)

    def test_members_see_and_wish_nothing(self):
        found = self.open_one(state='held')
        for path in ('', f'/{found}'):
            answer = self.get(f'/v1/recoveries{path}', base.MEMBER)
            self.assertSays(403, 'ha:recoveries:', answer)
        for wish in ('retry', 'release', 'acknowledge'):
            path = f'/v1/recoveries/{found}/{wish}'
            self.assertSays(403, wish, self.post(path, token=base.MEMBER))

    def test_an_unknown_one_is_not_found(self):
        path = f'/v1/recoveries/{uuid.uuid4()}'
        self.assertSays(404, 'recovery', self.get(path))
        self.assertSays(404, 'recovery', self.post(f'{path}/retry'))

    def hold(self, found, *ends, kind=models.HeldKind.SAFETY):
        with self.database.writer() as session:
            row = recoveries.get(session, found)
            row.held_kind = kind
            row.until = [one.to_dict() for one in ends] or None
            row.looked_at = datetime.datetime(2026, 1, 31, 12, 0)

    def test_a_held_one_tells_what_ends_it_and_when_that_was_looked_for(self):
        found = self.open_one(state='held')
        self.hold(
            found,
            Until(Kind.BMC_READS_OFF, 'compute-1'),
            Until(Kind.HOST_HEARD, 'compute-1'),
        )
        listed = self.assertFine(200, self.get('/v1/recoveries'))
        for shown in (*listed['recoveries'], self.shown(found)):
            self.assertEqual(
                'the BMC of compute-1 reads off, or compute-1 is heard again',
                shown['goes_on_when'],
            )
            self.assertEqual('2026-01-31T12:00:00.000000Z', shown['looked_at'])

    def test_one_that_waits_for_an_operator_goes_on_by_nothing(self):
        found = self.open_one(state='held')
        self.hold(found)
        self.assertIsNone(self.shown(found)['goes_on_when'])

    def test_what_an_older_engine_holds_by_restraint_is_looked_at_anew(self):
        found = self.open_one(state='held')
        self.hold(found, kind=models.HeldKind.RESTRAINT)
        self.assertEqual(
            '60 s have passed (more each time)',
            self.shown(found)['goes_on_when'],
        )

    def test_one_that_is_not_held_goes_on_by_nothing(self):
        shown = self.shown(self.open_one())
        self.assertEqual(
            (None, None), (shown['goes_on_when'], shown['looked_at'])
        )

    def shown(self, recovery):
        answer = self.get(f'/v1/recoveries/{recovery}')
        return self.assertFine(200, answer)

    def row(self, recovery):
        with self.database.reader() as session:
            return recoveries.get(session, recovery)

    def listed(self, query=''):
        answer = self.get(f'/v1/recoveries{query}')
        found = self.assertFine(200, answer)['recoveries']
        return [one['uuid'] for one in found]
