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

"""Who sends what is not believed: with a wrong key, or under a wrong name.

Engines hear them and write them into their rows of ``services``. Pure code.
"""

import collections
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import contextlib
import dataclasses
import ipaddress
from typing import Any
from typing import Self


@dataclasses.dataclass(frozen=True, slots=True)
class Stranger:
    """Who signs with no key of the host that it says it is.

    :ivar name: the host that it says it is; visible ASCII, unless it is known
    :ivar known: there is such a host, and it has other keys
    :ivar address: where its beats come from; '': it was heard over the bus
        alone
    """

    name: str
    known: bool
    address: str = ''

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What to_dict() made."""
        return cls(**values)

    @property
    def sending(self) -> str:
        """What arrives of it, and from where."""
        if self.address:
            return f'beats arrive from {self.address}'
        return 'reports arrive over the message bus'


class Sentences:
    """What is to be said of them, whichever engines heard them.

    :param rows: what each engine wrote
    """

    def __init__(
        self, rows: Iterable[Iterable[Mapping[str, Any]] | None]
    ) -> None:
        found = {Stranger.from_dict(one) for row in rows for one in row or ()}
        placed = {(one.name, one.known) for one in found if one.address}
        self._of_name = collections.defaultdict[str, list[Stranger]](list)
        self._of_address = collections.defaultdict[str, list[Stranger]](list)
        for one in sorted(found, key=dataclasses.astuple):
            if not one.address and (one.name, one.known) in placed:
                # Another engine knows more of it.
                continue
            if one.known:
                self._of_name[one.name].append(one)
            else:
                self._of_address[one.address].append(one)

    def of_host(self, name: str, addresses: Collection[str]) -> list[str]:
        """Sentences, without a full stop, about one host.

        :param addresses: of the host
        """
        wrong_keys = [
            f'{one.sending}, signed with a key that is not its own'
            for one in self._of_name.get(name, ())
        ]
        wrong_names = [
            f'beats arrive from its address {address} in the name of '
            f"'{one.name}', which is no host of HASS"
            for address in sorted({plain(each) for each in addresses})
            for one in self._of_address.get(address, ())
        ]
        return wrong_keys + wrong_names

    def of_nobody(self, hosts: Collection[str]) -> list[str]:
        """Sentences about names that no host has.

        :param hosts: names of hosts, which engines may have learnt since
        """
        return [
            f"{one.sending} in the name of '{one.name}', which is no host of "
            'HASS'
            for found in self._of_address.values()
            for one in found
            if one.name not in hosts
        ]

    @property
    def names(self) -> set[str]:
        """Names that no host had when they were heard."""
        return {
            one.name for found in self._of_address.values() for one in found
        }


def plain(address: str) -> str:
    """One text for one address, however it was written."""
    with contextlib.suppress(ValueError):
        found = ipaddress.ip_address(address)
        mapped = getattr(found, 'ipv4_mapped', None)
        return str(mapped or found)
    return address
