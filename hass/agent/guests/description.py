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


"""What a domain's XML tells of its ports and of its guest agent. Pure."""

from collections.abc import Iterator
import dataclasses
import enum
import ipaddress
from xml.etree import ElementTree

from hass.agent.instances import metadata

AGENT = 'org.qemu.guest_agent.0'
MAX_PORTS = 64
MAX_ADDRESSES = 16
PREFIX = 11
"""So many characters of a port's UUID are in the name of its device."""


class Line(enum.StrEnum):
    """The line of the guest agent."""

    NONE = 'none'
    CLOSED = 'closed'
    """Nothing inside listens."""
    OPEN = 'open'


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """A port of Nova's, and what libvirt made of it.

    :ivar device: its end on the host; '': it has none
    :ivar addresses: IP addresses that Nova gave it
    """

    mac: str
    device: str
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """Of one instance of Nova's."""

    ports: tuple[Port, ...]
    agent: Line


def read(xml: str) -> Description | None:
    """What is missing or broken is left out; None: it is not of Nova."""
    root = metadata.parse(xml)
    if root is None or not metadata.is_signed(root):
        return None
    return Description(tuple(_ports(root)), _agent(root))


def _ports(root: ElementTree.Element) -> Iterator[Port]:
    given = _given(root)
    found = root.findall('devices/interface')[:MAX_PORTS]
    for interface in found:
        mac = _attribute(interface, 'mac', 'address').lower()
        device = _attribute(interface, 'target', 'dev')
        named = interface.find('virtualport/parameters')
        port = named.get('interfaceid', '') if named is not None else ''
        addresses = next(
            (
                given[uuid]
                for uuid in given
                if uuid == port or device.endswith(uuid[:PREFIX])
            ),
            # Without a choice there is no doubt.
            next(iter(given.values()))
            if len(found) == len(given) == 1
            else (),
        )
        if mac and addresses:
            yield Port(mac, device, addresses)


def _given(root: ElementTree.Element) -> dict[str, tuple[str, ...]]:
    """Addresses by the port's UUID, as Nova wrote them."""
    found: dict[str, tuple[str, ...]] = {}
    for port in root.iterfind('metadata/*/{*}ports/{*}port'):
        uuid = port.get('uuid', '')
        if len(uuid) >= PREFIX and len(found) < MAX_PORTS:
            found[uuid] = tuple(_addresses(port))
    return found


def _addresses(port: ElementTree.Element) -> Iterator[str]:
    for each in port.findall('{*}ip')[:MAX_ADDRESSES]:
        try:
            yield str(ipaddress.ip_address(each.get('address', '')))
        except ValueError:
            continue


def _agent(root: ElementTree.Element) -> Line:
    for target in root.iterfind('devices/channel/target'):
        if target.get('name') == AGENT:
            # A domain that does not run has no state.
            is_open = target.get('state') == 'connected'
            return Line.OPEN if is_open else Line.CLOSED
    return Line.NONE


def _attribute(element: ElementTree.Element, tag: str, name: str) -> str:
    child = element.find(tag)
    return '' if child is None else child.get(name, '')
