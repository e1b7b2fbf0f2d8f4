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


import uuid

from hass.db import losses
from hass.db import models
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores


@stores.on_every_database
class LossesTest(base.ApiTest):
    def lose(self, **fields):
        instance = str(uuid.uuid4())
        with self.database.writer() as session:
            return builders.make_loss(session, instance, **fields)

    def end(self, loss):
        self.database.write(
            losses.end, loss, models.LossEnd.RUNS, 'it runs on compute-2'
        )

    def test_one_is_shown_with_its_reason(self):
        recovery = str(uuid.uuid4())
        loss = self.lose(name='web-1', recovery_uuid=recovery)
        shown = self.assertFine(200, self.get(f'/v1/losses/{loss.uuid}'))
        since = shown.pop('since')
        self.assertTrue(since.endswith('Z'), since)
        self.assertEqual(
            {
                'uuid': loss.uuid,
                'instance': loss.instance_uuid,
                'instance_name': 'web-1',
                'project_id': 'blue',
                'host': 'compute-1',
                'recovery': recovery,
                'why': 'it is paused',
                'acknowledged_at': None,
                'ended_at': None,
                'ended_how': None,
                'ended_why': '',
            },
            shown,
        )

    def test_one_that_has_ended_tells_how(self):
        loss = self.lose()
        self.end(loss)
        shown = self.assertFine(200, self.get(f'/v1/losses/{loss.uuid}'))
        self.assertIsNotNone(shown['ended_at'])
        self.assertEqual(
            ('runs', 'it runs on compute-2'),
            (shown['ended_how'], shown['ended_why']),
        )

    def test_they_are_filtered(self):
        recovery = str(uuid.uuid4())
        ended = self.lose(recovery_uuid=recovery)
        open_one = self.lose(project_id='red', host='compute-2')
        self.end(ended)
        first, second = ended.uuid, open_one.uuid
        for query, wanted in (
            ('', [second, first]),
            ('?open=true', [second]),
            ('?open=false', [first]),
            ('?host=compute-1', [first]),
            (f'?instance={open_one.instance_uuid}', [second]),
            ('?project_id=red', [second]),
            (f'?recovery={recovery}', [first]),
            ('?host=compute-1&open=true', []),
        ):
            self.assertEqual(wanted, self.listed(query), query)
        answer = self.get('/v1/losses?host=compute-9')
        self.assertSays(400, 'host: there is no host compute-9', answer)

    def test_pages_go_from_new_to_old(self):
        first, second = self.lose().uuid, self.lose().uuid
        self.assertEqual([second], self.listed('?limit=1'))
        self.assertEqual([first], self.listed(f'?limit=1&marker={second}'))
        answer = self.get('/v1/losses?marker=nobody')
        self.assertSays(400, 'marker: ', answer)

    def test_open_says_yes_or_no(self):
        answer = self.get('/v1/losses?open=maybe')
        self.assertSays(400, 'open: allowed: true, false', answer)

    def test_one_that_is_acknowledged_pages_no_more_and_stays_open(self):
        loss = self.lose()
        path = f'/v1/losses/{loss.uuid}/acknowledge'
        shown = self.assertFine(200, self.post(path))
        self.assertIsNotNone(shown['acknowledged_at'])
        self.assertIsNone(shown['ended_at'])
        self.assertEqual(shown, self.assertFine(200, self.post(path)))
        with self.database.writer() as session:
            self.assertEqual([], losses.to_page(session, 300))

    def test_one_that_has_ended_is_not_acknowledged(self):
        loss = self.lose()
        self.end(loss)
        answer = self.post(f'/v1/losses/{loss.uuid}/acknowledge')
        self.assertSays(409, 'has ended: it runs on compute-2', answer)

    def test_acknowledging_takes_no_argument(self):
        loss = self.lose()
        path = f'/v1/losses/{loss.uuid}/acknowledge'
        answer = self.post(path, {'force': True})
        self.assertSays(400, 'force: unknown field', answer)
        shown = self.assertFine(200, self.get(f'/v1/losses/{loss.uuid}'))
        self.assertIsNone(shown['acknowledged_at'])

    def test_a_project_sees_its_own_and_no_host(self):
        loss = self.lose(project_id='blue')
        other = self.lose(project_id='red')
        (listed,) = self.assertFine(200, self.get('/v1/losses', base.READER))[
            'losses'
        ]
        path = f'/v1/losses/{loss.uuid}'
        shown = self.assertFine(200, self.get(path, base.READER))
        self.assertEqual(listed, shown)
        self.assertEqual(loss.uuid, shown['uuid'])
        self.assertEqual(
            [None] * 3, [shown[key] for key in ('host', 'why', 'ended_why')]
        )
        answer = self.get(f'/v1/losses/{other.uuid}', base.READER)
        self.assertSays(404, 'loss', answer)

    def test_a_project_does_not_ask_for_others_or_for_hosts(self):
        self.lose(project_id='blue')
        for query in ('project_id=red', 'host=compute-1'):
            answer = self.get(f'/v1/losses?{query}', base.MEMBER)
            self.assertSays(403, 'ha:losses:list_all_projects', answer)

    def test_a_project_acknowledges_nothing(self):
        loss = self.lose(project_id='blue')
        path = f'/v1/losses/{loss.uuid}/acknowledge'
        answer = self.post(path, token=base.MEMBER)
        self.assertSays(403, 'ha:losses:acknowledge', answer)

    def test_an_unknown_one_is_not_found(self):
        path = f'/v1/losses/{uuid.uuid4()}'
        self.assertSays(404, 'loss', self.get(path))
        self.assertSays(404, 'loss', self.post(f'{path}/acknowledge'))

    def listed(self, query=''):
        found = self.assertFine(200, self.get(f'/v1/losses{query}'))['losses']
        return [one['uuid'] for one in found]
