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

"""All of one instance: evacuations, and recoveries of itself."""

import dataclasses
import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """How one recovery went for the instance.

    :ivar uuid: of the recovery
    :ivar state: of the instance's evacuation, or of its own recovery
    """

    uuid: str
    workflow: str
    state: str
    why: str
    opened_at: datetime.datetime
    ended_at: datetime.datetime | None


def of_instance(session: orm.Session, uuid: str) -> list[Story]:
    """All of them, the newest first."""
    found = [*_evacuations(session, uuid), *_own(session, uuid)]
    return sorted(found, key=lambda story: story.opened_at, reverse=True)


def _evacuations(session: orm.Session, uuid: str) -> list[Story]:
    recovery, evacuation = models.Recovery, models.Evacuation
    query = (
        sa.select(
            recovery.uuid,
            recovery.workflow,
            evacuation.state,
            evacuation.why,
            recovery.opened_at,
            evacuation.ended_at,
        )
        .join(recovery, recovery.id == evacuation.recovery_id)
        .where(evacuation.instance_uuid == uuid)
        .order_by(evacuation.id.desc())
    )
    return [Story(*row) for row in session.execute(query)]


def _own(session: orm.Session, uuid: str) -> list[Story]:
    recovery = models.Recovery
    query = (
        sa.select(
            recovery.uuid,
            recovery.workflow,
            recovery.state,
            recovery.why,
            recovery.opened_at,
            recovery.ended_at,
        )
        .where(recovery.subject == uuid)
        .order_by(recovery.id.desc())
    )
    return [Story(*row) for row in session.execute(query)]
