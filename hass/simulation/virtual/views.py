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

"""How far one engine sees: which wires lead to it."""

from collections.abc import Collection
from collections.abc import Mapping

from hass import clock as clock_
from hass import exception
from hass.fencing import base as fencing
from hass.simulation.virtual import hosts as hosts_


class View:
    """What is cut off from one engine.

    :ivar cut: networks of the engine's own that are dark
    :ivar apart: hosts on the other side of a partition
    :ivar no_bmcs: the network of the BMCs is dark
    """

    def __init__(self) -> None:
        self.cut: set[str] = set()
        self.apart: set[str] = set()
        self.no_bmcs = False

    def reaches(self, host: str, network: str) -> bool:
        return host not in self.apart and network not in self.cut


class Pinger:
    """Addresses are NETWORK/HOST; a host without a system answers nothing."""

    def __init__(
        self, hosts: Mapping[str, hosts_.Host], view: View | None = None
    ) -> None:
        self._hosts = hosts
        self._view = view or View()

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        return frozenset(
            address
            for address in addresses
            for network, name in [address.split('/')]
            if network in self._hosts[name].reachable_on()
            and self._view.reaches(name, network)
        )


class Bmcs(fencing.Fencer):
    """The BMCs, as far as an engine reaches them."""

    def __init__(self, bmcs: fencing.Fencer, view: View) -> None:
        self._bmcs = bmcs
        self._view = view

    def _check(self, target: fencing.Target) -> None:
        if self._view.no_bmcs:
            raise exception.BmcUnreachable(target.name, 'no answer in 2 s')

    def status(self, target: fencing.Target) -> fencing.PowerState:
        self._check(target)
        return self._bmcs.status(target)

    def read(self, target: fencing.Target) -> fencing.Reading:
        self._check(target)
        return self._bmcs.read(target)

    def read_marked(self, target: fencing.Target) -> fencing.Reading:
        self._check(target)
        return self._bmcs.read_marked(target)

    def off(self, target: fencing.Target, deadline: clock_.Deadline) -> None:
        self._check(target)
        self._bmcs.off(target, deadline)

    def on(self, target: fencing.Target, deadline: clock_.Deadline) -> None:
        self._check(target)
        self._bmcs.on(target, deadline)
