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

"""What is still to be told to the outer world, and to whom.

A row is written in the transaction of what it tells, so that it is told if,
and only if, that happened. Then it becomes one row for each channel; these
go when they were delivered. Who takes a row has it for some seconds: a row of
an engine that died is taken by another one, and told twice perhaps.
"""

from collections.abc import Iterable
import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass import payloads

Row = models.Outgoing
AT_ONCE = 100
LONGEST_PAUSE_SECONDS = 300.0
"""Nothing is told, or waits to be told again, for longer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """What is to be told.

    :ivar uuid: the same whenever, and to whomever, it is told
    :ivar attempt: 1 for the first one
    :ivar age_seconds: since it happened
    """

    id: int
    uuid: str
    event: payloads.Event
    body: dict[str, Any]
    attempt: int
    age_seconds: float


def put(
    session: orm.Session,
    event: payloads.Event,
    body: dict[str, Any],
    now: datetime.datetime,
) -> None:
    """Something is to be told, once this transaction is committed."""
    session.add(
        Row(
            uuid=models.new_uuid(),
            event=event,
            body=body,
            created_at=now,
            due_at=now,
        )
    )


def due(session: orm.Session) -> set[str | None]:
    """Channels to which something is to be told now; None: it is not said."""
    query = sa.select(Row.channel).where(_is_due())
    return set(session.scalars(query.distinct()))


def spread(session: orm.Session, channels: Iterable[str]) -> int:
    """One row for each channel instead of what was put; returns how many.

    Without a channel nobody wants to know, and the rows go.
    """
    query = (
        sa.select(Row.id, Row.uuid, Row.event, Row.body, Row.created_at)
        .where(Row.channel.is_(None))
        .order_by(Row.id)
        .limit(AT_ONCE)
        .with_for_update()
    )
    names = list(channels)
    spread_ones = 0
    for row in session.execute(query).all():
        # One that waited for the lock finds that it is gone already.
        gone = sa.delete(Row).where(Row.id == row.id, Row.uuid == row.uuid)
        done = session.execute(
            gone.execution_options(synchronize_session=False)
        )
        if db_session.changed(done) == 0:
            continue
        spread_ones += 1
        session.add_all(
            Row(
                uuid=row.uuid,
                channel=name,
                event=row.event,
                body=row.body,
                created_at=row.created_at,
                due_at=row.created_at,
            )
            for name in names
        )
    session.flush()
    return spread_ones


def take(
    session: orm.Session, channel: str, claim_seconds: float
) -> Message | None:
    """The next one that is due, if no other engine is quicker.

    Until the claim ends nobody else takes it.
    """
    query = (
        sa.select(Row, moments.db_now())
        .where(Row.channel == channel, _is_due())
        .order_by(Row.id)
        .limit(1)
    )
    found = session.execute(query).first()
    if found is None:
        return None
    row, now = found
    done = session.execute(
        sa.update(Row)
        .where(Row.id == row.id, Row.attempts == row.attempts)
        .values(
            attempts=row.attempts + 1, due_at=moments.db_now(claim_seconds)
        )
        .execution_options(synchronize_session=False)
    )
    if db_session.changed(done) == 0:
        return None
    return Message(
        row.id,
        row.uuid,
        payloads.Event(row.event),
        row.body,
        row.attempts + 1,
        (now - row.created_at).total_seconds(),
    )


def delivered(session: orm.Session, message: Message) -> None:
    """It need not be told to this channel any more."""
    session.execute(sa.delete(Row).where(*_is(message)))


def failed(
    session: orm.Session, message: Message, seconds: float, why: str
) -> None:
    """It is to be told again, in so many seconds."""
    session.execute(
        sa.update(Row)
        .where(*_is(message), Row.attempts == message.attempt)
        .values(due_at=moments.db_now(seconds), why=why)
    )


def forget(session: orm.Session, seconds: float) -> int:
    """Give up what is older than so many seconds; returns how many.

    Rows of channels that nobody has any more are among them.
    """
    done = session.execute(
        sa.delete(Row)
        .where(Row.created_at < moments.db_now(-seconds))
        .execution_options(synchronize_session=False)
    )
    return db_session.changed(done)


def _is_due() -> sa.ColumnElement[bool]:
    """What nobody has tried is due, whatever the clock was when it came."""
    return sa.or_(
        Row.attempts == 0, moments.is_due(Row.due_at, LONGEST_PAUSE_SECONDS)
    )


def _is(message: Message) -> tuple[sa.ColumnElement[bool], ...]:
    """Its row; SQLite gives the id of a row that is gone to another."""
    return Row.id == message.id, Row.uuid == message.uuid
