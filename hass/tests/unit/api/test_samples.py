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

"""The reference shows what the API answers."""

import json
import pathlib

import jsonschema

from hass.api import contracts
from hass.api.schemas import answers
from hass.tests import base

SAMPLES = pathlib.Path(__file__).parents[4] / 'api-ref/source/samples'
ANSWERS = {
    'fence-show-response': ('GET', '/v1/hosts/{host}/fence'),
    'host-add-response': ('POST', '/v1/clusters/{cluster}/hosts'),
    'host-protection-response': ('GET', '/v1/hosts/{host}/protection'),
    'loss-list-response': ('GET', '/v1/losses'),
    'loss-show-response': ('GET', '/v1/losses/{loss}'),
    'recovery-show-response': ('GET', '/v1/recoveries/{recovery}'),
}


class SamplesTest(base.TestCase):
    def test_an_answer_is_of_the_schema_of_its_request(self):
        for name, request in ANSWERS.items():
            sample = json.loads((SAMPLES / f'{name}.json').read_text())
            gives = contracts.CONTRACTS[request].gives
            components = {'schemas': answers.SCHEMAS}
            assert gives is not None, name
            schema = dict(gives, components=components)
            jsonschema.validate(sample, schema)

    def test_every_answer_is_looked_at(self):
        shipped = {path.stem for path in SAMPLES.glob('*-response.json')}
        self.assertEqual(set(ANSWERS), shipped)
