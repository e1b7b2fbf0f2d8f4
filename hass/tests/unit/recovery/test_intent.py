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

"""What users ask for is told from faults, without comparing clocks."""

import datetime

from hass import nova
from hass.recovery import intent
from hass.recovery.intent import Meant
from hass.tests import base

HOST = 'compute-1'
MOMENT = datetime.datetime(2026, 1, 1)
"""Nobody compares it with anything."""
AGE = 5.0
"""Seconds since the fault."""


def server(**fields):
    return nova.Server(
        **{
            'uuid': 'uuid',
            'name': 'web',
            'project_id': 'blue',
            'host': HOST,
            'status': 'ACTIVE',
            'vm_state': 'active',
            'task_state': None,
            'power_state': 1,
            'locked': False,
            'locked_reason': None,
            'image_backed': False,
            'launched': True,
        }
        | fields
    )


def action(name, quiet, user='user', request='req-1'):
    return nova.Action(name, request, MOMENT, user, quiet)


class IntentTest(base.TestCase):
    def of(self, *actions, ours=(), age=AGE, **fields):
        return intent.of(server(**fields), actions, HOST, age, ours)

    def assert_meant(self, meant, *actions, **fields):
        self.assertIs(meant, self.of(*actions, **fields).meant)

    def test_one_that_nobody_touched_is_meant_to_run(self):
        self.assert_meant(Meant.RUN)

    def test_one_that_was_deleted_is_left(self):
        found = intent.of(None, [], HOST, AGE, ())
        self.assertIs(Meant.LEAVE, found.meant)
        self.assert_meant(Meant.LEAVE, vm_state='soft-delete')

    def test_one_that_nova_has_elsewhere_is_left(self):
        found = self.of(host='compute-2')
        self.assertEqual('Nova has it on compute-2', found.why)

    def test_while_nova_is_at_work_nobody_knows(self):
        self.assert_meant(Meant.WAIT, task_state='powering-off')

    def test_states_that_users_ask_for_are_left(self):
        for state in ('paused', 'suspended', 'building'):
            self.assert_meant(Meant.LEAVE, vm_state=state)

    def test_guests_run_while_they_are_rescued_or_moved(self):
        for state in ('rescued', 'resized'):
            self.assert_meant(Meant.RUN, vm_state=state)

    def test_what_was_asked_for_as_it_happened_is_named(self):
        found = self.of(action('reboot', quiet=6.0))
        self.assertIs(Meant.LEAVE, found.meant)
        self.assertEqual('its user asked for: reboot (req-1)', found.why)

    def test_what_was_asked_for_since_is_respected(self):
        self.assert_meant(Meant.LEAVE, action('rebuild', quiet=1.0))

    def test_what_was_done_long_before_explains_nothing(self):
        self.assert_meant(Meant.RUN, action('reboot', quiet=60.0))

    def test_since_the_clock_was_set_back_what_is_recent_counts_as_newer(self):
        for age, quiet, meant in (
            (-60.0, 45.0, Meant.LEAVE),
            (-60.0, 1.0, Meant.LEAVE),
            (-60.0, 9000.0, Meant.RUN),
            # Nodes of a database differ by so much.
            (-2.0, 45.0, Meant.RUN),
        ):
            self.assert_meant(meant, action('reboot', quiet=quiet), age=age)

    def test_actions_that_disturb_no_guest_explain_nothing(self):
        for name in ('lock', 'attach_volume', 'live-migration'):
            self.assert_meant(Meant.RUN, action(name, quiet=1.0))

    def test_our_own_act_is_no_users(self):
        reboot = action('reboot', quiet=1.0)
        self.assert_meant(Meant.RUN, reboot, ours=['req-1'])

    def test_what_its_user_stopped_stays_stopped(self):
        stop = action('stop', quiet=9000.0)
        self.assert_meant(Meant.LEAVE, stop, vm_state='stopped')

    def test_what_nova_found_stopped_is_meant_to_run(self):
        found = action('stop', quiet=1.0, user=None)
        before = action('stop', quiet=9000.0)
        self.assert_meant(Meant.RUN, found, before, vm_state='stopped')

    def test_what_was_stopped_by_nobody_known_is_left(self):
        self.assert_meant(Meant.LEAVE, vm_state='stopped')

    def test_a_lock_of_its_user_is_no_obstacle(self):
        self.assert_meant(Meant.RUN, locked=True)
