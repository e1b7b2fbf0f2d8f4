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

"""Prometheus at a real engine."""

from urllib import request

from prometheus_client import parser
from prometheus_client import samples

from hass.tests.functional.engine import base
from hass.tests.functional import servers


class MetricsTest(base.EngineTest):
    def setUp(self):
        super().setUp()
        self.world = self.make_world()
        self.world.migrate()
        self.port = servers.free_port()
        self.world.configure(
            metrics__bind_host='127.0.0.1', metrics__engine_port=self.port
        )

    def told(self):
        """Each sample that Prometheus would read, by name."""
        url = f'http://127.0.0.1:{self.port}/metrics'
        with request.urlopen(url, timeout=60) as answer:
            text = answer.read().decode()
        found: dict[str, list[samples.Sample]] = {}
        for family in parser.text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample)
        return found

    def value(self, name, **labels):
        return sum(
            sample.value
            for sample in self.told().get(name, [])
            if labels.items() <= sample.labels.items()
        )

    def test_beats_hosts_and_looks_are_told(self):
        self.world.start()
        self.wait_ready(self.world)
        self.assertEqual(1, self.value('hass_database_up'))
        self.assertEqual(3, self.value('hass_hosts', cluster='racks'))
        self.assertGreater(self.value('hass_beat_delay_seconds_count'), 5)
        self.assertEqual(0, self.value('hass_engine_hosts_silent'))
        self.wait_for(
            lambda: self.value('hass_look_seconds_count'),
            why='the first looks',
        )

    def test_a_recovery_is_told_from_its_opening_to_its_end(self):
        self.world.protect('a', 1)
        self.world.start()
        self.wait_ready(self.world)
        self.world.nova.machines['a'].hang()
        self.wait_for(
            lambda: self.value(
                'hass_recoveries_open', workflow='host_failure'
            ),
            why='an open recovery',
        )
        self.wait_for(
            lambda: self.value(
                'hass_recovery_seconds_last_day_gcount',
                workflow='host_failure',
                outcome='finished',
            ),
            why='its end',
        )
        self.assertEqual(1, self.value('hass_fencings_last_day'))
        self.assertEqual(
            1, self.value('hass_evacuations_last_day', state='done')
        )
