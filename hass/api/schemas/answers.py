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

"""What is answered: the shapes of the views, for those who read them.

Nothing is checked against these when it is answered: they are published,
and the tests hold the answers of every request against them.
"""

from collections.abc import Iterable
from typing import Any

from hass.api import microversion
from hass.api.schemas import clusters
from hass.api.schemas import formats
from hass.api import since
from hass.bmc import identity
from hass.bmc import values
from hass.db import models
from hass import entitlement
from hass import faults

Schema = dict[str, Any]

TEXT: Schema = {'type': 'string'}
WHOLE: Schema = {'type': 'integer', 'minimum': 0}
NUMBER: Schema = {'type': 'number'}
FLAG: Schema = {'type': 'boolean'}
UUID: Schema = {'type': 'string', 'format': 'uuid'}
MOMENT: Schema = {
    'type': 'string',
    'format': 'date-time',
    'description': 'UTC, with microseconds',
}
FREE: Schema = {'type': 'object'}


def one_of(words: Iterable[str]) -> Schema:
    return {'enum': [str(word) for word in words]}


def null_or(schema: Schema) -> Schema:
    return {'anyOf': [schema, {'type': 'null'}]}


def list_of(schema: Schema) -> Schema:
    return {'type': 'array', 'items': schema}


def map_of(schema: Schema) -> Schema:
    return {'type': 'object', 'additionalProperties': schema}


def whole(properties: Schema) -> Schema:
    """An object that has all of these fields and no other.

    A request for an earlier version gets no field that a later one brought.
    """
    always = [
        name
        for name, field in properties.items()
        if since.of(field) == microversion.MIN
    ]
    return formats.closed(properties, tuple(always))


def new_in(version: microversion.Version, properties: Schema) -> Schema:
    """Fields that this version brought."""
    return {
        name: since.mark(version, field) for name, field in properties.items()
    }


def named(name: str) -> Schema:
    """One of SCHEMAS, by its name."""
    return {'$ref': f'#/components/schemas/{name}'}


LAYER = one_of(faults.Layer)
VERDICT = one_of(faults.Verdict)
MAYBE_TEXT = null_or(TEXT)
MAYBE_MOMENT = null_or(MOMENT)
LINKS = list_of(whole({'rel': TEXT, 'href': TEXT}))

CLUSTER = whole(
    {
        'uuid': UUID,
        'name': TEXT,
        'mode': one_of(models.Mode),
        'layers': list_of(LAYER),
        'shared_storage': FLAG,
        'targets': one_of(models.Targets),
        'protects': since.mark(
            microversion.ENTITLEMENTS, one_of(entitlement.Protects)
        ),
        'isolation': since.mark(
            microversion.DIAGNOSIS, list_of(clusters.RULE)
        ),
        'maintenance_until': MAYBE_MOMENT,
        'maintenance_why': MAYBE_TEXT,
        'created_at': MOMENT,
        'updated_at': MAYBE_MOMENT,
    }
)

HOST = whole(
    {
        'uuid': UUID,
        'name': TEXT,
        'cluster': TEXT,
        'labels': map_of(TEXT),
        'addresses': map_of(TEXT),
        'bmc': whole(
            {
                'address': MAYBE_TEXT,
                'port': WHOLE,
                'username': MAYBE_TEXT,
                'password_set': FLAG,
            }
        ),
        'fence': whole(
            {
                'state': one_of(models.FenceState),
                'why': TEXT,
                'guid': MAYBE_TEXT,
                'power_restore_policy': MAYBE_TEXT,
            }
        ),
        'watched_sensors': since.mark(
            microversion.DIAGNOSIS, null_or(list_of(TEXT))
        ),
        'system_uuid': MAYBE_TEXT,
        'boot_id': MAYBE_TEXT,
        'resume_guests': null_or(FLAG),
        'reported_at': MAYBE_MOMENT,
        'planned_until': MAYBE_MOMENT,
        'availability_zone': MAYBE_TEXT,
        'aggregates': null_or(list_of(TEXT)),
        'maintenance_until': MAYBE_MOMENT,
        'maintenance_why': MAYBE_TEXT,
        'protected': FLAG,
        'unprotected_why': list_of(TEXT),
        'agent_key_rotated_at': MAYBE_MOMENT,
        'created_at': MOMENT,
        'warnings': list_of(TEXT),
    }
)

