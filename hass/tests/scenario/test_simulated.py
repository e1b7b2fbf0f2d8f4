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

"""Replays every scenario and compares its log with the expected one."""

import pathlib

from hass.simulation.scenario import comparison
from hass.tests import base

FOLDER = pathlib.Path(__file__).parent / 'simulated'
SCENARIOS = sorted(FOLDER.glob('*.scenario'))


class SimulatedTest(base.TestCase):
    """One test for each file: see below."""

    maxDiff = None

    def assert_as_expected(self, scenario):
        found = comparison.difference(scenario)
        self.assertEqual('', found, f'\n{found}')


def _test(scenario):
    def test(self):
        self.assert_as_expected(scenario)

    test.__doc__ = scenario.read_text().partition('\n')[0].lstrip('# ')
    return test


for one in SCENARIOS:
    setattr(SimulatedTest, f'test_{one.stem}', _test(one))


class CollectionTest(base.TestCase):
    def test_there_are_at_least_sixty(self):
        self.assertGreaterEqual(len(SCENARIOS), 60)

    def test_each_of_the_first_fifteen_pains_has_one(self):
        told = ' '.join(one.read_text() for one in SCENARIOS)
        missing = [n for n in range(1, 16) if f'pain {n}' not in told]
        self.assertEqual([], missing)

    def test_each_has_an_expected_log_and_each_log_a_scenario(self):
        self.assertEqual(
            {one.stem for one in SCENARIOS},
            {one.stem for one in FOLDER.glob('*.expect')},
        )

    def test_the_oracle_objects_to_none(self):
        for one in FOLDER.glob('*.expect'):
            self.assertNotIn('THE ORACLE OBJECTS', one.read_text(), one.stem)
