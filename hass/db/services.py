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

"""The engines, and what each of them hears."""

from collections.abc import Mapping
from collections.abc import Sequence
import datetime
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass import exception

Service = models.Service


def enter(session: orm.Session, name: str, version: str) -> None:
    """The engine starts: it is deaf until it says otherwise."""
    now = moments.read_now(session)
    row = session.scalar(sa.select(Service).where(Service.name == name))
    if row is None:
        row = Service(name=name)
        session.add(row)
    row.version = version
    row.started_at = row.turn_at = now
    row.deaf = True
    row.silent = {}
    row.strangers = []
    session.flush()


def turn(
    session: orm.Session,
    name: str,
    deaf: bool,
    silent: Mapping[str, Any],
    mute: Sequence[str] = (),
    clock_at: datetime.datetime | None = None,
) -> None:
    """The engine finished a turn of its patrol.

    :param clock_at: what its own clock says, naive UTC
    :raises hass.exception.NotFound: it did not enter
    """
    done = session.connection().execute(
        _turn(),
        {
            'engine': name,
            'deaf': deaf,
            'silent': dict(silent),
            'mute': list(mute),
            'clock_at': clock_at,
        },
    )
    if db_session.changed(done) == 0:
        raise exception.NotFound('engine', name)


@functools.cache
def _turn() -> sa.Update:
    """Made once: engines take several turns a second."""
    table = sa.inspect(Service).local_table
    assert isinstance(table, sa.Table)
    return (
        sa.update(table)
        .where(table.c.name == sa.bindparam('engine'))
        .values(
            turn_at=moments.db_now(),
            # It did not start in the future: the clock was set back.
            started_at=sa.case(
                (
                    table.c.started_at > moments.db_now(moments.SKEW_SECONDS),
                    moments.db_now(-1.0),
                ),
                else_=table.c.started_at,
            ),
            deaf=sa.bindparam('deaf'),
            silent=sa.bindparam('silent'),
            mute=sa.bindparam('mute'),
            clock_at=sa.bindparam('clock_at'),
        )
    )


def measured(
    session: orm.Session,
    name: str,
    estimates: Mapping[str, Any],
    detectors: Mapping[str, Any],
    strangers: Sequence[Mapping[str, Any]] = (),
) -> None:
    """What the engine looks with, how long that takes, whom it refuses."""
    session.execute(
        sa.update(Service)
        .where(Service.name == name)
        .values(
            estimates=dict(estimates),
            detectors=dict(detectors),
            strangers=[dict(one) for one in strangers],
        )
        .execution_options(synchronize_session=False)
    )


def all(session: orm.Session) -> list[Service]:
    """Every engine, whether it lives or not, by name."""
    return list(session.scalars(sa.select(Service).order_by(Service.name)))


def alive(session: orm.Session, seconds: float) -> list[Service]:
    """Engines that finished a turn within so many seconds, by name.

    One whose turn lies in the future has taken none since the database's
    clock was set back.
    """
    return list(session.scalars(_alive(seconds)))


@functools.cache
def _alive(seconds: float) -> sa.Select[Service]:
    return (
        sa.select(Service)
        .where(
            Service.turn_at > moments.db_now(-seconds),
            Service.turn_at < moments.db_now(moments.SKEW_SECONDS),
        )
        .order_by(Service.name)
    )


def strangers(
    session: orm.Session, seconds: float
) -> list[list[models.JSON] | None]:
    """Whose messages each engine refuses that is alive().

    :param seconds: as alive() has it
    """
    return [one.strangers for one in alive(session, seconds)]


def leave(session: orm.Session, name: str) -> None:
    """The engine stops on purpose."""
    session.execute(sa.delete(Service).where(Service.name == name))
