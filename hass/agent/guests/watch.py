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


"""Looks at the instances of this host: their domains, agents and networks.

Each of three kinds of loops has threads of its own: a guest that hangs, or
a libvirtd, holds up nobody else.
"""

from collections.abc import Callable, Collection, Mapping
import contextlib
import dataclasses
import logging
import math
import queue
import threading
import uuid as uuids

from hass.agent.guests import condition
from hass.agent.guests import description
from hass.agent.guests import hypervisor as hypervisors
from hass.agent.guests import learning
from hass.agent.guests import network as networks
from hass.agent.guests import sights
from hass.agent.instances import teller
from hass import clock as clocks
from hass import exception
from hass.faults import Incident
from hass.faults import Layer
from hass.faults import Verdict

LOG = logging.getLogger(__name__)

AGENT, NETWORK = 'agent', 'network'
LIBVIRT, QGA, NET = 'instance_libvirt', 'guest_os_qga', 'guest_network'
LIST_SECONDS = 5.0
"""All domains are listed so often."""
DESCRIBE_SECONDS = 300.0
"""What a domain's XML said is believed for so long."""
ASKERS = 4
"""So many agents are asked at a time: one that hangs keeps a thread here, and
one of libvirtd's twenty, for seconds."""
AGENT_SECONDS = 20.0
"""Each agent is asked so often."""
AGAIN_SECONDS = 2.0
"""One that has just fallen silent, so often."""
TIRED_SECONDS = 60.0
"""One that is known to be silent, or never answered, so often."""
PING_SECONDS = 10.0
"""Guests that have never answered are pinged so often."""
WAIT_SECONDS = 10.0
ANEW = frozenset({Incident.REBOOTED, Incident.WATCHDOG_RESET})
"""After these a guest is silent for as long as it boots."""
NO_ADDRESS = 'Nova gave it no IPv4 address'
NO_AGENT = 'it has no line for a guest agent'
INCIDENTS = {QGA: Incident.AGENT_SILENT, NET: Incident.NETWORK_LOST}
LAYERS = {
    LIBVIRT: Layer.INSTANCE,
    QGA: Layer.GUEST_OS,
    NET: Layer.GUEST_NETWORK,
}


@dataclasses.dataclass(slots=True)
class _Guest:
    """What is known of an instance, since it was started.

    :ivar ask_at: when its agent is asked next
    :ivar in_line: whether its agent is asked now, or as soon as can be
    :ivar ping_at: when its network is pinged next without having answered
    :ivar befell_at: when something last befell it: looks that began before
        are of the past
    """

    domain: hypervisors.Domain
    described: description.Description
    described_at: float
    ask_at: float = 0.0
    in_line: bool = False
    ping_at: float = 0.0
    befell_at: float = 0.0

    @property
    def runs(self) -> bool:
        return condition.runs(self.domain)

    @property
    def has_addresses(self) -> bool:
        return any(
            '.' in address
            for port in self.described.ports
            for address in port.addresses
        )


