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


"""Whether a BMC is known to be the host's own. Pure."""

from collections.abc import Iterable
import dataclasses
import enum
import ipaddress
from typing import Self
import uuid

from hass.bmc import values

DEFAULTS = frozenset(
    uuid.UUID(text)
    for text in (
        # SMBIOS 3.7, 7.2.1: not present, and not present but may be set.
        '00000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
        # What AMI's Aptio has until somebody sets it; dmidecode of many
        # boards shows it, and GLPI and systemd refuse it as an identity.
        '03000200-0400-0500-0006-000700080009',
        # GLPI's list of invalid UUIDs, from inventories of its users.
        '6ab5b300-538d-1014-9fb5-b0684d007b53',
        '01010101-0101-0101-0101-010101010101',
        # Counted up or written by hand, as samples of firmware have it.
        '00010203-0405-0607-0809-0a0b0c0d0e0f',
        '12345678-1234-5678-90ab-cddeefaabbcc',
        'deadbeef-dead-beef-dead-beefdeadbeef',
    )
)
"""UUIDs that boards carry whose maker set none."""


class Wired(enum.StrEnum):
    """What a mark showed that a host wrote into its own BMC from inside."""

    PROVEN = 'proven'
    """It was read at the address of the host's BMC."""
    WRONG = 'wrong'
    """It was not there: the address leads to another BMC."""
    UNSUPPORTED = 'unsupported'
    """The host or its BMC cannot do it: that says nothing of the wiring."""


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known of a host and its BMC.

    :ivar place: address and port of its BMC; None: it has none
    :ivar guid: what that BMC says of itself; None: nothing
    :ivar system_uuid: what its agent reads in band; None: nothing
    :ivar waived: who vouches for it where nothing proves it; '': nobody
    :ivar wiring: what the last mark showed; None: nothing that holds today
    :ivar wired_guid: what the BMC said of itself when its wiring was proven
    :ivar mac: its MAC address, where its GUID tells nothing; '': it does not
        tell; None: it was not asked
    :ivar former_mac: the same of the BMC of which the rest is known
    """

    name: str
    place: str | None
    guid: str | None
    system_uuid: str | None
    waived: str = ''
    wiring: Wired | None = None
    wired_guid: str | None = None
    mac: str | None = None
    former_mac: str | None = None

    def saying(self, guid: uuid.UUID | str | None, mac: str | None) -> Self:
        """The same with a BMC that says this of itself now."""
        return dataclasses.replace(
            self,
            guid=None if guid is None else str(guid),
            mac=self.mac if mac is None else mac,
        )


def place(address: str, port: int) -> str:
    """Where a BMC is: one text for one place, however it was written."""
    try:
        written = str(ipaddress.ip_address(address))
    except ValueError:
        written = address.lower().rstrip('.')
    return str(values.Address(written, port))


def place_of(address: values.Address | None) -> str | None:
    """The same of what an engine dials; None: there is no BMC."""
    return None if address is None else place(address.host, address.port)


def is_default(guid: str) -> bool:
    """Whether it is one that many systems have, in any order of bytes."""
    return any(values.same_bytes(guid, one) for one in DEFAULTS)


def tells(guid: uuid.UUID | str | None) -> bool:
    """Whether a GUID tells its BMC from others."""
    return guid is not None and not is_default(str(guid))


def is_another(former_mac: str | None, mac: str | None) -> bool:
    """Whether these are the MAC addresses of two BMCs, as far as is known."""
    return None not in {former_mac, mac} and former_mac != mac


def clash(host: Known, others: Iterable[Known]) -> str:
    """Why the BMC is not this host's alone; nobody can waive that."""
    for other in others:
        if other.name == host.name:
            continue
        if host.place is not None and host.place == other.place:
            return f'its BMC at {host.place} is the BMC of {other.name} too'
        if host.mac and host.mac == other.mac:
            return (
                f'its BMC tells the MAC address {host.mac}, as that of '
                f'{other.name} does'
            )
        for guid in (other.guid, other.system_uuid):
            if guid and host.guid and _same(host.guid, guid):
                return (
                    f'its BMC says that it is system {host.guid}, as '
                    f'{other.name} does'
                )
    return ''


class Register:
    """All hosts, so that each need not be held against each other one."""

    def __init__(self, hosts: Iterable[Known]) -> None:
        self._alike: dict[str | bytes, list[Known]] = {}
        for host in hosts:
            for mark in {
                host.place,
                host.mac or None,
                _mark(host.guid),
                _mark(host.system_uuid),
            } - {None}:
                self._alike.setdefault(mark or '', []).append(host)

    def alike(self, host: Known) -> list[Known]:
        """All that clash() may find, and some more."""
        marks: list[str | bytes | None] = [host.place, host.mac or None]
        if tells(host.guid):
            marks.append(_mark(host.guid))
        return [it for mark in marks for it in self._alike.get(mark or '', ())]


def mismatch(host: Known) -> str:
    """Why the BMC is another system's; nobody can waive that either."""
    if host.wiring is Wired.WRONG:
        return (
            'this BMC is not that of this host: what the host wrote into its '
            'own BMC is not in the one at this address'
        )
    if is_another(host.former_mac, host.mac):
        return (
            'another BMC is at its address than before: it tells the MAC '
            f'address {host.mac or "none"}, that one '
            f'told {host.former_mac or "none"}'
        )
    if host.guid is None or host.system_uuid is None:
        return ''
    if is_default(host.guid) or is_default(host.system_uuid):
        return ''
    if values.same_guid(host.guid, host.system_uuid):
        return ''
    return (
        f'the BMC is the one of system {host.guid}, the host says that it is '
        f'{host.system_uuid}'
    )


def foreign(host: Known, others: Iterable[Known]) -> str:
    """Why the BMC is known not to be this host's alone; '': it is not."""
    return clash(host, others) or mismatch(host)


def unknown(host: Known) -> str:
    """Why it cannot be known whose the BMC is: a person may vouch for it.

    A proven wiring tells it too, while the BMC says the same of itself.
    """
    if host.wiring is Wired.PROVEN and host.guid == host.wired_guid:
        return ''
    if host.guid is None:
        return 'its BMC does not say which system it belongs to'
    if is_default(host.guid):
        return f"its BMC says {host.guid}, its maker's default for any system"
    if host.system_uuid is None:
        return 'its agent has not reported which system the host is'
    if is_default(host.system_uuid):
        return f"it says {host.system_uuid}, its maker's default for any host"
    return ''


def doubt(host: Known, others: Iterable[Known]) -> str:
    """Why the BMC is not proved to be the host's own; '': it is."""
    if found := foreign(host, others):
        return found
    return '' if host.waived else unknown(host)


def _mark(guid: str | None) -> bytes | None:
    """The same for the same bytes in any order."""
    try:
        return None if guid is None else bytes(sorted(uuid.UUID(guid).bytes))
    except ValueError:
        return None


def _same(one: str, other: str) -> bool:
    return not is_default(one) and values.same_bytes(one, other)
