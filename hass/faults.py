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

"""The nouns of a fault: what is seen, what is suspected, what is decided."""

import dataclasses
import datetime
import enum
from typing import Any


class Layer(enum.StrEnum):
    """Lowest first: a layer works only if every layer under it works."""

    POWER = 'power'
    HARDWARE = 'hardware'
    OS = 'os'
    NETWORK = 'network'
    INSTANCE = 'instance'
    GUEST_OS = 'guest_os'
    GUEST_NETWORK = 'guest_network'


class SidePath(enum.StrEnum):
    """What a host needs besides its layers: watched, and in no order."""

    STORAGE = 'storage'
    COMPUTE = 'compute'
    """nova-compute."""
    LIBVIRT = 'libvirt'
    MEMBERSHIP = 'membership'
    """The host's place in a group that a coordination service keeps."""


Aspect = Layer | SidePath
"""What may be looked at."""


def aspect(word: str) -> Aspect:
    """The layer or side path of this name.

    :raises ValueError: there is none
    """
    if word in list(SidePath):
        return SidePath(word)
    return Layer(word)


class Verdict(enum.StrEnum):
    """What a detector says. *Unknown* is never healthy and never failed."""

    HEALTHY = 'healthy'
    FAILED = 'failed'
    UNKNOWN = 'unknown'


class Certainty(enum.StrEnum):
    """How sure an observation is."""

    READ = 'read'
    """A device, a kernel or a service answered it."""
    INFERRED = 'inferred'
    """It follows from what did not happen; the detail tells how likely."""
    ALLEGED = 'alleged'
    """A host says so of itself: a confused one may be wrong."""


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """What one detector saw of one subject at one moment.

    :ivar subject: the host's name
    :ivar seen_by: the engine or the host that looked
    :ivar network: the network that carried the look, '' when none did;
        observations that share a network are one evidence
    :ivar seen_at: database time of the moment the look began
    """

    subject: str
    layer: Aspect
    detector: str
    verdict: Verdict
    seen_at: datetime.datetime
    network: str = ''
    detail: str = ''
    seen_by: str = ''
    certainty: Certainty = Certainty.READ

    def to_dict(self) -> dict[str, Any]:
        """JSON for rows and API bodies, the moment in ISO 8601."""
        return dataclasses.asdict(self) | {'seen_at': self.seen_at.isoformat()}


class Incident(enum.StrEnum):
    """What happened to an instance on a living host."""

    KILLED = 'killed'
    """Its process ended, and nobody had asked for that."""
    CRASHED = 'crashed'
    """libvirt ended it, because its guest had crashed."""
    PAUSED_BY_STORAGE = 'paused_by_storage'
    """It stands still since a request to its storage failed."""
    PANICKED = 'panicked'
    """The guest's kernel said so of itself."""
    SHUT_DOWN = 'shut_down'
    """It was shut down from inside, or by a signal."""
    REBOOTED = 'rebooted'
    """From inside, or because a user asked for it."""
    WATCHDOG_NONE = 'watchdog_none'
    """Its watchdog was not fed, and the instance goes on."""
    WATCHDOG_PAUSE = 'watchdog_pause'
    WATCHDOG_RESET = 'watchdog_reset'
    WATCHDOG_POWEROFF = 'watchdog_poweroff'
    WATCHDOG_OTHER = 'watchdog_other'
    """Another action, which the detail names."""
    AGENT_LOST = 'agent_lost'
    """The guest agent closed its line: a reboot does that as well."""
    AGENT_SILENT = 'agent_silent'
    """The guest agent keeps its line open, and answers no more."""
    NETWORK_LOST = 'network_lost'
    """No address of it answers any more."""

    @property
    def layer(self) -> Layer:
        """Where it happened: the instance, or what is inside."""
        if self is Incident.NETWORK_LOST:
            return Layer.GUEST_NETWORK
        return Layer.INSTANCE if self in _OUTSIDE else Layer.GUEST_OS


_OUTSIDE = frozenset(
    {Incident.KILLED, Incident.CRASHED, Incident.PAUSED_BY_STORAGE}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Suspicion:
    """A hint that a host may have failed: it may be probed, not fenced."""

    host: str
    since: datetime.datetime
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What diagnosis decided: the lowest failed layer, and the evidence."""

    host: str
    layer: Layer
    why: str
    evidence: tuple[Observation, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON for the recovery's row."""
        return {
            'host': self.host,
            'layer': self.layer,
            'why': self.why,
            'evidence': [seen.to_dict() for seen in self.evidence],
        }
