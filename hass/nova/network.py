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

"""HTTP to Neutron: which of its agents live on a host?"""

from typing import Any

from keystoneauth1 import adapter

from hass import exception
from hass.nova import door
from hass.nova import records

PREFIX = '/v2.0'


class _Client(adapter.LegacyJsonAdapter):
    """Catalogs name the endpoint with and without its version."""

    def get_endpoint(self, *args: Any, **kwargs: Any) -> str | None:
        found: str | None = super().get_endpoint(*args, **kwargs)
        return found and found.rstrip('/').removesuffix(PREFIX)


class Door(door.Door):
    """The same manners, at the network endpoint of the catalog."""

    def _client(self, version: str) -> adapter.LegacyJsonAdapter:
        return _Client(session=self._session, **self._where)


class Network:
    """What HASS asks of Neutron."""

    def __init__(self, network: Door) -> None:
        self._door = network

    def agents(self, host: str) -> list[records.NetworkAgent]:
        """Those of a host; none where there is no Neutron, or it has none.

        :raises NovaError: each of its kinds
        """
        call = f'list the network agents of {host}'
        if not self._door.is_offered(call):
            return []
        try:
            answer = self._door.get(
                call, f'{PREFIX}/agents', '', {'host': host}
            )
        except exception.NovaRefused as error:
            if error.status == 404:
                return []  # It was built without agents.
            raise
        found = answer.get('agents')
        if not isinstance(found, list):
            raise exception.NovaFailed(call, 'the answer holds no agents')
        return [records.NetworkAgent.read(call, one) for one in found]
