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


"""What agents see of the instances on their hosts, and tell of them."""

from collections.abc import Iterator
import dataclasses
import itertools
import typing
import uuid

from hass.agent.guests import sights
from hass.agent.instances import roster
from hass import beats
from hass.db import instance_observations
from hass.engine import endpoint
from hass import faults
from hass.faults import Incident
from hass.faults import Layer
from hass.faults import Verdict
from hass.rpc import messages
from hass.simulation.virtual import hosts

if typing.TYPE_CHECKING:
    from hass.simulation.virtual import cloud as cloud_

BOOT_SECONDS = 5.0
"""From a guest's start until it answers."""
DETECTORS = {
    Layer.INSTANCE: 'instance_libvirt',
    Layer.GUEST_OS: 'guest_agent',
    Layer.GUEST_NETWORK: 'guest_network',
}
ANEW = frozenset({Incident.REBOOTED, Incident.WATCHDOG_RESET})
TOLD = {
    Layer.GUEST_OS: Incident.AGENT_SILENT,
    Layer.GUEST_NETWORK: Incident.NETWORK_LOST,
}


@dataclasses.dataclass(slots=True)
class Known:
    """What an agent knows of one guest: its start, and how it was seen."""

    start: int = 0
    started_at: float = 0.0
    verdicts: dict[Layer, Verdict] = dataclasses.field(default_factory=dict)


