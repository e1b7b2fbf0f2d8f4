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

"""What engines have to do, in one question.

They ask it several times a second, and nearly always there is nothing.
"""

from collections.abc import Sequence
import dataclasses
import datetime
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass import faults


@dataclasses.dataclass(frozen=True, slots=True)
class Pending:
    """Whether each of these waits for an engine, or may wait.

    :ivar recoveries: open ones
    :ivar notifications: some that nobody has answered
    :ivar messages: some that the outer world is to be told
    :ivar losses: open ones
    :ivar failures: hosts on which a layer that was asked for was seen failed
    """

    recoveries: bool = True
    notifications: bool = True
    messages: bool = True
    losses: bool = True
    failures: bool = True


def read(
    session: orm.Session, layers: Sequence[faults.Aspect] = ()
) -> tuple[datetime.datetime, Pending]:
    """The database's present moment, and what there is at it.

    :param layers: whose failures are asked for; none: there may be some
    """
    query = _query(tuple(layers))
    now, *found = session.connection().execute(query).one()
    return now, Pending(*found)


@functools.cache
def _query(layers: Sequence[faults.Aspect]) -> sa.Select[*tuple[Any, ...]]:
    notification, row = models.Notification, models.Observation
    asked = [
        # As long as a recovery or a loss is open it has a key.
        models.Recovery.open_key.is_not(None),
        notification.state == models.NotificationState.NEW,
        models.Outgoing.id.is_not(None),
        models.Loss.open_key.is_not(None),
    ]
    if layers:
        failed = row.verdict == faults.Verdict.FAILED
        asked.append(sa.and_(row.layer.in_(layers), failed))
    return sa.select(
        moments.db_now(), *(sa.exists().where(one) for one in asked)
    )
