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

"""Protected instances."""

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import pages
from hass import exception

Instance = models.Instance


def protect(
    session: orm.Session,
    cluster: models.Cluster,
    uuid: str,
    name: str,
    project_id: str,
) -> Instance:
    """Protect an instance of Nova in a cluster.

    :raises hass.exception.Conflict: it is protected already
    """
    instance = Instance(
        uuid=uuid,
        name=name,
        project_id=project_id,
        cluster_id=cluster.id,
        created_at=moments.read_now(session),
    )
    session.add(instance)
    try:
        session.flush()
    except oslo_exception.DBDuplicateEntry:
        raise exception.Conflict(
            f'uuid: instance {uuid} is protected already'
        ) from None
    return instance


def unprotect(
    session: orm.Session, uuid: str, project_id: str | None = None
) -> None:
    """Protect it no longer.

    :param project_id: as in get()
    :raises hass.exception.NotFound: it is not protected
    """
    session.delete(get(session, uuid, project_id))
    session.flush()


def get(
    session: orm.Session, uuid: str, project_id: str | None = None
) -> Instance:
    """The protected instance.

    :param project_id: when given, other projects' instances are unknown
    :raises hass.exception.NotFound: there is none
    """
    query = sa.select(Instance).where(Instance.uuid == uuid)
    if project_id is not None:
        query = query.where(Instance.project_id == project_id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise exception.NotFound('instance', uuid)
    return found


def all(
    session: orm.Session,
    *,
    project_id: str | None = None,
    cluster_id: int | None = None,
    limit: int | None = None,
    marker: str | None = None,
) -> list[Instance]:
    """Protected instances, oldest first, a page at a time."""
    query = sa.select(Instance)
    if project_id is not None:
        query = query.where(Instance.project_id == project_id)
    if cluster_id is not None:
        query = query.where(Instance.cluster_id == cluster_id)
    return pages.page(session, Instance, query, limit, marker)


def uuids_of(session: orm.Session, cluster_id: int) -> set[str]:
    """What is protected in a cluster."""
    query = sa.select(Instance.uuid).where(Instance.cluster_id == cluster_id)
    return set(session.scalars(query))


def drop(session: orm.Session, uuid: str) -> None:
    """Forget an instance that Nova deleted; no matter if forgotten."""
    session.execute(sa.delete(Instance).where(Instance.uuid == uuid))
