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

"""What became of one evacuate call, by Nova's migration records. Pure."""

from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import datetime
import enum

from hass import nova

SKEW = datetime.timedelta(minutes=2)
"""By how much Nova's clocks may be off each other and the database's."""


class Progress(enum.Enum):
    """Where Nova is with one evacuation that it was asked for."""

    UNKNOWN = 'unknown'
    LIVE = 'live'
    STUCK = 'stuck'
    """Live by Nova's record, but its destination died after the claim."""
    TWICE = 'twice'
    FAILED = 'failed'
    MOVED = 'moved'


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """Progress, and the newest migration of this attempt if any."""

    progress: Progress
    migration: nova.Migration | None = None


def judge(
    known: Iterable[str],
    migrations: Sequence[nova.Migration],
    dead: frozenset[str],
    waited: Iterable[str] = (),
) -> Judgement:
    """Judge one attempt by the migration records of its instance. Pure.

    Only records that were not there before the call count, so no clock of
    Nova's is compared with one of ours. But Nova's conductor carries a call
    out under the oldest record that waits (conductor/manager.py,
    rebuild_instance): what waited before the call and moved on since counts
    as well, and as many of the new records stand for nothing.

    :param known: uuids of the migrations that were there before the call
    :param dead: uuids of those whose destination was fenced, or has booted,
        after it had claimed: nobody works on them any more
    :param waited: uuids of those in known that no host had claimed
    """
    before, lent = frozenset(known), frozenset(waited)
    evacuations = [m for m in migrations if m.type == 'evacuation']
    used = [m for m in evacuations if m.uuid in lent and not m.waiting]
    new = sorted(
        (m for m in evacuations if m.uuid not in before | lent),
        key=lambda migration: (not migration.waiting, migration.id),
    )
    idle = sum(m.waiting for m in new)
    own = used + new[min(len(used), idle) :]
    if not own:
        return Judgement(Progress.UNKNOWN)
    newest = max(own, key=lambda migration: migration.id)
    live = [m for m in own if m.live and m.uuid not in dead]
    if len(live) > 1:
        return Judgement(Progress.TWICE, newest)
    if live:
        return Judgement(Progress.LIVE, live[0])
    if newest.done:
        return Judgement(Progress.MOVED, newest)
    if newest.live:
        return Judgement(Progress.STUCK, newest)
    return Judgement(Progress.FAILED, newest)


def claimed_before(migration: nova.Migration, asked: float, up: float) -> bool:
    """Whether its destination had claimed before it booted. Pure.

    Nova's clock says how long ago the claim was. It counts if it agrees with
    the database's on how long ago the call was made, and has not written the
    claim to be older than the call: none was set since.

    :param asked: seconds since Nova was asked, by the database's clock
    :param up: seconds since the destination has booted, by itself
    """
    skew = SKEW.total_seconds()
    written = migration.updated_at or migration.created_at
    age = migration.quiet + (written - migration.created_at).total_seconds()
    return (
        not migration.waiting
        and written >= migration.created_at
        and abs(age - asked) < skew
        and migration.quiet > up + skew
    )


def queued(
    actions: Iterable[nova.Action],
    migrations: Iterable[nova.Migration],
    since: datetime.datetime,
) -> bool:
    """Whether Nova took an evacuate call that has no migration yet. Pure.

    Every call that Nova takes leaves one action, then one migration. So
    an action of an earlier attempt is not taken for the last call, and no
    moment of Nova's has to be compared closely with one of ours.

    :param actions: all of an instance, read after its migrations
    :param since: calls from before this moment are known to have ended
    """
    asked = [one for one in actions if one.name == 'evacuate']
    moves = [one for one in migrations if one.type == 'evacuation']
    return len(asked) > len(moves) and any(
        action.started_at >= since for action in asked
    )
