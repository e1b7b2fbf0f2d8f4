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

"""Bodies about notifications."""

from hass.api.schemas import formats
from hass import faults

CREATE = formats.closed(
    {
        'source': {
            'type': 'string',
            'pattern': r'^(?!engine\Z)[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}\Z',
            'description': 'must be 1 to 64 letters, digits, dots, colons, '
            'slashes, dashes and underscores, and not engine, which is HASS '
            'itself',
        },
        'host': formats.HOST,
        'layer': {'enum': [str(layer) for layer in faults.Layer]},
        'generated_at': formats.MOMENT,
        'payload': {'type': 'object', 'maxProperties': 64},
    },
    ('source', 'host', 'layer', 'generated_at'),
)
