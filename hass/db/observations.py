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

"""Observations: the newest look of each detector at each layer."""

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
import functools
from typing import Any

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass import faults

Row = models.Observation
KEY = ('host', 'layer', 'detector', 'network')
SIGHT = ('verdict', 'seen_at', 'detail', 'seen_by', 'certainty')
CHUNK = 500
"""Values of one statement: databases have a limit."""


def put(session: orm.Session, *seen: faults.Observation) -> None:
    """Keep the observations; an older one never replaces a newer one."""
    if _replace(session, seen):
        return
    for one in seen:
        if not _replace(session, [one]):
            _insert(session, one)


def of_host(
    session: orm.Session, host: str, layer: faults.Aspect | None = None
) -> list[faults.Observation]:
    """What was last seen of a host, lowest layer first."""
    query = sa.select(Row).where(Row.host == host)
    if layer is not None:
        query = query.where(Row.layer == layer)
    order: list[faults.Aspect] = [*faults.Layer, *faults.SidePath]
    return sorted(
        (_noun(row) for row in session.scalars(query)),
        key=lambda one: (order.index(one.layer), one.detector, one.network),
    )


def all(session: orm.Session) -> dict[str, list[faults.Observation]]:
    """What was last seen of every host, in no order."""
    found: dict[str, list[faults.Observation]] = {}
    for row in session.scalars(sa.select(Row)):
        found.setdefault(row.host, []).append(_noun(row))
    return found


def of_hosts_failing(
    session: orm.Session,
    layers: Collection[faults.Aspect],
    also: Collection[str] = (),
) -> dict[str, list[faults.Observation]]:
    """What was last seen of these layers where one of them has failed.

    :param also: hosts that are wanted besides
    """
    hosts = {*session.scalars(_failing(tuple(layers))), *also}
    found: dict[str, list[faults.Observation]] = {}
    for names in _chunks(sorted(hosts)):
        query = sa.select(Row).where(
            Row.layer.in_(layers), Row.host.in_(names)
        )
        for row in session.scalars(query):
            found.setdefault(row.host, []).append(_noun(row))
    return found


@functools.cache
def _failing(layers: Sequence[faults.Aspect]) -> sa.Select[str]:
    """Made once: engines ask each second."""
    return (
        sa.select(Row.host)
        .where(Row.layer.in_(layers), Row.verdict == faults.Verdict.FAILED)
        .distinct()
    )


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), CHUNK):
        yield names[start : start + CHUNK]


def _replace(session: orm.Session, seen: Sequence[faults.Observation]) -> bool:
    """Whether each of them was kept in the place of an older one."""
    connection = session.connection()
    if len(seen) > 1 and not connection.dialect.supports_sane_multi_rowcount:
        return False
    rows = [
        {f'new_{name}': value for name, value in _row(one).items()}
        for one in seen
    ]
    if not rows:
        return True
    done = connection.execute(_replacing(), rows)
    return db_session.changed(done) == len(rows)


@functools.cache
def _replacing() -> sa.Update:
    """Made once: engines write the same again and again."""
    table = sa.inspect(Row).local_table
    assert isinstance(table, sa.Table)
    new: dict[str, sa.BindParameter[Any]] = {
        one.name: sa.bindparam(f'new_{one.name}') for one in table.c
    }
    return (
        sa.update(table)
        .where(
            *(table.c[name] == new[name] for name in KEY),
            sa.or_(
                table.c.seen_at <= new['seen_at'],
                table.c.seen_at > moments.db_now(moments.SKEW_SECONDS),
            ),
        )
        .values({name: new[name] for name in SIGHT})
    )


def _insert(session: orm.Session, one: faults.Observation) -> None:
    try:
        with session.begin_nested():
            session.execute(sa.insert(Row).values(_row(one)))
    except oslo_exception.DBDuplicateEntry:
        # There is one: newer, or put by another engine at this moment.
        _replace(session, [one])


def _row(one: faults.Observation) -> dict[str, Any]:
    return {
        'host': one.subject,
        'layer': one.layer,
        'detector': one.detector,
        'network': one.network,
        'verdict': one.verdict,
        'seen_at': one.seen_at,
        'detail': one.detail,
        'seen_by': one.seen_by,
        'certainty': one.certainty,
    }


def _noun(row: Row) -> faults.Observation:
    return faults.Observation(
        subject=row.host,
        layer=faults.aspect(row.layer),
        detector=row.detector,
        verdict=faults.Verdict(row.verdict),
        seen_at=row.seen_at,
        network=row.network,
        detail=row.detail,
        seen_by=row.seen_by,
        certainty=row.certainty,
    )
