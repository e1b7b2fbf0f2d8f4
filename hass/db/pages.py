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

from collections.abc import Sequence
from typing import Any, TypeVar
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass import exception

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


def page(
    session: orm.Session,
    model: type[Row],
    query: sa.Select[Row],
    limit: int | None,
    marker: str | None,
) -> list[Row]:
    """Rows oldest first, from behind the marker on.

    :param marker: uuid of the last row of the page before
    :raises hass.exception.Invalid: the marker names no row
    """
    found = list(session.scalars(cut(model, query, limit, marker)))
    check(session, model, marker, found)
    return found


def cut(
    model: type[Row], query: Query, limit: int | None, marker: str | None
) -> Query:
    """The same as a query, for those who read more than rows.

    They have to check() what it gives.
    """
    if marker is not None:
        last = sa.select(model.id).where(model.uuid == marker)
        query = query.where(model.id > last.scalar_subquery())
    return query.order_by(model.id).limit(limit)


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
        raise exception.Invalid('marker', f'no entry has uuid {marker}')


def is_uuid(text: str) -> bool:
    """Whether it is a uuid as we write them, and so no name."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
