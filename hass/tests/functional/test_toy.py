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

"""One file and one entry point add a workflow to all that shows them."""

import os
import subprocess
import sys

from hass.tests import base
from hass.tests import installed
from hass import workflows

SECONDS = 600
PROOFS = (
    'hass.tests.toy.proof',
    'hass.tests.unit.recovery.test_workflow.TablesTest',
    'hass.tests.functional.db.test_superseding',
)


class ToyTest(base.TestCase):
    seconds = SECONDS

    def test_a_workflow_of_a_cluster_is_run_and_shown_once_installed(self):
        """In processes of their own, where the toy is installed."""
        folder = self.make_folder()
        point = 'dark_start = hass.tests.toy.dark_start:DarkStart'
        installed.write(folder, 'toy', {workflows.NAMESPACE: [point]})
        path = os.pathsep.join([folder, *filter(None, sys.path)])
        done = subprocess.run(
            [sys.executable, '-m', 'testtools.run', *PROOFS],
            env=os.environ | {'PYTHONPATH': path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn('\nOK', done.stdout)
