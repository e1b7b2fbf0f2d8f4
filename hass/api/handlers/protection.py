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

"""/v1/clusters/{cluster}/protection and /v1/hosts/{host}/protection"""

from collections.abc import Sequence
from typing import Any

import falcon

from hass.api.front import admit
from hass.api import parts as api_parts
from hass.api import query
from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import models
from hass.db import moments
from hass.db import protection
from hass import entitlement
from hass import nova
from hass.nova import rolls
from hass.policies import clusters as cluster_rules
from hass.policies import hosts as host_rules
from hass.recovery import fates


def view(
    host: models.Host, missing: Sequence[str], entries: list[dict[str, Any]]
) -> dict[str, Any]:
    """A host, and the instances on it.

    :param missing: why it would not be recovered now
    """
    return {
        'uuid': host.uuid,
        'name': host.name,
        'protected': not missing,
        'unprotected_why': list(missing),
        'instances': entries,
    }


def view_of_instance(
    server: nova.Server,
    word: entitlement.Entitlement,
    missing: Sequence[str],
    *,
    shared_storage: bool,
) -> dict[str, Any]:
    """Whether it would run elsewhere soon, if its host failed now.

    :param missing: why its host would not be recovered
    """
    why_not = list(missing)
    verdict = fates.of(server, shared_storage=shared_storage)
    if verdict.fate is not fates.Fate.EVACUATE:
        why_not.insert(0, verdict.why)
    if not word.protected:
        why_not.insert(0, word.why)
    return {
        'uuid': server.uuid,
        'name': server.name,
        'project_id': server.project_id,
        'status': server.status,
        'protected': word.protected,
        'decided_by': word.source,
        'why': word.why,
        'recovered': not why_not,
        # A disk may be the reason of both.
        'unrecovered_why': list(dict.fromkeys(why_not)),
    }


class Protection:
    """Whom HASS would act for if a host failed now, and whom not, and why."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._parts = parts

    def on_get_of_cluster(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, cluster_rules.SHOW_PROTECTION)
        asked = query.read(req, self._parts.max_limit)
        with self._parts.database.reader() as session:
            now = moments.read_now(session)
            found = [
                (host, protection.missing(host, now, usable))
                for host, usable in protection.page(
                    session,
                    now,
                    cluster_id=clusters.get(session, cluster).id,
                    **asked.page(),
                )
            ]
        views = self._views(found[: asked.limit])
        # The one too many only tells that there is another page.
        views += [{} for _ in found[asked.limit :]]
        resp.media = query.page(req, asked, 'hosts', views)

    def on_get_of_host(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, host_rules.SHOW_PROTECTION)
        with self._parts.database.reader() as session:
            row = hosts.get(session, host)
            now = moments.read_now(session)
            missing = protection.missing_of(session, row, now)
        (resp.media,) = self._views([(row, missing)])

    def _views(
        self, found: Sequence[tuple[models.Host, list[str]]]
    ) -> list[dict[str, Any]]:
        """Nova is asked once for each host, and no connection waits for it.

        :raises hass.exception.NovaError: it cannot be asked, or leaves out
            what an agent has seen
        """
        servers = {
            host.name: sorted(
                rolls.servers_on(
                    self._parts.compute, host.name, host.domains or ()
                ),
                key=lambda server: (server.name, server.uuid),
            )
            for host, _ in found
        }
        uuids = [one.uuid for every in servers.values() for one in every]
        with self._parts.database.reader() as session:
            chosen = instances.chosen(session, uuids)
        views = []
        for host, missing in found:
            shared = host.cluster.shared_storage
            entries = [
                view_of_instance(
                    server,
                    self._parts.rule.of(
                        server,
                        host.cluster.protects,
                        chosen=server.uuid in chosen,
                        shared_storage=shared,
                    ),
                    missing,
                    shared_storage=shared,
                )
                for server in servers[host.name]
            ]
            views.append(view(host, missing, entries))
        return views
