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

"""/v1/instances: who was chosen to be protected, and who is"""

from typing import Any

import falcon
from sqlalchemy import orm

from hass.api import body
from hass.api.front import admit
from hass.api.front import caller
from hass.api.front import project_shown
from hass.api.front import speaks
from hass.api import microversion
from hass.api import moments
from hass.api import named
from hass.api import parts as api_parts
from hass.api import query
from hass.api.schemas import instances as schemas
from hass import context
from hass.db import hosts
from hass.db import instance_observations
from hass.db import instance_stories
from hass.db import instances
from hass.db import models
from hass.db import pages
from hass import disks
from hass import entitlement
from hass import exception
from hass import naming
from hass import nova
from hass.policies import hosts as host_rules
from hass.policies import instances as rules
from hass.policies import recoveries as recovery_rules


def view(instance: models.Instance) -> dict[str, Any]:
    """The same for everybody: the cluster by its name, no host."""
    return {
        'uuid': instance.uuid,
        'name': instance.name,
        'project_id': instance.project_id,
        'cluster': instance.cluster.name,
        'created_at': moments.shown(instance.created_at),
    }


def view_of_observation(
    seen: models.InstanceObservation, shows_host: bool
) -> dict[str, Any]:
    return {
        'layer': seen.layer,
        'detector': seen.detector,
        'verdict': seen.verdict,
        'seen_at': moments.shown(seen.seen_at),
        'healthy_at': moments.shown(seen.healthy_at),
        'host': seen.host if shows_host else None,
        'detail': seen.detail,
    }


def view_of_story(
    story: instance_stories.Story, shows_why: bool
) -> dict[str, Any]:
    """The reasons name hosts: they are the operators' own."""
    return {
        'uuid': story.uuid,
        'workflow': story.workflow,
        'state': story.state,
        'why': story.why if shows_why else None,
        'opened_at': moments.shown(story.opened_at),
        'ended_at': moments.shown(story.ended_at),
    }


