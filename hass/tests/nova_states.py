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

"""Every vm_state and task_state of Nova, from 2023.1 to 2026.1.

They are those of its nova/compute/vm_states.py and task_states.py.
"""

VM_STATES = frozenset(
    '''
    active building paused suspended stopped rescued resized soft-delete
    deleted error shelved shelved_offloaded
    '''.split()
)
TASK_STATES = frozenset(
    '''
    scheduling block_device_mapping networking spawning
    image_snapshot image_snapshot_pending image_pending_upload image_uploading
    image_backup
    updating_password
    resize_prep resize_migrating resize_migrated resize_finish
    resize_reverting resize_confirming
    rebooting reboot_pending reboot_started
    rebooting_hard reboot_pending_hard reboot_started_hard
    pausing unpausing suspending resuming powering-off powering-on
    rescuing unrescuing
    rebuilding rebuild_block_device_mapping rebuild_spawning
    migrating
    deleting soft-deleting restoring
    shelving shelving_image_pending_upload shelving_image_uploading
    shelving_offloading unshelving
    '''.split()
)
