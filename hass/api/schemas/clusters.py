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

"""Bodies about clusters."""

from hass.api import microversion
from hass.api.schemas import formats
from hass.api.schemas import hosts
from hass.api import since
from hass.db import models
from hass.diagnosis import isolation
from hass import entitlement
from hass import faults

_NAME = {
    'type': 'string',
    'pattern': r'^(?!\.{1,2}\Z)[^\x00-\x1f\x7f/?#%]{1,64}\Z',
    'format': 'visible',
    'not': {'pattern': r'^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'},
    'description': 'must be 1 to 64 visible characters without / ? # % and '
    "without blanks at its ends, and must not be '.', '..' or a UUID",
}

_NETWORKS = {
    'type': 'array',
    'uniqueItems': True,
    'maxItems': 16,
    'items': formats.NETWORK,
}

RULE = formats.closed(
    {
        'lost': _NETWORKS | {'minItems': 1},
        'alive': _NETWORKS,
        'action': {'enum': [str(action) for action in isolation.Action]},
    },
    ('lost', 'action'),
)

_FIELDS = {
    'name': _NAME,
    'mode': {'enum': [str(mode) for mode in models.Mode]},
    'layers': {
        'type': 'array',
        'uniqueItems': True,
        'minItems': 1,
        'items': {'enum': [str(layer) for layer in faults.Layer]},
    },
    'shared_storage': {'type': 'boolean'},
    'targets': {'enum': [str(targets) for targets in models.Targets]},
    'protects': since.mark(
        microversion.ENTITLEMENTS,
        {'enum': [str(one) for one in entitlement.Protects]},
    ),
    'isolation': since.mark(
        microversion.DIAGNOSIS,
        {'type': 'array', 'maxItems': 64, 'items': RULE},
    ),
}

CREATE = formats.closed(
    _FIELDS
    | {'hosts': {'type': 'array', 'maxItems': 256, 'items': hosts.ADD}},
    ('name',),
)

UPDATE = formats.closed(_FIELDS)
