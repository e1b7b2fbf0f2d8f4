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

"""What an instance is meant to be, as Nova and its users have it. Pure.

A guest that ended because somebody asked for it is left alone. Nova tells
so in two ways: by the state that it keeps for the instance, and by what was
asked of it. Durations are compared, never Nova's clock with ours.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import enum
from typing import Any

from hass import nova
from hass.recovery import standing

SLACK_SECONDS = 3.0
"""What was asked may still be written down when its end is told of; Nova
tells its time to the second."""
UNSURE_SECONDS = 600.0
"""When the clock was set back since it happened, nobody knows how long ago
that was: what a user asked for within this time counts as newer."""
DISTURBING = frozenset(
    {
        'confirmResize',
        'create',
        'delete',
        'evacuate',
        'migrate',
        'pause',
        'reboot',
        'rebuild',
        'rescue',
        'resetState',
        'resize',
        'restore',
        'resume',
        'revertResize',
        'shelve',
        'shelveOffload',
        'start',
        'stop',
        'suspend',
        'trigger_crash_dump',
        'unpause',
        'unrescue',
        'unshelve',
    }
)
"""Actions that end, stop or start a guest where it is. A live migration is
none: it ends on another host, or the guest is meant to run on."""
STARTS = frozenset({'restore', 'resume', 'start', 'unrescue'})
"""What nova-compute boots a guest for before it looks where Nova has it
(compute/manager.py, start_instance)."""
SHOULD_RUN = standing.GUEST_RUNS | {'error'}


class Meant(enum.Enum):
    """What to do about an instance that was told to have failed."""

    RUN = enum.auto()
    """It should run: nobody asked for anything else."""
    WAIT = enum.auto()
    """Nova is at work on it: the answer is not known yet."""
    LEAVE = enum.auto()
    """Somebody wanted it so, or it is another host's."""


@dataclasses.dataclass(frozen=True, slots=True)
class Intent:
    """What it is meant to be, and why."""

    meant: Meant
    why: str


def of(
    server: nova.Server | None,
    actions: Sequence[nova.Action],
    host: str,
    age: float,
    ours: Collection[str],
) -> Intent:
    """What is meant of an instance that a host told of.

    :param actions: of the instance, the newest first
    :param host: whose agent told
    :param age: seconds since that happened; negative: the clock was set back
    :param ours: request ids of what HASS itself asked for
    """
    if server is None or server.is_gone:
        return _leave('Nova knows no such instance: it was deleted')
    if server.host != host:
        return _leave(f'Nova has it on {server.host or "no host"}')
    if server.task_state:
        return Intent(
            Meant.WAIT, f'Nova is at work on it: {server.task_state}'
        )
    stopped = server.vm_state == 'stopped'
    if not stopped and server.vm_state not in SHOULD_RUN:
        return _leave(f'it is meant to be {server.vm_state}')
    within = age + SLACK_SECONDS
    if within < 0:
        within = UNSURE_SECONDS
    asked = next(
        (
            one
            for one in actions
            if _is_a_users(one, ours) and one.quiet <= within
        ),
        None,
    )
    if asked is None and stopped:
        asked = next((one for one in actions if one.name == 'stop'), None)
        if asked is None:
            return _leave('it is meant to be stopped')
        if not _is_a_users(asked, ours):
            return Intent(Meant.RUN, 'Nova found it stopped')
    if asked is not None:
        return _leave(f'its user asked for: {asked.name} ({asked.request_id})')
    return Intent(Meant.RUN, 'nobody asked for it')


def up_to(actions: Sequence[nova.Action], newest: str) -> set[str]:
    """Request ids of an action and of all before it.

    :param actions: of one instance, the newest first
    :param newest: a request id
    """
    ids = [one.request_id for one in actions]
    return set(ids[ids.index(newest) :]) if newest in ids else set()


def ours_of(
    memories: Iterable[Mapping[str, Any]], actions: Sequence[nova.Action]
) -> set[str]:
    """Request ids of what recoveries of an instance have asked for.

    :param memories: what those recoveries remember
    """
    ours = set()
    for was in memories:
        ours.update(was.get('ours', ()))
        answer = answer_to(was, actions)
        if answer is not None:
            ours.add(answer)
    return ours


def answer_to(
    was: Mapping[str, Any], actions: Sequence[nova.Action]
) -> str | None:
    """The request id that Nova gave to our last call; None: not known.

    A call may lack it whose sender died. Nova's first new action of that name
    is taken for the call.

    :param was: what the recovery remembers
    """
    asked = was.get('asked') or {}
    if not asked or asked.get('request') is not None:
        return None
    known = {*asked['before'], *was.get('ours', ())}
    new = [
        one.request_id
        for one in actions
        if one.name == asked['name']
        and one.user_id is not None
        and one.request_id not in known
    ]
    return new[-1] if new else None


def is_stopped_by_its_user(
    actions: Sequence[nova.Action], ours: Collection[str]
) -> bool:
    """Whether the newest stop is the wish of a user.

    :param actions: of one instance, the newest first
    """
    stop = next((one for one in actions if one.name == 'stop'), None)
    return stop is not None and _is_a_users(stop, ours)


def stopped_last(
    actions: Sequence[nova.Action], ours: Collection[str] = ()
) -> bool:
    """Whether a user's last request was for a stop.

    An evacuation and a start of ours count as asked for after it.

    :param actions: of one instance, the newest first
    """
    for one in actions:
        if _is_a_users(one, ours) and not one.failed:
            return one.name == 'stop'
    return False


def started_last(actions: Sequence[nova.Action]) -> bool:
    """Whether the last request, evacuations left out, was for a start.

    :param actions: of one instance, the newest first
    """
    for one in actions:
        if one.name in DISTURBING - {'evacuate'} and not one.failed:
            return one.name in STARTS
    return False


def is_deleted_by_its_user(actions: Sequence[nova.Action]) -> bool:
    """Whether a user has asked for its end."""
    return any(
        one.name == 'delete' and one.user_id is not None for one in actions
    )


def _is_a_users(action: nova.Action, ours: Collection[str]) -> bool:
    """Not Nova's own, and not what HASS asked for."""
    return (
        action.name in DISTURBING
        and action.user_id is not None
        and action.request_id not in ours
    )


def _leave(why: str) -> Intent:
    return Intent(Meant.LEAVE, why)
