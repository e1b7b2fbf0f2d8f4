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

"""What Nova does with an instance that none of our rows tells of. Pure.

An operator or another service may have asked for an evacuation, or we did
and the row was lost with a database. Whose it is does not matter: it is
never asked for twice.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
import datetime

from hass import nova
from hass.recovery import judgement

BY_SOURCE = frozenset(
    {
        'accepted',
        'queued',
        'preparing',
        'pre-migrating',
        'running',
        'migrating',
    }
)
"""Statuses in which a migration goes on by the work of its source alone.

A resize is 'post-migrating' when its destination has a message to start the
guest; a live migration hands it over by libvirt of its source.
"""

UNFINISHED = (*sorted(BY_SOURCE), 'post-migrating', 'reverting')
"""Statuses that leave a guest on its way, however old their record is."""


def live(
    source: str,
    moves: Iterable[nova.Migration],
    heard_at: datetime.datetime | None,
) -> list[nova.Migration]:
    """Evacuations off a dead host that Nova works on, whoever asked.

    :param moves: of one instance, without those that were given up
    :param heard_at: when the host was heard last; what is older belongs to
        an earlier death, and its guest has been back on the host since
    """
    floor = _floor(heard_at)
    return [
        move
        for move in moves
        if move.type == 'evacuation'
        and move.live
        and move.source == source
        and move.created_at >= floor
    ]


def asked(
    server: nova.Server,
    actions: Sequence[nova.Action],
    moves: Sequence[nova.Migration],
    heard_at: datetime.datetime | None,
) -> bool:
    """Whether Nova took an evacuate call that has no migration yet."""
    floor = _floor(heard_at)
    return is_rebuilding(server) and judgement.queued(actions, moves, floor)


def _floor(heard_at: datetime.datetime | None) -> datetime.datetime:
    """What Nova wrote before this moment is of an earlier death."""
    if heard_at is None:
        return datetime.datetime.min
    return heard_at - judgement.SKEW


def is_rebuilding(server: nova.Server) -> bool:
    """What Nova writes first of all when it takes an evacuate call."""
    return (server.task_state or '').startswith('rebuild')


IDLE = datetime.timedelta(days=1)
"""A message that its destination has not read for so long is gone."""


def idle(
    moves: Iterable[nova.Migration],
    now: datetime.datetime,
    up: Collection[str],
) -> list[nova.Migration]:
    """Evacuations that wait by Nova's record only, for nobody works on them.

    No host has claimed them for a day, and the nova-compute of their
    destination, which reads its queue, is up. Nova carries the next call out
    under the oldest of them (conductor/manager.py, rebuild_instance).

    :param up: hosts whose nova-compute is up
    """
    return [
        move
        for move in moves
        if move.type == 'evacuation'
        and move.waiting
        and move.destination in up
        and move.created_at < now - IDLE
    ]


def bound(moves: Iterable[nova.Migration]) -> dict[str, nova.Migration]:
    """Hosts on which a move may start the guest at any moment.

    That its agent does not see the guest yet means nothing there: only a
    host that is off starts none. A migration that its dead source would
    have to carry on is not among them.
    """
    return {
        move.destination: move
        for move in moves
        if move.live
        and move.destination
        and (move.type == 'evacuation' or move.status not in BY_SOURCE)
    }
