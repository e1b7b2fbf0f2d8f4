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

"""A Placement that knows the providers of the simulated Nova: names, traits.

It refuses what the real one refuses (handlers/trait.py): a provider that
it does not know, a generation that is no longer the newest.
"""

from collections.abc import Mapping
import re
from typing import Any

from hass.simulation import nova_api as api
from hass.simulation import nova_cloud
from hass.simulation import nova_rows as rows
from hass.simulation import nova_views as views

_INVENTORIES = re.compile(r'/resource_providers/([^/]+)/inventories')
_TRAITS = re.compile(r'/resource_providers/([^/]+)/traits')


class Placement:
    """Answers for the providers of one cloud."""

    def __init__(self, cloud: nova_cloud.Cloud) -> None:
        self._cloud = cloud

    def answer(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> api.Reply:
        """Answer one request."""
        with self._cloud.lock:
            if (method, path) == ('GET', '/resource_providers'):
                if 'in_tree' in query:
                    return self._tree(query['in_tree'])
                return self._list(query.get('name'))
            match = _INVENTORIES.fullmatch(path)
            if match is not None and method == 'GET':
                return self._inventories(match[1])
            if (method, path) == ('GET', '/allocation_candidates'):
                return self._candidates()
            match = _TRAITS.fullmatch(path)
            if match is None or method not in ('GET', 'PUT'):
                return refusal(404, 'The resource could not be found.')
            provider = self._provider(match[1])
            if provider is None:
                return refusal(404, f'No resource provider {match[1]}')
            if method == 'PUT':
                return self._set(provider, body)
            return api.Reply(200, views.traits(provider))

    def _provider(self, uuid: str) -> rows.Provider | None:
        for compute in self._cloud.computes.values():
            if compute.provider.uuid == uuid:
                return compute.provider
        return None

    def _list(self, name: str | None) -> api.Reply:
        found = [
            {'uuid': one.provider.uuid, 'name': one.host.name}
            for one in self._cloud.computes.values()
            if name in (None, one.host.name)
        ]
        return api.Reply(200, {'resource_providers': found})

    def _tree(self, uuid: str) -> api.Reply:
        found = [
            {'uuid': provider.uuid}
            for one in self._cloud.computes.values()
            if uuid in (one.provider.uuid, one.devices.uuid)
            for provider in (one.provider, one.devices)
        ]
        return api.Reply(200, {'resource_providers': found})

    def _inventories(self, uuid: str) -> api.Reply:
        for one in self._cloud.computes.values():
            for provider in (one.provider, one.devices):
                if provider.uuid == uuid:
                    return api.Reply(200, views.inventories(provider))
        return refusal(404, f'No resource provider {uuid}')

    def _candidates(self) -> api.Reply:
        """At 1.12 or later; all servers are of one size."""
        found = [
            {'allocations': {one.provider.uuid: {'resources': {'VCPU': 1}}}}
            for one in self._cloud.with_room()
        ]
        return api.Reply(200, {'allocation_requests': found})

    @staticmethod
    def _set(provider: rows.Provider, body: Any) -> api.Reply:
        if not isinstance(body, dict) or set(body) != {
            'traits',
            'resource_provider_generation',
        }:
            return refusal(400, 'JSON does not validate')
        if body['resource_provider_generation'] != provider.generation:
            return refusal(409, 'Resource provider generation conflict')
        provider.set_traits(set(body['traits']))
        return api.Reply(200, views.traits(provider))


def refusal(status: int, detail: str) -> api.Reply:
    """An error body as Placement makes it."""
    return api.Reply(
        status, {'errors': [{'status': status, 'detail': detail}]}
    )