class Instances:
    """Instances that HASS brings back when their host fails."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.LIST)
        asked = query.read(req, self._parts.max_limit)
        among = None
        if 'host' in asked.filters:
            # Where instances are is the operators' own.
            caller(req).can(rules.LIST_ALL)
            among = self._on_host(asked.filters)
        project = project_shown(
            caller(req), rules.LIST_ALL, asked.filters.get('project_id')
        )
        with self._parts.database.reader() as session:
            found = instances.all(
                session,
                among=among,
                name=asked.filters.get('name'),
                project_id=project,
                cluster_id=named.cluster(
                    session,
                    asked.filters,
                    tells=caller(req).may(rules.LIST_ALL),
                ),
                **asked.page(),
            )
            views = [view(instance) for instance in found]
        resp.media = query.page(req, asked, 'instances', views)

    def on_post_all(self, req: falcon.Request, resp: falcon.Response) -> None:
        admit(req, rules.PROTECT)
        fields = body.read(req, schemas.PROTECT)
        server = self._own_server(caller(req), rules.PROTECT, fields['uuid'])
        if server.status != 'ACTIVE':
            raise exception.Conflict(
                f'instance {server.uuid} is {server.status}: it must be '
                'ACTIVE to be protected'
            )
        self._parts.database.write(
            self._protect, server, fields.get('cluster')
        )
        resp.media = self._entitled(req, server)
        resp.status = falcon.HTTP_201
        resp.location = f'{req.prefix}/v1/instances/{server.uuid}'

    def on_get_one(
        self, req: falcon.Request, resp: falcon.Response, instance: str
    ) -> None:
        admit(req, rules.SHOW)
        if speaks(req, microversion.ENTITLEMENTS):
            server = self._own_server(caller(req), rules.SHOW, instance)
            resp.media = self._entitled(req, server)
            return
        with self._parts.database.reader() as session:
            row = instances.get(session, instance)
            _insist(caller(req), rules.SHOW, row)
            resp.media = view(row)

    def on_delete_one(
        self, req: falcon.Request, resp: falcon.Response, instance: str
    ) -> None:
        admit(req, rules.UNPROTECT)
        try:
            self._parts.database.write(self._unprotect, caller(req), instance)
        except exception.NotFound:
            if speaks(req, microversion.ENTITLEMENTS):
                self._refuse_by_cluster(caller(req), instance)
            raise
        resp.status = falcon.HTTP_204

    def on_get_recoveries(
        self, req: falcon.Request, resp: falcon.Response, instance: str
    ) -> None:
        """The newest first."""
        admit(req, rules.LIST_RECOVERIES)
        asked = query.read(req, self._parts.max_limit)
        server = self._own_server(caller(req), rules.LIST_RECOVERIES, instance)
        shows_why = caller(req).may(recovery_rules.SHOW)
        with self._parts.database.reader() as session:
            found = instance_stories.of_instance(session, server.uuid)
        views = [view_of_story(one, shows_why) for one in found]
        resp.media = query.cut(req, asked, 'recoveries', views)

    def _on_host(self, filters: named.Filters) -> list[str]:
        """The uuids of what Nova has on the host that a filter means.

        :raises hass.exception.Invalid: neither has such a host
        """
        try:
            with self._parts.database.reader() as session:
                name = named.host(session, filters)
            servers = self._parts.compute.servers_on(name or '')
        except exception.Invalid:
            # Nova has hosts that are in no cluster.
            servers = self._parts.compute.servers_on(filters['host'])
            if not servers:
                raise
        return [server.uuid for server in servers]

    def _own_server(
        self, who: context.RequestContext, rule: str, uuid: str
    ) -> nova.Server:
        """The instance, as Nova knows it.

        Of other projects' instances nobody learns that they are there.

        :raises hass.exception.NotFound: there is none
        """
        server = None
        if pages.is_uuid(uuid):
            server = self._parts.compute.server(uuid)
        if server is None:
            raise exception.NotFound('instance', uuid)
        _insist(who, rule, server)
        return server

    def _entitled(
        self, req: falcon.Request, server: nova.Server
    ) -> dict[str, Any]:
        """The instance, chosen or not, with the word that decides."""
        with self._parts.database.reader() as session:
            cluster = _cluster_now(session, server)
            row = instances.find(session, server.uuid)
            word = self._word(session, server, cluster)
            seen = instance_observations.of_instance(
                session, server.uuid, server.host or ''
            )
        shows_host = caller(req).may(host_rules.SHOW_LAYERS)
        counted = self._parts.rule.guest_layers(
            server, cluster.layers if cluster else ()
        )
        return {
            'uuid': server.uuid,
            'name': server.name,
            'project_id': server.project_id,
            'cluster': cluster.name if cluster else None,
            'created_at': moments.shown(row.created_at if row else None),
            'protected': word.protected,
            'decided_by': word.source,
            'why': word.why,
            'guest_layers': list(counted.layers),
            'guest_layers_why': counted.why,
            'observations': [
                view_of_observation(one, shows_host) for one in seen
            ],
        }

    def _word(
        self,
        session: orm.Session,
        server: nova.Server,
        cluster: models.Cluster | None,
    ) -> entitlement.Entitlement:
        if cluster is None:
            return entitlement.NOWHERE
        found = instances.entitlements(
            session, self._parts.rule, cluster, [server]
        )
        return found[server.uuid]

    def _refuse_by_cluster(
        self, who: context.RequestContext, uuid: str
    ) -> None:
        """What was not chosen is not unprotected by taking that back.

        :raises hass.exception.Conflict: it is protected all the same
        """
        server = self._own_server(who, rules.UNPROTECT, uuid)
        with self._parts.database.reader() as session:
            cluster = _cluster_now(session, server)
            word = self._word(session, server, cluster)
        if word.protected:
            raise exception.Conflict(
                f'instance {uuid} was not chosen, {word.why}: its metadata '
                f'{self._parts.rule.metadata_key}=false leave it out'
            )

    @staticmethod
    def _protect(
        session: orm.Session, server: nova.Server, wanted: str | None
    ) -> None:
        """Choose it, if it could be brought back at all."""
        cluster = _cluster_of(session, server, wanted)
        lost = disks.lost(server, shared_storage=cluster.shared_storage)
        if lost:
            raise exception.Conflict(
                f'instance {server.uuid} would not survive an evacuation: '
                f'{lost}, and cluster {cluster.name} declares no shared '
                'storage'
            )
        instances.protect(
            session, cluster, server.uuid, server.name, server.project_id
        )

    @staticmethod
    def _unprotect(
        session: orm.Session, who: context.RequestContext, uuid: str
    ) -> None:
        _insist(who, rules.UNPROTECT, instances.get(session, uuid))
        instances.unprotect(session, uuid)


def _insist(
    who: context.RequestContext,
    rule: str,
    instance: models.Instance | nova.Server,
) -> None:
    if not who.may(rule, {'project_id': instance.project_id}):
        raise exception.Hidden('instance', instance.uuid, rule)


def _cluster_now(
    session: orm.Session, server: nova.Server
) -> models.Cluster | None:
    """The cluster of the host that the instance is on."""
    found = hosts.by_names(session, [server.host or '']).values()
    return next((host.cluster for host in found), None)


def _cluster_of(
    session: orm.Session, server: nova.Server, wanted: str | None
) -> models.Cluster:
    """The cluster of the instance's host, without naming that host."""
    found = _cluster_now(session, server)
    if found and wanted in (None, found.name, found.uuid):
        return found
    where = 'any cluster'
    if wanted is not None:
        where = f'cluster {naming.shown(wanted)}'
    raise exception.Conflict(
        f'instance {server.uuid} does not run on a host of {where}'
    )
