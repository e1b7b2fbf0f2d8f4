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

"""Who is missed in a group, and who must not be."""

from hass.detection import attendance
from hass.detection import groups
from hass import faults
from hass.tests import base

ME, HOST = 'reader:1', 'compute-1'
BOTH, ALONE = frozenset({ME, HOST}), frozenset({ME})


class AttendanceTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.attendance = attendance.Attendance('memcached://192.0.2.1')

    def read(self, members, anew=False, seconds=1.0):
        self.now += seconds
        self.attendance.note(self.now, groups.Roll(members, anew))

    def read_for(self, seconds, members):
        for _ in range(seconds):
            self.read(members)

    def assert_said(self, verdict, detail):
        found = self.attendance.finding(self.now, HOST)
        self.assertEqual(
            (verdict, f'memcached://192.0.2.1: {detail}'),
            (found.verdict, found.detail),
        )
        return found

    def test_a_member_is_healthy(self):
        self.read(BOTH, anew=True)
        self.assert_said(faults.Verdict.HEALTHY, 'compute-1 is a member')

    def test_the_store_is_named_as_far_as_its_row_has_room(self):
        place = 'zookeeper://' + ','.join(['192.0.2.31:2181'] * 5)
        said = attendance.Attendance(place).finding(self.now, HOST)
        self.assertEqual(place[:64], said.network)

    def test_who_is_gone_for_five_seconds_has_failed(self):
        self.read_for(2, BOTH)
        self.read_for(5, ALONE)
        self.assert_said(
            faults.Verdict.UNKNOWN, 'compute-1 has been gone for 4 s'
        )
        self.read(ALONE)
        found = self.assert_said(
            faults.Verdict.FAILED, 'compute-1 has been gone for 5 s'
        )
        self.assertEqual(faults.Certainty.INFERRED, found.certainty)

    def test_who_came_back_between_is_not_missed(self):
        self.read_for(1, BOTH)
        for _ in range(5):
            self.read_for(4, ALONE)
            self.read(BOTH)
        self.read_for(4, ALONE)
        self.assert_said(
            faults.Verdict.UNKNOWN, 'compute-1 has been gone for 3 s'
        )

    def test_who_was_never_seen_is_not_missed(self):
        self.read_for(60, ALONE)
        self.assert_said(
            faults.Verdict.UNKNOWN, 'compute-1 was not seen there'
        )

    def test_a_store_that_lost_its_memory_accuses_nobody(self):
        self.read_for(2, BOTH)
        self.read(ALONE, anew=True)
        self.read_for(60, ALONE)
        self.assert_said(
            faults.Verdict.UNKNOWN, 'compute-1 was not seen there'
        )

    def test_a_store_that_was_away_accuses_nobody(self):
        self.read_for(2, BOTH)
        self.attendance.miss('no answer')
        self.assert_said(faults.Verdict.UNKNOWN, 'no answer')
        self.read_for(60, ALONE)
        self.assert_said(
            faults.Verdict.UNKNOWN, 'compute-1 was not seen there'
        )

    def test_a_reader_that_was_paused_waits_anew(self):
        self.read_for(2, BOTH)
        self.read(ALONE)
        self.now += 20
        self.assert_said(faults.Verdict.UNKNOWN, 'not read for 20 s')
        self.read(ALONE)
        self.assert_said(
            faults.Verdict.UNKNOWN, 'compute-1 has been gone for 0 s'
        )
