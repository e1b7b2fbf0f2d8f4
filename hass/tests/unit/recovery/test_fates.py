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

import itertools

from hass.recovery import fates
from hass.recovery.fates import Fate
from hass.tests import base
from hass.tests import nova_states
from hass.tests.unit.recovery import test_planner

EVERY = list(
    itertools.product(
        sorted(nova_states.VM_STATES),
        [None, *sorted(nova_states.TASK_STATES)],
        (True, False),
    )
)


class FatesTest(base.TestCase):
    def of(self, vm_state, task_state=None, shared_storage=False, **fields):
        server = test_planner.server(
            vm_state=vm_state, task_state=task_state, **fields
        )
        return fates.of(server, shared_storage=shared_storage)

    def assert_fate(self, fate, vm_state, task_state=None, **fields):
        found = self.of(vm_state, task_state, **fields)
        self.assertIs(fate, found.fate, f'{vm_state}/{task_state}')
        return found.why

    def test_the_table_names_the_states_of_nova_and_no_others(self):
        self.assertEqual(nova_states.VM_STATES, set(fates.STATES))
        tasks = [*fates.ENDS, *fates.STARTS, *fates.TASKS]
        self.assertEqual(nova_states.TASK_STATES, set(tasks))
        self.assertEqual(len(set(tasks)), len(tasks))

    def test_no_state_of_nova_is_refused_where_all_disks_outlive_a_host(self):
        for vm_state, task_state, launched in EVERY:
            found = self.of(vm_state, task_state, True, launched=launched)
            self.assertIsNot(
                Fate.REFUSE, found.fate, f'{vm_state}/{task_state}'
            )
            self.assertTrue(found.why)

    def test_what_nova_does_not_evacuate_is_never_asked_for(self):
        """compute/api.py: active, stopped and error; launched."""
        for vm_state, task_state, launched in EVERY:
            found = self.of(vm_state, task_state, True, launched=launched)
            if found.fate is Fate.EVACUATE:
                self.assertIn(vm_state, ('active', 'error'))
                self.assertTrue(launched)

    def test_an_evacuation_loses_no_disk(self):
        disks = itertools.product((False, True), (0, 200), (False, True))
        for local, ephemeral, shared in disks:
            for vm_state, task_state, launched in EVERY:
                found = self.of(
                    vm_state,
                    task_state,
                    shared,
                    launched=launched,
                    image_backed=local,
                    ephemeral_gb=ephemeral,
                )
                if found.fate is Fate.EVACUATE:
                    self.assertTrue(shared or not (local or ephemeral))

    def test_an_unknown_state_is_refused_by_its_name(self):
        for vm_state, task_state in (('melted', None), ('active', 'melting')):
            why = self.assert_fate(Fate.REFUSE, vm_state, task_state)
            self.assertIn('melt', why)
            self.assertIn('does not know', why)

    def test_what_its_user_has_ended_does_not_run_again(self):
        for vm_state in ('active', 'error', 'resized', 'paused'):
            for task_state in ('powering-off', 'suspending', 'shelving'):
                self.assert_fate(Fate.LEAVE, vm_state, task_state)
            self.assert_fate(Fate.DELETE, vm_state, 'deleting')
            self.assert_fate(Fate.LEAVE, vm_state, 'soft-deleting')

    def test_what_was_meant_to_run_is_started_at_the_return(self):
        for vm_state in ('paused', 'rescued', 'resized'):
            why = self.assert_fate(Fate.START_AT_RETURN, vm_state)
            self.assertIn(f'it is {vm_state}', why)
        for vm_state, task_state in (
            ('stopped', 'powering-on'),
            ('stopped', 'rebooting_hard'),
            ('suspended', 'resuming'),
            ('shelved', 'unshelving'),
            ('soft-delete', 'restoring'),
        ):
            self.assert_fate(Fate.START_AT_RETURN, vm_state, task_state)

    def test_a_disk_in_the_middle_of_a_move_is_not_evacuated(self):
        for task_state in ('resize_migrating', 'resize_migrated'):
            self.assert_fate(Fate.START_AT_RETURN, 'active', task_state)

    def test_what_never_ran_is_left(self):
        for vm_state in ('error', 'building'):
            why = self.assert_fate(Fate.LEAVE, vm_state, launched=False)
            self.assertIn('never ran', why)

    def test_other_tasks_change_nothing(self):
        for task_state in ('image_uploading', 'migrating', 'rebooting'):
            self.assert_fate(Fate.EVACUATE, 'active', task_state)