class Watch:
    """Looks, and tells what is news.

    :param tell: is told of an agent, or a network, that answers no more
    :param looks: AGENT, NETWORK, or both
    :param wait_seconds: how long to wait for an agent that is in line
    :ivar sights: what the reports tell
    :ivar trouble: why networks are not looked at as they should be
    """

    def __init__(
        self,
        hypervisor: hypervisors.Hypervisor,
        network: networks.Network,
        clock: clocks.Clock,
        looks: Collection[str],
        tell: Callable[[teller.Event], None],
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._hypervisor = hypervisor
        self._network = network
        self._clock = clock
        self._looks = looks
        self._tell = tell
        self._wait_seconds = wait_seconds
        self._lock = threading.RLock()
        self._guests: dict[str, _Guest] = {}
        # Domains that are not of Nova, by the id that they had.
        self._others: dict[str, int | None] = {}
        self._agents = learning.Learning()
        self._networks = learning.Learning()
        self._listed_at = -LIST_SECONDS
        self._asking: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.sights = sights.Sights(clock)
        self.trouble = ''

    def befell(self, event: teller.Event) -> None:
        """Take in what was heard: look at once, and tell how it is since.

        Who boots is not expected to answer.
        """
        uuid = event.instance
        with self._lock:
            if uuid not in self._guests:
                return
            self._listed_at = -LIST_SECONDS
            self.sights.renew(uuid)
            if event.incident in ANEW:
                self._begin(uuid, f'it was {event.incident}')
            self._guests[uuid].ask_at = 0.0
            self._guests[uuid].befell_at = event.at
            self._agents.doubt(uuid)
            self._networks.doubt(uuid)

    def list(self) -> None:
        """List all domains now and then; it may hang as libvirtd does."""
        now = self._clock.monotonic()
        if now - self._listed_at >= LIST_SECONDS:
            # What is heard meanwhile wants another listing.
            self._listed_at = now
            found = self._hypervisor.domains()
            if found is None:
                self._listed_at = -LIST_SECONDS
            else:
                self._take_in(found, now)

    def line_up(self) -> None:
        """Put all agents in line that are due."""
        now = self._clock.monotonic()
        with self._lock:
            for uuid, guest in self._guests.items():
                # Most are not due: what is cheap to know comes first.
                if now < guest.ask_at or guest.in_line:
                    continue
                has_agent = guest.described.agent is not description.Line.NONE
                if has_agent and guest.runs:
                    guest.in_line = True
                    # It may become due again while it is asked.
                    guest.ask_at = math.inf
                    self._asking.put(uuid)

    def ask_agents(self) -> None:
        """Ask one that is in line, or wait for one; for several threads."""
        with contextlib.suppress(queue.Empty):
            uuid = self._asking.get(timeout=self._wait_seconds)
            self._ask_agent(uuid)

    def ask_networks(self) -> None:
        """Look at all networks at once."""
        now = self._clock.monotonic()
        with self._lock:
            ports = {
                uuid: guest.described.ports
                for uuid, guest in self._guests.items()
                if guest.runs and guest.has_addresses
            }
            pinged = [uuid for uuid in ports if self._is_pinged(uuid, now)]
        try:
            found = self._network.answering(ports, pinged)
        except (OSError, exception.HassError) as error:
            self.trouble = str(error)
            return
        self.trouble = ''
        with self._lock:
            looked = [uuid for uuid in ports if not self._is_past(uuid, now)]
            for uuid in looked:
                self._networks.note(uuid, uuid in found, now)
        for uuid in looked:
            self._settle(uuid, NET, now, found.get(uuid, ''))

    def _is_pinged(self, uuid: str, now: float) -> bool:
        guest = self._guests[uuid]
        if self._networks.knows(uuid):
            return True
        if now < guest.ping_at:
            return False
        guest.ping_at = now + PING_SECONDS
        return True

    def _ask_agent(self, uuid: str) -> None:
        guest = self._guests.get(uuid)
        if guest is None:
            return
        began = self._clock.monotonic()
        reply, detail = hypervisors.Reply.NONE, 'it could not be asked'
        try:
            reply, detail = self._hypervisor.ping_agent(uuid)
        finally:
            self._take_reply(uuid, guest, began, reply, detail)

    def _take_reply(
        self,
        uuid: str,
        guest: _Guest,
        began: float,
        reply: hypervisors.Reply,
        detail: str,
    ) -> None:
        with self._lock:
            if self._guests.get(uuid) is not guest:
                return  # It was asked before it was started anew.
            if self._is_past(uuid, began):
                guest.in_line = False
                return
            if reply is hypervisors.Reply.NONE:
                self._agents.excuse(uuid)
                self._put(uuid, QGA, Verdict.UNKNOWN, began, detail)
            else:
                is_there = reply is hypervisors.Reply.ANSWERED
                self._agents.note(uuid, is_there, began)
            pause = AGENT_SECONDS
            if reply is hypervisors.Reply.SILENT:
                is_missed = self._agents.is_missed(uuid)
                pause = AGAIN_SECONDS if is_missed else TIRED_SECONDS
            guest.ask_at = min(guest.ask_at, self._clock.monotonic() + pause)
            guest.in_line = False
        if reply is not hypervisors.Reply.NONE:
            self._settle(uuid, QGA, began, detail)

    def _settle(self, uuid: str, detector: str, at: float, how: str) -> None:
        """Say what the looks come to."""
        learnt = self._learnt(detector)
        with self._lock:
            word = learnt.word(uuid)
            if word is None:
                return
            if word.verdict is not Verdict.FAILED or learnt.has_failed(uuid):
                self._put(uuid, detector, word.verdict, at, how or word.why)
                return
        if not self._is_as_it_was(uuid):
            return
        with self._lock:
            if learnt.word(uuid) != word:
                return
            learnt.fail(uuid)
            self._put(uuid, detector, word.verdict, at, how or word.why)
        event = teller.Event(
            str(uuids.uuid4()),
            uuid,
            INCIDENTS[detector],
            word.since,
            how or word.why,
        )
        LOG.warning('instance %s: %s: %s', uuid, event.incident, event.detail)
        self._tell(event)

    def _is_as_it_was(self, uuid: str) -> bool:
        """Whether it runs still, with the ports that were looked at.

        Its user may have stopped it, or taken a port away, since it was
        listed.
        """
        began = self._clock.monotonic()
        domain = self._hypervisor.domain(uuid)
        with self._lock:
            before = self._guests.get(uuid)
            if domain is None or before is None:
                return False
            before.described_at = -math.inf
        self._see(uuid, domain, began)
        with self._lock:
            now = self._guests.get(uuid)
            return (
                now is before
                and condition.runs(domain)
                and now.described_at > -math.inf
            )

    def _take_in(
        self, found: Mapping[str, hypervisors.Domain], began: float
    ) -> None:
        with self._lock:
            for gone in self._guests.keys() - found.keys():
                self._drop(gone)
            for gone in self._others.keys() - found.keys():
                del self._others[gone]
        for uuid, domain in found.items():
            self._see(uuid, domain, began)

    def _is_past(self, uuid: str, began: float) -> bool:
        guest = self._guests.get(uuid)
        return guest is not None and began < guest.befell_at

    def _see(
        self, uuid: str, domain: hypervisors.Domain, began: float
    ) -> None:
        if condition.arrives(domain):
            return
        guest = self._described(uuid, domain)
        if guest is None:
            return
        with self._lock:
            if self._is_past(uuid, began):
                return
            if self._guests.get(uuid) is not guest:
                self._guests[uuid] = guest
                self.sights.renew(uuid)
                self._begin(uuid, 'it has just been started')
            ran, guest.domain = guest.runs, domain
            if not guest.runs:
                self._agents.excuse(uuid)
                self._networks.excuse(uuid)
            if not guest.runs and ran:
                self._put_inside(uuid, 'it does not run')
            verdict, detail = condition.judge(domain)
            self._put(uuid, LIBVIRT, verdict, began, detail)

    def _described(
        self, uuid: str, domain: hypervisors.Domain
    ) -> _Guest | None:
        """What is known of it; a new one each time that it is started.

        None: it is not of Nova, or cannot be read now.
        """
        now = self._clock.monotonic()
        with self._lock:
            guest = self._guests.get(uuid)
            if uuid in self._others and self._others[uuid] == domain.id:
                return None
            is_known = guest is not None and guest.domain.id == domain.id
        if guest is not None and is_known:
            if now - guest.described_at < DESCRIBE_SECONDS:
                return guest
        xml = self._hypervisor.describe(uuid)
        if xml is None:
            return guest if is_known else None
        described = description.read(xml)
        with self._lock:
            if described is None:
                self._others[uuid] = domain.id
                self._drop(uuid)
                return None
            if guest is None or not is_known:
                return _Guest(domain, described, now)
            if described.ports != guest.described.ports:
                self._networks.begin(uuid)
                guest.ping_at = 0.0
            guest.described, guest.described_at = described, now
            return guest

    def _begin(self, uuid: str, why: str) -> None:
        guest = self._guests[uuid]
        guest.ask_at = guest.ping_at = 0.0
        self._agents.begin(uuid)
        self._networks.begin(uuid)
        self._put_inside(uuid, why)

    def _drop(self, uuid: str) -> None:
        self._guests.pop(uuid, None)
        self._agents.forget(uuid)
        self._networks.forget(uuid)
        self.sights.forget(uuid)

    def _put_inside(self, uuid: str, why: str) -> None:
        """Nothing is known of what is inside."""
        now = self._clock.monotonic()
        guest = self._guests[uuid]
        if AGENT in self._looks:
            has_none = guest.described.agent is description.Line.NONE
            detail = NO_AGENT if has_none else why
            self._put(uuid, QGA, Verdict.UNKNOWN, now, detail)
        if NETWORK in self._looks:
            detail = why if guest.has_addresses else NO_ADDRESS
            self._put(uuid, NET, Verdict.UNKNOWN, now, detail)

    def _put(
        self,
        uuid: str,
        detector: str,
        verdict: Verdict,
        at: float,
        detail: str,
    ) -> None:
        layer = LAYERS[detector]
        look = sights.Look(uuid, detector, layer, verdict, at, detail)
        self.sights.put(look)

    def _learnt(self, detector: str) -> learning.Learning:
        return self._agents if detector == QGA else self._networks