FENCE = whole(
    {
        'host': TEXT,
        'state': one_of(models.FenceState),
        'why': TEXT,
        'place': MAYBE_TEXT,
        'guid': MAYBE_TEXT,
        'system_uuid': MAYBE_TEXT,
        'tested_at': MAYBE_MOMENT,
        'read_seconds': null_or(NUMBER),
        'off_seconds': null_or(NUMBER),
        'doubts': list_of(TEXT),
        'waiver': null_or(
            whole({'by': TEXT, 'at': MAYBE_MOMENT, 'reason': TEXT})
        ),
        'wiring': null_or(
            whole(
                {
                    'found': one_of(identity.Wired),
                    'why': TEXT,
                    'at': MAYBE_MOMENT,
                    'good_until': MAYBE_MOMENT,
                }
            )
        ),
    }
)

AGENT_KEY: Schema = {
    'type': 'string',
    'pattern': '^[0-9a-f]{64}$',
    'description': 'what the agent of the host signs with: shown once',
}


def more(schema: Schema, properties: Schema) -> Schema:
    """The same object with more fields."""
    return whole(schema['properties'] | properties)


HOST_ADDED = more(HOST, {'agent_key': AGENT_KEY})

CHOICE = whole(
    {
        'uuid': UUID,
        'name': TEXT,
        'project_id': TEXT,
        'cluster': TEXT,
        'created_at': MOMENT,
    }
)

INSTANCE = more(
    CHOICE,
    {
        'cluster': MAYBE_TEXT,
        'created_at': MAYBE_MOMENT,
    }
    | new_in(
        microversion.ENTITLEMENTS,
        {
            'protected': FLAG,
            'decided_by': one_of(entitlement.Source),
            'why': TEXT,
        },
    )
    | new_in(
        microversion.OBSERVATIONS,
        {
            'guest_layers': list_of(LAYER),
            'guest_layers_why': TEXT,
            'observations': list_of(
                whole(
                    {
                        'layer': LAYER,
                        'detector': TEXT,
                        'verdict': VERDICT,
                        'seen_at': MOMENT,
                        'healthy_at': MAYBE_MOMENT,
                        'host': MAYBE_TEXT,
                        'detail': TEXT,
                    }
                )
            ),
        },
    ),
)

PROTECTION = whole(
    {
        'uuid': UUID,
        'name': TEXT,
        'protected': FLAG,
        'unprotected_why': list_of(TEXT),
        'instances': list_of(
            whole(
                {
                    'uuid': UUID,
                    'name': TEXT,
                    'project_id': TEXT,
                    'status': TEXT,
                    'protected': FLAG,
                    'decided_by': one_of(entitlement.Source),
                    'why': TEXT,
                    'recovered': FLAG,
                    'unrecovered_why': list_of(TEXT),
                }
            )
        ),
    }
)

NOTIFICATION = whole(
    {
        'uuid': UUID,
        'source': TEXT,
        'host': TEXT,
        'layer': LAYER,
        'payload': FREE,
        'generated_at': MOMENT,
        'received_at': MOMENT,
        'state': one_of(models.NotificationState),
        'why': TEXT,
    }
)

INSTANCE_RECOVERIES = whole(
    {
        'recoveries': list_of(
            whole(
                {
                    'uuid': UUID,
                    'workflow': TEXT,
                    'state': TEXT,
                    'why': MAYBE_TEXT,
                    'opened_at': MOMENT,
                    'ended_at': MAYBE_MOMENT,
                }
            )
        ),
        'links': LINKS,
    }
)

