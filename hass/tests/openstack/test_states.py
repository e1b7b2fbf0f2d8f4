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

"""The words of the Nova that is installed."""

import json
import subprocess

from hass.tests import nova_states
from hass.tests.openstack import base

TELL = """
import json
from nova.compute import task_states, vm_states
print(json.dumps([
    [value for name, value in vars(one).items()
     if name.isupper() and isinstance(value, str)]
    for one in (vm_states, task_states)
]))
"""


class StatesTest(base.OpenStackTest):
    def test_its_states_are_those_that_the_table_of_fates_names(self):
        told = subprocess.run(
            [self.lab.venv / 'bin' / 'python', '-c', TELL],
            capture_output=True,
            check=True,
        )
        vm, task = json.loads(told.stdout)
        self.assertLessEqual(set(vm), nova_states.VM_STATES)
        self.assertLessEqual(set(task), nova_states.TASK_STATES)
