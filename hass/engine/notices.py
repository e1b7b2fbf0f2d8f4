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

"""Takes Nova's notifications as hints, and asks Nova.

What is lost on the way is found by the census, and by recoveries that look
at Nova themselves: nothing depends on a notification.
"""

from collections.abc import Callable
import logging
from typing import Any

from oslo_db import exception as oslo_exception
import oslo_messaging
from sqlalchemy import orm

from hass.db import evacuations
from hass.db import instance_observations
from hass.db import instances
from hass.db import recoveries
from hass.db import session as db_session
from hass.engine import census as census_
from hass import exception
from hass.nova import notices

LOG = logging.getLogger(__name__)


class Notices:
    """The endpoint of a notification listener: one thread's.

    :ivar unreadable: how many were not what Nova sends
    :ivar _shown: name and host of chosen instances as Nova showed them last:
        a notification that says the same is no news
    :param wake: rings the dispatcher's bell
    """

    filter_rule = oslo_messaging.NotificationFilter(
        event_type=notices.INSTANCES
    )

    def __init__(
        self,
        database: db_session.Database,
        census: census_.Census,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._census = census
        self._wake = wake
        self.unreadable = 0
        self._shown: dict[str, tuple[str | None, str | None]] = {}

    def info(
        self,
        context: object,
        publisher: str,
        event: str,
        payload: object,
        metadata: Any,
    ) -> None:
        """What oslo.messaging calls; nothing is asked for again."""
        try:
            notice = notices.Notice.read(event, payload)
        except exception.NovaFailed as failed:
            self._refuse(failed)
            return
        try:
            self._take(notice)
        except (exception.HassError, oslo_exception.DBError) as failed:
            LOG.warning(
                '%s: %s is not followed now: %s',
                notice.instance,
                notice.event,
                failed,
            )

    error = info

    def _refuse(self, failed: exception.NovaFailed) -> None:
        """The first is told; a flood of them would hide all else."""
        self.unreadable += 1
        if self.unreadable == 1:
            LOG.warning('%s; others like it are only counted', failed)

    def _take(self, notice: notices.Notice) -> None:
        uuid = notice.instance
        with self._database.reader() as session:
            chosen = instances.find(session, uuid) is not None
            seen = instance_observations.is_seen(session, uuid)
            recovering = _in_recovery(session, uuid)
        if recovering:
            self._wake()
        if not chosen:
            self._shown.pop(uuid, None)
        is_news = (notice.name, notice.host) != self._shown.get(uuid)
        # Nova has enough to do for a recovery; the census comes after it.
        moved = chosen and is_news and not recovering
        if moved or (notice.tells_of_the_end and (chosen or seen)):
            self._look_at(uuid)

    def _look_at(self, uuid: str) -> None:
        server = self._census.look_at(uuid)
        if server is None:
            self._shown.pop(uuid, None)
        else:
            self._shown[uuid] = (server.name, server.host)


def _in_recovery(session: orm.Session, uuid: str) -> bool:
    """Whether the instance, or its evacuation, is being worked on."""
    newest = recoveries.all(session, subject=uuid, limit=1)
    recovering = bool(newest) and newest[0].ended_at is None
    return recovering or evacuations.open_of(session, uuid) is not None
