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

"""Maintenance windows: a time in which no recovery of a host begins."""

import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import clusters
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass import exception

Row = TypeVar('Row', models.Host, models.Cluster)


def begin_for_host(
    session: orm.Session, host: str, seconds: float, why: str
) -> models.Host:
    """A window of one host, from now on; it replaces an earlier one.

    :raises hass.exception.NotFound: there is no such host
    :raises hass.exception.Conflict: a recovery of it is open
    """
    row = hosts.lock(session, host)
    if found := recoveries.open_of_host(session, row.name):
        raise _busy(f'host {row.name}', found)
    return _set(session, row, seconds, why)


def begin_for_cluster(
    session: orm.Session, cluster: str, seconds: float, why: str
) -> models.Cluster:
    """A window of all hosts of a cluster; likewise.

    :raises hass.exception.NotFound: there is no such cluster
    :raises hass.exception.Conflict: a recovery of one of them is open
    """
    row = clusters.get(session, cluster)
    recoveries.lock_clusters(session, [row.id])
    query = (
        sa.select(models.Recovery)
        .where(
            models.Recovery.cluster_id == row.id,
            models.Recovery.ended_at.is_(None),
        )
        .order_by(models.Recovery.id)
        .limit(1)
    )
    if found := session.scalars(query).first():
        raise _busy(f'cluster {row.name}', found)
    return _set(session, row, seconds, why)


def end(session: orm.Session, row: Row) -> Row:
    """The window ends now, if there is one."""
    return _set(session, row, None, None)


def guard(session: orm.Session, host: str) -> models.Host | None:
    """The host's row and its cluster's, fixed until COMMIT.

    Who opens a recovery holds them, so that no window begins at the same
    moment.
    """
    try:
        row = hosts.lock(session, host)
    except exception.NotFound:
        return None
    recoveries.lock_clusters(session, [row.cluster_id])
    session.refresh(row.cluster)
    return row


def _set(
    session: orm.Session, row: Row, seconds: float | None, why: str | None
) -> Row:
    row.maintenance_until = (
        None
        if seconds is None
        else moments.read_now(session) + datetime.timedelta(seconds=seconds)
    )
    row.maintenance_why = why
    session.flush()
    return row


def _busy(what: str, found: models.Recovery) -> exception.Conflict:
    return exception.Conflict(
        f'{what} has an open recovery: {found.uuid} ({found.workflow} of '
        f'{found.subject}, {found.state})'
    )
