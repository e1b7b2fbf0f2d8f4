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


"""An instance may say for itself which of its layers count."""

from hass.db import notifications
from hass.faults import Incident
from hass.tests.scenario import base

HOST = 'compute-1'


class GuestLayersTest(base.ScenarioTest):
    """Its cluster protects the layer of the instance, and no network."""

    def setUp(self):
        super().setUp()
        (self.vm,) = self.cloud.boot(HOST, instances=1)
        self.cloud.tick(8)

    def says(self, value):
        metadata = {'HA_Layers': value}
        self.cloud.nova.servers[self.vm].metadata.update(metadata)

    def answers(self):
        with self.cloud.database.reader() as session:
            return [one.why for one in notifications.all(session)]

    def test_a_layer_that_it_leaves_out_is_left_alone(self):
        self.says('guest_os')
        host = self.cloud.hosts[HOST]
        host.host.kill_guest(self.vm)
        self.cloud.guests.tell(host, self.vm, Incident.KILLED)
        self.cloud.tick(30)
        self.assertEqual([], self.cloud.stories(self.vm))
        self.assertIn(
            'layer instance of it does not count: its metadata have '
            'HA_Layers=guest_os',
            self.answers(),
        )

    def test_a_layer_that_it_adds_is_recovered(self):
        self.says('guest_network')
        self.cloud.guests.mute.add(self.vm)
        self.cloud.run_until_state(self.vm, 'finished', 900)

    def test_what_it_says_unreadably_leaves_the_word_to_its_cluster(self):
        self.says('network')
        self.cloud.guests.mute.add(self.vm)
        self.cloud.tick(30)
        self.assertEqual([], self.cloud.stories(self.vm))
        self.assertIn('does not protect layer guest_net', self.answers()[-1])
