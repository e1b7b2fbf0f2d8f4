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

"""Host network, from outside: who answers a ping. Many at a time."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence

from hass.detection import base
from hass import exception
from hass import faults


class NetworkIcmp(base.Detector):
    """Pings the addresses of hosts, network by network.

    Some hosts, or firewalls before them, forbid pings. So the silence of an
    address is *unknown* until it has once answered: to this object, or
    before its time as remember() is told. From then on it is *failed*.

    :raises hass.exception.ConfigError: by each look, where the system
        allows no pings
    """

    layer = faults.Layer.NETWORK
    seconds = 12.0

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        if tools.pinger is None:
            raise exception.ConfigError('[detection]', 'nothing pings here')
        self._pinger = tools.pinger
        self._answered: set[tuple[str, str]] = set()

    def lacks(self, subject: base.Subject) -> str:
        return '' if subject.networks else 'no address of the host is known'

    def remember(self, host: str, addresses: Iterable[str]) -> None:
        """These addresses of the host have answered once."""
        self._answered.update((host, address) for address in addresses)

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        return self.probe_many([subject])[subject.host]

    def probe_many(
        self, subjects: Collection[base.Subject]
    ) -> dict[str, Sequence[base.Finding]]:
        """Look at many hosts in the time of one; findings by host."""
        answering = self._pinger.answering(
            {
                address
                for subject in subjects
                for address in subject.networks.values()
            }
        )
        for subject in subjects:
            mine = answering.intersection(subject.networks.values())
            self.remember(subject.host, mine)
        return {
            subject.host: [
                self._finding(subject.host, network, address, answering)
                for network, address in sorted(subject.networks.items())
            ]
            for subject in subjects
        }

    def _finding(
        self, host: str, network: str, address: str, answering: frozenset[str]
    ) -> base.Finding:
        if address in answering:
            verdict = faults.Verdict.HEALTHY
            detail = f'{address} answers pings'
        elif (host, address) in self._answered:
            verdict = faults.Verdict.FAILED
            detail = f'{address} answers pings no more'
        else:
            verdict = faults.Verdict.UNKNOWN
            detail = f'{address} never answered a ping: it may be forbidden'
        return base.Finding(verdict, detail, network)
