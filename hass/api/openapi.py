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

"""The API described for machines: OpenAPI 3.1, made from its own parts.

Paths and methods are those of the routes, sentences those of the policies,
schemas those that requests are checked with.
"""

from collections.abc import Iterable, Mapping, Sequence
import http
import re
from typing import Any

from hass.api import contracts
from hass.api import microversion
from hass.api.schemas import answers
from hass import naming
from hass import policies

Json = dict[str, Any]
Route = tuple[str, type[Any], str]

METHODS = ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')
TITLE = 'High Availability Service System for OpenStack compute'
ANY_IP = [{'format': 'ipv4'}, {'format': 'ipv6'}]
TOKEN = {'type': 'apiKey', 'in': 'header', 'name': 'X-Auth-Token'}


def document(guarded: Iterable[Route], public: Iterable[Route]) -> Json:
    """The whole description, but where it is served.

    :param guarded: routes that need a token
    :param public: routes that need none
    """
    paths: dict[str, Json] = {}
    for routes, needs_token in ((guarded, True), (public, False)):
        for path, kind, suffix in routes:
            paths[path] = {
                method.lower(): _operation(path, method, kind, needs_token)
                for method in METHODS
                if hasattr(kind, f'on_{method.lower()}_{suffix}')
            }
    described: Json = _published(
        {
            'openapi': '3.1.0',
            'info': {'title': TITLE, 'version': str(microversion.MAX)},
            'security': [{'token': []}],
            'paths': paths,
            'components': {
                'schemas': answers.SCHEMAS,
                'securitySchemes': {'token': TOKEN},
                'parameters': {'version': _version()},
                'headers': _headers(),
                'responses': {
                    _name(status): _refusal(status)
                    for status in (400, 401, 403, 404, 406, 409, 413, 415, 503)
                },
            },
        }
    )
    return described


def _operation(
    path: str, method: str, kind: type[Any], needs_token: bool
) -> Json:
    contract = contracts.CONTRACTS[method, path]
    told: Json = {
        'operationId': _id(path, method),
        'tags': [kind.__name__],
        'summary': contract.about or ' '.join(_sentences(path, method)),
        'responses': {str(contract.status): _answer(contract, needs_token)},
    }
    if not needs_token:
        return told | {'security': []}
    told |= {
        'x-openstack': {'min-ver': str(contract.since)},
        'parameters': [
            {'$ref': '#/components/parameters/version'},
            *_parameters(path, contract),
        ],
    }
    if contract.takes is not None:
        told['requestBody'] = {
            'required': bool(contract.takes['properties']),
            'content': {'application/json': {'schema': contract.takes}},
        }
    told['responses'] |= {
        str(status): {'$ref': f'#/components/responses/{_name(status)}'}
        for status in _refusals(contract)
    }
    return told


def _id(path: str, method: str) -> str:
    words = re.findall('[a-z0-9_]+', path) or ['versions']
    return '_'.join([method.lower(), *words])


def _sentences(path: str, method: str) -> list[str]:
    """What the policies say about the request."""
    wanted = {'method': method, 'path': path}
    return [
        rule.description or ''
        for rule in policies.list_rules()
        if wanted in getattr(rule, 'operations', ())
    ]


def _parameters(path: str, contract: contracts.Contract) -> list[Json]:
    of_path = [
        {
            'name': name,
            'in': 'path',
            'required': True,
            'schema': {'type': 'string', 'minLength': 1},
        }
        for name in re.findall('{([a-z]+)}', path)
    ]
    return of_path + [
        {'name': name, 'in': 'query', 'schema': schema}
        for name, schema in contract.filters.items()
    ]


def _answer(contract: contracts.Contract, needs_token: bool) -> Json:
    names = ['X-OpenStack-Request-Id']
    if needs_token:
        names += [microversion.HEADER, 'Vary']
    told: Json = {
        'description': http.HTTPStatus(contract.status).phrase,
        'headers': {
            name: {'$ref': f'#/components/headers/{name}'} for name in names
        },
    }
    if contract.gives is not None:
        content = {'application/json': {'schema': contract.gives}}
        told['content'] = content
    return told


def _refusals(contract: contracts.Contract) -> Sequence[int]:
    """The statuses of errors."""
    found = [400, 401, 403, 406, 503]
    if contract.missing or contract.since > microversion.MIN:
        found.append(404)
    if contract.conflicts:
        found.append(409)
    if contract.takes is not None:
        found += [413, 415]
    return sorted(found)


def _refusal(status: int) -> Json:
    content = {'application/json': {'schema': answers.named('Error')}}
    told = {
        'description': http.HTTPStatus(status).phrase,
        'content': content,
    }
    if status == 503:
        told['headers'] = {'Retry-After': {'schema': {'type': 'string'}}}
    return told


def _name(status: int) -> str:
    return re.sub('[^A-Za-z]', '', http.HTTPStatus(status).phrase)


def _version() -> Json:
    """Entries of other services are none of our business."""
    minors = range(microversion.MAX.minor + 1)
    versions = [*(str(microversion.Version(1, it)) for it in minors), 'latest']
    spoken = [
        f'{service} {version}'
        for service in (
            microversion.SERVICE_TYPE,
            microversion.FORMER_SERVICE_TYPE,
        )
        for version in versions
    ]
    ours = r'(^|,)\s*[hH][aA]([sS][sS])?(\s|,|$)'
    return {
        'name': microversion.HEADER,
        'in': 'header',
        'schema': {
            'type': 'string',
            'anyOf': [
                {'enum': spoken},
                {'not': {'pattern': ours}},
            ],
            'default': spoken[0],
        },
    }


def _headers() -> Json:
    text = {'schema': answers.TEXT, 'required': True}
    told = {name: dict(text) for name in (microversion.HEADER, 'Vary')}
    told['X-OpenStack-Request-Id'] = {
        'schema': {'type': 'string', 'pattern': '^req-'},
        'required': True,
    }
    return told


def _published(value: Any) -> Any:
    """In the words that every reader of JSON Schema knows."""
    if isinstance(value, Mapping):
        known = {key: _published(one) for key, one in value.items()}
        if known.get('format') == 'ip':
            del known['format']
            known['anyOf'] = ANY_IP
        if known.get('format') == 'address':
            del known['format']
            host_name = naming.HOST_NAME.replace(r'\Z', '$')
            known['anyOf'] = [*ANY_IP, {'pattern': host_name}]
        if known.get('format') == 'visible':
            del known['format']
        if isinstance(known.get('pattern'), str):
            # JSON Schema's own dialect, where $ is the end of the text.
            known['pattern'] = known['pattern'].replace(r'\Z', '$')
        return known
    if isinstance(value, list | tuple):
        return [_published(one) for one in value]
    return value
