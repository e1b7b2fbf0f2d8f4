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

"""/v1/instances: the protected ones"""

from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api.front import caller
from hass.api.handlers import clusters as cluster_handlers
from hass.api import moments
from hass.api import parts as api_parts
from hass.api import query
from hass.api.schemas import instances as schemas
from hass import context
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass import exception
from hass import nova
from hass.policies import instances as rules


def view(instance: models.Instance) -> dict[str, Any]:
    """The same for everybody: the cluster by its name, no host."""
    return {
        'uuid': instance.uuid,
        'name': instance.name,
        'project_id': instance.project_id,
        'cluster': instance.cluster.name,
        'created_at': moments.shown(instance.created_at),
    }


class Instances:
    """Instances that HASS brings back when their host fails."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        caller(req).can(rules.LIST)
        asked = query.read(
            req, self._parts.max_limit, ('cluster', 'project_id')
        )
        project = _project_shown(caller(req), asked.filters.get('project_id'))
        with self._parts.database.reader() as session:
            found = instances.all(
                session,
                project_id=project,
                cluster_id=cluster_handlers.id_of(session, asked.filters),
                limit=asked.limit + 1,
                marker=asked.marker,
            )
            views = [view(instance) for instance in found]
        resp.media = query.page(req, asked, 'instances', views)

    def on_post_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        caller(req).can(rules.PROTECT)
        fields = body.read(req, schemas.PROTECT)
        server = self._server(fields['uuid'])
        # Of other projects' instances nobody learns that they are there.
        if not caller(req).may(
            rules.PROTECT, {'project_id': server.project_id}
        ):
            raise exception.NotFound('instance', server.uuid)
        if server.status != 'ACTIVE':
            raise exception.Conflict(
                f'instance {server.uuid} is {server.status}: it must be '
                'ACTIVE to be protected'
            )
        resp.media = self._parts.database.write(
            self._protect, server, fields.get('cluster')
        )
        resp.status = falcon.HTTP_201
        resp.location = f'{req.prefix}/v1/instances/{server.uuid}'

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, instance: str
    ) -> None:
        caller(req).can(rules.SHOW)
        query.nothing(req)
        with self._parts.database.reader() as session:
            row = instances.get(session, instance)
            _insist(caller(req), rules.SHOW, row)
            resp.media = view(row)

    def on_delete_one(
        self, req: falcon.Request, resp: falcon.Response, instance: str
    ) -> None:
        caller(req).can(rules.UNPROTECT)
        self._parts.database.write(self._unprotect, caller(req), instance)
        resp.status = falcon.HTTP_204

    def _server(self, uuid: str) -> nova.Server:
        server = self._parts.compute.server(uuid)
        if server is None:
            raise exception.NotFound('instance', uuid)
        return server

    @staticmethod
    def _protect(
        session: orm.Session, server: nova.Server, wanted: str | None
    ) -> dict[str, Any]:
        """The row, if the instance could be brought back at all."""
        cluster = _cluster_of(session, server, wanted)
        if server.image_backed and not cluster.shared_storage:
            raise exception.Conflict(
                f'instance {server.uuid} has its root disk on its host, and '
                f'cluster {cluster.name} declares no shared storage: an '
                'evacuation would make the disk anew from the image'
            )
        row = instances.protect(
            session, cluster, server.uuid, server.name, server.project_id
        )
        return view(row)

    @staticmethod
    def _unprotect(
        session: orm.Session, who: context.RequestContext, uuid: str
    ) -> None:
        _insist(who, rules.UNPROTECT, instances.get(session, uuid))
        instances.unprotect(session, uuid)


def _project_shown(
    who: context.RequestContext, asked: str | None
) -> str | None:
    """Whose instances a list may hold; None: everybody's."""
    if who.may(rules.LIST_ALL):
        return asked
    if who.project_id is None or asked not in (None, who.project_id):
        raise exception.Forbidden(rules.LIST_ALL)
    return who.project_id


def _insist(
    who: context.RequestContext, rule: str, row: models.Instance
) -> None:
    if not who.may(rule, {'project_id': row.project_id}):
        raise exception.NotFound('instance', row.uuid)


def _cluster_of(
    session: orm.Session, server: nova.Server, wanted: str | None
) -> models.Cluster:
    """The cluster of the instance's host, without naming that host."""
    found = hosts.by_names(session, [server.host or '']).values()
    for host in found:
        if wanted in (None, host.cluster.name, host.cluster.uuid):
            return host.cluster
    where = 'any cluster' if wanted is None else f'cluster {wanted}'
    raise exception.Conflict(
        f'instance {server.uuid} does not run on a host of {where}'
    )
