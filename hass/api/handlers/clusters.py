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

"""/v1/clusters"""

from collections.abc import Mapping
from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api.front import admit
from hass.api.handlers import hosts as host_handlers
from hass.api import joining
from hass.api import moments
from hass.api import parts as api_parts
from hass.api import query
from hass.api.schemas import clusters as schemas
from hass.db import clusters
from hass.db import hosts
from hass.db import models
from hass.diagnosis import isolation
from hass import exception
from hass.policies import clusters as rules


def view(cluster: models.Cluster) -> dict[str, Any]:
    return {
        'uuid': cluster.uuid,
        'name': cluster.name,
        'mode': cluster.mode,
        'layers': cluster.layers,
        'shared_storage': cluster.shared_storage,
        'targets': cluster.targets,
        'protects': cluster.protects,
        'isolation': cluster.isolation or [],
        'maintenance_until': moments.shown(cluster.maintenance_until),
        'maintenance_why': cluster.maintenance_why,
        'created_at': moments.shown(cluster.created_at),
        'updated_at': moments.shown(cluster.updated_at),
    }


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """A rule that can never fit is a mistake.

    :raises hass.exception.Invalid: naming it
    """
    rules = isolation.read(fields.get('isolation'))
    for number, rule in enumerate(rules):
        if both := sorted(rule.lost & rule.alive):
            raise exception.Invalid(
                f'isolation.{number}.alive',
                f'{", ".join(both)} cannot be both lost and alive',
            )
    return fields


class Clusters:
    """Hosts that may take over from each other."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts
        self._joining = joining.Joining(parts)

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        with self._parts.database.reader() as session:
            found = clusters.all(
                session,
                name=asked.filters.get('name'),
                mode=asked.choice('mode', models.Mode),
                **asked.page(),
            )
            views = [view(cluster) for cluster in found]
        resp.media = query.page(req, asked, 'clusters', views)

    def on_post_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The cluster and its hosts, or nothing of it."""
        admit(req, rules.CREATE)
        fields = _checked(body.read(req, schemas.CREATE))
        wanted = fields.pop('hosts', [])
        self._joining.admit(wanted)
        keys = self._joining.issue_keys(wanted)
        uuid = self._parts.database.write(self._create, fields, wanted, keys)
        untried = self._joining.try_fences(list(keys))
        with self._parts.database.reader() as session:
            cluster = clusters.get(session, uuid)
            members = hosts.of_cluster(session, cluster.id)
            resp.media = view(cluster) | {
                'hosts': [
                    host_handlers.shown(
                        session, host.name, untried.get(host.name)
                    )
                    | {'agent_key': keys[host.name]}
                    for host in members
                ]
            }
        resp.status = falcon.HTTP_201
        resp.location = f'{req.prefix}/v1/clusters/{uuid}'

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, rules.SHOW)
        with self._parts.database.reader() as session:
            resp.media = view(clusters.get(session, cluster))

    def on_patch_one(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, rules.UPDATE)
        fields = _checked(body.read(req, schemas.UPDATE))
        row = self._parts.database.write(clusters.update, cluster, **fields)
        resp.media = view(row)

    def on_delete_one(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, rules.DELETE)
        self._parts.database.write(clusters.delete, cluster)
        resp.status = falcon.HTTP_204

    def _create(
        self,
        session: orm.Session,
        fields: Mapping[str, Any],
        wanted: joining.Wanted,
        keys: Mapping[str, str],
    ) -> str:
        cluster = clusters.create(session, **fields)
        self._joining.add(session, cluster, wanted, keys)
        return cluster.uuid
