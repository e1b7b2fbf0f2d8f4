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
FAILURE = '''
{0} hass.tests.test_a [0.1s] ... ok
{1} hass.tests.test_b [0.1s] ... FAILED

Captured traceback:
    hosts: none

{1} hass.tests.test_c [0.1s] ... ok
noise
======
Totals
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

    def test_what_a_failed_test_told_is_told_again(self):
        counts = runpy.run_path(str(RUNNER))['Counts']()
        for line in FAILURE.splitlines(keepends=True):
            counts.read(line)
        self.assertEqual(
            'failed: hass.tests.test_b (hosts: none)\n\n'
            'Captured traceback:\n    hosts: none\n\n',
            counts.told_again(),
        )

    def test_of_long_details_the_last_lines_are_told_again(self):
        counts = runpy.run_path(str(RUNNER))['Counts']()
        counts.read('{0} hass.tests.test_b [0.1s] ... FAILED\n')
        counts.read('Captured log:\n')
        for number in range(100):
            counts.read(f'line {number}\n')
        told = counts.told_again().splitlines()
        self.assertEqual('line 99', told[-1])
        self.assertEqual('Captured log:', told[1])
        self.assertLess(len(told), 40)
