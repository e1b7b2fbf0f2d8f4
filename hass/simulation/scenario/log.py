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

"""What is worth telling of a scenario, in the order in which it happened."""

from collections.abc import Callable
import re
from typing import Any

import sqlalchemy as sa

from hass.db import models
from hass import events
from hass.simulation.virtual import cloud as cloud_
from hass.states import WorkflowName
from hass_oracle import ledger

UUID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
TOLD = {
    ledger.Kind.ON: '{host} is on',
    ledger.Kind.OFF: '{host} is off',
    ledger.Kind.START: '{instance} starts on {host}',
    ledger.Kind.STOP: '{instance} stops on {host}',
    ledger.Kind.DELETE: 'its user deletes {instance}',
    ledger.Kind.EVACUATE: 'Nova takes the evacuation of {instance}',
}
# Quickly asked at each step, and the rest only when this has changed.
SEEN = sa.text(
    'SELECT (SELECT max(id) FROM recovery_history), '
    "(SELECT count(*) FROM notifications WHERE state != 'new')"
)


class Pager(events.QuietNotifier):
    """Writes alarms into the log of the scenario."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda line: None

    def alarm(self, payload: dict[str, Any]) -> None:
        self.tell(f'ALARM {payload["subject"]}: {payload["why"]}')


class Log:
    """Lines of text; what uuids stand for is told by name.

    :param seconds: tells the moment of the scenario
    """

    def __init__(
        self, cloud: cloud_.Cloud, pager: Pager, seconds: Callable[[], float]
    ) -> None:
        self.lines: list[str] = []
        self._cloud = cloud
        self._seconds = seconds
        self._recoveries: dict[str, str] = {}
        self._history = self._notifications = 0
        self._ledger = len(cloud.ledger.events)
        self._deaf = dict.fromkeys(cloud.engines, False)
        self._seen: tuple[object, ...] = ()
        pager.tell = self.tell

    def tell(self, line: str) -> None:
        """One line, with the moment before it."""
        told = UUID.sub(self._name, line)
        self.lines.append(f'{self._seconds():8.2f} {told}')

    def look(self) -> None:
        """Tell what is new."""
        self._look_at_ears()
        with self._cloud.database.reader() as session:
            seen = tuple(session.execute(SEEN).one())
        if seen != self._seen:
            self._seen = seen
            self._look_at_recoveries()
            self._look_at_notifications()
        self._look_at_ledger()

    def go_back(self) -> None:
        """What the database has lost is told again when it comes again."""
        with self._cloud.database.reader() as session:
            newest, _count = session.execute(SEEN).one()
        self._history = min(self._history, newest or 0)

    def _look_at_ears(self) -> None:
        for name, engine in self._cloud.engines.items():
            why = engine.hands.witness.deaf() if engine.listens() else ''
            if bool(why) is not self._deaf.get(name, True):
                self._deaf[name] = bool(why)
                self.tell(
                    f'{name} judges nobody: {why}'
                    if why
                    else f'{name} may judge'
                )

    def _look_at_recoveries(self) -> None:
        history, recovery = models.RecoveryHistory, models.Recovery
        query = (
            sa.select(history, recovery)
            .join(recovery, recovery.id == history.recovery_id)
            .where(history.id > self._history)
            .order_by(history.id)
        )
        with self._cloud.database.reader() as session:
            found = session.execute(query).all()
        for step, story in found:
            self._history = step.id
            self._recoveries[story.uuid] = f'{story.subject} {story.workflow}'
            if (
                step.from_state is None
                and story.workflow == WorkflowName.HOST_FAILURE
            ):
                self.tell(
                    f'{story.subject} suspected by {step.engine}: {step.why}'
                )
            else:
                self.tell(
                    f'{story.subject} {story.workflow} {step.to_state} '
                    f'by {step.engine}: {step.why}'
                )

    def _look_at_notifications(self) -> None:
        row = models.Notification
        query = (
            sa.select(row)
            .where(row.id > self._notifications)
            .where(row.state != models.NotificationState.NEW)
            .order_by(row.id)
        )
        with self._cloud.database.reader() as session:
            found = session.scalars(query).all()
        for told in found:
            self._notifications = told.id
            self.tell(
                f'{told.host} notification from {told.source} '
                f'{told.state}: {told.why}'
            )

    def _look_at_ledger(self) -> None:
        written = self._cloud.ledger.events
        for event in written[self._ledger :]:
            self.tell(
                '* '
                + TOLD[event.event].format(
                    host=event.host, instance=event.instance
                )
            )
        self._ledger = len(written)

    def _name(self, uuid: re.Match[str]) -> str:
        server = self._cloud.nova.servers.get(uuid[0])
        if server is not None:
            return server.name
        return UUID.sub(self._name, self._recoveries.get(uuid[0], 'another'))
