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

"""One page of a long answer."""

from collections.abc import Mapping
from collections.abc import Sequence
import datetime
from typing import Any, TypedDict, TypeVar
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass import exception
from hass import naming

Row = TypeVar(
    'Row',
    models.Cluster,
    models.Host,
    models.Instance,
    models.Loss,
    models.Notification,
    models.Recovery,
)
Query = TypeVar('Query', bound=sa.Select[*tuple[Any, ...]])


Columns = Mapping[str, orm.InstrumentedAttribute[Any]]
"""By which a list may be sorted, none of them NULL, by the names that the API
has for them. The first is the moment that makes an entry old or new."""


class Page(TypedDict, total=False):
    """Which part of a list, and in which order.

    limit: how many rows at most
    marker: uuid of the last row of the page before
    since: only rows of that moment and later, naive UTC
    sort_key: one of the list's columns; else by age
    descending: from the last to the first; else as the list does by itself
    """

    limit: int | None
    marker: str | None
    since: datetime.datetime | None
    sort_key: str | None
    descending: bool | None


def page(
    session: orm.Session,
    model: type[Row],
    query: sa.Select[Row],
    columns: Columns,
    asked: Page,
    *,
    newest_first: bool = False,
) -> list[Row]:
    """Rows by age, or as they are asked for, from behind the marker on.

    :param newest_first: when no order is asked for
    :raises hass.exception.Invalid: the marker names no row
    """
    query = cut(model, query, columns, asked, newest_first=newest_first)
    found = list(session.scalars(query))
    check(session, model, asked.get('marker'), found)
    return found


def cut(
    model: type[Row],
    query: Query,
    columns: Columns,
    asked: Page,
    *,
    newest_first: bool = False,
) -> Query:
    """The same as a query, for those who read more than rows.

    They have to check() what it gives.
    """
    since, marker = asked.get('since'), asked.get('marker')
    key, descending = asked.get('sort_key'), asked.get('descending')
    if descending is None:
        descending = newest_first and key is None
    # Rows that are equal stand by age, so that each has one place.
    by: list[Any] = [model.id] if key is None else [columns[key], model.id]
    if since is not None:
        query = query.where(next(iter(columns.values())) >= since)
    if marker is not None:
        query = query.where(_behind(model, marker, by, descending))
    query = query.order_by(*(one.desc() if descending else one for one in by))
    return query.limit(asked.get('limit'))


def _behind(
    model: type[Row], marker: str, by: Sequence[Any], descending: bool
) -> sa.ColumnElement[bool]:
    """Whether a row stands behind the one with that uuid."""
    last = [
        sa.select(one).where(model.uuid == marker).scalar_subquery()
        for one in by
    ]
    further: list[sa.ColumnElement[bool]] = [
        one < end if descending else one > end
        for one, end in zip(by, last, strict=True)
    ]
    if len(by) == 1:
        return further[0]
    return sa.or_(further[0], sa.and_(by[0] == last[0], further[1]))


def check(
    session: orm.Session,
    model: type[Row],
    marker: str | None,
    found: Sequence[object],
) -> None:
    """Behind an unknown marker there is nothing, as behind the last row.

    :raises hass.exception.Invalid: the marker names no row
    """
    if marker is None or found:
        return
    if session.scalar(sa.select(model.id).where(model.uuid == marker)) is None:
        raise exception.Invalid(
            'marker', f'no entry has uuid {naming.shown(marker)}'
        )


def has(
    session: orm.Session, column: orm.InstrumentedAttribute[str], value: str
) -> bool:
    """Whether any row has this value there."""
    query = sa.select(column).where(column == value).limit(1)
    return session.scalar(query) is not None


def is_uuid(text: str) -> bool:
    """Whether it is a uuid as we write them, and so no name."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
