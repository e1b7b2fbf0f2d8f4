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

import hypothesis
from hypothesis import strategies

from hass.db import hosts
from hass.db import models
from hass import nova
from hass.recovery import planner
from hass.tests import base
from hass.tests import builders
from hass import until

State = models.EvacuationState


def server(name='vm-1', **fields):
    """An active server on a shared disk."""
    given = {
        'uuid': f'uuid-of-{name}',
        'name': name,
        'project_id': 'blue',
        'host': 'compute-1',
        'status': 'ACTIVE',
        'vm_state': 'active',
        'task_state': None,
        'power_state': 1,
        'locked': False,
        'locked_reason': None,
        'image_backed': False,
        'launched': True,
    } | fields
    return nova.Server(**given)


class PlanTest(base.TestCase):
    def plan(self, *servers, shared_storage=False):
        return planner.DefaultPlanner().plan(
            servers, shared_storage=shared_storage
        )

    def test_servers_go_in_the_order_of_their_names(self):
        plan = self.plan(server('b'), server('c'), server('a'))
        self.assertEqual(['a', 'b', 'c'], [one.instance_name for one in plan])

    def test_what_was_meant_to_run_is_evacuated(self):
        for vm_state in ('active', 'error'):
            (one,) = self.plan(server(vm_state=vm_state))
            self.assertIs(State.PENDING, one.state)

    def test_what_was_not_meant_to_run_is_left(self):
        for vm_state in ('stopped', 'paused', 'shelved', 'suspended'):
            (one,) = self.plan(server(vm_state=vm_state))
            self.assertIs(State.LEFT, one.state)
            self.assertIn(f'it is {vm_state}', one.why)

    def test_a_local_root_disk_is_held(self):
        (one,) = self.plan(server(image_backed=True))
        self.assertIs(State.HELD, one.state)
        self.assertIn('its root disk is local', one.why)

    def test_a_local_ephemeral_disk_is_held(self):
        (one,) = self.plan(server(ephemeral_gb=200))
        self.assertIs(State.HELD, one.state)
        self.assertIn('its ephemeral disk of 200 GB is local', one.why)

    def test_a_local_disk_is_held_until_it_may_be_evacuated(self):
        (one,) = self.plan(server(image_backed=True))
        (ends,) = until.of_all(one.was['until'])
        self.assertEqual(
            until.Until(until.Kind.EVACUABLE, 'compute-1', 'uuid-of-vm-1'),
            ends,
        )

    def test_a_shared_root_disk_is_not(self):
        (one,) = self.plan(server(image_backed=True), shared_storage=True)
        self.assertIs(State.PENDING, one.state)

    def test_how_the_server_was_is_written_down(self):
        (one,) = self.plan(server(task_state='rebooting', locked=True))
        self.assertEqual(
            {
                'vm_state': 'active',
                'task_state': 'rebooting',
                'power_state': 1,
                'locked': True,
                'fate': 'evacuate',
                'until': [],
            },
            one.was,
        )


NAMES = strategies.sampled_from([f'compute-{n}' for n in range(1, 7)])


class TargetTest(base.TestCase):
    def test_there_is_none_without_a_usable_host(self):
        self.assertIsNone(planner.DefaultPlanner().target([], {}))

    def test_the_emptiest_host_is_taken(self):
        found = planner.DefaultPlanner().target(['a', 'b'], {'a': 2, 'b': 1})
        self.assertEqual('b', found)

    @hypothesis.given(
        strategies.sets(NAMES, min_size=1), strategies.integers(1, 40)
    )
    def test_the_load_is_spread_evenly(self, usable, count):
        load: dict[str, int] = dict.fromkeys(usable, 0)
        for _ in range(count):
            chosen = planner.DefaultPlanner().target(usable, load)
            load[chosen or ''] += 1
        self.assertLessEqual(max(load.values()) - min(load.values()), 1)


class UsableHostsTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.database = builders.make_database(self)
        with self.database.writer() as session:
            for name in ('compute-1', 'compute-2', 'compute-3'):
                builders.make_host(session, name)

    def usable(self, **troubled):
        """Names, as seen from compute-1; troubles by the host's number."""
        seen = [
            service(f'compute-{n}', **troubled.get(f'host_{n}', {}))
            for n in (1, 2, 3)
        ]
        with self.database.reader() as session:
            host = hosts.get(session, 'compute-1')
            found = planner.usable_hosts(session, host, seen)
        return [one.name for one in found]

    def test_all_others_that_nova_would_use(self):
        self.assertEqual(['compute-2', 'compute-3'], self.usable())

    def test_what_nova_would_not_use_is_left_out(self):
        for trouble in (
            {'state': 'down'},
            {'status': 'disabled'},
            {'forced_down': True},
        ):
            self.assertEqual(['compute-3'], self.usable(host_2=trouble))

    def test_a_host_with_a_story_of_its_own_is_left_out(self):
        with self.database.writer() as session:
            builders.make_recovery(session, 'compute-3')
        self.assertEqual(['compute-2'], self.usable())

    def test_hosts_of_other_clusters_are_left_out(self):
        with self.database.writer() as session:
            other = builders.make_cluster(session, 'rack-2')
            host = hosts.get(session, 'compute-2')
            host.cluster_id = other.id
        self.assertEqual(['compute-3'], self.usable())


def service(host, **fields):
    given = {
        'uuid': f'uuid-of-{host}',
        'host': host,
        'status': 'enabled',
        'state': 'up',
        'forced_down': False,
        'disabled_reason': None,
        'updated_at': None,
    } | fields
    return nova.Service(**given)
