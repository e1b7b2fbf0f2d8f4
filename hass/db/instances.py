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

"""Instances that were chosen to be protected, and who else is."""

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Protocol
from typing import Unpack

from oslo_db import exception as oslo_exception
import sqlalchemy as sa
from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import pages
from hass import entitlement
from hass import exception

Instance = models.Instance
COLUMNS: pages.Columns = {
    'created_at': Instance.created_at,
    'name': Instance.name,
}
CHUNK = 500
"""Values of one statement: databases have a limit."""


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


def find(session: orm.Session, uuid: str) -> Instance | None:
    """The instance's choice, if it was made."""
    query = sa.select(Instance).where(Instance.uuid == uuid)
    return session.scalars(query).one_or_none()


def all(
    session: orm.Session,
    *,
    among: Collection[str] | None = None,
    name: str | None = None,
    project_id: str | None = None,
    cluster_id: int | None = None,
    **page: Unpack[pages.Page],
) -> list[Instance]:
    """Chosen instances, oldest first, a page at a time.

    :param among: only these, by uuid: those of one host
    """
    query = sa.select(Instance)
    if among is not None:
        query = query.where(Instance.uuid.in_(among))
    if name is not None:
        query = query.where(Instance.name == name)
    if project_id is not None:
        query = query.where(Instance.project_id == project_id)
    if cluster_id is not None:
        query = query.where(Instance.cluster_id == cluster_id)
    return pages.page(session, Instance, query, COLUMNS, page)


def uuids(session: orm.Session) -> set[str]:
    """All that were chosen."""
    return set(session.scalars(sa.select(Instance.uuid)))


def chosen(session: orm.Session, among: Collection[str]) -> set[str]:
    """Those of the instances that were chosen, in whatever cluster."""
    found: set[str] = set()
    for chunk in _chunks(among):
        query = sa.select(Instance.uuid).where(Instance.uuid.in_(chunk))
        found.update(session.scalars(query))
    return found


def entitlements(
    session: orm.Session,
    rule: entitlement.Rule,
    cluster: models.Cluster,
    servers: Sequence[entitlement.Server],
) -> dict[str, entitlement.Entitlement]:
    """Which servers on hosts of a cluster are protected: uuid to the word.

    A choice goes with its instance to whatever cluster it is in now.
    """
    known = chosen(session, [server.uuid for server in servers])
    return {
        server.uuid: rule.of(
            server,
            cluster.protects,
            chosen=server.uuid in known,
            shared_storage=cluster.shared_storage,
        )
        for server in servers
    }


def protected(
    session: orm.Session,
    rule: entitlement.Rule,
    cluster: models.Cluster,
    servers: Sequence[entitlement.Server],
) -> set[str]:
    """UUIDs of those servers that are protected."""
    found = entitlements(session, rule, cluster, servers)
    return {uuid for uuid, word in found.items() if word.protected}


class Seen(Protocol):
    """What Nova shows of an instance."""

    @property
    def uuid(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str | None: ...


def follow(session: orm.Session, seen: Sequence[Seen]) -> None:
    """Write down the names and clusters that chosen instances have now.

    One that is on no host of a cluster keeps the cluster that it was in.
    """
    hosts = session.scalars(sa.select(models.Host))
    clusters = {host.name: host.cluster_id for host in hosts}
    known = {one.uuid: one for one in seen}
    for chunk in _chunks(known):
        query = sa.select(Instance).where(Instance.uuid.in_(chunk))
        for row in session.scalars(query):
            one = known[row.uuid]
            row.name = one.name
            row.cluster_id = clusters.get(one.host or '', row.cluster_id)
    session.flush()


def drop(session: orm.Session, uuid: str) -> None:
    """Forget an instance that Nova deleted; no matter if forgotten."""
    session.execute(sa.delete(Instance).where(Instance.uuid == uuid))


def _chunks(uuids: Collection[str]) -> Iterator[list[str]]:
    wanted = sorted(uuids)
    for start in range(0, len(wanted), CHUNK):
        yield wanted[start : start + CHUNK]
