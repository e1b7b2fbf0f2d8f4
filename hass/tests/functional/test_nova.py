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

"""The calls of a recovery, in its order.

Nothing is asked of this Nova that a real one does not have: another
make_nova(), with a fixture of the same verbs, is enough to run it there.
"""

import datetime
import uuid

from hass import nova
from hass.tests.functional.nova_case import NovaTest
from hass.tests.functional.nova_case import RECOVERY


class LifeTest(NovaTest):
    """The calls of a recovery, in its order."""

    def test_versions_are_enough(self):
        self.assertGreaterEqual(self.nova.check_versions().highest, (2, 73))

    def test_services_are_usable_until_they_are_forced_down(self):
        self.assertLessEqual(
            {self.a, self.b}, nova.usable_hosts(self.nova.services())
        )
        self.lose(self.a)
        usable = nova.usable_hosts(self.nova.services())
        self.assertNotIn(self.a, usable)
        self.assertIn(self.b, usable)

    def test_a_host_that_nova_does_not_know_is_none(self):
        self.assertIsNone(self.nova.service('no-such-host'))

    def test_a_server_that_nova_does_not_know_is_none(self):
        self.assertIsNone(self.nova.server(str(uuid.uuid4())))

    def test_force_down_disables_with_our_mark(self):
        service = self.lose(self.a)
        self.assertEqual(
            ('disabled', f'hass:{RECOVERY}', True),
            (service.status, service.disabled_reason, service.forced_down),
        )

    def test_an_evacuation_from_accepted_to_completed(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        self.evacuate(instance)
        self.wait_for_status(instance, 'done')
        server = self.nova.server(instance)
        self.assertIn(server.host, (self.b, self.c))
        self.assertEqual('ACTIVE', server.status)
        self.assertEqual(self.newest(instance).destination, server.host)
        service = self.nova.service(self.a)
        self.assertEqual(
            400, self.refusal(self.nova.unforce, service, self.deadline())
        )
        self.cloud.power_on(self.a)
        self.wait_for_status(instance, 'completed')
        service = self.nova.unforce(service, self.deadline())
        self.assertFalse(service.forced_down)
        service = self.nova.enable(service, RECOVERY, self.deadline())
        self.assertEqual(
            ('enabled', None), (service.status, service.disabled_reason)
        )

    def test_the_target_is_the_destination(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        self.evacuate(instance, target=self.c)
        self.wait_for_status(instance, 'done')
        self.assertEqual(self.c, self.nova.server(instance).host)

    def test_an_evacuation_is_an_action_of_the_instance(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        self.evacuate(instance)
        self.assertEqual('evacuate', self.nova.actions_of(instance)[0].name)
        late = self.clock.now() + datetime.timedelta(hours=1)
        self.assertEqual([], self.nova.actions_of(instance, late))

    def test_a_service_that_nova_believes_up_is_not_evacuated(self):
        instance = self.cloud.boot('web', self.a)
        self.assertEqual(400, self.refusal(self.evacuate, instance))

    def test_a_target_that_nova_does_not_know_is_refused(self):
        instance = self.cloud.boot('web', self.a)
        self.lose(self.a)
        server = self.nova.server(instance)
        self.assertEqual(
            404,
            self.refusal(
                self.nova.evacuate,
                server,
                self.proofs(self.a),
                frozenset({self.a}),
                'no-such-host',
                self.deadline(),
            ),
        )

    def test_servers_of_a_host_leave_it_when_they_are_evacuated(self):
        gone, other = (
            self.cloud.boot('web', self.a),
            self.cloud.boot('db', self.b),
        )
        before = self.clock.now() - datetime.timedelta(minutes=1)
        self.assertIn(gone, [one.uuid for one in self.nova.servers_on(self.a)])
        self.lose(self.a)
        self.evacuate(gone)
        self.wait_for_status(gone, 'done')
        self.assertEqual([], self.nova.servers_on(self.a))
        changed = self.nova.servers_changed_since(before)
        self.assertLessEqual({gone, other}, {one.uuid for one in changed})

    def test_a_migration_just_accepted_is_seen_with_a_moment(self):
        # Nova's own changes-since would hide it.
        instance = self.cloud.boot('web', self.a)
        before = self.clock.now() - datetime.timedelta(minutes=1)
        self.lose(self.a)
        self.evacuate(instance)
        found = self.nova.migrations(self.a, since=before)
        self.assertEqual([instance], [one.instance_uuid for one in found])

    def test_stop_and_start(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.assertEqual(
            409, self.refusal(self.nova.start, server, self.deadline())
        )
        self.nova.stop(server, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).vm_state == 'stopped',
            why='stopped',
        )
        self.nova.start(server, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).vm_state == 'active',
            why='started',
        )

    def test_a_hard_reboot_is_told_with_who_asked_and_when(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.nova.hard_reboot(server, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).task_state is None,
            why='rebooted',
        )
        action = self.nova.actions_of(instance)[0]
        self.assertEqual('reboot', action.name)
        self.assertIsNotNone(action.user_id)
        # Nova tells its time to the second.
        self.assertLess(abs(action.quiet), 60)

    def test_a_move_is_resized_until_it_is_confirmed(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.nova.migrate(server, self.b, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).vm_state == 'resized',
            why='moved',
        )
        self.assertEqual(self.b, self.nova.server(instance).host)
        self.assertEqual(
            409, self.refusal(self.nova.hard_reboot, server, self.deadline())
        )
        self.nova.confirm_resize(server, self.deadline())
        self.wait_for(
            lambda: self.nova.server(instance).vm_state == 'active',
            why='confirmed',
        )

    def test_what_is_forced_down_is_deleted_without_its_host(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.lose(self.a)
        self.nova.delete(server, self.deadline())
        self.assertIsNone(self.nova.server(instance))
        self.assertEqual(
            404, self.refusal(self.nova.delete, server, self.deadline())
        )

    def test_reset_state(self):
        instance = self.cloud.boot('web', self.a)
        server = self.nova.server(instance)
        self.nova.reset_state(server, 'error', self.deadline())
        self.assertEqual('ERROR', self.nova.server(instance).status)
        self.assertEqual(
            400,
            self.refusal(
                self.nova.reset_state, server, 'happy', self.deadline()
            ),
        )
