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

"""The services of a host as its systemd and its libvirt tell of them."""

import dataclasses
import enum

from hass import faults
from hass.rpc import messages
from hass.simulation import nova_host

COMPUTE, LIBVIRT = faults.SidePath.COMPUTE, faults.SidePath.LIBVIRT
LOOKS = {
    COMPUTE: ('compute_systemd',),
    LIBVIRT: ('libvirt_systemd', 'libvirt_keepalive'),
}


class Run(enum.StrEnum):
    """How a service runs; the words are those of systemd."""

    ACTIVE = 'active'
    HUNG = 'hung'
    """systemd takes it for active."""
    FAILED = 'failed'
    STOPPED = 'inactive'


@dataclasses.dataclass(slots=True)
class Unit:
    """One service.

    :ivar sticks: it fails again in the moment in which it is restarted
    """

    run: Run = Run.ACTIVE
    sticks: bool = False


class Units:
    """nova-compute and libvirtd of one host.

    :ivar storage: what its agent sees of its storage; None: it does not look
    :ivar touched: something befell them: before that nobody tells of them
    :ivar obeys: root lets the agent do what engines order
    :ivar restarts: how often they were restarted by order
    """

    def __init__(self, host: nova_host.Host) -> None:
        self._host = host
        self._boots = host.boots
        self._units = {COMPUTE: Unit(), LIBVIRT: Unit()}
        self.touched = False
        self.storage: faults.Verdict | None = None
        self.obeys = True
        self.restarts = 0
        self.results: list[messages.OrderResult] = []

    def set(
        self, path: faults.SidePath, run: Run, *, sticks: bool = False
    ) -> None:
        """Something befalls a service, or somebody sees to it."""
        self.touched = True
        self._boot()
        self._units[path] = Unit(run, sticks)
        if path is COMPUTE and run is Run.ACTIVE:
            self._host.start_nova_compute()
        elif path is COMPUTE:
            self._host.kill_nova_compute()

    def _boot(self) -> None:
        """Everything starts when the host does, but what is broken."""
        if self._host.boots == self._boots:
            return
        self._boots = self._host.boots
        for unit in self._units.values():
            unit.run = Run.FAILED if unit.sticks else Run.ACTIVE

    def obey(self, order: messages.Order) -> None:
        """Carry an order out as the agent does; its result waits."""
        self._boot()
        path = faults.SidePath(order.subject)
        unit = self._units[path]
        done, detail = True, f'{path} is {unit.run}; systemd restarts it'
        if not self.obeys:
            done, detail = False, '[agent] obey_orders is off here'
        elif unit.run is Run.STOPPED:
            done, detail = False, f'{path} is {unit.run}: it is left alone'
        else:
            self.restarts += 1
            if not unit.sticks:
                self.set(path, Run.ACTIVE)
        self.results.append(messages.OrderResult(order.id, done, detail))

    def sights(self) -> list[messages.Sight]:
        """What the detectors of the agent see now."""
        self._boot()
        storage = []
        if self.storage is not None:
            path = faults.SidePath.STORAGE
            storage.append(
                messages.Sight(path, 'storage_file', self.storage, 0.2)
            )
        if not self.touched:
            return storage
        return storage + [
            messages.Sight(
                path,
                detector,
                verdict(self._units[path].run, detector),
                0.2,
                detail=f'{path} is {self._units[path].run}',
            )
            for path in LOOKS
            for detector in LOOKS[path]
        ]

    def runs(self, path: faults.SidePath) -> bool:
        """Whether a service answers."""
        self._boot()
        return self._units[path].run is Run.ACTIVE

    def failing(self) -> bool:
        """Whether a detector of the agent sees something dead."""
        return any(
            one.verdict is faults.Verdict.FAILED for one in self.sights()
        )


def verdict(run: Run, detector: str) -> faults.Verdict:
    """What a detector makes of a service that runs like this."""
    if run is Run.ACTIVE:
        return faults.Verdict.HEALTHY
    if detector == 'libvirt_keepalive' or run is Run.FAILED:
        return faults.Verdict.FAILED
    if run is Run.HUNG:
        return faults.Verdict.HEALTHY
    return faults.Verdict.UNKNOWN
