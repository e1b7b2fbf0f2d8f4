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

"""The table of what becomes of an instance leaves out no state of Nova."""

import pathlib

from hass.recovery import fates
from hass.tests import base

PAGE = pathlib.Path(__file__).parents[4] / 'doc/source/admin/index.rst'


class FatesPageTest(base.TestCase):
    def test_each_vm_state_has_a_row(self):
        _, _, below = PAGE.read_text().partition('.. _fates:')
        table, _, _ = below.partition('.. _instances:')
        missing = [s for s in fates.STATES if f'``{s}``' not in table]
        self.assertEqual([], missing)
