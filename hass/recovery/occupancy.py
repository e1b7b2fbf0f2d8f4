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

"""May a guest run on a host, or be on its way off it?

Looked at right before each change of a host's power that fences nobody: a
power off would cut the guests that run there, and a power on would boot
those that are being moved.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime

from hass.db import evacuations
from hass.db import models
from hass import exception
from hass import nova
from hass.nova import rolls
from hass.recovery.workflow import Turn

REBUILDING = 'rebuild'
"""How the task_states of a server begin that is being evacuated."""


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """What was known of a host while it was off, and so had no guest.

    :ivar asked: its servers, with the ids of all that had been asked of them
    :ivar reported: what Nova had of its nova-compute's last report
    :ivar since: when it was powered on after that
    """

    asked: Mapping[str, Sequence[str]]
    reported: str | None
    since: datetime.datetime | None


def guests(compute: nova.Compute, host: models.Host, memory: Memory) -> str:
    """Why a guest may run on the host; '' when none does.

    :raises hass.exception.NovaError: Nova does not tell now
    """
    seen = _reported(host, memory.since)
    if seen:
        return f'its agent sees {_count(len(seen), "guest")}'
    service = compute.service(host.name)
    if service is not None and service.usable:
        return 'Nova has it in service, and its nova-compute up'
    servers = [
        server
        for server in rolls.servers_on(
            compute, host.name, {*memory.asked, *(host.domains or ())}
        )
        if server.may_run
    ]
    asleep = service is None or str(service.updated_at) == memory.reported
    may_run = [
        server
        for server in servers
        if not _is_down(compute, host, server, memory, asleep=asleep)
    ]
    if not may_run:
        return ''
    names = ', '.join(sorted(server.name for server in may_run)[:3])
    return f'{_count(len(may_run), "instance")} may run there: {names}'


def leaving(turn: Turn, compute: nova.Compute, host: str) -> list[str]:
    """Names of instances that Nova may still be evacuating from the host.

    Whoever asked for it. What was given up is live by its record only, and
    so is what is left of one that runs elsewhere: Nova rebuilds nothing
    that is not in the task.

    :raises hass.exception.NovaError: Nova does not tell now
    """
    live: dict[str, set[str]] = {}
    for move in compute.migrations(host):
        if move.live:
            live.setdefault(move.instance_uuid, set()).add(move.uuid)
    found = []
    for instance, moves in live.items():
        with turn.read() as session:
            given_up = evacuations.given_up_of(session, instance)
        if moves <= {uuid for kind in given_up.values() for uuid in kind}:
            continue
        server = compute.server(instance)
        if server is None or server.is_gone:
            continue
        task = server.task_state or ''
        if server.host == host or task.startswith(REBUILDING):
            found.append(server.name)
    return found


def _reported(
    host: models.Host, since: datetime.datetime | None
) -> Sequence[str]:
    """Guests in the newest report, if that is of the present boot."""
    if since is None or host.reported_at is None or host.reported_at <= since:
        return ()
    return host.domains or ()


def _is_down(
    compute: nova.Compute,
    host: models.Host,
    server: nova.Server,
    memory: Memory,
    *,
    asleep: bool,
) -> bool:
    """Whether it was there while the host was off, and not started since.

    A nova-compute that has not reported since has started nothing. One that
    has may have found a call in its queue, or have its guests resumed.
    """
    if server.uuid not in memory.asked:
        return False
    if asleep:
        return True
    if server.task_state or host.resume_guests:
        return False
    try:
        actions = compute.actions_of(server.uuid)
    except exception.NovaRefused:
        return True  # It was deleted at this moment.
    before = set(memory.asked[server.uuid])
    return all(action.request_id in before for action in actions)


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'
