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

"""Bodies about hosts."""

from hass.api import microversion
from hass.api.schemas import formats
from hass.api import since

_ADDRESSES = {
    'type': 'object',
    'maxProperties': 16,
    'propertyNames': formats.NETWORK,
    'additionalProperties': {
        'type': 'string',
        'format': 'ip',
        'description': 'must be an IPv4 or IPv6 address',
    },
}

_BMC_FIELDS = {
    'address': {
        'type': 'string',
        'format': 'address',
        'description': 'must be an IP address or a host name',
    },
    'port': {'type': 'integer', 'minimum': 1, 'maximum': 65535},
    'username': formats.TEXT,
    'password': formats.TEXT,
}

# A BMC may give a sensor any name; null goes back to the default.
_WATCHED_SENSORS = since.mark(
    microversion.DIAGNOSIS,
    {
        'type': ['array', 'null'],
        'minItems': 1,
        'maxItems': 256,
        'uniqueItems': True,
        'items': formats.SENTENCE,
    },
)

ADD = formats.closed(
    {
        'name': formats.HOST,
        'labels': formats.LABELS,
        'addresses': _ADDRESSES,
        'bmc': formats.closed(_BMC_FIELDS, ('address',)),
        'watched_sensors': _WATCHED_SENSORS,
    },
    ('name',),
)

UPDATE = formats.closed(
    {
        'labels': formats.LABELS,
        'addresses': _ADDRESSES,
        'bmc': formats.closed(_BMC_FIELDS) | {'type': ['object', 'null']},
        'watched_sensors': _WATCHED_SENSORS,
    },
)
