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


"""What the states of an instance's story share: one look, one act at a time.

Whatever is asked of Nova is written down before, with what was asked of the
instance until then. So an engine that goes on finds its own call among what
is new, and asks again only when Nova has not heard of it for long.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any

from oslo_config import cfg
from sqlalchemy import orm

from hass.db import evacuations
from hass.db import hosts
from hass.db import instance_observations
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import recoveries
from hass import exception
from hass import faults
from hass import nova
from hass.recovery import closing
from hass.recovery import control_plane
from hass.recovery import hands as hands_
from hass.recovery import intent
from hass.recovery import standing
from hass.recovery import workflow
from hass.recovery.workflow import Hop
from hass.recovery.workflow import State
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.until import Kind
from hass.until import Until

LOOK_SECONDS = 0.5
HEARD_SECONDS = 3.0
"""A host that was not heard for so long is asked for nothing."""
MOVES = frozenset({'migrate', 'confirmResize'})
TOLD = 'told_at'
"""Remembered: when the agent of its host was first seen to report again."""
YIELDS = 'yields'
"""Remembered of a story that ends for another one, which may save the instance
or not: what opened it is looked at again after that."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """An instance that is meant to run, as it is found in a turn.

    :ivar ids: request ids of all that was ever asked of it
    :ivar busy: what Nova is doing with it; '' when it is idle
    :ivar failed: Nova says so of what this story asked for last
    """

    server: nova.Server
    ids: Sequence[str]
    looks: Sequence[models.InstanceObservation]
    busy: str
    failed: bool


class InstanceWorkflow(workflow.Workflow):
    """Common ground of the states of instance_failure."""

    def __init__(self, hands: hands_.Hands, conf: cfg.ConfigOpts) -> None:
        super().__init__(hands, conf)
        self._compute = hands.compute
        self._witness = hands.witness
        self._control_plane = hands.control_plane
        self._closer = hands.closer
        self._settle_seconds = conf.nova.settle_seconds

    def scene(self, turn: Turn) -> Scene | Step:
        """Look at all there is to know, or leave the instance alone."""
        uuid, host = turn.recovery.subject, host_of(turn)
        server = self._compute.server(uuid)
        if server is None:
            return self.leave(turn, 'it was deleted')
        actions = self._actions(uuid)
        ours = self._ours(turn, actions)
        age = self._witness.seconds_since(turn, told_at(turn))
        meant = intent.of(server, actions, host, age, ours)
        moving = asked(turn) in MOVES and server.vm_state != 'deleted'
        if meant.meant is intent.Meant.LEAVE and not moving:
            turn.remember(theirs=True)
            return self.leave(turn, meant.why)
        with turn.read() as session:
            looks = instance_observations.of_instance(
                session, uuid, server.host or ''
            )
            story = recoveries.saver_of_host(session, host)
            evacuation = evacuations.open_of(session, uuid)
        if story is not None:
            turn.remember(**{YIELDS: True})
            return self.leave(turn, f'recovery {story.uuid} of {host} is open')
        if evacuation is not None:
            turn.remember(**{YIELDS: True})
            return self.leave(turn, 'it is being evacuated')
        busy = server.task_state
        request = _request_of(turn).get('request')
        return Scene(
            server,
            [action.request_id for action in actions],
            looks,
            f'Nova is at work on it: {busy}' if busy else '',
            any(one.failed and one.request_id == request for one in actions),
        )

    def looks(self, turn: Turn) -> Sequence[models.InstanceObservation]:
        """What the agent of its host saw of it last."""
        with turn.read() as session:
            return instance_observations.of_instance(
                session, turn.recovery.subject, host_of(turn)
            )

    def since_missed(self, turn: Turn) -> tuple[bool | None, float | None]:
        """What its host's agent says since an engine found it missing.

        What that saw before the host was off is old, and while the message
        bus is away nothing newer comes.

        :returns: whether it runs, and for how many seconds its agent has told
            of the host; None for what is not known
        """
        host, off = host_of(turn), turn.recovery.fault.get('off_at')
        off_at = datetime.datetime.fromisoformat(off) if off else None
        with turn.read() as session:
            runs = closing.runs(session, turn.recovery.subject, host, off_at)
            reported_at = hosts.reported_at(session, host)
        first = turn.recovery.was.get(TOLD)
        if first is not None:
            since = turn.now - datetime.datetime.fromisoformat(first)
            return runs, since.total_seconds()
        if off_at and (reported_at is None or reported_at <= off_at):
            return runs, None
        turn.remember(**{TOLD: turn.now.isoformat()})
        return runs, 0.0

    def ask(
        self, turn: Turn, scene: Scene, name: str, act: Callable[[], None]
    ) -> Step | None:
        """Have something asked of Nova, once; None: Nova has done it.

        :param name: of the instance action that it makes
        """
        was = _request_of(turn)
        if was.get('name') != name:
            return self._send(turn, scene, name, act)
        if was.get('request') is None:
            at = datetime.datetime.fromisoformat(was['at'])
            waited = self._witness.seconds_since(turn, at)
            if scene.busy or waited < self._settle_seconds:
                return Wait(LOOK_SECONDS, f'Nova has not told of: {name}')
            turn.remember(asked={})
            return Wait(0, f'Nova has not heard of: {name}; it is asked again')
        return Wait(LOOK_SECONDS, scene.busy) if scene.busy else None

    def changed_by_others(self, turn: Turn) -> Until:
        """What ends any hold: nothing is left to be done."""
        return Until(Kind.INSTANCE_CHANGED, instance=turn.recovery.subject)

    def hindered(self, turn: Turn, needs: Collection[str]) -> Step | None:
        """Wait for what is away of the control plane; None: nothing is.

        :param needs: see control_plane.needs_of()
        """
        trouble = self._control_plane.trouble(needs)
        if trouble:
            changed = self.changed_by_others(turn)
            return control_plane.wait_for(turn, trouble, changed)
        control_plane.is_back(turn)
        return None

    def _send(
        self, turn: Turn, scene: Scene, name: str, act: Callable[[], None]
    ) -> Step:
        if scene.busy:
            return Wait(LOOK_SECONDS, scene.busy)
        silent = self.silent(turn, host_of(turn))
        if silent:
            return Wait(LOOK_SECONDS, silent)
        needs = control_plane.needs_of(scene.server)
        hindered = self.hindered(turn, needs)
        if hindered is not None:
            return hindered
        with turn.read() as session:
            now = moments.read_now(session).isoformat()
        turn.remember(
            asked={'name': name, 'before': list(scene.ids), 'at': now},
            # What a move starts, it starts before it is confirmed.
            since=turn.recovery.was['since']
            if name == 'confirmResize'
            else now,
        )
        try:
            act()
        except exception.NovaRefused as error:
            turn.remember(asked={})
            return Wait(1, str(error))
        return Wait(LOOK_SECONDS, f'asked Nova for: {name}')

    def silent(self, turn: Turn, host: str) -> str:
        """Why a host must not be asked for anything now; '': it is heard.

        One whose beats are filtered is heard over the message bus.
        """
        deaf = self._witness.deaf()
        if deaf:
            return f'this engine may not judge: {deaf}'
        ears = self._witness.ears()
        silence = ears.silence(host)
        if host not in ears.suspected() and silence <= HEARD_SECONDS:
            return ''
        with turn.read() as session:
            told = self._witness.told(session, host)
        return '' if told else f'{host} is silent for {silence:.1f} s'

    def close(self, turn: Turn, hop: Hop) -> Hop:
        """Name it unless it runs, is ended, or another recovery has it."""
        with turn.read() as session:
            trouble = self._witness.unheard(session)
        scene = closing.Scene(
            host_of(turn),
            told_at(turn),
            trouble=trouble,
            recovery=turn.recovery.uuid,
        )
        ports = turn.recovery.was.get('ports', ())
        found = closing.lost(
            self._closer.find(
                turn.read,
                [
                    closing.Owed(
                        turn.recovery.subject, unsure=True, ports=ports
                    )
                ],
                scene,
            )
        )
        if turn.recovery.was.get('theirs'):
            found = [
                one
                for one in found
                if one.server and one.server.vm_state in standing.OWED
            ]
        yields = turn.recovery.was.get(YIELDS)
        if not found and not yields:
            return hop

        def within(session: orm.Session) -> Hop | None:
            instead = hop.within(session) if hop.within else None
            if yields:
                notifications.reopen(session, turn.recovery.id, hop.why)
            losses.record(
                session,
                host_of(turn),
                [one.lost() for one in found],
                turn.recovery.uuid,
            )
            return instead

        return dataclasses.replace(
            hop, why=hop.why + closing.told(found), within=within
        )

    def leave(self, turn: Turn, why: str) -> Hop:
        """End it; what was touched is given back first."""
        was = turn.recovery.was
        touched = bool(was.get('ours') or was.get('asked'))
        return Hop(State.GIVING_BACK if touched else State.DISMISSED, why)

    def _actions(self, uuid: str) -> list[nova.Action]:
        try:
            return self._compute.actions_of(uuid)
        except exception.NovaRefused:
            return []  # It was deleted at this moment.

    def _ours(self, turn: Turn, actions: Sequence[nova.Action]) -> set[str]:
        """Request ids of what this recovery, or an earlier one, asked for."""
        was = turn.recovery.was
        ours = set(was.get('ours', ()))
        answer = intent.answer_to(was, actions)
        if answer is not None:
            ours.add(answer)
            turn.remember(
                ours=sorted(ours), asked=was['asked'] | {'request': answer}
            )
        with turn.read() as session:
            earlier = closing.memories(session, turn.recovery.subject)
        if was_missed(turn):
            # The engine has weighed these actions when it found it missing.
            last = turn.recovery.fault.get('asked_last', '')
            ours |= intent.up_to(actions, last)
        return ours.union(*(one.get('ours', ()) for one in earlier))


def was_missed(turn: Turn) -> bool:
    """Whether an engine found it missing, and no agent told."""
    source = turn.recovery.fault.get('source')
    return bool(source == notifications.ENGINE)


def incident_of(turn: Turn) -> faults.Incident:
    """What the agent told."""
    return faults.Incident(turn.recovery.fault['event'])


def told_at(turn: Turn) -> datetime.datetime:
    """When that happened, in database time."""
    return datetime.datetime.fromisoformat(turn.recovery.fault['at'])


def host_of(turn: Turn) -> str:
    """Where the instance is: whose agent told, or where it was moved."""
    host: str = turn.recovery.was.get('host') or turn.recovery.fault['host']
    return host


def asked(turn: Turn) -> str:
    """The action that Nova was last asked for; '' for none."""
    name: str = _request_of(turn).get('name', '')
    return name


def asked_seconds(turn: Turn) -> float:
    """How long ago Nova was last asked for something; for ever if never."""
    at = _request_of(turn).get('at')
    if at is None:
        return float('inf')
    asked_at = datetime.datetime.fromisoformat(at)
    return (turn.now - asked_at).total_seconds()


def _request_of(turn: Turn) -> Mapping[str, Any]:
    """What Nova was last asked for, as the recovery remembers it."""
    return turn.recovery.was.get('asked') or {}
