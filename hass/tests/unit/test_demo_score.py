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

"""The demo passes only when the oracle has nothing to say against it."""

import pathlib

from hass.simulation.demo import score
from hass.tests import base
from hass_oracle import ledger

SOURCE, TARGET = 'compute-1', 'compute-2'
ON, OFF = ledger.Kind.ON, ledger.Kind.OFF
START, EVACUATE = ledger.Kind.START, ledger.Kind.EVACUATE
RAN = [(ON, SOURCE), (ON, TARGET), (START, SOURCE, 'vm')]
MOVED = [(EVACUATE, SOURCE, 'vm'), (START, TARGET, 'vm')]


class ScoreTest(base.TestCase):
    def score(self, *events):
        path = pathlib.Path(self.make_folder(), 'ledger')
        book = ledger.Ledger(path)
        for event in events:
            book.append(*event)
        return score.score(path, None, ['vm'], [SOURCE, TARGET])

    def test_instance_that_moved_after_its_host_was_off_is_recovered(self):
        found = self.score(*RAN, (OFF, SOURCE), *MOVED, (ON, SOURCE))
        self.assertTrue(found.passed)
        self.assertEqual(
            {'protected': 1, 'recovered': 1, 'lost': 0, 'started_twice': 0},
            found.to_dict()['instances'],
        )

    def test_instance_that_moved_before_its_host_was_off_fails(self):
        found = self.score(*RAN, *MOVED, (OFF, SOURCE), (ON, SOURCE))
        self.assertEqual('fail', found.to_dict()['result'])
        self.assertEqual(1, found.instances.started_twice)

    def test_instance_that_did_not_come_back_is_lost(self):
        found = self.score(*RAN, (OFF, SOURCE), (ON, SOURCE))
        self.assertFalse(found.passed)
        self.assertEqual(1, found.instances.lost)
        self.assertEqual(0, found.instances.recovered)

    def test_instance_that_was_asked_for_twice_is_not_recovered_once(self):
        again = (EVACUATE, SOURCE, 'vm')
        found = self.score(*RAN, (OFF, SOURCE), again, *MOVED, (ON, SOURCE))
        self.assertFalse(found.passed)
        self.assertEqual(0, found.instances.recovered)

    def test_host_that_stays_off_fails(self):
        found = self.score(*RAN, (OFF, SOURCE), *MOVED)
        self.assertEqual(['compute-1 is not on'], found.breaches)

    def test_instance_that_nothing_happened_to_proves_nothing(self):
        self.assertFalse(self.score(*RAN).passed)
