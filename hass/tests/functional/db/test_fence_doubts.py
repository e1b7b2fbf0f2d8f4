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


"""What is told of fences in calm times, before they are needed."""

import datetime
import uuid

from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.tests import base
from hass.tests import builders
from hass.tests import clocks

GUIDS = {
    name: str(uuid.UUID(int=7 << 64 | at))
    for at, name in enumerate(('compute-1', 'compute-2', 'compute-3'))
}
DEFAULT = '03000200-0400-0500-0006-000700080009'


class DoubtsTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.database = builders.make_database(self, self.clock)
        with self.database.writer() as session:
            for name, guid in GUIDS.items():
                builders.make_host(
                    session,
                    name,
                    bmc_guid=guid,
                    system_uuid=guid,
                    fence_tested_at=self.clock.now(),
                    fence_read_seconds=0.4,
                )

    def change(self, name='compute-1', **fields):
        with self.database.writer() as session:
            row = hosts.get(session, name)
            for field, value in fields.items():
                setattr(row, field, value)

    def of(self, name='compute-1', later=0.0):
        with self.database.reader() as session:
            found = fences.Doubts(
                hosts.all(session),
                self.clock.now() + datetime.timedelta(seconds=later),
                place_of=fences.place_in_row,
                test_seconds=1800.0,
                search_seconds=1.5,
            )
            return found.of(name)

    def test_a_fence_that_is_tried_and_its_hosts_own_is_not_doubted(self):
        for name in GUIDS:
            self.assertEqual([], self.of(name))

    def test_a_host_without_a_bmc_has_no_fence_to_doubt(self):
        self.change(bmc_address=None, fence_tested_at=None, bmc_guid=None)
        self.assertEqual([], self.of())

    def test_a_default_of_its_maker_is_told(self):
        for name in GUIDS:
            self.change(name, bmc_guid=DEFAULT, system_uuid=DEFAULT)
        for name in GUIDS:
            (why,) = self.of(name)
            self.assertIn('would not be fenced', why)
            self.assertIn("its maker's default", why)

    def test_a_bmc_that_names_no_system_is_told(self):
        self.change(bmc_guid=None)
        (why,) = self.of()
        self.assertIn('does not say which system', why)

    def test_a_host_that_names_no_system_is_told(self):
        self.change(system_uuid=None)
        (why,) = self.of()
        self.assertIn('has not reported which system', why)

    def test_a_bmc_of_another_system_is_told(self):
        self.change(bmc_guid=str(uuid.UUID(int=9 << 64)))
        (why,) = self.of()
        self.assertIn('the BMC is the one of system', why)

    def test_one_guid_of_two_hosts_is_told_of_both(self):
        guid = GUIDS['compute-2']
        self.change(bmc_guid=guid, system_uuid=guid)
        self.assertIn('as compute-2 does', self.of()[0])
        self.assertIn('as compute-1 does', self.of('compute-2')[0])
        self.assertEqual([], self.of('compute-3'))

    def test_one_guid_in_two_orders_of_bytes_is_told(self):
        turned = str(uuid.UUID(bytes=uuid.UUID(GUIDS['compute-2']).bytes_le))
        self.change(bmc_guid=turned, system_uuid=turned)
        self.assertIn('as compute-2 does', self.of()[0])

    def test_one_place_of_two_bmcs_is_told_of_both(self):
        self.change(bmc_address='bmc-compute-2')
        self.assertIn('is the BMC of compute-2 too', self.of()[0])
        self.assertIn('is the BMC of compute-1 too', self.of('compute-2')[0])

    def test_a_fence_that_was_never_tried_is_told(self):
        self.change(fence_tested_at=None, bmc_guid=None)
        (why,) = self.of()
        self.assertIn('never tried', why)

    def test_a_fence_that_was_not_tried_for_long_is_told(self):
        self.assertEqual([], self.of(later=1800))
        (why,) = self.of(later=1801)
        self.assertIn('not tried with success for more than', why)

    def test_a_trial_ends_what_was_said_of_its_want_at_once(self):
        self.change(fence_tested_at=None)
        for later in (0, 3600):
            (why,) = self.of(later=later)
            self.change(degraded=['no libvirt', why])
            with self.database.writer() as session:
                hosts.set_fence(
                    session,
                    'compute-1',
                    models.FenceState.WORKING,
                    'power is on',
                    GUIDS['compute-1'],
                    None,
                    seconds=0.4,
                )
            with self.database.reader() as session:
                row = hosts.get(session, 'compute-1')
                self.assertEqual(['no libvirt'], row.degraded)

    def test_a_bmc_slower_than_a_search_is_told(self):
        self.change(fence_read_seconds=3.2)
        (why,) = self.of()
        self.assertIn('took 3.2 s to answer, longer than', why)
        self.assertIn('search_seconds (1.5)', why)

    def test_a_waiver_is_told_for_ever(self):
        self.change(bmc_guid=None)
        self.database.write(fences.waive, 'compute-1', 'ann', 'by its LED')
        (why,) = self.of()
        self.assertIn('ann vouches', why)
        self.assertIn('by its LED', why)
        self.change(bmc_guid=GUIDS['compute-1'])
        self.assertEqual([why], self.of())

    def test_nobody_can_vouch_for_the_bmc_of_another_host(self):
        self.change(bmc_address='bmc-compute-2')
        self.database.write(fences.waive, 'compute-1', 'ann', 'by its LED')
        self.assertIn('is the BMC of compute-2 too', self.of()[0])
