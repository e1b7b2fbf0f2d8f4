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

"""The rules once more, before a Nova that speaks HTTP."""

from hass.tests.functional.api import base
from hass.tests.functional import nova_fixture


class NovaTest(base.ApiTest):
    def make_application(self):
        self.simulated = self.useFixture(nova_fixture.SimulatedNova())
        self.cloud = self.simulated.cloud
        self.nova = self.simulated.client()
        return super().make_application()

    def create(self, *hosts):
        body = {'name': 'rack-1', 'hosts': [{'name': host} for host in hosts]}
        return self.post('/v1/clusters', body)

    def test_hosts_are_known_and_up_and_stay_with_what_they_run(self):
        self.assertSays(409, 'z is not known to Nova', self.create('a', 'z'))
        self.assertFine(201, self.create('a', 'b'))
        instance = self.cloud.boot('web', 'a').uuid
        self.assertFine(201, self.post('/v1/instances', {'uuid': instance}))
        answer = self.delete('/v1/hosts/a')
        self.assertSays(409, f'runs 1 protected instances: {instance}', answer)
        self.assertFine(204, self.delete('/v1/hosts/b'))

    def test_an_instance_that_nova_does_not_know_is_not_found(self):
        self.assertFine(201, self.create('a'))
        instance = '6b1c3a4e-0f7d-4d65-9f43-0a5a5b1c2d3e'
        answer = self.post('/v1/instances', {'uuid': instance})
        self.assertSays(404, instance, answer)

    def test_a_nova_that_went_away_is_told(self):
        self.assertFine(201, self.create('a'))
        self.simulated.server.stop()
        answer = self.delete('/v1/hosts/a')
        self.assertSays(503, 'Nova cannot be asked now', answer)
