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

"""[webhooks]: HTTP servers that are told what happens."""

import dataclasses
import re
from typing import Any
from urllib import parse

from oslo_config import cfg
from oslo_config import types

LEAST_SECRET = 32
NAME = re.compile(r'[a-z0-9_.-]{1,40}')


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """A server by its name; its URL is not shown, it may hold a secret."""

    name: str
    url: str = dataclasses.field(repr=False)


class EndpointType(types.ConfigType):
    """name=URL."""

    def __init__(self) -> None:
        super().__init__(type_name='name=URL')

    def __call__(self, value: Any) -> Endpoint:
        if isinstance(value, Endpoint):
            return value
        name, _equals, url = str(value).strip().partition('=')
        if not NAME.fullmatch(name):
            raise ValueError(
                'a name of small letters, digits, dots and dashes, then "=", '
                'then a URL'
            )
        parts = parse.urlsplit(url)
        if parts.scheme not in ('http', 'https') or not parts.hostname:
            raise ValueError(f'the URL of {name} must be of http or https')
        return Endpoint(name, url)

    def __repr__(self) -> str:
        return 'name=URL'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EndpointType)

    def __hash__(self) -> int:
        return hash(type(self))

    def _formatter(self, value: Endpoint) -> str:
        return f'{value.name}=***'


OPTIONS: list[cfg.Opt] = [
    cfg.MultiOpt(
        'endpoint',
        item_type=EndpointType(),
        secret=True,
        help='A server that engines post each transition and each alarm to, '
        'as name=URL; the name is what logs and metrics show. May be given '
        'several times. Every engine needs the same ones: whichever is first '
        'delivers.',
    ),
    cfg.StrOpt(
        'secret',
        secret=True,
        help='What posts are signed with, at least '
        f'{LEAST_SECRET} characters; the servers need it to tell them from '
        'forged ones. Needed when there is an endpoint.',
    ),
    cfg.FloatOpt(
        'seconds',
        default=10.0,
        min=1.0,
        max=20.0,
        help='How long a server may take to answer.',
    ),
    cfg.IntOpt(
        'give_up_seconds',
        default=86400,
        min=60,
        help='What could not be delivered for so long is dropped, with an '
        'ERROR line. It goes for the message bus as well.',
    ),
    cfg.StrOpt(
        'ca_file',
        help='Authorities (PEM) whose certificates the servers have; those of '
        'the system when it is not set.',
    ),
]