RECOVERY = whole(
    {
        'uuid': UUID,
        'workflow': TEXT,
        'subject': TEXT,
        'cluster': MAYBE_TEXT,
        'state': TEXT,
        'state_since': MOMENT,
        'why': TEXT,
        'attempt': WHOLE,
        'held_kind': null_or(one_of(models.HeldKind)),
        'wish': null_or(one_of(models.Wish)),
        'opened_at': MOMENT,
        'turned_at': MOMENT,
        'deadline_at': MAYBE_MOMENT,
        'ended_at': MAYBE_MOMENT,
        'acknowledged_at': MAYBE_MOMENT,
        'claimed_by': MAYBE_TEXT,
    }
    | new_in(
        microversion.LOSSES,
        {'goes_on_when': MAYBE_TEXT, 'looked_at': MAYBE_MOMENT},
    )
)

RECOVERY_DETAILS = more(
    RECOVERY,
    {
        'fault': FREE,
        'history': list_of(
            whole(
                {
                    'at': MOMENT,
                    'from': MAYBE_TEXT,
                    'to': TEXT,
                    'engine': TEXT,
                    'why': TEXT,
                }
            )
        ),
        'evacuations': list_of(
            whole(
                {
                    'uuid': UUID,
                    'instance': UUID,
                    'instance_name': TEXT,
                    'project_id': TEXT,
                    'source': TEXT,
                    'target': MAYBE_TEXT,
                    'destination': MAYBE_TEXT,
                    'state': one_of(models.EvacuationState),
                    'attempt': WHOLE,
                    'migration': null_or(UUID),
                    'requested_at': MAYBE_MOMENT,
                    'ended_at': MAYBE_MOMENT,
                    'why': TEXT,
                }
            )
        ),
    },
)

LOSS = whole(
    {
        'uuid': UUID,
        'instance': UUID,
        'instance_name': TEXT,
        'project_id': TEXT,
        'host': null_or(TEXT),
        'recovery': null_or(UUID),
        'why': null_or(TEXT),
        'since': MOMENT,
        'acknowledged_at': MAYBE_MOMENT,
        'ended_at': MAYBE_MOMENT,
        'ended_how': null_or(one_of(models.LossEnd)),
        'ended_why': null_or(TEXT),
    }
)

SERVICES = whole(
    {
        'services': list_of(
            whole(
                {
                    'name': TEXT,
                    'version': TEXT,
                    'started_at': MOMENT,
                    'turn_at': MOMENT,
                    'deaf': FLAG,
                    'silent': FREE,
                }
                | new_in(
                    microversion.DIAGNOSIS,
                    {'detectors': FREE, 'estimates': FREE},
                )
            )
        ),
        'links': LINKS,
        'warnings': list_of(TEXT),
    }
)

_STANDING = whole(
    {
        'layer': TEXT,
        'state': VERDICT,
        'age_seconds': null_or(NUMBER),
        'detector': MAYBE_TEXT,
        'seen_by': MAYBE_TEXT,
        'certainty': null_or(one_of(faults.Certainty)),
        'network': MAYBE_TEXT,
        'detail': TEXT,
        'conflict': TEXT,
    }
)

LAYERS = whole(
    {
        'host': TEXT,
        'layers': list_of(_STANDING),
        'side_paths': list_of(_STANDING),
        'observations': list_of(
            whole(
                {
                    'layer': TEXT,
                    'verdict': VERDICT,
                    'seen_at': MOMENT,
                    'age_seconds': NUMBER,
                    'stale': FLAG,
                    'detector': TEXT,
                    'seen_by': TEXT,
                    'certainty': one_of(faults.Certainty),
                    'network': TEXT,
                    'detail': TEXT,
                }
            )
        ),
        'degraded': list_of(TEXT),
        'instances': since.mark(
            microversion.OBSERVATIONS, map_of(map_of(WHOLE))
        ),
    }
)

EXPLANATION = whole(
    {
        'host': TEXT,
        'explanation': MAYBE_TEXT,
        'explained_at': MAYBE_MOMENT,
        'stale': FLAG,
    }
)

