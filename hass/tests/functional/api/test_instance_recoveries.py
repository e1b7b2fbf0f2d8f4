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

"""What befell an instance, as its project and operators are told."""

from hass.db import evacuations
from hass.tests import builders
from hass.tests.functional.api import base
from hass.tests.functional.db import base as stores


@stores.on_every_database
class InstanceRecoveriesTest(base.ApiTest):
    def setUp(self):
        super().setUp()
        self.make_cluster('rack-1', hosts=('compute-1', 'compute-2'))
        self.instance = self.nova.boot('compute-1', name='vm-1')
        self.path = f'/v1/instances/{self.instance}/recoveries'

    def evacuate(self):
        """Its host failed; where it goes is decided, and not yet done."""
        with self.database.writer() as session:
            row = builders.make_recovery(
                session, state='evacuating', why='compute-1 is off'
            )
            wanted = evacuations.Intention(self.instance, 'vm-1', 'blue')
            evacuations.plan(session, row.id, 'compute-1', [wanted])
            return row.uuid

    def restart(self):
        """A fault of its own, that is over."""
        with self.database.writer() as session:
            return builders.make_restart(session, self.instance).uuid

    def listed(self, token=base.ADMIN):
        return self.assertFine(200, self.get(self.path, token))['recoveries']

    def test_nothing_befell_it(self):
        self.assertEqual([], self.listed())

    def test_its_project_sees_both_kinds_newest_first_and_no_host(self):
        restarted, moved = self.restart(), self.evacuate()
        found = self.listed(base.READER)
        self.assertEqual(
            [
                (moved, 'host_failure', 'pending', None, True),
                (restarted, 'instance_failure', 'finished', None, False),
            ],
            [
                (
                    one['uuid'],
                    one['workflow'],
                    one['state'],
                    one['why'],
                    one['ended_at'] is None,
                )
                for one in found
            ],
        )
        self.assertNotIn('compute-1', str(found))

    def test_pages_go_from_new_to_old(self):
        restarted, moved = self.restart(), self.evacuate()
        first = self.get(f'{self.path}?limit=1').json
        self.assertEqual([moved], [one['uuid'] for one in first['recoveries']])
        (link,) = first['links']
        rest = self.get('/v1/' + link['href'].partition('/v1/')[2]).json
        (last,) = rest['recoveries']
        self.assertEqual((restarted, []), (last['uuid'], rest['links']))

    def test_operators_are_told_why(self):
        self.restart()
        self.assertEqual('it runs', self.listed()[0]['why'])

    def test_other_projects_do_not_learn_that_it_is_there(self):
        answer = self.get(self.path, base.STRANGER)
        self.assertSays(404, 'instance', answer)

    def test_of_an_instance_that_is_no_more_nothing_is_told(self):
        self.restart()
        del self.nova.servers[self.instance]
        self.assertSays(404, 'instance', self.get(self.path))
