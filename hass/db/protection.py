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

"""Whether a host would be recovered if it failed now, as far as rows tell."""

import datetime
from typing import Unpack

import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import hosts
from hass.db import models
from hass.db import pages

LATE_SECONDS = 60.0
"""Agents report every ten seconds."""
OTHERS = 1
"""Usable hosts that a cluster must have beside the one that fails."""


def window(
    host: models.Host, now: datetime.datetime
) -> tuple[datetime.datetime, str] | None:
    """The maintenance window that the host is in: its end, and why."""
    found = [
        (row.maintenance_until, row.maintenance_why or 'no reason given')
        for row in (host, host.cluster)
        if row.maintenance_until is not None and row.maintenance_until > now
    ]
    return max(found, default=None)


def window_ended(
    host: models.Host, now: datetime.datetime, seconds: float
) -> bool:
    """Whether a window of the host ended within so many seconds."""
    since = now - datetime.timedelta(seconds=seconds)
    return any(
        row.maintenance_until is not None
        and since < row.maintenance_until <= now
        for row in (host, host.cluster)
    )


def usable(session: orm.Session, now: datetime.datetime) -> dict[int, int]:
    """Hosts of each cluster that look as if they could take instances.

    Their agent reported lately and was not stopped, and they are in no
    window.
    """
    return {row[0]: row[1] for row in session.execute(_usable(now))}


def page(
    session: orm.Session,
    now: datetime.datetime,
    *,
    cluster_id: int | None = None,
    **page: Unpack[pages.Page],
) -> list[tuple[models.Host, int]]:
    """Hosts, oldest first, each with the usable hosts of its cluster.

    :raises hass.exception.Invalid: the marker names no host
    """
    host, counted = models.Host, _usable(now).subquery()
    query = sa.select(host, sa.func.coalesce(counted.c.number, 0)).outerjoin(
        counted, counted.c.cluster_id == host.cluster_id
    )
    if cluster_id is not None:
        query = query.where(host.cluster_id == cluster_id)
    rows = session.execute(pages.cut(host, query, hosts.COLUMNS, page))
    found = [(row, number) for row, number in rows]
    pages.check(session, host, page.get('marker'), found)
    return found


def _usable(now: datetime.datetime) -> sa.Select[int, int]:
    late = now - datetime.timedelta(seconds=LATE_SECONDS)
    host = models.Host
    return (
        sa.select(host.cluster_id, sa.func.count().label('number'))
        .where(
            host.reported_at > late,
            host.planned_until.is_(None),
            sa.or_(
                host.maintenance_until.is_(None), host.maintenance_until <= now
            ),
        )
        .group_by(host.cluster_id)
    )


def missing_of(
    session: orm.Session, host: models.Host, now: datetime.datetime
) -> list[str]:
    """The same as missing(), of one host alone."""
    return missing(host, now, usable(session, now).get(host.cluster_id, 0))


def missing(
    host: models.Host, now: datetime.datetime, usable_hosts: int
) -> list[str]:
    """Why the host is not protected now; empty: it is.

    :param usable_hosts: of its cluster, itself counted if it is
    """
    found = []
    if open_window := window(host, now):
        until, why = open_window
        found.append(f'in maintenance until {until:%Y-%m-%dT%H:%MZ}: {why}')
    if host.planned_until is not None:
        found.append('its agent was stopped on purpose')
    elif host.reported_at is None:
        found.append('its agent never reported')
    elif (now - host.reported_at).total_seconds() > LATE_SECONDS:
        found.append(f'its agent has not reported for {LATE_SECONDS:.0f} s')
    if host.fence_state is not models.FenceState.WORKING:
        found.append(f'no working fence: {host.fence_state}')
    if host.cluster.mode is models.Mode.OBSERVE:
        found.append('its cluster only observes')
    if usable_hosts <= OTHERS:
        found.append('its cluster has fewer than two usable hosts')
    return found