_SEARCH = whole(
    {
        'expected_seconds': NUMBER,
        'worst_seconds': NUMBER,
        'seconds': map_of(NUMBER),
    }
)

TREE: Schema = {
    'anyOf': [
        whole({'found': list_of(LAYER)}),
        whole(
            {'probe': LAYER, 'failed': named('Tree'), 'healthy': named('Tree')}
        ),
    ],
}

STRATEGY = whole(
    {
        'cluster': TEXT,
        'engine': MAYBE_TEXT,
        'trigger': LAYER,
        'tree': named('Tree'),
        'tree_text': TEXT,
        'serial': _SEARCH,
        'concurrent': _SEARCH,
        'indistinguishable': list_of(list_of(LAYER)),
        'layers': list_of(
            whole(
                {
                    'layer': LAYER,
                    'detectors': list_of(TEXT),
                    'probe_seconds': NUMBER,
                    'probes_measured': WHOLE,
                    'fault_probability': NUMBER,
                    'faults_counted': NUMBER,
                }
            )
        ),
    }
)

POWER = whole({'host': TEXT, 'power': one_of(values.PowerState)})
POWER_ASKED = whole(
    {
        'host': TEXT,
        'wanted': {'enum': ['on', 'off']},
        'warnings': list_of(TEXT),
    }
)

SENSORS = whole(
    {
        'sensors': list_of(
            whole(
                {
                    'name': TEXT,
                    'type': TEXT,
                    'value': null_or(NUMBER),
                    'unit': TEXT,
                    'health': TEXT,
                    'states': list_of(TEXT),
                }
            )
        ),
        'links': LINKS,
    }
)

EVENTS = whole(
    {
        'events': list_of(
            whole(
                {
                    'record': WHOLE,
                    'at': MAYBE_TEXT,
                    'sensor': TEXT,
                    'type': TEXT,
                    'state': TEXT,
                    'asserted': {'type': 'boolean'},
                    'health': TEXT,
                }
            )
        ),
        'links': LINKS,
    }
)

VERSION = whole(
    {
        'id': TEXT,
        'status': TEXT,
        'min_version': TEXT,
        'max_version': TEXT,
        'links': LINKS,
    }
)

_ERROR: Schema = {
    'code': {'type': 'integer'},
    'title': TEXT,
    'message': TEXT,
    'request_id': MAYBE_TEXT,
}

ERROR = whole(
    {
        'error': formats.closed(
            _ERROR
            | {
                'field': TEXT | {'description': 'of a 400: what is wrong'},
                'min_version': TEXT | {'description': 'of a 406'},
                'max_version': TEXT | {'description': 'of a 406'},
            },
            tuple(_ERROR),
        )
    }
)

SCHEMAS: dict[str, Schema] = {
    'AgentKey': whole(
        {
            'name': TEXT,
            'agent_key': AGENT_KEY,
            'warnings': since.mark(microversion.PROTECTION, list_of(TEXT)),
        }
    ),
    'Cluster': CLUSTER,
    'ClusterCreated': more(CLUSTER, {'hosts': list_of(named('HostAdded'))}),
    'Error': ERROR,
    'Explanation': EXPLANATION,
    'Fence': FENCE,
    'Host': HOST,
    'HostAdded': HOST_ADDED,
    'Instance': INSTANCE,
    'InstanceChosen': CHOICE,
    'InstanceRecoveries': INSTANCE_RECOVERIES,
    'Layers': LAYERS,
    'Loss': LOSS,
    'Notification': NOTIFICATION,
    'Power': POWER,
    'PowerAsked': POWER_ASKED,
    'Protection': PROTECTION,
    'Recovery': RECOVERY,
    'RecoveryDetails': RECOVERY_DETAILS,
    'Sensors': SENSORS,
    'Events': EVENTS,
    'Services': SERVICES,
    'Strategy': STRATEGY,
    'Tree': TREE,
    'Version': whole({'version': VERSION}),
    'Versions': whole({'versions': list_of(VERSION)}),
}
"""All that answers are made of."""
