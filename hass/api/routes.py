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

"""Every URL, on one page.

A row is a path, its handler and the suffix of the handler's methods:
``GET /v1/clusters`` is ``Clusters.on_get_all``.
"""

from typing import Any

import falcon

from hass.api.handlers import clusters
from hass.api.handlers import diagnosis
from hass.api.handlers import fences
from hass.api.handlers import hosts
from hass.api.handlers import instances
from hass.api.handlers import losses
from hass.api.handlers import maintenance
from hass.api.handlers import notifications
from hass.api.handlers import power
from hass.api.handlers import protection
from hass.api.handlers import recoveries
from hass.api.handlers import services
from hass.api.handlers import versions
from hass.api import openapi
from hass.api import parts as api_parts

ROUTES: tuple[tuple[str, type[Any], str], ...] = (
    ('/v1/clusters', clusters.Clusters, 'all'),
    ('/v1/clusters/{cluster}', clusters.Clusters, 'one'),
    ('/v1/clusters/{cluster}/hosts', hosts.Hosts, 'of_cluster'),
    (
        '/v1/clusters/{cluster}/maintenance',
        maintenance.Maintenance,
        'of_cluster',
    ),
    (
        '/v1/clusters/{cluster}/protection',
        protection.Protection,
        'of_cluster',
    ),
    ('/v1/clusters/{cluster}/strategy', diagnosis.Diagnosis, 'strategy'),
    ('/v1/hosts', hosts.Hosts, 'all'),
    ('/v1/hosts/{host}', hosts.Hosts, 'one'),
    ('/v1/hosts/{host}/agent_key', hosts.Hosts, 'agent_key'),
    ('/v1/hosts/{host}/explain', diagnosis.Diagnosis, 'explain'),
    ('/v1/hosts/{host}/fence', fences.Fences, 'one'),
    ('/v1/hosts/{host}/fence/waiver', fences.Fences, 'waiver'),
    ('/v1/hosts/{host}/fence_test', hosts.Hosts, 'fence_test'),
    ('/v1/hosts/{host}/maintenance', maintenance.Maintenance, 'of_host'),
    ('/v1/hosts/{host}/protection', protection.Protection, 'of_host'),
    ('/v1/hosts/{host}/layers', diagnosis.Diagnosis, 'layers'),
    ('/v1/hosts/{host}/power', power.Power, 'power'),
    ('/v1/hosts/{host}/return', power.Power, 'return'),
    ('/v1/hosts/{host}/sensors', power.Power, 'sensors'),
    ('/v1/hosts/{host}/events', power.Power, 'events'),
    ('/v1/instances', instances.Instances, 'all'),
    ('/v1/instances/{instance}', instances.Instances, 'one'),
    (
        '/v1/instances/{instance}/recoveries',
        instances.Instances,
        'recoveries',
    ),
    ('/v1/losses', losses.Losses, 'all'),
    ('/v1/losses/{loss}', losses.Losses, 'one'),
    ('/v1/losses/{loss}/acknowledge', losses.Losses, 'acknowledge'),
    ('/v1/notifications', notifications.Notifications, 'all'),
    ('/v1/notifications/{notification}', notifications.Notifications, 'one'),
    ('/v1/recoveries', recoveries.Recoveries, 'all'),
    ('/v1/recoveries/{recovery}', recoveries.Recoveries, 'one'),
    ('/v1/recoveries/{recovery}/retry', recoveries.Recoveries, 'retry'),
    ('/v1/recoveries/{recovery}/release', recoveries.Recoveries, 'release'),
    (
        '/v1/recoveries/{recovery}/acknowledge',
        recoveries.Recoveries,
        'acknowledge',
    ),
    ('/v1/services', services.Services, 'all'),
)

# No token is needed for these.
PUBLIC: tuple[tuple[str, type[Any], str], ...] = (
    ('/', versions.Versions, 'all'),
    ('/v1', versions.Versions, 'one'),
    ('/v1/openapi.json', versions.Description, 'one'),
)


def connect(app: falcon.App[Any, Any], parts: api_parts.Parts) -> None:
    """Give each path its handler."""
    handlers = {kind: kind(parts) for _, kind, _ in ROUTES}
    for path, kind, suffix in ROUTES:
        app.add_route(path, handlers[kind], suffix=suffix)


def connect_public(app: falcon.App[Any, Any]) -> None:
    """The paths that need no token."""
    described = openapi.document(ROUTES, PUBLIC)
    handlers = {
        versions.Versions: versions.Versions(),
        versions.Description: versions.Description(described),
    }
    for path, kind, suffix in PUBLIC:
        app.add_route(path, handlers[kind], suffix=suffix)
