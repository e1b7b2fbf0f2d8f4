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

"""A Keystone that knows one user: tokens, a catalog, version documents."""

from collections.abc import Mapping
import dataclasses
import secrets
import threading
from typing import Any

from hass import clock as hass_clock
from hass.simulation import nova_api as api

REGION = 'RegionOne'


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Who may log in."""

    name: str = 'hass'
    password: str = dataclasses.field(default='not a secret', repr=False)
    project: str = 'service'


class Keystone:
    """Hands out tokens (API reference: POST /v3/auth/tokens)."""

    def __init__(self, clock: hass_clock.Clock, user: User) -> None:
        self._clock = clock
        self._user = user
        self._lock = threading.Lock()
        self._tokens: set[str] = set()

    def knows(self, token: str | None) -> bool:
        with self._lock:
            return token in self._tokens

    def tokens(self) -> frozenset[str]:
        """All that are good."""
        with self._lock:
            return frozenset(self._tokens)

    def forget_tokens(self) -> None:
        """As if all tokens had expired."""
        with self._lock:
            self._tokens.clear()

    def version(self, url: str) -> api.JSON:
        """The document at /v3."""
        return {
            'version': {
                'id': 'v3.14',
                'status': 'stable',
                'links': [{'rel': 'self', 'href': url}],
                'media-types': [],
            }
        }

    def log_in(
        self, body: Any, urls: Mapping[str, str]
    ) -> tuple[api.Reply, dict[str, str]]:
        """Answer a log-in, with the headers of the answer.

        :param urls: service type to the URL of its endpoint
        """
        if not self._is_right(body):
            message = 'The request you have made requires authentication.'
            return (
                api.Reply(401, {'error': {'code': 401, 'message': message}}),
                {},
            )
        token = secrets.token_hex(16)
        with self._lock:
            self._tokens.add(token)
        return (
            api.Reply(201, {'token': self._token(urls)}),
            {'X-Subject-Token': token},
        )

    def _is_right(self, body: Any) -> bool:
        try:
            user = body['auth']['identity']['password']['user']
            given = (user['name'], user['password'])
        except (KeyError, TypeError):
            return False
        return given == (self._user.name, self._user.password)

    def _token(self, urls: Mapping[str, str]) -> api.JSON:
        now = self._clock.now()
        domain = {'id': 'default', 'name': 'Default'}
        return {
            'methods': ['password'],
            'issued_at': f'{now.isoformat()}Z',
            'expires_at': f'{now.replace(year=now.year + 1).isoformat()}Z',
            'user': {'id': 'u', 'name': self._user.name, 'domain': domain},
            'project': {
                'id': 'p',
                'name': self._user.project,
                'domain': domain,
            },
            'roles': [{'id': 'admin', 'name': 'admin'}],
            'catalog': [_entry(kind, url) for kind, url in urls.items()],
        }


def _entry(kind: str, url: str) -> api.JSON:
    """A service of the catalog, under one URL on all interfaces."""
    endpoints = [
        {
            'id': interface,
            'interface': interface,
            'region': REGION,
            'region_id': REGION,
            'url': url,
        }
        for interface in ('public', 'internal', 'admin')
    ]
    return {'id': kind, 'name': kind, 'type': kind, 'endpoints': endpoints}
