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

"""HTTP to the services that Nova needs: do they answer?

Asked is what reads a row of theirs, for a service is of no use without its
database. Any answer but a 5xx is one: what we may read there is not asked.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

from keystoneauth1 import adapter
from keystoneauth1 import session as ks_session

from hass import exception
from hass.nova import compute
from hass.nova import door


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """How one service is asked.

    :ivar kind: its type in the catalog
    :ivar version: what its URL ends with, if that does not say a version
    :ivar path: below that
    """

    kind: str
    version: str
    path: str


LOOKS: Mapping[compute.Beside, Look] = {
    compute.Beside.KEYSTONE: Look('identity', '/v3', ''),
    compute.Beside.NEUTRON: Look(
        'network', '/v2.0', '/networks?limit=1&fields=id'
    ),
    # Its URL has a version, and maybe a project, in every catalog.
    compute.Beside.CINDER: Look('block-storage', '', '/volumes?limit=1'),
    compute.Beside.GLANCE: Look('image', '/v2', '/images?limit=1'),
}


class Neighbours:
    """The services of the catalog that Nova needs.

    :param where: interface and region
    :param overrides: URLs that are used in place of the catalog's
    :param call_seconds: until a connection stands
    :param answer_seconds: between two bytes of an answer
    """

    def __init__(
        self,
        session: ks_session.Session,
        where: Mapping[str, Any],
        overrides: Mapping[compute.Beside, str | None],
        call_seconds: float,
        answer_seconds: float,
    ) -> None:
        self._session = session
        self._where = dict(where)
        self._overrides = dict(overrides)
        self._timeout = (call_seconds, answer_seconds)

    def check(self, service: compute.Beside) -> None:
        """See that it answers; a cloud without it has nothing to ask.

        :raises NovaError: each of its kinds
        """
        look = LOOKS[service]
        call = f'ask {service}'
        client = adapter.Adapter(
            session=self._session,
            service_type=look.kind,
            endpoint_override=self._overrides.get(service),
            **self._where,
        )
        endpoint = door.endpoint_of(client, call)
        if endpoint is None:
            return
        with door.said_by(call):
            answer = client.get(
                _url(endpoint, look),
                headers={'Accept': 'application/json'},
                raise_exc=False,
                timeout=self._timeout,
            )
        if answer.status_code >= 500:
            raise exception.NovaFailed(
                call, f'{answer.status_code} {answer.reason or ""}'.strip()
            )


def _url(endpoint: str, look: Look) -> str:
    base = endpoint.rstrip('/')
    if not base.endswith(look.version):
        base += look.version
    return base + look.path
