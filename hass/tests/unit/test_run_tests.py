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

"""The last line of a run tells the true numbers."""

import pathlib
import runpy

from hass.tests import base

RUNNER = pathlib.Path(__file__).parents[3] / 'tools/run_tests.py'
TOTALS = '''
======
Totals
======
Ran: 25 tests in 6.4 sec.
 - Passed: 17
 - Skipped: 3
 - Expected Fail: 1
 - Unexpected Success: 2
 - Failed: 4
'''


class TestCounts(base.TestCase):
    def test_the_totals_of_stestr_become_one_line(self):
        counts = runpy.run_path(str(RUNNER))['Counts']()
        for line in TOTALS.splitlines(keepends=True):
            counts.read(line)
        self.assertEqual('18 passed, 6 failed, 3 skipped', str(counts))

    def test_what_a_test_prints_is_not_counted(self):
        counts = runpy.run_path(str(RUNNER))['Counts']()
        counts.read('worker - Passed: 17\n')
        self.assertEqual('0 passed, 0 failed, 0 skipped', str(counts))
