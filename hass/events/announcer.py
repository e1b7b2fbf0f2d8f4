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

"""Alarms go the way of everything that is told: through the outbox."""

import logging
from typing import Any

from sqlalchemy import orm

from hass.db import moments
from hass.db import outbox
from hass.db import session as db_session
from hass import exception
from hass import payloads

LOG = logging.getLogger(__name__)


class Announcer:
    """A Notifier. Without a database an alarm is told by the log only."""

    def __init__(self, database: db_session.Database) -> None:
        self._database = database

    def alarm(self, payload: dict[str, Any]) -> None:
        try:
            self._database.write(_put, payloads.alarm(payload))
        except exception.DatabaseUnreachable as error:
            LOG.warning('an alarm is not announced: %s', error)


def _put(session: orm.Session, body: dict[str, Any]) -> None:
    now = moments.read_now(session)
    outbox.put(session, payloads.Event.ALARM, body, now)
