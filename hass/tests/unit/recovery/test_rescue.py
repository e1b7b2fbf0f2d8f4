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

from unittest import mock

from hass.recovery import closing
from hass.recovery import rescue
from hass.tests import base
from hass.tests.unit.recovery import test_intent


class AbleTest(base.TestCase):
    def test_one_that_runs_twice_is_left_to_people(self):
        server = test_intent.server()
        twice = closing.Finding(
            server.uuid, closing.Outcome.LOST, 'twice', server, twice=True
        )
        nobody = mock.sentinel.not_asked
        self.assertEqual([], rescue.able(nobody, nobody, [twice], ()))
