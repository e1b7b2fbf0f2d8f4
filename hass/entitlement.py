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

"""Which instances are protected, and by whose word. Pure: it asks nobody.

One rule for planning a recovery, for the last look before an evacuation and
for what the API shows.
"""

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import enum
import fnmatch
from typing import Protocol

from oslo_utils import strutils

from hass import disks
from hass import guest_layers


class Protects(enum.StrEnum):
    """Which instances on its hosts a cluster protects."""

    CHOSEN = 'chosen'
    """Those that were named over the API."""
    TAGGED = 'tagged'
    """Those too whose metadata says yes."""
    ALL = 'all'
    """All but those whose metadata says no and those of services."""


class Source(enum.StrEnum):
    """Whose word it is that an instance is protected, or is not."""

    INSTANCE = 'instance'
    """It was named over the API."""
    METADATA = 'metadata'
    """Its own metadata say so."""
    SERVICE = 'service'
    """It belongs to a service of the cloud."""
    DISK = 'disk'
    """One of its disks would not survive."""
    CLUSTER = 'cluster'
    """What the cluster protects, or that it is on no host of any."""


class Server(disks.Server, Protocol):
    """What the rule looks at of an instance."""

    @property
    def uuid(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def project_id(self) -> str: ...

    @property
    def metadata(self) -> Mapping[str, str]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Entitlement:
    """Whether an instance is protected, and why."""

    protected: bool
    source: Source
    why: str


NOWHERE = Entitlement(
    False, Source.CLUSTER, 'it is on no host of a cluster now'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What operators say of tags and services: options [protection].

    :ivar metadata_key: by which an instance says yes or no
    :ivar service_projects: IDs of projects that services own
    :ivar service_names: patterns as of a shell, of names that services give
    :ivar service_metadata_keys: keys that only services' instances have
    :ivar layers_key: by which an instance says which of its layers count
    """

    metadata_key: str
    service_projects: Collection[str] = ()
    service_names: Sequence[str] = ()
    service_metadata_keys: Sequence[str] = ()
    layers_key: str = 'HA_Layers'

    def of(
        self,
        server: Server,
        protects: Protects,
        *,
        chosen: bool,
        shared_storage: bool,
    ) -> Entitlement:
        """The first that has a word on it decides.

        It was chosen; its cluster protects the chosen only; its metadata;
        the service that owns it; its cluster. What would be protected
        without having been chosen, and has a disk on its host, is not:
        fencing the host would not help it. What was chosen had disks that
        survive, and stays protected: planning holds it if need be.
        """
        if chosen:
            return Entitlement(
                True, Source.INSTANCE, 'its project, or an operator, chose it'
            )
        if protects is Protects.CHOSEN:
            return Entitlement(
                False, Source.CLUSTER, 'its cluster protects chosen instances'
            )
        found = (
            self._by_metadata(server)
            or self._by_service(server, protects)
            or Entitlement(
                protects is Protects.ALL,
                Source.CLUSTER,
                f'its cluster protects {protects} instances'
                + self._unreadable(server),
            )
        )
        lost = disks.lost(server, shared_storage=shared_storage)
        if found.protected and lost:
            return Entitlement(
                False,
                Source.DISK,
                f'{lost}, and its cluster declares no shared storage',
            )
        return found

    def guest_layers(
        self, server: Server, layers: Collection[str]
    ) -> guest_layers.Applied:
        """Which layers of an instance count.

        :param layers: those that its cluster protects
        """
        return guest_layers.of(layers, server.metadata, self.layers_key)

    def _by_metadata(self, server: Server) -> Entitlement | None:
        """What it says of itself; None when that is neither yes nor no."""
        value = server.metadata.get(self.metadata_key, '')
        try:
            yes = strutils.bool_from_string(value, strict=True)
        except ValueError:
            return None
        return Entitlement(
            yes,
            Source.METADATA,
            f'its metadata have {self.metadata_key}={value.strip()}',
        )

    def _unreadable(self, server: Server) -> str:
        if self.metadata_key not in server.metadata:
            return ''
        return f', and its {self.metadata_key} is neither yes nor no'

    def _by_service(
        self, server: Server, protects: Protects
    ) -> Entitlement | None:
        if protects is not Protects.ALL:
            return None
        mark = self._service_mark(server)
        if not mark:
            return None
        return Entitlement(
            False, Source.SERVICE, f'it belongs to a service: {mark}'
        )

    def _service_mark(self, server: Server) -> str:
        """By what an instance of a service is known; '' for any other."""
        if server.project_id in self.service_projects:
            return f'project {server.project_id}'
        for key in self.service_metadata_keys:
            if key in server.metadata:
                return f'metadata {key}'
        for pattern in self.service_names:
            if fnmatch.fnmatchcase(server.name, pattern):
                return f'named as {pattern}'
        return ''
