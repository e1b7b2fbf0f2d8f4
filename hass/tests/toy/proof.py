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

"""What the toy gets for its one file and its one entry point.

To be run where the toy is installed: see functional/test_toy.py.
"""

import pathlib
import runpy
from typing import ClassVar

from hass import clock
from hass.db import clusters
from hass.db import models
from hass.db import recoveries
from hass.metrics import books
from hass.recovery import workflow as recovery_workflow
from hass.states import State
from hass.tests.contracts import workflow
from hass.tests.functional.client import base

NAME = 'dark_start'
ROOT = pathlib.Path(__file__).parents[3]


def open_one(database, cluster):
    """As whatever notices the darkness would."""
    toy = recovery_workflow.named(NAME)
    with database.writer() as session:
        row = clusters.get(session, cluster)
        opened = recoveries.open_for(
            session,
            row.uuid,
            workflow=toy.name,
            cluster_id=row.id,
            state=toy.initial,
            deadline_seconds=toy.deadline_seconds(toy.initial),
            engine='engine-1',
            why='nothing is heard of any host',
            fault={},
        )
    assert opened is not None
    return opened


class ContractTest(workflow.WorkflowContract):
    """Engines run it, die around its turns, and take it over."""

    name: ClassVar[str] = NAME
    ends = State.FINISHED

    def begin(self):
        for host in self.cloud.hosts.values():
            host.host.power_off()
        self.story = open_one(self.cloud.database, self.subject())

    def subject(self):
        return self.cloud.cluster.uuid

    def assert_mended(self):
        for host in self.cloud.hosts.values():
            self.assertTrue(host.host.is_on, host.name)

    def test_it_is_of_its_cluster_alone(self):
        self.begin()
        self.assertEqual(f'cluster:{self.subject()}', self.story.open_key)
        with self.cloud.database.reader() as session:
            for host in self.cloud.hosts:
                self.assertIsNone(recoveries.open_of_host(session, host))


class ShownTest(base.ClientTest):
    """Nobody who shows recoveries was told of it."""

    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))
        self.uuid = open_one(self.database, 'rack-1').uuid

    def test_the_api_lists_filters_and_describes_it(self):
        answer = self.get(f'/v1/recoveries?workflow={NAME}')
        (shown,) = self.assertFine(200, answer)['recoveries']
        self.assertEqual(
            (self.uuid, NAME, 'rack-1', 'confirming'),
            tuple(
                shown[key] for key in ('uuid', 'workflow', 'cluster', 'state')
            ),
        )
        answer = self.get('/v1/openapi.json')
        self.assertIn(NAME, str(self.assertFine(200, answer)))

    def test_an_operator_releases_it(self):
        with self.database.writer() as session:
            row = recoveries.get(session, self.uuid)
            row.state, row.held_kind = State.HELD, models.HeldKind.SAFETY
        answer = self.post(f'/v1/recoveries/{self.uuid}/release')
        self.assertEqual('release', self.assertFine(202, answer)['wish'])

    def test_the_command_line_lists_and_shows_it(self):
        (listed,) = self.read('recovery', 'list', '--workflow', NAME)
        self.assertEqual(NAME, listed['Workflow'])
        shown = self.read('recovery', 'show', self.uuid)
        self.assertEqual(NAME, shown['workflow'])

    def test_metrics_count_it(self):
        found = books.Books(self.database, clock.SystemClock()).collect()
        samples = [
            (sample.labels, sample.value)
            for family in found
            for sample in family.samples
            if sample.name == 'hass_recoveries_open'
        ]
        labels = {
            'workflow': NAME,
            'state': 'confirming',
            'cluster': 'rack-1',
        }
        self.assertEqual([(labels, 1)], samples)

    def test_it_is_drawn(self):
        drawing = runpy.run_path(str(ROOT / 'tools/states_to_dot.py'))
        page = drawing['page']()
        self.assertIn('confirming -> powering_on;', page)
        self.assertIn(f'digraph {NAME} {{', page)
        self.assertIn('Ask the BMCs of those that are off', page)
