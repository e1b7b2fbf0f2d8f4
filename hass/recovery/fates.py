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

"""What becomes of an instance whose host was fenced: one total table. Pure.

It names every vm_state and every task_state of Nova (compute/vm_states.py,
compute/task_states.py). What it does not name is held: a Nova that is newer
than this table may mean anything by it.
"""

from collections.abc import Mapping
import dataclasses
import enum

from hass import disks
from hass import nova


class Fate(enum.StrEnum):
    """What HASS does with an instance of a host that was fenced."""

    EVACUATE = 'evacuate'
    START_AT_RETURN = 'start_at_return'
    """It was meant to run, and Nova cannot evacuate it as it is."""
    LEAVE = 'leave'
    """Nobody wants it to run."""
    DELETE = 'delete'
    """Its user asked for that, and only the dead host was told."""
    REFUSE = 'refuse'
    """An evacuation would lose what is on its disks, or nobody knows."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """A fate, and why."""

    fate: Fate
    why: str = 'planned'


_EVACUATE = Verdict(Fate.EVACUATE)
_LEAVE_STOPPED = Verdict(Fate.LEAVE, 'it is stopped')
_GONE = Verdict(Fate.LEAVE, 'its user deleted it')
_UNBUILT = Verdict(
    Fate.LEAVE, 'it never ran: Nova evacuates no instance that was being built'
)


def _stays(state: str, how: str) -> Verdict:
    return Verdict(
        Fate.START_AT_RETURN, f'it is {state}: Nova evacuates none; {how}'
    )


STATES: Mapping[str, Verdict] = {
    'active': _EVACUATE,
    'error': _EVACUATE,
    'building': _UNBUILT,
    'paused': _stays(
        'paused',
        'its memory went with its host, it is booted anew when that is back',
    ),
    'rescued': _stays('rescued', 'its user can unrescue it on its host'),
    'resized': _stays(
        'resized', 'its user can confirm or revert that on its host'
    ),
    'stopped': _LEAVE_STOPPED,
    'suspended': Verdict(
        Fate.LEAVE, 'it is suspended: its memory is on its host'
    ),
    'shelved': Verdict(Fate.LEAVE, 'it is shelved'),
    'shelved_offloaded': Verdict(
        Fate.LEAVE, 'it is shelved_offloaded: it is on no host'
    ),
    'soft-delete': _GONE,
    'deleted': _GONE,
}
"""By vm_state: what becomes of an instance with which Nova is not busy."""


def _wanted(what: str) -> Verdict:
    return Verdict(Fate.LEAVE, f'its user asked to {what} it')


_MIDWAY = Verdict(
    Fate.START_AT_RETURN,
    'its disks are in the middle of a resize or migration: Nova rolls that '
    'back when its host is back',
)

ENDS: Mapping[str, Verdict] = {
    'deleting': Verdict(
        Fate.DELETE, 'its user asked to delete it, and its host was told'
    ),
    'soft-deleting': _wanted('delete'),
    'powering-off': _wanted('stop'),
    'suspending': _wanted('suspend'),
    'shelving': _wanted('shelve'),
    'shelving_image_pending_upload': _wanted('shelve'),
    'shelving_image_uploading': _wanted('shelve'),
    'shelving_offloading': _wanted('shelve'),
    'resize_migrating': _MIDWAY,
    'resize_migrated': _MIDWAY,
    'resize_finish': _MIDWAY,
    'resize_reverting': _MIDWAY,
    'resize_confirming': _MIDWAY,
}
"""By task_state: what outweighs the vm_state."""

STARTS = frozenset(
    {
        'powering-on',
        'rebooting',
        'reboot_pending',
        'reboot_started',
        'rebooting_hard',
        'reboot_pending_hard',
        'reboot_started_hard',
        'restoring',
        'resuming',
        'unpausing',
        'unrescuing',
        'unshelving',
    }
)
"""task_states in which somebody wants it to run."""

TASKS = frozenset(
    {
        'scheduling',
        'block_device_mapping',
        'networking',
        'spawning',
        'image_snapshot',
        'image_snapshot_pending',
        'image_pending_upload',
        'image_uploading',
        'image_backup',
        'updating_password',
        'resize_prep',
        'pausing',
        'rescuing',
        'rebuilding',
        'rebuild_block_device_mapping',
        'rebuild_spawning',
        'migrating',
    }
)
"""task_states that change nothing: the vm_state decides."""


def of(server: nova.Server, *, shared_storage: bool) -> Verdict:
    """What is to become of a protected server of a fenced host."""
    state, task = server.vm_state, server.task_state or ''
    if state not in STATES:
        return _unknown('vm_state', state)
    if task and task not in {*ENDS, *STARTS, *TASKS}:
        return _unknown('task_state', task)
    found = STATES[state]
    if found is _GONE and task != 'restoring':
        return found
    if task in ENDS:
        return ENDS[task]
    if not server.launched:
        return _UNBUILT
    if found.fate is Fate.LEAVE and task in STARTS:
        return _stays(state, f'Nova was told to start it: {task}')
    if found.fate is Fate.EVACUATE:
        lost = disks.lost(server, shared_storage=shared_storage)
        return Verdict(Fate.REFUSE, lost) if lost else found
    return found


def should_run(server: nova.Server) -> bool:
    """Whether somebody wants it to run, and it did or was about to."""
    fate = of(server, shared_storage=True).fate
    started = fate in (Fate.EVACUATE, Fate.START_AT_RETURN)
    return started and server.vm_state != 'error'


def _unknown(what: str, value: str) -> Verdict:
    return Verdict(
        Fate.REFUSE, f'its {what} is {value!r}, which HASS does not know'
    )
