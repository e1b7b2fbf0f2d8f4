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

"""Instances that Nova has stopped, though they were meant to run.

Their own recovery had stopped them, or Nova's look at power states had, when
their host failed as well.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses

from hass import exception
from hass import nova
from hass.recovery import closing
from hass.recovery import intent
from hass.recovery.workflow import Turn

STARTING = 'powering-on'
STOPPING = 'powering-off'


def among(
    turn: Turn,
    compute: nova.Compute,
    host: str,
    servers: Iterable[nova.Server],
) -> Iterator[nova.Server]:
    """Those of a failed host's servers that nobody wanted stopped.

    One that Nova was told to start is left out. That message waits for the
    host, and boots the guest there when it is back, wherever it is by then.

    :raises hass.exception.NovaError: Nova does not tell now
    """
    for server in servers:
        stopping = server.task_state == STOPPING
        stopped = server.vm_state == 'stopped'
        if not (stopped or stopping) or server.task_state == STARTING:
            continue
        with turn.read() as session:
            memories = closing.memories(session, server.uuid)
        try:
            actions = compute.actions_of(server.uuid)
        except exception.NovaRefused:
            continue  # It was deleted at this moment.
        ours = intent.ours_of(memories, actions)
        if stopping:
            if not intent.is_stopped_by_its_user(actions, ours):
                yield server
            continue
        # Its host does no task any more.
        idle = dataclasses.replace(server, task_state=None)
        meant = intent.of(idle, actions, host, 0.0, ours).meant
        if meant is intent.Meant.RUN:
            yield server
