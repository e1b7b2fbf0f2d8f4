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

"""What a late message of a move does to guests that have moved already.

It may have waited in the queue of their dead host, or in a worker of nova-api
that stood still: Nova carries it out, fails, and puts a guest into ERROR that
runs well where it is.
"""

from collections.abc import Collection
import datetime

from hass.db import hosts
from hass.db import instance_observations
from hass import faults
from hass import nova
from hass.recovery import closing
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait

MOVED = datetime.timedelta(days=1)
"""Moves of so long ago may have left a message in the host's queue."""


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
            if self.lift(turn, server):
                return Wait(0, f'{server.name} runs: its ERROR is lifted')
        return None

    def lift(
        self, turn: Turn, server: nova.Server, off: Collection[str] = ()
    ) -> bool:
        """Whether its ERROR was lifted, because it is seen to run.

        :param off: hosts that are proved off: their last reports are old
        """
        if server.vm_state != 'error' or not self._runs(turn, server, off):
            return False
        self._compute.reset_state(server, 'active', turn.deadline)
        return True

    def _runs(
        self, turn: Turn, server: nova.Server, off: Collection[str]
    ) -> bool:
        """Whether the agent of its host sees it run, and no other does."""
        if not server.host or server.task_state:
            return False
        with turn.read() as session:
            seen_on = {*hosts.with_domain(session, server.uuid)} - {*off}
            host = hosts.by_names(session, [server.host]).get(server.host)
            looks = instance_observations.of_instance(
                session, server.uuid, server.host
            )
        stands = any(
            one.layer is faults.Layer.INSTANCE
            and one.verdict is faults.Verdict.FAILED
            for one in looks
        )
        return (
            seen_on == {server.host}
            and not stands
            and host is not None
            and host.reported_at is not None
            and (turn.now - host.reported_at).total_seconds()
            < closing.FRESH_SECONDS
        )
