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

"""The closing invariant: nothing that should run is forgotten.

Before a recovery ends, each instance it owes runs with its ports ACTIVE,
or its user ended it, or another one has it in hand, or a loss names it.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent import futures
import contextlib
import dataclasses
import datetime
import enum
import math
from typing import Any

from sqlalchemy import orm

from hass.db import evacuations
from hass.db import hosts
from hass.db import instance_observations
from hass.db import instances
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import entitlement
from hass import exception
from hass import faults
from hass import naming
from hass import nova
from hass.nova import rolls
from hass.recovery import intent
from hass.recovery import standing
from hass.states import WorkflowName

Read = Callable[[], contextlib.AbstractContextManager[orm.Session]]
WIDTH = 8
"""So many instances are looked at side by side."""
ENDING = frozenset(
    {'delete', 'pause', 'shelve', 'shelveOffload', 'stop', 'suspend'}
)
"""Actions by which a user wants an instance not to run."""
STARTING = frozenset(
    {
        'evacuate',
        'reboot',
        'rebuild',
        'rescue',
        'restore',
        'resume',
        'start',
        'unrescue',
        'unshelve',
    }
)
"""Actions after which what Nova says of a guest is new."""
GRACE_SECONDS = 60.0
"""What may be back in a moment has so long before it is paged."""
OURS_SECONDS = 86400.0
"""Recoveries that began within this time tell what HASS has asked for."""
FRESH_SECONDS = 30.0
"""Agents report every ten seconds: what is older says nothing of now."""

MAY_RUN = standing.OWED | {'stopped'}


class Outcome(enum.Enum):
    """What became of an instance that is owed."""

    RUNS = enum.auto()
    TAKEN = enum.auto()
    """Another open recovery has it in hand, and closes on its own."""
    STOPPED = enum.auto()
    """Its user wants it as it is."""
    DELETED = enum.auto()
    UNPROTECTED = enum.auto()
    LOST = enum.auto()


END_OF = {
    Outcome.RUNS: models.LossEnd.RUNS,
    Outcome.STOPPED: models.LossEnd.STOPPED,
    Outcome.DELETED: models.LossEnd.DELETED,
    Outcome.UNPROTECTED: models.LossEnd.UNPROTECTED,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Owed:
    """An instance that has to run when a recovery ends.

    :ivar stopped_by_us: HASS has stopped it, or cut its power, although it
        was not protected
    :ivar unsure: it counts as stopped by its user unless Nova itself has
        stopped it since
    :ivar ports: which of its ports have to be ACTIVE; None: all of them
    """

    uuid: str
    stopped_by_us: bool = False
    unsure: bool = False
    ports: Collection[str] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """What happened where.

    :ivar host: the host that failed, or booted anew
    :ivar failed_at: what users asked for since is their wish
    :ivar off_at: when the host was off; None: it was not
    :ivar trouble: of hosts on which nothing is known to run: host to why
    :ivar recovery: the recovery that is about to end; None: there is none
    """

    host: str
    failed_at: datetime.datetime
    off_at: datetime.datetime | None = None
    trouble: Mapping[str, str] = dataclasses.field(default_factory=dict)
    recovery: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What became of one instance, and the sentence for it.

    :ivar asked_last: request id of the newest of its actions; '' for none
    :ivar twice: it runs on another host too
    """

    uuid: str
    outcome: Outcome
    why: str
    server: nova.Server | None = None
    ports: Sequence[str] = ()
    unprotected: bool = False
    asked_last: str = ''
    twice: bool = False

    @property
    def passing(self) -> bool:
        """It may run in a moment: Nova is at it, or an agent has to look."""
        server = self.server
        return server is not None and bool(
            server.task_state or server.vm_state == 'active'
        )

    def lost(self) -> losses.Lost:
        """What a loss tells of it."""
        assert self.server is not None
        return losses.Lost(
            self.uuid,
            self.server.name,
            self.server.project_id,
            self.why,
            tuple(self.ports),
            self.unprotected,
            GRACE_SECONDS if self.passing else 0.0,
        )


