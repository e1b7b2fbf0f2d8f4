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

"""The numbers of the page on tuning are those that engines work with."""

import pathlib
import re

from hass.diagnosis import quality
from hass.tests import base

PAGE = (
    pathlib.Path(__file__).parents[4] / 'doc/source/admin/detection.rst'
).read_text()
NETWORKS = (
    quality.Network(1.0, 0.0001, 0.2, 0.02),
    quality.Network(1.0, 0.01, 0.2, 0.1),
    quality.Network(1.0, 0.1, 0.3, 0.1),
    quality.Network(1.0, 0.3, 0.3, 0.1),
)
"""Of the columns: beats, losses, losses after a loss, jitter."""
ROW = re.compile(r'\* - ([\d.]+), (\d+)\n((?:     - [\d.]+\n){4})')


class TuningTest(base.TestCase):
    def test_the_table_of_wishes(self):
        rows = ROW.findall(PAGE)
        self.assertNotEqual([], rows)
        for target, alarms, told in rows:
            wish = quality.Wish(float(target), float(alarms))
            self.assertEqual(
                [
                    f'{quality.timeouts(wish, network).high_seconds:.1f}'
                    for network in NETWORKS
                ],
                told.replace('-', '').split(),
                f'{target}, {alarms}',
            )
