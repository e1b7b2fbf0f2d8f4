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

"""/v1/hosts/{host}/fence: what is known of it, and who vouches."""

import datetime

from hass.bmc import identity
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import wirings
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores

FENCE = '/v1/hosts/compute-1/fence'
WAIVER = f'{FENCE}/waiver'
WHY = {'reason': 'checked by its LED'}


@stores.on_every_database
class FenceTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))
        self.set_row(
            bmc_address='192.0.2.1',
            bmc_guid=None,
            fence_state=models.FenceState.WORKING,
            fence_why='the BMC reads power on',
        )
        self.answer_now()

    def answer_now(self):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            row.fence_tested_at = moments.read_now(session)

    def set_row(self, **fields):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            for field, value in fields.items():
                setattr(row, field, value)

    def wire(self, found, why='', **fields):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            now = moments.read_now(session)
            day = datetime.timedelta(days=1)
            known = wirings.Wiring(
                found, why, now, now + day, place='192.0.2.1:623', **fields
            )
            wirings.keep(session, row, known)

    def shown(self):
        return self.assertFine(200, self.get(FENCE))

    def waive(self, body=WHY, **options):
        return self.ask('PUT', WAIVER, body, **options)

    def test_what_nothing_proves_is_doubted(self):
        shown = self.shown()
        self.assertEqual('192.0.2.1:623', shown['place'])
        self.assertIsNone(shown['waiver'])
        self.assertIsNone(shown['wiring'])
        (doubt,) = shown['doubts']
        self.assertIn('does not say which system', doubt)

    def test_a_person_vouches_and_is_named_for_ever(self):
        shown = self.assertFine(200, self.waive())
        self.assertEqual(WHY['reason'], shown['waiver']['reason'])
        self.assertTrue(shown['waiver']['by'])
        self.assertIsNotNone(shown['waiver']['at'])
        (doubt,) = self.shown()['doubts']
        self.assertIn('vouches that its BMC is its own', doubt)
        self.assertIn(shown['waiver']['by'], doubt)

    def test_nobody_vouches_any_more(self):
        self.assertFine(200, self.waive())
        self.assertFine(204, self.ask('DELETE', WAIVER))
        self.assertIsNone(self.shown()['waiver'])

    def test_a_reason_is_required(self):
        for body in ({}, {'reason': ''}, {'reason': 7}):
            self.assertSays(400, 'reason', self.waive(body))

    def test_another_bmc_ends_the_waiver(self):
        self.assertFine(200, self.waive())
        bmc = {'bmc': {'address': '192.0.2.9'}}
        self.assertFine(200, self.ask('PATCH', '/v1/hosts/compute-1', bmc))
        self.assertIsNone(self.shown()['waiver'])

    def test_a_proven_wiring_leaves_no_doubt(self):
        self.wire(identity.Wired.PROVEN, 'its own mark was read in its BMC')
        shown = self.shown()
        self.assertEqual([], shown['doubts'])
        self.assertEqual('proven', shown['wiring']['found'])
        self.assertIsNotNone(shown['wiring']['good_until'])

    def test_a_wrong_wiring_outweighs_a_person(self):
        self.wire(identity.Wired.WRONG, 'its BMC is the one of compute-2')
        doubts = self.assertFine(200, self.waive())['doubts']
        self.assertIn('not that of this host', doubts[0])
        self.assertEqual('wrong', self.shown()['wiring']['found'])

    def test_what_is_not_supported_says_why(self):
        self.wire(identity.Wired.UNSUPPORTED, 'there is no /dev/ipmi0')
        wiring = self.shown()['wiring']
        self.assertEqual('there is no /dev/ipmi0', wiring['why'])

    def test_a_mark_is_shown_to_nobody(self):
        with self.database.writer() as session:
            row = hosts.get(session, 'compute-1')
            row.boot_id = 'boot-1'
            wirings.begin(session, 'compute-1', wirings.Wiring(), None)
        self.assertNotIn('hass-', self.get(FENCE).text)

    def test_only_operators_may(self):
        for method, path, body in (
            ('GET', FENCE, None),
            ('PUT', WAIVER, WHY),
            ('DELETE', WAIVER, None),
        ):
            answer = self.ask(method, path, body, token=base.MEMBER)
            self.assertEqual(403, answer.status_code)

    def test_of_a_host_that_is_not_there(self):
        path = FENCE.replace('compute-1', 'compute-9')
        self.assertEqual(404, self.get(path).status_code)
