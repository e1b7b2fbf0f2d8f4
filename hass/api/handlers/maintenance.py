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

"""/v1/hosts/{host}/maintenance and /v1/clusters/{cluster}/maintenance"""

import falcon

from hass.api import body
from hass.api.front import admit
from hass.api.handlers import clusters as cluster_handlers
from hass.api.handlers import hosts as host_handlers
from hass.api import parts as api_parts
from hass.api.schemas import maintenance as schemas
from hass.db import clusters
from hass.db import hosts
from hass.db import windows
from hass.policies import maintenance as rules


class Maintenance:
    """Windows that end by themselves: what is unprotected is so for long."""

    def __init__(self, parts: api_parts.Parts) -> None:
        self._database = parts.database

    def on_put_of_host(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.BEGIN)
        asked = body.read(req, schemas.BEGIN)
        self._database.write(
            windows.begin_for_host, host, asked['seconds'], asked['reason']
        )
        with self._database.reader() as session:
            resp.media = host_handlers.shown(session, host)

    def on_delete_of_host(
        self, req: falcon.Request, resp: falcon.Response, host: str
    ) -> None:
        admit(req, rules.END)
        with self._database.writer() as session:
            windows.end(session, hosts.get(session, host))
        resp.status = falcon.HTTP_204

    def on_put_of_cluster(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, rules.BEGIN)
        asked = body.read(req, schemas.BEGIN)
        row = self._database.write(
            windows.begin_for_cluster,
            cluster,
            asked['seconds'],
            asked['reason'],
        )
        resp.media = cluster_handlers.view(row)

    def on_delete_of_cluster(
        self, req: falcon.Request, resp: falcon.Response, cluster: str
    ) -> None:
        admit(req, rules.END)
        with self._database.writer() as session:
            windows.end(session, clusters.get(session, cluster))
        resp.status = falcon.HTTP_204
