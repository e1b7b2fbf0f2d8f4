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

"""The database's own time: naive UTC, to the microsecond.

Every moment that two engines compare is read where both of them look.
"""

from collections.abc import Callable
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext import compiler
from sqlalchemy import orm
from sqlalchemy.sql import functions

SKEW_SECONDS = 5.0
"""By how much the clocks of a database's nodes may differ: what lies further
in the future was written before the clock was set back."""
OWN = 'own_now'
"""What a session's info calls the database's time, where it is our own."""
FUNCTION = 'hass_now'
"""What SQLite calls for the time: session.py registers it."""


class _Now(functions.FunctionElement[datetime.datetime]):
    """The moment at which the statement runs, not its transaction."""

    type = sa.DateTime()
    inherit_cache = True

    def __init__(self, seconds: float) -> None:
        super().__init__(sa.literal(round(seconds * 1_000_000)))


# Engines ask it all the time; making the statement costs more than asking.
_SELECT_NOW = sa.select(_Now(0.0))


def db_now(seconds: float = 0.0) -> sa.ColumnElement[datetime.datetime]:
    """SQL for the database's present moment, plus so many seconds.

    It goes on while a transaction is open, and the time zones of server
    and session do not matter.
    """
    return _Now(seconds)


def read_now(session: orm.Session) -> datetime.datetime:
    """The database's present moment."""
    own: Callable[[], datetime.datetime] | None = session.info.get(OWN)
    if own is not None:
        return own()
    return session.execute(_SELECT_NOW).scalar_one()


def is_due(
    column: orm.InstrumentedAttribute[datetime.datetime], longest: float
) -> sa.ColumnElement[bool]:
    """SQL: the moment has come, or was written before the clock was set back.

    :param longest: no wait for it takes so many seconds
    """
    return sa.or_(column <= db_now(), column > db_now(longest + SKEW_SECONDS))


def is_past(
    column: orm.InstrumentedAttribute[datetime.datetime | None],
    seconds: float,
) -> sa.ColumnElement[bool]:
    """SQL: it was never done, or so many seconds ago.

    Or the clock was set back since.
    """
    return sa.or_(
        column.is_(None),
        column < db_now(-seconds),
        column > db_now(SKEW_SECONDS),
    )


def as_text(moment: datetime.datetime) -> str:
    """As SQLAlchemy stores it in SQLite, so that texts sort like times."""
    return moment.isoformat(' ', 'microseconds')


@compiler.compiles(_Now, 'sqlite')
def _sqlite(element: _Now, compiled: Any, **options: Any) -> str:
    return f'{FUNCTION}({compiled.process(element.clauses, **options)})'


@compiler.compiles(_Now, 'mysql', 'mariadb')
def _mysql(element: _Now, compiled: Any, **options: Any) -> str:
    number = compiled.process(element.clauses, **options)
    return f'(UTC_TIMESTAMP(6) + INTERVAL {number} MICROSECOND)'


@compiler.compiles(_Now, 'postgresql')
def _postgresql(element: _Now, compiled: Any, **options: Any) -> str:
    number = compiled.process(element.clauses, **options)
    return (
        "((clock_timestamp() AT TIME ZONE 'UTC')"
        f" + {number} * INTERVAL '1 microsecond')"
    )
