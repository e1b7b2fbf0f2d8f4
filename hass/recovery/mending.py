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

"""What the start of a host's nova-compute does to guests that left it.

A message of a move off the host may have waited in its queue: Nova carries it
out when the host is back, fails, and puts a guest into ERROR that runs well
elsewhere.
"""

import datetime

from hass.db import hosts
from hass import nova
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait

MOVED = datetime.timedelta(days=1)
"""Moves of so long ago may have left a message in the host's queue."""
FRESH = datetime.timedelta(seconds=30)
"""An agent's report of so long ago tells what runs now."""


class Mender:
    """Lifts an ERROR from what is proved to run."""

    def __init__(self, compute: nova.Compute) -> None:
        self._compute = compute

    def in_error(self, turn: Turn) -> list[str]:
        """Instances in ERROR that moved off the host lately, or tried to."""
        since = turn.recovery.opened_at - MOVED
        moved = {
            move.instance_uuid
            for move in self._compute.migrations(
                turn.recovery.subject, since, kind=None
            )
        }
        if not moved:
            return []
        return sorted(
            server.uuid
            for server in self._compute.servers_changed_since(since)
            if server.uuid in moved and server.vm_state == 'error'
        )

    def mend(self, turn: Turn) -> Wait | None:
        """Mend one that came to ERROR in this return; None: there is none."""
        before = set(turn.recovery.was.get('in_error', ()))
        for uuid in self.in_error(turn):
            server = self._compute.server(uuid)
            if uuid in before or server is None:
                continue
            if server.vm_state == 'error' and self._runs(turn, server):
                self._compute.reset_state(server, 'active', turn.deadline)
                return Wait(0, f'{server.name} runs: its ERROR is lifted')
        return None

    def _runs(self, turn: Turn, server: nova.Server) -> bool:
        """Whether the agent of its host sees it run, and no other does."""
        if not server.host or server.task_state:
            return False
        with turn.read() as session:
            seen_on = hosts.with_domain(session, server.uuid)
            host = hosts.by_names(session, [server.host]).get(server.host)
        return (
            seen_on == [server.host]
            and host is not None
            and host.reported_at is not None
            and turn.now - host.reported_at < FRESH
        )
