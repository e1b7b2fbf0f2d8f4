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


"""Whether guests answer on their networks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
import dataclasses
import ipaddress
from typing import Protocol

from hass.agent.guests import arp
from hass.agent.guests import description
from hass.agent.guests import namespaces
from hass import clock as clocks
from hass.detection import pings

LOOK_SECONDS = 1.0
"""So long a guest may take to answer."""
PLACES_SECONDS = 30.0
"""Namespaces, and which networks they are in, are looked up so often."""

Ports = Sequence[description.Port]


class Network(Protocol):
    """What the watch wants of it."""

    def answering(
        self, guests: Mapping[str, Ports], pinged: Collection[str]
    ) -> Mapping[str, str]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class _Ping:
    place: str
    guest: str
    address: str
    mac: str


class HostNetwork:
    """Asks by ARP at the guests' own devices, else by pings.

    Pings are sent from namespaces that are in the guest's network: those
    that Neutron made, or the host's own. Tenants may have the same addresses:
    an answer counts if that namespace knows the address by the hardware
    address of the guest's port.
    """

    def __init__(
        self, clock: clocks.Clock, folder: str = namespaces.FOLDER
    ) -> None:
        self._clock = clock
        self._folder = folder
        self._taps = arp.Taps(clock)
        self._pinger = pings.Pinger(LOOK_SECONDS, 2, clock)
        self._places: dict[str, list[ipaddress.IPv4Network]] = {}
        self._looked_up_at = -PLACES_SECONDS

    def answering(
        self, guests: Mapping[str, Ports], pinged: Collection[str]
    ) -> Mapping[str, str]:
        """How each guest that answers does so.

        :param guests: ports by UUID
        :param pinged: who is pinged too, if ARP is not answered
        :raises OSError, hass.exception.ConfigError: the rest cannot be asked
        """
        found = self._answer_arp(guests)
        rest = {
            uuid: guests[uuid]
            for uuid in pinged
            if uuid in guests and uuid not in found
        }
        return {**found, **(self._answer_pings(rest) if rest else {})}

    def close(self) -> None:
        self._taps.close()

    def _answer_arp(self, guests: Mapping[str, Ports]) -> dict[str, str]:
        questions = {
            arp.question(port.device, port.mac, address): (uuid, address)
            for uuid, ports in guests.items()
            for port in ports
            for address in port.addresses
            if port.device and _is_ipv4(address)
        }
        answered = self._taps.answered(questions.keys(), LOOK_SECONDS)
        return {
            uuid: f'{address} answers ARP'
            for uuid, address in map(questions.__getitem__, answered)
        }

    def _answer_pings(self, guests: Mapping[str, Ports]) -> dict[str, str]:
        self._look_up()
        asked: dict[str, list[_Ping]] = {}
        for each in self._pings(guests):
            asked.setdefault(each.place, []).append(each)
        try:
            answers = self._pinger.answering_from(
                [
                    (namespaces.within(place), {one.address for one in some})
                    for place, some in asked.items()
                ]
            )
            return {
                one.guest: f'{one.address} answers pings'
                for (place, some), answered in zip(
                    asked.items(), answers, strict=True
                )
                for one in _proved(place, some, answered)
            }
        except OSError:
            # A namespace is gone: the next look knows those that are left.
            self._looked_up_at = -PLACES_SECONDS
            raise

    def _pings(self, guests: Mapping[str, Ports]) -> Iterator[_Ping]:
        for uuid, ports in guests.items():
            for port in ports:
                for address in filter(_is_ipv4, port.addresses):
                    number = ipaddress.IPv4Address(address)
                    for place, nets in self._places.items():
                        if any(number in net for net in nets):
                            yield _Ping(place, uuid, address, port.mac)

    def _look_up(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked_up_at < PLACES_SECONDS:
            return
        self._places = {}
        for path in (namespaces.HERE, *namespaces.found(self._folder)):
            try:
                with namespaces.within(path):
                    self._places[path] = namespaces.subnets()
            except OSError:
                continue  # It was removed, or is not for us.
        self._looked_up_at = now


def _proved(
    place: str, some: Sequence[_Ping], answered: frozenset[str]
) -> Iterator[_Ping]:
    """Those that were answered by the guest, and by no other."""
    if not answered:
        return
    with namespaces.within(place):
        known = namespaces.neighbours()
    for one in some:
        if one.address in answered and known.get(one.address) == one.mac:
            yield one


def _is_ipv4(address: str) -> bool:
    return '.' in address and ':' not in address
