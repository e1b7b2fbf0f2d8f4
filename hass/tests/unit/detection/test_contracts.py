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

"""Each detector that is installed has passed its contract."""

import configparser
import importlib
import pkgutil

from hass.detection import base as detection
from hass import tests
from hass.tests import base
from hass.tests.contracts import detector


def contract_tests():
    """What derives from the contract, in all modules that test detectors."""
    for module in pkgutil.walk_packages(tests.__path__, 'hass.tests.'):
        if '.detection.test_' in module.name:
            importlib.import_module(module.name)
    found = [detector.DetectorContract]
    for one in found:
        found += one.__subclasses__()
    return [one for one in found if one.__name__.endswith('Test')]


class ContractsTest(base.TestCase):
    def test_every_plugin_has_a_contract_test(self):
        parser = configparser.ConfigParser()
        parser.read(detector.SETUP)
        said = parser['entry_points'][detection.NAMESPACE].split('\n')[1:]
        tested = {one.detector_class.__module__ for one in contract_tests()}
        self.assertEqual(
            set(),
            {line.split(' = ')[1].split(':')[0] for line in said} - tested,
            'write a test in a module detection/test_*.py',
        )