class Guests:
    """All agents' eyes.

    :ivar hung: guests that answer nobody, until they are started again
    :ivar mute: guests without a network, until they are started again
    :ivar stubborn: guests that hang again each time, by the host
    :ivar unseen: instances in which nobody looks
    """

    def __init__(self, cloud: 'cloud_.Cloud') -> None:
        self._cloud = cloud
        self._known: dict[tuple[str, str], Known] = {}
        self._backlog: list[tuple[hosts.Host, str, Incident, float]] = []
        self._missed: list[tuple[hosts.Host, str, float]] = []
        self._all_at: dict[str, float] = {}
        self.hung: set[str] = set()
        self.mute: set[str] = set()
        self.stubborn: set[tuple[str, str]] = set()
        self.unseen: set[str] = set()

    def look(self) -> None:
        """Write down what has changed on hosts whose agent runs.

        Now and then agents tell all that they see, changed or not.
        """
        backlog, self._backlog = self._backlog, []
        for told in backlog:
            if self._cloud.reaches_bus(told[0]):
                self._send(*told)
            else:
                self._backlog.append(told)
        missed, self._missed = self._missed, []
        for host, guest, at in missed:
            if guest not in host.host.fallen:
                continue
            if host.agent_killed or not self._cloud.reaches_bus(host):
                self._missed.append((host, guest, at))
            else:
                self._send(host, guest, Incident.KILLED, at)
        for name, host in self._cloud.hosts.items():
            if not self._cloud.reaches_bus(host):
                continue
            if host.host.os_running and not host.agent_killed:
                self._look_at(name, host)

    def _look_at(self, name: str, host: hosts.Host) -> None:
        machine = host.host
        running, fallen = machine.guests, machine.fallen
        known = {one for place, one in self._known if place == name}
        seen: list[instance_observations.Seen] = []
        told: list[tuple[str, Incident]] = []
        tells_all = self._tells_all(name)
        for guest in sorted(known | running, key=self._name):
            memory = self._known.setdefault((name, guest), Known())
            if guest not in running and guest not in fallen:
                del self._known[name, guest]
                seen.append(self._seen(guest, Layer.INSTANCE, Verdict.UNKNOWN))
                continue
            if memory.start != machine.starts[guest]:
                self._begin(name, guest, memory, machine.starts[guest])
                seen += [
                    self._seen(guest, layer, Verdict.UNKNOWN)
                    for layer in self._layers(guest)
                ]
            for layer, verdict in self._verdicts(host, guest, memory):
                was = memory.verdicts.get(layer)
                if was is verdict and not tells_all:
                    continue
                memory.verdicts[layer] = verdict
                seen.append(self._seen(guest, layer, verdict))
                failed = (Verdict.HEALTHY, Verdict.FAILED)
                if (was, verdict) == failed and layer in TOLD:
                    told.append((guest, TOLD[layer]))
        if seen:
            with self._cloud.database.writer() as session:
                instance_observations.put(session, name, seen)
        for guest, incident in told:
            self.tell(host, guest, incident)

    def _tells_all(self, name: str) -> bool:
        now = self._cloud.clock.monotonic()
        if now - self._all_at.setdefault(name, now) < sights.ALL_SECONDS:
            return False
        self._all_at[name] = now
        return True

    def _name(self, guest: str) -> str:
        return self._cloud.nova.servers[guest].name

    def _begin(self, name: str, guest: str, memory: Known, start: int) -> None:
        memory.start = start
        memory.started_at = self._cloud.clock.monotonic()
        memory.verdicts = {}
        if (name, guest) not in self.stubborn:
            self.hung.discard(guest)
            self.mute.discard(guest)

    def _layers(self, guest: str) -> list[Layer]:
        return [Layer.INSTANCE] if guest in self.unseen else list(DETECTORS)

    def _verdicts(
        self, host: hosts.Host, guest: str, memory: Known
    ) -> Iterator[tuple[Layer, Verdict]]:
        runs = guest in host.host.guests and guest not in host.host.halted
        yield Layer.INSTANCE, Verdict.HEALTHY if runs else Verdict.FAILED
        age = self._cloud.clock.monotonic() - memory.started_at
        if not runs or age < BOOT_SECONDS or guest in self.unseen:
            return
        hung, mute = guest in self.hung, guest in self.mute
        yield Layer.GUEST_OS, Verdict.FAILED if hung else Verdict.HEALTHY
        yield (
            Layer.GUEST_NETWORK,
            Verdict.FAILED if hung or mute else Verdict.HEALTHY,
        )

    def _seen(
        self, guest: str, layer: Layer, verdict: Verdict
    ) -> instance_observations.Seen:
        return instance_observations.Seen(
            guest, DETECTORS[layer], layer, verdict, self._cloud.clock.now()
        )

    def forget(self, host: hosts.Host, guest: str) -> None:
        """The agent has nothing to tell of what libvirt lists no more."""
        self._known.pop((host.name, guest), None)

    def obey(self, host: hosts.Host, order: messages.Order) -> None:
        """Resume one that stands still, as the agent does."""
        done, detail = True, 'libvirt lets it go on'
        if not host.units.obeys:
            done, detail = False, '[agent] obey_orders is off here'
        elif order.subject not in host.host.halted:
            done, detail = False, 'it does not stand still for its storage'
        else:
            host.host.halted.discard(order.subject)
        host.units.results.append(messages.OrderResult(order.id, done, detail))

    def tell(self, host: hosts.Host, guest: str, incident: Incident) -> None:
        """The agent's report of an event reaches an engine."""
        now = self._cloud.clock.monotonic()
        if not self._cloud.reaches_bus(host):
            self._backlog.append((host, guest, incident, now))
        elif not host.agent_killed:
            self._send(host, guest, incident, now)
        elif incident in roster.TELLING:
            # At its start the agent lists all domains and tells what it finds.
            self._missed.append((host, guest, now))

    def _send(
        self, host: hosts.Host, guest: str, incident: Incident, at: float
    ) -> None:
        known = self._known.get((host.name, guest))
        if known is not None:
            # It is looked at anew, and told whatever is seen.
            known.verdicts = dict.fromkeys(known.verdicts, Verdict.UNKNOWN)
        now = self._cloud.clock.monotonic()
        if known is not None and incident in ANEW:
            known.started_at = now
        event = messages.InstanceEvent(
            str(uuid.uuid4()), guest, incident, age=now - at
        )
        report = messages.Report(
            host=host.name,
            boot_id=host.boot_id(),
            sequence=0,
            sent_at=beats.wall(self._cloud.clock),
            uptime=now,
            addresses={},
            domains=sorted(host.host.domains),
            system_uuid=host.system_uuid,
            resume_guests=False,
            watchdog='off',
            health={},
            observations=[],
            faults=[],
            events=[event],
        )
        self._cloud.database.write(endpoint.record, report)
        told = (
            engine
            for engine in self._cloud.engines.values()
            if engine.listens() and not engine.no_database
        )
        for engine in itertools.islice(told, 1):
            engine.patrol.ring()


def storage(
    cloud: 'cloud_.Cloud', host: hosts.Host, verdict: Verdict
) -> faults.Observation:
    """What an agent says of its host's storage at this moment."""
    return faults.Observation(
        host.name,
        faults.SidePath.STORAGE,
        'agent:storage_probe',
        verdict,
        cloud.clock.now(),
        detail='no answer' if verdict is Verdict.FAILED else '',
        seen_by=host.name,
        certainty=faults.Certainty.ALLEGED,
    )
