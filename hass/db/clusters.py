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

"""Clusters: hosts that may take over from each other."""

from collections.abc import Sequence
from typing import TypedDict, Unpack

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import pages
from hass import entitlement
from hass import exception
from hass import faults

Cluster = models.Cluster
COLUMNS: pages.Columns = {
    'created_at': Cluster.created_at,
    'name': Cluster.name,
}
LAYERS = (
    faults.Layer.POWER,
    faults.Layer.OS,
    faults.Layer.NETWORK,
    faults.Layer.INSTANCE,
    faults.Layer.GUEST_OS,
)
"""Of a new cluster. Networks of guests are looked at where that is wanted:
a guest that is well may be cut off by its own firewall."""


class Changes(TypedDict, total=False):
    """What may be changed of a cluster."""

    name: str
    mode: models.Mode
    layers: Sequence[str]
    shared_storage: bool
    targets: models.Targets
    protects: entitlement.Protects
    isolation: list[models.JSON]


def create(
    session: orm.Session,
    name: str,
    *,
    mode: models.Mode = models.Mode.OBSERVE,
    layers: Sequence[str] = LAYERS,
    shared_storage: bool = False,
    targets: models.Targets = models.Targets.CLUSTER,
    protects: entitlement.Protects = entitlement.Protects.CHOSEN,
    isolation: Sequence[models.JSON] = (),
) -> Cluster:
    """A new cluster.

    :raises hass.exception.Conflict: the name is taken
    """
    cluster = Cluster(
        name=name,
        mode=mode,
        layers=[str(layer) for layer in layers],
        shared_storage=shared_storage,
        targets=targets,
        protects=protects,
        isolation=list(isolation),
        created_at=moments.read_now(session),
    )
    session.add(cluster)
    _flush(session, name)
    return cluster


def get(session: orm.Session, cluster: str) -> Cluster:
    """The cluster with this uuid or name.

    :raises hass.exception.NotFound: there is none
    """
    column = Cluster.uuid if pages.is_uuid(cluster) else Cluster.name
    found = session.scalars(
        sa.select(Cluster).where(column == cluster)
    ).one_or_none()
    if found is None:
        raise exception.NotFound('cluster', cluster)
    return found


def all(
    session: orm.Session,
    *,
    name: str | None = None,
    mode: models.Mode | None = None,
    **page: Unpack[pages.Page],
) -> list[Cluster]:
    """Clusters, oldest first, a page at a time."""
    query = sa.select(Cluster)
    if name is not None:
        query = query.where(Cluster.name == name)
    if mode is not None:
        query = query.where(Cluster.mode == mode)
    return pages.page(session, Cluster, query, COLUMNS, page)


def update(
    session: orm.Session, cluster: str, **changes: Unpack[Changes]
) -> Cluster:
    """Change the cluster with this uuid or name.

    :raises hass.exception.NotFound: there is none
    :raises hass.exception.Conflict: the new name is taken
    """
    row = get(session, cluster)
    row.updated_at = moments.read_now(session)
    for field, value in changes.items():
        setattr(row, field, value)
    if 'layers' in changes:
        row.layers = [str(layer) for layer in changes['layers']]
    _flush(session, row.name)
    return row


def delete(session: orm.Session, cluster: str) -> None:
    """Delete an empty cluster.

    :raises hass.exception.NotFound: there is none
    :raises hass.exception.Conflict: it has hosts or protected instances
    """
    row = get(session, cluster)
    for model, word in (
        (models.Host, 'hosts'),
        (models.Instance, 'protected instances'),
    ):
        query = sa.select(sa.func.count()).where(model.cluster_id == row.id)
        if number := session.scalar(query):
            raise exception.Conflict(
                f'cluster {row.name} has {number} {word}: remove them first'
            )
    session.delete(row)
    session.flush()


def _flush(session: orm.Session, name: str) -> None:
    try:
        session.flush()
    except oslo_exception.DBDuplicateEntry:
        raise exception.Conflict(
            f'name: there is a cluster {name} already'
        ) from None
