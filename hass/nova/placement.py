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

"""HTTP to Placement: what does a host give, and may instances go there?

The trait COMPUTE_STATUS_DISABLED keeps the scheduler off a host
(scheduler/request_filter.py, compute_status_filter). nova-compute sets it
from its service record at each update of its resources
(compute/resource_tracker.py), so what is left behind heals by itself.
Disabling the *service* would do the same, but Nova waits for an RPC of a
host that hangs: rpc_response_timeout, a minute as a rule.
"""

import collections
from collections.abc import Callable, Mapping

from keystoneauth1 import adapter

from hass import clock
from hass import exception
from hass.nova import door
from hass.nova import records

DISABLED = 'COMPUTE_STATUS_DISABLED'
VERSION = '1.6'
"""Traits of a provider."""
CANDIDATES = '1.12'
"""Candidates, each with what it gives by the UUID of the provider."""
TREE = '1.14'
"""The providers below another one."""
MOST = 1000


class Door(door.Door):
    """The same manners, at the placement endpoint of the catalog."""

    def _client(self, version: str) -> adapter.LegacyJsonAdapter:
        return adapter.LegacyJsonAdapter(
            session=self._session, default_microversion=version, **self._where
        )


class Placement:
    """What HASS asks of Placement."""

    def __init__(self, placement: Door) -> None:
        self._door = placement

    def answer(self) -> None:
        """See that it answers, and its database behind it.

        :raises NovaError: each of its kinds
        """
        self._door.get(
            'ask Placement', '/resource_providers', VERSION, {'name': '-'}
        )

    def is_open(self, provider: str) -> bool:
        """Whether the scheduler may put instances on the provider."""
        return DISABLED not in self._traits(provider)[0]

    def close(self, provider: str, deadline: clock.Deadline) -> None:
        """Keep new instances off."""
        self._change(provider, lambda traits: traits | {DISABLED}, deadline)

    def open(self, provider: str, deadline: clock.Deadline) -> None:
        """Take the trait away again."""
        self._change(provider, lambda traits: traits - {DISABLED}, deadline)

    def candidates(self, resources: Mapping[str, int]) -> list[str]:
        """Providers that have room, in Placement's own order.

        :param resources: how much of each resource class
        :raises NovaError: each of its kinds
        """
        call = 'ask for allocation candidates'
        wanted = ','.join(f'{one}:{n}' for one, n in resources.items())
        found = self._door.get(
            call,
            '/allocation_candidates',
            CANDIDATES,
            {'resources': wanted, 'limit': str(MOST)},
        ).get('allocation_requests')
        if not isinstance(found, list):
            raise exception.NovaFailed(call, 'the answer holds no candidates')
        given: dict[str, None] = {}
        for one in found:
            given |= dict.fromkeys(_providers(call, one))
        return list(given)

    def inventory(self, provider: str) -> dict[str, int]:
        """How much a provider and those below it give, by resource class.

        What is reserved there is left out: that is how Nova takes a device
        out of use that somebody still holds.

        :raises NovaError: each of its kinds
        """
        call = f'list the providers below {provider}'
        found = self._door.get(
            call, '/resource_providers', TREE, {'in_tree': provider}
        ).get('resource_providers')
        if not isinstance(found, list):
            raise exception.NovaFailed(call, 'the answer holds no providers')
        total: collections.Counter[str] = collections.Counter()
        for one in found:
            total.update(self._usable(records.Record(call, one).text('uuid')))
        return dict(total)

    def _usable(self, provider: str) -> dict[str, int]:
        call = f'read the inventories of {provider}'
        path = f'/resource_providers/{provider}/inventories'
        found = self._door.get(call, path, TREE).get('inventories')
        if not isinstance(found, Mapping):
            raise exception.NovaFailed(call, 'the answer holds no inventories')
        kinds = {
            str(name): records.Record(call, one) for name, one in found.items()
        }
        return {
            name: one.number('total') - one.number('reserved')
            for name, one in kinds.items()
        }

    def _traits(self, provider: str) -> tuple[frozenset[str], int]:
        call = f'read traits of {provider}'
        body = self._door.get(call, _path(provider), VERSION)
        traits = body.get('traits')
        generation = body.get('resource_provider_generation')
        if not isinstance(traits, list) or not isinstance(generation, int):
            raise exception.NovaFailed(call, 'the answer holds no traits')
        return frozenset(map(str, traits)), generation

    def _change(
        self,
        provider: str,
        change: Callable[[frozenset[str]], frozenset[str]],
        deadline: clock.Deadline,
    ) -> None:
        """Somebody may write meanwhile: their 409 is answered once."""
        for again in (True, False):
            traits, generation = self._traits(provider)
            if change(traits) == traits:
                return
            try:
                self._put(provider, change(traits), generation, deadline)
            except exception.NovaRefused as error:
                if error.status != 409 or not again:
                    raise
            else:
                return

    def _put(
        self,
        provider: str,
        traits: frozenset[str],
        generation: int,
        deadline: clock.Deadline,
    ) -> None:
        self._door.act(
            f'set traits of {provider}',
            'PUT',
            _path(provider),
            VERSION,
            {
                'traits': sorted(traits),
                'resource_provider_generation': generation,
            },
            deadline,
        )


def _providers(call: str, request: object) -> list[str]:
    """The providers of one allocation request."""
    told = request.get('allocations') if isinstance(request, Mapping) else None
    if not isinstance(told, Mapping):
        raise exception.NovaFailed(call, 'a candidate holds no allocations')
    return list(map(str, told))


def _path(provider: str) -> str:
    return f'/resource_providers/{provider}/traits'
