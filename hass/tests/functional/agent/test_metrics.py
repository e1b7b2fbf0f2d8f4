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

"""Prometheus at a real agent."""

from urllib import error as url_error
from urllib import request

from hass.tests.functional.agent import test_process
from hass.tests.functional import servers


class MetricsTest(test_process.ProcessCase):
    def make_config(self):
        self.port = servers.free_port()
        return (
            f'{super().make_config()}'
            f'[metrics]\nbind_host = 127.0.0.1\nagent_port = {self.port}\n'
        )

    def told(self):
        url = f'http://127.0.0.1:{self.port}/metrics'
        try:
            with request.urlopen(url, timeout=60) as answer:
                return answer.read().decode()
        except url_error.URLError:
            return ''

    def test_it_tells_of_its_beats_and_of_its_parts(self):
        self.run_agent()
        self.wait_reported()
        told = self.wait_for(self.told, why='an answer')
        for words in (
            'hass_build_info{service="agent"',
            'hass_agent_part_working{part="beats"} 1.0',
            'hass_agent_waiting{kind="faults"} 0.0',
            'hass_agent_report_age_seconds ',
        ):
            self.assertIn(words, told)
        self.assertNotIn('hass_agent_beats_total{outcome="sent"} 0.0', told)
        self.assertNotIn('hass_database', told)
