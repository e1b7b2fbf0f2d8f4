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


from hass.detection import base as detection
from hass.detection import compute_nova
from hass import exception
from hass import nova
from hass.tests import clocks
from hass.tests.contracts import detector as contracts

HOST = 'compute-1'


class ComputeNovaContractTest(contracts.DetectorContract):
    detector_class = compute_nova.ComputeNova

    def prepare(self):
        self.clock = clocks.HandClock()
        self.asked = 0
        self.error = None
        self.say(host=HOST)
        self.detector = compute_nova.ComputeNova(
            detection.Tools(None, self.clock, services=self.services)
        )
        self.subject = detection.Subject(HOST)

    def services(self):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return [self.record]

    def say(self, host=HOST, state='up', forced_down=False):
        self.record = nova.Service(
            'uuid', host, 'enabled', state, forced_down, None, None
        )

    def look(self):
        self.clock.turn(compute_nova.FRESH_SECONDS + 1)
        return super().look()

    def fail_layer(self):
        self.say(state='down')

    def hide(self):
        self.say(host='compute-2')

    def silence(self):
        self.error = exception.NovaUnreachable('GET /os-services', 'no answer')

    def babble(self):
        for state in ('', 'UP', 'sideways'):
            self.say(state=state)
            yield

    def test_forced_down_is_what_somebody_said_and_not_what_nova_saw(self):
        self.say(state='down', forced_down=True)
        self.assertEqual({contracts.UNKNOWN}, self.look())

    def test_one_answer_tells_of_all_hosts(self):
        self.detector.probe(self.subject)
        self.detector.probe(detection.Subject('compute-2'))
        self.assertEqual(1, self.asked)
