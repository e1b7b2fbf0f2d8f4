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


"""What agents tell of instances: read, weighed with Nova, and answered.

Whatever opens no recovery is answered with the reason. While Nova does not
answer, or is at work on an instance, the answer waits.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from concurrent import futures
import datetime
import functools
import logging
import threading
from typing import Any

from oslo_db import exception as oslo_exception
from oslo_utils import uuidutils
from sqlalchemy import orm

from hass.db import evacuations
from hass.db import instances
from hass.db import models
from hass.db import moments
from hass.db import notifications
from hass.db import protection
from hass.db import recoveries
from hass.db import session as db_session
from hass.db import windows
from hass.engine import inventory as inventory_
from hass import entitlement
from hass import exception
from hass import faults
from hass import nova
from hass import origin
from hass.recovery import closing
from hass.recovery import instance_failure
from hass.recovery import intent
from hass.recovery import symptoms

LOG = logging.getLogger(__name__)
LAYERS = (
    faults.Layer.INSTANCE,
    faults.Layer.GUEST_OS,
    faults.Layer.GUEST_NETWORK,
)
MANY = 3
"""More instances of one host are asked for in one call. About fewer all is
asked at once: what Nova takes to answer is what their recoveries wait for."""
PATIENT_SECONDS = 3600.0
"""For so long it is waited for the end of what Nova does."""
LEFT_SECONDS = 2.0
"""The engine that an agent has told answers at once. Others leave it to that
one for so long: asked the same by two, Nova takes longer to answer either."""
REMEMBERED = 1000
Story = instance_failure.InstanceFailure
Told = models.Notification
Known = tuple[nova.Server | None, Callable[[], list[nova.Action]]]


class Incidents:
    """One engine's reader; two engines may read the same.

    :param wake: rings the dispatcher's bell
    :param pool: what is asked of Nova at once is asked here
    """

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        compute: nova.Compute,
        rule: entitlement.Rule,
        engine: str,
        wake: Callable[[], None],
        pool: futures.Executor,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._compute = compute
        self._rule = rule
        self._engine = engine
        self._wake = wake
        self._pool = pool
        self._reading = threading.Lock()
        self._unread = threading.Event()
        self._logged: set[str] = set()

    def read(self) -> None:
        """Answer the new ones, as far as Nova lets us.

        Who is at it already reads once more.
        """
        self._unread.set()
        self._read(left=False)

    def read_left(self) -> None:
        """The same, but for what an engine was told this very moment."""
        self._read(left=True)

    def _read(self, left: bool) -> None:
        while (left or self._unread.is_set()) and self._reading.acquire(
            blocking=False
        ):
            try:
                if not left:
                    self._unread.clear()
                self._answer(LEFT_SECONDS if left else 0.0)
            except (exception.HassError, oslo_exception.DBError) as error:
                LOG.warning('incidents of instances wait: %s', error)
            finally:
                self._reading.release()
            left = False

    def _answer(self, seconds: float) -> None:
        """What agents told within these seconds is left to others."""
        with self._database.reader() as session:
            now = moments.read_now(session)
            found = notifications.new_ones(session, layers=LAYERS)
            busy = _host_stories(session) if found else {}
            waiting = [told for told in found if told.host in busy]
            if waiting:
                found = notifications.new_ones(
                    session, layers=LAYERS, not_of=busy
                )
            moving = _movers(session, {_uuid(told) for told in found})
        for told in waiting:
            self._postpone(told, busy[told.host])
        by_host: dict[str, list[Told]] = {}
        for told in found:
            age = (now - told.received_at).total_seconds()
            if told.source == 'agent' and age < seconds:
                continue
            why = self._at_once(told, now)
            if why:
                self._ignore(told, why)
            elif _uuid(told) in moving:
                self._postpone(told, moving[_uuid(told)])
            else:
                by_host.setdefault(told.host, []).append(told)
        for name, several in by_host.items():
            known = self._ask(name, sorted({_uuid(one) for one in several}))
            for told in several:
                self._weigh(told, *known[_uuid(told)], now)

    def _at_once(self, told: Told, now: datetime.datetime) -> str:
        """Why it comes to nothing, as far as Nova need not be asked."""
        host = self._inventory.host(told.host)
        event = told.payload.get('event')
        if host is None:
            return f'{told.host} is in no cluster'
        if not uuidutils.is_uuid_like(_uuid(told)):
            return 'payload.instance: the UUID of an instance is wanted'
        if event not in list(faults.Incident):
            known = ', '.join(faults.Incident)
            return f'payload.event: one of {known} is wanted'
        own = symptoms.ITS_OWN.get(faults.Incident(event))
        if own:
            return own
        window = protection.window(host, now)
        if window:
            return f'in maintenance until {window[0]}: {window[1]}'
        return ''

    def _ask(self, host: str, uuids: Sequence[str]) -> dict[str, Known]:
        """What Nova knows of them: in few calls, or in little time."""
        if len(uuids) > MANY:
            there = {one.uuid: one for one in self._compute.servers_on(host)}
            return {
                uuid: (
                    there.get(uuid) or self._compute.server(uuid),
                    functools.partial(self._actions, uuid),
                )
                for uuid in uuids
            }
        asked = [
            (
                uuid,
                self._pool.submit(self._compute.server, uuid),
                self._pool.submit(self._actions, uuid),
            )
            for uuid in uuids
        ]
        return {
            uuid: (server.result(), actions.result)
            for uuid, server, actions in asked
        }

    def _weigh(
        self,
        told: Told,
        server: nova.Server | None,
        actions: Callable[[], list[nova.Action]],
        now: datetime.datetime,
    ) -> None:
        """Is it meant to run, and is it protected?"""
        uuid = _uuid(told)
        if server is None:
            if self._is_news(uuid):
                LOG.warning('%s tells of %s: not in Nova', told.host, uuid)
            self._ignore(told, 'Nova knows no such instance')
            return
        left_out = self._left_out(told, server)
        if left_out:
            self._ignore(told, left_out)
            return
        with self._database.reader() as session:
            standing = recoveries.open_of_instance(session, uuid)
            memories = closing.memories(session, uuid)
        if standing is not None:
            self._database.write(_join, told, standing)
            return
        age = (now - _at(told)).total_seconds()
        asked = actions()
        ours = intent.ours_of(memories, asked)
        if told.source == notifications.ENGINE:
            # The engine has weighed these actions when it found it missing.
            ours |= intent.up_to(asked, told.payload.get('asked_last', ''))
        meant = intent.of(server, asked, told.host, age, ours)
        if meant.meant is intent.Meant.WAIT and age < PATIENT_SECONDS:
            return
        if meant.meant is not intent.Meant.RUN:
            self._ignore(told, meant.why)
            return
        opened = self._database.write(self._open, told, server)
        if opened is not None:
            LOG.warning(
                '%s on %s: %s',
                server.name,
                told.host,
                opened.why,
                extra=origin.logged(opened.uuid),
            )
            self._wake()

    def _left_out(self, told: Told, server: nova.Server) -> str:
        """Why a fault of this layer does not count for it; '': it does."""
        host = self._inventory.host(told.host)
        if host is None:
            return f'{told.host} is in no cluster'
        cluster = host.cluster
        counted = self._rule.guest_layers(server, cluster.layers)
        if told.layer in counted.layers:
            return ''
        if told.layer not in cluster.layers and not counted.is_own:
            return (
                f'cluster {cluster.name} does not protect layer {told.layer}'
            )
        return f'layer {told.layer} of it does not count: {counted.why}'

    def _actions(self, uuid: str) -> list[nova.Action]:
        try:
            return self._compute.actions_of(uuid)
        except exception.NovaRefused:
            return []  # It was deleted at this moment.

    def _open(
        self, session: orm.Session, told: Told, server: nova.Server
    ) -> models.Recovery | None:
        """One transaction: the engine that is first opens it."""
        if not _settle(session, told, models.NotificationState.OPENED, ''):
            return None
        host = windows.guard(session, told.host)
        why = self._why_not(session, host, server)
        if why or host is None:
            _amend(session, told, models.NotificationState.IGNORED, why)
            return None
        story = recoveries.saver_of_host(session, host.name)
        movers = _movers(session, {server.uuid})
        waits = movers.get(server.uuid) if story is None else _waits(story)
        if waits is not None:
            _amend(session, told, models.NotificationState.NEW, waits)
            return None
        event = faults.Incident(told.payload['event'])
        recovery = recoveries.open_for(
            session,
            server.uuid,
            workflow=Story.name,
            cluster_id=host.cluster_id,
            state=Story.initial,
            deadline_seconds=Story.deadline_seconds(Story.initial),
            engine=self._engine,
            why=_spoken(event, told.payload),
            fault={
                'host': host.name,
                'layer': told.layer,
                'instance': server.name,
                'event': event,
                'at': _at(told).isoformat(),
                'source': told.source,
                'off_at': told.payload.get('off_at'),
                'asked_last': told.payload.get('asked_last', ''),
                'why': _spoken(event, told.payload),
            },
        )
        standing = recovery or recoveries.open_of_instance(
            session, server.uuid
        )
        if standing is not None:
            _amend(
                session,
                told,
                models.NotificationState.OPENED,
                f'see recovery {standing.uuid}',
                standing.id,
            )
        return recovery

    def _why_not(
        self,
        session: orm.Session,
        host: models.Host | None,
        server: nova.Server,
    ) -> str:
        if host is None:
            return 'its host is in no cluster now'
        window = protection.window(host, moments.read_now(session))
        if window:
            return f'in maintenance until {window[0]}: {window[1]}'
        word = instances.entitlements(
            session, self._rule, host.cluster, [server]
        )[server.uuid]
        return '' if word.protected else f'not protected: {word.why}'

    def _postpone(self, told: Told, why: str) -> None:
        """Until the recovery of a host ends, which may save it, or not.

        One that is dismissed has not looked what runs there. One that has
        evacuated the instance does not look at what happens to it then.
        """
        if told.why != why:
            new = models.NotificationState.NEW
            self._database.write(_settle, told, new, why)

    def _ignore(self, told: Told, why: str) -> None:
        self._database.write(
            _settle, told, models.NotificationState.IGNORED, why
        )

    def _is_news(self, uuid: str) -> bool:
        """Whether it was not logged yet."""
        if uuid in self._logged:
            return False
        if len(self._logged) >= REMEMBERED:
            self._logged.clear()
        self._logged.add(uuid)
        return True


def _host_stories(session: orm.Session) -> dict[str, str]:
    """Which open recovery may save what runs on a host, by its name."""
    return {
        one.subject: _waits(one)
        for one in recoveries.open_ones(session)
        if recoveries.may_save(one)
    }


def _movers(session: orm.Session, uuids: Collection[str]) -> dict[str, str]:
    """Which open recovery evacuates an instance, by its uuid."""
    return {
        row.instance_uuid: _waits(
            session.get_one(models.Recovery, row.recovery_id)
        )
        for row in evacuations.open_among(session, uuids)
    }


def _waits(story: models.Recovery) -> str:
    return f'it waits: recovery {story.uuid} of {story.subject} is open'


def _join(session: orm.Session, told: Told, standing: models.Recovery) -> None:
    notifications.settle(
        session,
        told.id,
        models.NotificationState.OPENED,
        f'see recovery {standing.uuid}',
        standing.id,
    )


def _settle(
    session: orm.Session,
    told: Told,
    state: models.NotificationState,
    why: str,
) -> bool:
    return notifications.settle(session, told.id, state, why)


def _amend(
    session: orm.Session,
    told: Told,
    state: models.NotificationState,
    why: str,
    recovery_id: int | None = None,
) -> None:
    """In the transaction that settled it."""
    row = session.get_one(models.Notification, told.id, populate_existing=True)
    row.state, row.why, row.recovery_id = state, why, recovery_id
    session.flush()


def _uuid(told: Told) -> str:
    uuid: object = told.payload.get('instance')
    return uuid if isinstance(uuid, str) else ''


def _at(told: Told) -> datetime.datetime:
    """When it happened: an agent tells how long ago, others by their clock."""
    return told.generated_at if told.source == 'agent' else told.received_at


def _spoken(event: faults.Incident, payload: dict[str, Any]) -> str:
    detail = payload.get('detail')
    return f'{event}: {detail}' if detail else str(event)