class Closer:
    """Looks at instances that are owed.

    :param pool: makes what so many calls run in, side by side
    """

    def __init__(
        self,
        compute: nova.Compute,
        rule: entitlement.Rule,
        pool: Callable[[int], futures.Executor],
    ) -> None:
        self._compute = compute
        self._rule = rule
        self._pool = pool

    def protected_on(
        self,
        read: Read,
        host: models.Host,
        elsewhere: Iterable[nova.Server] = (),
    ) -> list[nova.Server]:
        """Protected servers on a host that may be meant to run.

        :param elsewhere: what Nova has just shown, and not on this host
        :raises hass.exception.NovaError: Nova does not tell now, or leaves
            out what the host's agent saw there
        """
        seen = {*(host.domains or ())} - {one.uuid for one in elsewhere}
        servers = [
            one
            for one in rolls.servers_on(self._compute, host.name, seen)
            if one.launched and one.vm_state in MAY_RUN
        ]
        with read() as session:
            protected = instances.protected(
                session, self._rule, host.cluster, servers
            )
        return [one for one in servers if one.uuid in protected]

    def find(
        self,
        read: Read,
        owed: Iterable[Owed],
        scene: Scene,
        known: Iterable[nova.Server] = (),
    ) -> list[Finding]:
        """What became of each of them.

        :param known: what Nova has told of some a moment ago
        :raises hass.exception.NovaError: Nova does not tell now
        """
        servers = {one.uuid: one for one in known}
        asked = list(owed)
        if not asked:
            return []
        with self._pool(min(WIDTH, len(asked))) as pool:
            found = pool.map(
                lambda one: self._find(
                    read, one, scene, servers.get(one.uuid)
                ),
                asked,
            )
            return list(found)

    def _find(
        self, read: Read, owed: Owed, scene: Scene, known: nova.Server | None
    ) -> Finding:
        uuid = owed.uuid
        server = known or self._compute.server(uuid)
        if server is None or server.is_gone:
            return Finding(uuid, Outcome.DELETED, 'it was deleted', server)
        with read() as session:
            now = moments.read_now(session)
            taken = _taken(session, server, scene)
            unprotected = (
                ''
                if owed.stopped_by_us
                else self._unprotected(session, server)
            )
            home = _home(session, server, scene)
            remembered = memories(session, uuid)
            others = _others(session, server, scene)
        if taken:
            return Finding(uuid, Outcome.TAKEN, taken, server)
        if unprotected:
            return Finding(uuid, Outcome.UNPROTECTED, unprotected, server)
        every: list[nova.Action] = []
        if others:
            every = self._actions(uuid)
            said = _said_since(others, every, now)
            if said:
                why = f'it runs on {server.host}, and on {", ".join(said)} too'
                return Finding(uuid, Outcome.LOST, why, server, twice=True)
        age = (now - scene.failed_at).total_seconds() + intent.SLACK_SECONDS
        why = standing.amiss(server, home, asked=False)
        if why:
            every = every or self._actions(uuid)
            actions = [one for one in every if one.quiet <= age]
            # Nobody knows how old what came before a clock was set back is.
            asked = any(
                one.name in STARTING
                and not one.failed
                and one.quiet >= -intent.SLACK_SECONDS
                for one in actions
            )
            why = standing.amiss(server, home, asked=asked)
            since = actions if age >= 0 else every
            ours = intent.ours_of(remembered, every)
            wish = _wish(server, since, ours)
            if owed.unsure and server.vm_state == 'stopped' and not wish:
                wish = _stopped_before(since)
            if why and wish and not owed.stopped_by_us:
                return Finding(uuid, Outcome.STOPPED, wish, server)
        if why:
            return Finding(
                uuid,
                Outcome.LOST,
                why,
                server,
                tuple(owed.ports or ()),
                owed.stopped_by_us,
                every[0].request_id if every else '',
            )
        down = self._ports_down(owed)
        if down:
            return Finding(
                uuid,
                Outcome.LOST,
                f'it runs on {server.host}, and of its ports are not ACTIVE: '
                + ', '.join(down),
                server,
                down,
            )
        return Finding(uuid, Outcome.RUNS, f'it runs on {server.host}', server)

    def _unprotected(self, session: orm.Session, server: nova.Server) -> str:
        host = hosts.by_names(session, [server.host or '']).get(
            server.host or ''
        )
        if host is None:
            return ''
        word = instances.entitlements(
            session, self._rule, host.cluster, [server]
        )[server.uuid]
        return '' if word.protected else f'not protected now: {word.why}'

    def _actions(self, uuid: str) -> list[nova.Action]:
        try:
            return self._compute.actions_of(uuid)
        except exception.NovaRefused:
            return []  # It was deleted at this moment.

    def _ports_down(self, owed: Owed) -> list[str]:
        try:
            ports = self._compute.ports(owed.uuid)
        except exception.NovaRefused:
            return []
        return [
            one.uuid
            for one in ports
            if not one.is_active
            and (owed.ports is None or one.uuid in owed.ports)
        ]


def lost(found: Iterable[Finding]) -> list[Finding]:
    """Those that are to be named."""
    return [one for one in found if one.outcome is Outcome.LOST]


def told(found: Sequence[Finding], helped: Sequence[Finding] = ()) -> str:
    """The end of a last sentence; '' when nothing is lost.

    :param helped: those of them that recoveries of their own bring back
    """
    paged = [one for one in found if one not in helped]
    return (f'; lost and paged: {_names(paged)}' if paged else '') + (
        f'; to be brought back: {_names(helped)}' if helped else ''
    )


def _names(found: Sequence[Finding]) -> str:
    known = sorted(one.server.name for one in found if one.server is not None)
    return naming.some(known, 5)


