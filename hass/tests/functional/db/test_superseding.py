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

"""Who supersedes whom, and who gives way, is as the workflows declare it."""

from hass.db import recoveries
from hass.tests import builders
from hass.tests.functional.db import base
from hass import workflows
from hass.workflows import Subject


@base.on('SQLite')
class SupersedingTest(base.DatabaseTest):
    def open_on(self, host, workflow):
        """A story of the host, or of its instance; None when one is open."""
        with self.database.writer() as session:
            cluster = builders.some_cluster(session).id
            told = {
                'workflow': workflow,
                'cluster_id': cluster,
                'state': 'confirming',
                'deadline_seconds': 60,
                'engine': 'engine-1',
                'why': 'the test wants it',
                'fault': {'host': host},
            }
            if workflows.traits_of(workflow).subject is Subject.HOST:
                return recoveries.open_one(
                    session,
                    host=host,
                    supersede=workflows.superseded_by(workflow),
                    **told,
                )
            return recoveries.open_for(session, f'vm of {host}', **told)

    def is_open(self, story):
        found = self.read(recoveries.get, story.uuid)
        return found.ended_at is None

    def assert_so(self, workflow, standing):
        host = f'{workflow} {standing}'
        story = self.open_on(host, standing)
        opened = self.open_on(host, workflow)
        both = {
            workflows.traits_of(one).subject for one in (workflow, standing)
        }
        if standing in workflows.superseded_by(workflow):
            self.assertFalse(self.is_open(story), host)
            self.assertTrue(self.is_open(opened), host)
            return
        self.assertTrue(self.is_open(story), host)
        # Of one subject one recovery is open at a time.
        self.assertEqual(len(both) == 1, opened is None, host)

    def test_each_ends_what_it_declares_and_nothing_else(self):
        for workflow in workflows.names():
            for standing in workflows.names():
                self.assert_so(workflow, standing)

    def test_what_is_of_no_host_supersedes_nothing(self):
        for name in workflows.names():
            if workflows.traits_of(name).subject is not Subject.HOST:
                self.assertEqual((), workflows.superseded_by(name))
