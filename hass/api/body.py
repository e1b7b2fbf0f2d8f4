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

"""A request's body: JSON, small, and as its schema says."""

import collections
from collections.abc import Callable
from collections.abc import Mapping
import json
from typing import Any

import falcon
import jsonschema

from hass.api.schemas import formats
from hass.api import since
from hass import exception

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
"""Of lists and objects in each other; MariaDB keeps no more than 31."""
CHARSETS = ('utf-8', 'utf8')
Schema = Mapping[str, Any]
NOTHING: Schema = {
    'type': 'object',
    'properties': {},
    'additionalProperties': False,
}


def read(
    req: falcon.Request,
    schema: Schema,
    refuse: Callable[[Any], None] = lambda value: None,
) -> dict[str, Any]:
    """The checked body, of fields that the request's version knows.

    :param refuse: sees the body before the schema does, and raises Invalid
        if it has a better reason
    :raises hass.exception.Invalid: naming the field and what is allowed
    :raises falcon.HTTPError: not JSON in UTF-8 (415), too large (413)
    """
    length = req.content_length or 0
    if length > MAX_BYTES:
        raise falcon.HTTPContentTooLarge(
            description=f'body: {length} bytes; allowed: {MAX_BYTES}'
        )
    if not length:
        raise exception.Invalid('body', 'is missing')
    media, options = falcon.parse_header(req.content_type or '')
    charset = options.get('charset', 'utf-8').lower()
    if media.lower() != 'application/json' or charset not in CHARSETS:
        raise falcon.HTTPUnsupportedMediaType(
            description='Content-Type: allowed is application/json, in UTF-8'
        )
    packed = req.get_header('Content-Encoding', default='identity')
    if packed.lower() != 'identity':
        raise falcon.HTTPUnsupportedMediaType(
            description='Content-Encoding: allowed is identity, for a body '
            'that is not compressed'
        )
    value = _parsed(req.bounded_stream.read(length))
    refuse(value)
    check(value, since.narrowed(schema, req.context.version))
    return dict(value)


def nothing(req: falcon.Request) -> None:
    """The body of an action that takes no argument: none, or ``{}``."""
    if req.content_length:
        read(req, NOTHING)


def check(value: object, schema: Schema) -> None:
    """Hold a value against a schema.

    :raises hass.exception.Invalid: naming the field and what is allowed
    """
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=formats.CHECKER
    )
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is not None:
        raise exception.Invalid(*_explained(error))


def _parsed(raw: bytes) -> Any:
    try:
        value = json.loads(
            raw.decode('utf-8'),
            parse_constant=_no_constant,
            object_pairs_hook=_no_duplicates,
        )
        _check_depth(value)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode('utf-8')
    except RecursionError:
        raise exception.Invalid(
            'body', f'is nested deeper than {MAX_DEPTH}'
        ) from None
    except ValueError as error:
        reason = 'holds a number that JSON does not know'
        if isinstance(error, json.JSONDecodeError):
            reason = f'{error.msg} at line {error.lineno}'
        elif isinstance(error, UnicodeError):
            reason = 'holds bytes or escapes that are no Unicode text'
        raise exception.Invalid('body', f'is not JSON: {reason}') from None
    # No database of ours keeps a NUL in a text.
    if '\\u0000' in text:
        raise exception.Invalid('body', 'holds a NUL character')
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values counts, readers of JSON do not agree on."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = collections.Counter(name for name, _ in pairs)
        twice = min(name for name, count in counts.items() if count > 1)
        raise exception.Invalid(twice, 'is given more than once')
    return found


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _containers_in(one)]
        if not level:
            return
    raise RecursionError


def _containers_in(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    inside = value.values() if isinstance(value, dict) else value
    return [one for one in inside if isinstance(one, dict | list)]


def _explained(error: jsonschema.ValidationError) -> tuple[str, str]:
    """(field, reason): the reason ends with what is allowed, if finite."""
    path = [str(part) for part in error.absolute_path]
    rule: Any = error.validator_value
    schema: Any = error.schema
    found: Any = error.instance
    reason, allowed = error.message, []
    match error.validator:
        case 'additionalProperties':
            known = schema.get('properties', {}).items()
            allowed = sorted(n for n, one in known if one.get('not') != {})
            path.append(min(set(found) - set(allowed)))
            reason = 'unknown field'
        case 'required':
            path.append(next(name for name in rule if name not in found))
            reason = 'is missing'
        case 'enum':
            reason, allowed = 'unknown value', rule
        case 'type':
            reason, allowed = 'wrong type', rule
        case 'minimum' | 'maximum':
            least, most = schema.get('minimum'), schema.get('maximum')
            reason = f'allowed: {least} to {most}'
        case 'minItems':
            reason = 'must not be empty'
            allowed = schema.get('items', {}).get('enum', [])
        case 'maxItems' | 'maxProperties':
            reason = f'holds {len(found)} entries; allowed: {rule} at most'
        case 'uniqueItems':
            reason = 'holds an entry more than once'
        case 'pattern' | 'format' | 'not' | 'maxLength':
            reason = schema.get('description', 'not allowed')
    if allowed:
        listed = [allowed] if isinstance(allowed, str) else allowed
        reason += f'; allowed: {", ".join(listed)}'
    return '.'.join(path) or 'body', reason
