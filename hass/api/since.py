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

"""Which microversion brought a field, and how the others do without it.

A schema of a field carries the version that brought it. Requests for earlier
versions may not hold the field, and their answers do not.
"""

from collections.abc import Mapping
from typing import Any

from hass.api import microversion

Schema = Mapping[str, Any]

KEY = 'x-openstack'
"""Readers of JSON Schema pass over it; readers of OpenStack's know it."""


def mark(version: microversion.Version, schema: Schema) -> dict[str, Any]:
    """The same schema, of a field that this version brought."""
    return {**schema, KEY: {'min-ver': str(version)}}


def of(schema: Schema) -> microversion.Version:
    """The version that brought the field."""
    written = schema.get(KEY, {}).get('min-ver')
    if written is None:
        return microversion.MIN
    return microversion.Version(*map(int, written.split('.')))


def why_not(since: microversion.Version, asked: microversion.Version) -> str:
    """The sentence for those who ask an earlier version for it."""
    return (
        f'is new in version {since}, and the request speaks version {asked} '
        f'({microversion.HEADER})'
    )


def narrowed(schema: Any, version: microversion.Version) -> Any:
    """The schema of a body as requests for this version may send it."""
    if isinstance(schema, list | tuple):
        return [narrowed(one, version) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = of(schema)
    if found > version:
        return {'not': {}, 'description': why_not(found, version)}
    return {key: narrowed(one, version) for key, one in schema.items()}


def strip(
    value: Any,
    schema: Schema,
    schemas: Mapping[str, Schema],
    version: microversion.Version,
) -> None:
    """Take out of an answer what this version does not know.

    :param schemas: those that a schema may refer to, by name
    """
    if '$ref' in schema:
        schema = schemas[schema['$ref'].rpartition('/')[2]]
    for one in schema.get('anyOf', ()):
        strip(value, one, schemas, version)
    if isinstance(value, list):
        for entry in value:
            strip(entry, schema.get('items', {}), schemas, version)
    if not isinstance(value, dict):
        return
    for name, field in schema.get('properties', {}).items():
        if name not in value:
            continue
        if of(field) > version:
            del value[name]
        else:
            strip(value[name], field, schemas, version)
