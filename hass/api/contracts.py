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

"""What each request takes and gives: the routes' page in the small print.

The front refuses by it what a request's version does not know, and takes that
out of answers. GET /v1/openapi.json is made from it, and the tests hold
handlers against it.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

from hass.api import body as bodies
from hass.api import microversion
from hass.api.schemas import answers
from hass.api.schemas import clusters as clusters_bodies
from hass.api.schemas import fences
from hass.api.schemas import formats
from hass.api.schemas import hosts as hosts_bodies
from hass.api.schemas import instances as instances_bodies
from hass.api.schemas import maintenance
from hass.api.schemas import notifications as notifications_bodies
from hass.api.schemas import power
from hass.api import since
from hass.db import clusters
from hass.db import hosts
from hass.db import instances
from hass.db import losses
from hass.db import models
from hass.db import notifications
from hass.db import pages
from hass.db import recoveries
from hass import states
from hass import workflows

Schema = Mapping[str, Any]

WORD: Schema = {
    'type': 'string',
    'pattern': r'^[^\x00-\x1f\x7f-\x9f]*\Z',
    'description': 'without control characters',
}
FLAG: Schema = {'type': 'boolean'}
PAGE: dict[str, Schema] = {
    'limit': {
        'type': 'integer',
        'minimum': 1,
        'description': 'of more than [api] max_limit it gives that many',
    },
    'marker': answers.UUID
    | {'description': 'of the last entry of the page before'},
}
_LIMIT = since.mark(microversion.PROTECTION, PAGE['limit'])
_READ_NOW = {
    'limit': _LIMIT
    | {'description': 'what is left out has to be asked for without it'}
}
"""Of lists that a BMC is read for: there is no next page."""
EMPTY: Schema = dict(bodies.NOTHING)


@dataclasses.dataclass(frozen=True, slots=True)
class Contract:
    """What one request takes and gives.

    Fields and filters carry the microversion that brought them: since.py.

    :ivar gives: the schema of the answer's body; None: there is none
    :ivar takes: the schema of the request's body; None: it is not read
    :ivar filters: parameters of the query string, by name
    :ivar missing: whether it may find nothing: 404
    :ivar conflicts: whether the state of things may forbid it: 409
    :ivar since: the microversion that brought it
    :ivar about: a sentence, where no policy has one
    """

    gives: Schema | None
    status: int = 200
    takes: Schema | None = None
    filters: Mapping[str, Schema] = dataclasses.field(default_factory=dict)
    missing: bool = True
    conflicts: bool = False
    since: microversion.Version = microversion.MIN
    about: str = ''


def _new_pages(marker: Schema) -> dict[str, Schema]:
    """Of lists that had no pages at first."""
    return {
        'limit': _LIMIT,
        'marker': since.mark(
            microversion.PROTECTION,
            {**marker, 'description': PAGE['marker']['description']},
        ),
    }


def _list(
    key: str, entry: str, columns: pages.Columns, /, **filters: Schema
) -> Contract:
    """:param columns: by which it may be sorted, the first of them its age"""
    page = answers.whole(
        {key: answers.list_of(answers.named(entry)), 'links': answers.LINKS}
    )
    age = next(iter(columns))
    moment = formats.MOMENT['description']
    order = answers.new_in(
        microversion.PROTECTION,
        {
            'since': formats.MOMENT
            | {
                'description': f'{moment}; listed is what has a {age} of '
                'then or later'
            },
            'sort_key': {'enum': list(columns)},
            'sort_dir': {'enum': ['asc', 'desc']},
        },
    )
    return Contract(page, filters=PAGE | order | filters, missing=False)


def _show(
    name: str,
    since: microversion.Version | None = None,
    filters: Mapping[str, Schema] | None = None,
) -> Contract:
    return Contract(
        answers.named(name),
        since=since or microversion.MIN,
        filters=filters or {},
    )


def _change(
    gives: str | None,
    status: int,
    takes: Schema | None = EMPTY,
    since: microversion.Version | None = None,
) -> Contract:
    return Contract(
        answers.named(gives) if gives else None,
        status,
        takes,
        conflicts=True,
        since=since or microversion.MIN,
    )


def _delete() -> Contract:
    return _change(None, 204, None)


CONTRACTS: Mapping[tuple[str, str], Contract] = {
    ('GET', '/v1/clusters'): _list(
        'clusters',
        'Cluster',
        clusters.COLUMNS,
        name=WORD,
        mode=answers.one_of(models.Mode),
    ),
    ('POST', '/v1/clusters'): _change(
        'ClusterCreated', 201, clusters_bodies.CREATE
    ),
    ('GET', '/v1/clusters/{cluster}'): _show('Cluster'),
    ('PATCH', '/v1/clusters/{cluster}'): _change(
        'Cluster', 200, clusters_bodies.UPDATE
    ),
    ('DELETE', '/v1/clusters/{cluster}'): _delete(),
    ('GET', '/v1/clusters/{cluster}/hosts'): dataclasses.replace(
        _list('hosts', 'Host', hosts.COLUMNS), missing=True
    ),
    ('POST', '/v1/clusters/{cluster}/hosts'): _change(
        'HostAdded', 201, hosts_bodies.ADD
    ),
    ('PUT', '/v1/clusters/{cluster}/maintenance'): _change(
        'Cluster', 200, maintenance.BEGIN
    ),
    ('DELETE', '/v1/clusters/{cluster}/maintenance'): _delete(),
    ('GET', '/v1/clusters/{cluster}/protection'): dataclasses.replace(
        _list('hosts', 'Protection', hosts.COLUMNS),
        missing=True,
        since=microversion.PROTECTION,
    ),
    ('GET', '/v1/clusters/{cluster}/strategy'): _show(
        'Strategy', microversion.DIAGNOSIS
    ),
    ('GET', '/v1/hosts'): _list('hosts', 'Host', hosts.COLUMNS),
    ('GET', '/v1/hosts/{host}'): _show('Host'),
    ('PATCH', '/v1/hosts/{host}'): _change('Host', 200, hosts_bodies.UPDATE),
    ('DELETE', '/v1/hosts/{host}'): _delete(),
    ('POST', '/v1/hosts/{host}/agent_key'): _change('AgentKey', 201),
    ('GET', '/v1/hosts/{host}/explain'): _show(
        'Explanation', microversion.DIAGNOSIS
    ),
    ('GET', '/v1/hosts/{host}/fence'): _show('Fence', microversion.LOSSES),
    ('PUT', '/v1/hosts/{host}/fence/waiver'): _change(
        'Fence', 200, fences.WAIVE, since=microversion.LOSSES
    ),
    ('DELETE', '/v1/hosts/{host}/fence/waiver'): dataclasses.replace(
        _delete(), since=microversion.LOSSES
    ),
    ('POST', '/v1/hosts/{host}/fence_test'): _change('Host', 200),
    ('PUT', '/v1/hosts/{host}/maintenance'): _change(
        'Host', 200, maintenance.BEGIN
    ),
    ('DELETE', '/v1/hosts/{host}/maintenance'): _delete(),
    ('GET', '/v1/hosts/{host}/protection'): _show(
        'Protection', microversion.PROTECTION
    ),
    ('GET', '/v1/hosts/{host}/layers'): _show(
        'Layers', microversion.DIAGNOSIS
    ),
    ('GET', '/v1/hosts/{host}/power'): _change(
        'Power', 200, None, since=microversion.MACHINE
    ),
    ('PUT', '/v1/hosts/{host}/power'): _change(
        'PowerAsked', 202, power.SET, since=microversion.MACHINE
    ),
    ('POST', '/v1/hosts/{host}/return'): _change(
        'Recovery', 202, since=microversion.MACHINE
    ),
    ('GET', '/v1/hosts/{host}/sensors'): dataclasses.replace(
        _change('Sensors', 200, None, since=microversion.MACHINE),
        filters=_READ_NOW | {'type': WORD},
    ),
    ('GET', '/v1/hosts/{host}/events'): dataclasses.replace(
        _change('Events', 200, None, since=microversion.MACHINE),
        filters=_READ_NOW,
    ),
    ('GET', '/v1/instances'): _list(
        'instances',
        'InstanceChosen',
        instances.COLUMNS,
        cluster=WORD,
        host=since.mark(microversion.PROTECTION, WORD),
        name=since.mark(microversion.PROTECTION, WORD),
        project_id=WORD,
    ),
    ('POST', '/v1/instances'): _change(
        'Instance', 201, instances_bodies.PROTECT
    ),
    ('GET', '/v1/instances/{instance}'): _show('Instance'),
    ('DELETE', '/v1/instances/{instance}'): _delete(),
    ('GET', '/v1/instances/{instance}/recoveries'): _show(
        'InstanceRecoveries',
        microversion.INSTANCE_RECOVERIES,
        _new_pages(answers.UUID),
    ),
    ('GET', '/v1/losses'): dataclasses.replace(
        _list(
            'losses',
            'Loss',
            losses.COLUMNS,
            host=WORD,
            instance=WORD,
            open=FLAG,
            project_id=WORD,
            recovery=WORD,
        ),
        since=microversion.LOSSES,
    ),
    ('GET', '/v1/losses/{loss}'): _show('Loss', microversion.LOSSES),
    ('POST', '/v1/losses/{loss}/acknowledge'): _change(
        'Loss', 200, since=microversion.LOSSES
    ),
    ('GET', '/v1/notifications'): _list(
        'notifications',
        'Notification',
        notifications.COLUMNS,
        host=WORD,
        state=answers.one_of(models.NotificationState),
        source=WORD,
    ),
    ('POST', '/v1/notifications'): _change(
        'Notification', 202, notifications_bodies.CREATE
    ),
    ('GET', '/v1/notifications/{notification}'): _show('Notification'),
    ('GET', '/v1/recoveries'): _list(
        'recoveries',
        'Recovery',
        recoveries.COLUMNS,
        cluster=WORD,
        host=WORD,
        open=FLAG,
        state=answers.one_of(states.State),
        subject=WORD,
        workflow=answers.one_of(workflows.names()),
    ),
    ('GET', '/v1/recoveries/{recovery}'): _show('RecoveryDetails'),
    ('POST', '/v1/recoveries/{recovery}/retry'): _change('Recovery', 202),
    ('POST', '/v1/recoveries/{recovery}/release'): _change('Recovery', 202),
    ('POST', '/v1/recoveries/{recovery}/acknowledge'): _change(
        'Recovery', 200
    ),
    ('GET', '/v1/services'): Contract(
        answers.named('Services'), missing=False, filters=_new_pages(WORD)
    ),
    ('GET', '/'): Contract(
        answers.named('Versions'),
        missing=False,
        about='List the versions of the API.',
    ),
    ('GET', '/v1'): Contract(
        answers.named('Version'),
        missing=False,
        about='Show this version of the API.',
    ),
    ('GET', '/v1/openapi.json'): Contract(
        answers.FREE, missing=False, about='Show this description.'
    ),
}


def of(method: str, path: str | None) -> Contract | None:
    """That of a request.

    :param path: as the routes have it; None: no route leads there
    """
    return CONTRACTS.get((method, path or ''))
