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

from hass.fencing import base as fencing
from hass.fencing import fake
from hass.tests.contracts import fencer


class FakeFencerTest(fencer.FencerContract):
    def prepare(self, off_seconds):
        self.fakes = fake.FakeFencer(None, self.clock, off_seconds)
        self.fencer = self.fakes
        self.target = fencing.Target('compute-1', None, 'boot-1')
        self.device = self.fakes.device('compute-1')

    def is_on(self):
        return self.fakes.device('compute-1').is_on
