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

"""The small types that bodies are made of."""

import datetime
import ipaddress
from typing import Any
import uuid

import jsonschema

from hass import naming

CHECKER = jsonschema.FormatChecker(formats=())


@CHECKER.checks('uuid', raises=ValueError)
def is_uuid(value: object) -> bool:
    """The canonical form only: one thing, one spelling."""
    return not isinstance(value, str) or str(uuid.UUID(value)) == value


@CHECKER.checks('ip', raises=ValueError)
def is_ip(value: object) -> bool:
    if isinstance(value, str):
        ipaddress.ip_address(value)
    return True


@CHECKER.checks('visible')
def is_visible(value: object) -> bool:
    return not isinstance(value, str) or naming.is_visible(value)


@CHECKER.checks('address')
def is_address(value: object) -> bool:
    return not isinstance(value, str) or naming.is_address(value)


@CHECKER.checks('date-time', raises=(ValueError, OverflowError))
def is_moment(value: object) -> bool:
    if isinstance(value, str):
        to_moment(value)
    return True


def to_moment(text: str) -> datetime.datetime:
    """Naive UTC from ISO 8601; without an offset it is UTC already.

    :raises ValueError: it is no moment
    :raises OverflowError: beyond what a calendar holds
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return moment


UUID = {
    'type': 'string',
    'format': 'uuid',
    'description': 'must be a UUID in lower case with dashes',
}

MOMENT = {
    'type': 'string',
    'format': 'date-time',
    'maxLength': 40,
    'description': 'must be a moment in ISO 8601, as 2026-01-31T12:00:00Z',
}

HOST = {
    'type': 'string',
    'pattern': r'^[A-Za-z0-9][A-Za-z0-9._:-]{0,189}\Z',
    'description': 'must be a host name as Nova knows it: 1 to 190 letters, '
    'digits, dots, colons, dashes and underscores',
}

TEXT = {
    'type': 'string',
    'maxLength': 255,
    'pattern': r'^[^\x00]*\Z',
    'description': 'must be at most 255 characters long, none of them NUL',
}

SENTENCE = {
    'type': 'string',
    'maxLength': 255,
    'pattern': r'^(?=[^\x00]*\S)[^\x00]*\Z',
    'description': 'must be 1 to 255 characters long, not blanks alone, none '
    'of them NUL',
}

NETWORK = {
    'type': 'string',
    'pattern': r'^[a-z0-9][a-z0-9_-]{0,62}\Z',
    'description': 'a network is named by 1 to 63 small letters, digits, '
    'dashes and underscores',
}

LABELS = {
    'type': 'object',
    'maxProperties': 64,
    'propertyNames': {
        'pattern': r'^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}\Z',
        'description': 'a label is named by 1 to 63 letters, digits, dots, '
        'slashes, dashes and underscores',
    },
    'additionalProperties': TEXT,
}


def closed(
    properties: dict[str, Any], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An object that holds these fields and no other."""
    return {
        'type': 'object',
        'properties': properties,
        'required': list(required),
        'additionalProperties': False,
    }