def runs(
    session: orm.Session,
    uuid: str,
    host: str,
    off_at: datetime.datetime | None,
) -> bool | None:
    """What the agent of its host says of it; None: nothing.

    :param off_at: when the host was off: what was seen before is old
    """
    looks = [
        one
        for one in instance_observations.of_instance(session, uuid, host)
        if one.layer is faults.Layer.INSTANCE
        and (off_at is None or one.seen_at > off_at)
    ]
    row = hosts.by_names(session, [host]).get(host)
    return _runs(looks, row, uuid, off_at)


def _taken(session: orm.Session, server: nova.Server, scene: Scene) -> str:
    """Which other open recovery has it in hand; '' for none."""
    for story in (
        recoveries.open_of_instance(session, server.uuid),
        recoveries.saver_of_host(session, server.host or ''),
    ):
        if story is not None and story.uuid != scene.recovery:
            return f'see recovery {story.uuid}'
    move = evacuations.open_of(session, server.uuid)
    if move is None or standing.has_arrived(server, move.source, scene.host):
        return ''
    story = session.get_one(models.Recovery, move.recovery_id)
    if story.uuid == scene.recovery or story.ended_at is not None:
        return ''
    return f'see recovery {story.uuid}'


def _others(
    session: orm.Session, server: nova.Server, scene: Scene
) -> dict[str, datetime.datetime]:
    """Hosts that run it as well, and Nova has it on another one.

    An evacuation was carried out so late that it was no longer expected.
    With the moment at which each said so.
    """
    if server.task_state or server.vm_state not in MAY_RUN:
        return {}
    found = instance_observations.runs_on(
        session, [server.uuid], FRESH_SECONDS
    ).get(server.uuid, {})
    but = {server.host, *scene.trouble}
    return {name: at for name, at in found.items() if name not in but}


def _said_since(
    others: Mapping[str, datetime.datetime],
    actions: Sequence[nova.Action],
    now: datetime.datetime,
) -> list[str]:
    """Those that said so after Nova was last at work on it.

    A host that it has left lists it until its next report.
    """
    quiet = actions[0].quiet if actions else math.inf
    return [
        name
        for name, at in others.items()
        if (now - at).total_seconds() + intent.SLACK_SECONDS < quiet
    ]


def _home(
    session: orm.Session, server: nova.Server, scene: Scene
) -> standing.Home:
    name = server.host or ''
    off_at = scene.off_at if name == scene.host else None
    return standing.Home(
        scene.trouble.get(name, ''),
        runs(session, server.uuid, name, off_at),
        off_at is not None,
    )


def _runs(
    looks: Sequence[models.InstanceObservation],
    host: models.Host | None,
    uuid: str,
    off_at: datetime.datetime | None,
) -> bool | None:
    """What libvirt says, as far as an agent looks there."""
    verdicts = {one.verdict for one in looks}
    if looks and host is not None and _is_gone(host, uuid, looks):
        return False
    if faults.Verdict.HEALTHY in verdicts:
        return True
    if verdicts:
        # It is defined no more, or stands still.
        return False if off_at or faults.Verdict.FAILED in verdicts else None
    if host is None or host.domains is None or host.reported_at is None:
        return None
    if off_at is not None and host.reported_at < off_at:
        return None
    return None if uuid in host.domains else False


def _is_gone(
    host: models.Host,
    uuid: str,
    looks: Sequence[models.InstanceObservation],
) -> bool:
    """Whether its domain is listed no more since it was looked at last."""
    if host.domains is None or host.reported_at is None:
        return False
    if uuid in host.domains:
        return False
    listed_at = host.reported_at - standing.LISTED
    return all(one.seen_at < listed_at for one in looks)


def memories(session: orm.Session, uuid: str) -> list[dict[str, Any]]:
    """What recoveries of an instance remember that are not old."""
    stories = recoveries.of_subject_within(
        session, uuid, WorkflowName.INSTANCE_FAILURE, OURS_SECONDS
    )
    return [one.was for one in stories]


def _wish(
    server: nova.Server, actions: Sequence[nova.Action], ours: Collection[str]
) -> str:
    """By what its user has ended it; '' when he has not."""
    if server.vm_state in standing.GUEST_RUNS | {'error'}:
        return ''
    newest = next(
        (
            one
            for one in actions
            if one.user_id is not None and one.request_id not in ours
        ),
        None,
    )
    if newest is None or newest.name not in ENDING:
        return ''
    return f'its user asked for: {newest.name} ({newest.request_id})'


def _stopped_before(actions: Iterable[nova.Action]) -> str:
    """Nobody has stopped it since; '' when it was Nova itself.

    That finds guests ended by what happened to their host.
    """
    newest = next((one for one in actions if one.name == 'stop'), None)
    if newest is not None and newest.user_id is None:
        return ''
    return 'it was stopped before'
