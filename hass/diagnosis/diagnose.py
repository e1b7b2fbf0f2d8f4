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

"""From evidence to a decision about one silent host. Pure code.

Evidences that share a network are one evidence: a beat and a ping that
travel the same wire fail together. So a host that is powered on is accused
only if every one of at least two networks is dark, from here and from other
hosts. What the BMC tells travels on a wire of its own and weighs by itself,
and so does a kernel that says that it panicked, when its agent, which should
have answered a direct question, did not.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
import enum

from hass.diagnosis import isolation
from hass import faults

Layer = faults.Layer
FAILED = faults.Verdict.FAILED
HEALTHY = faults.Verdict.HEALTHY


class Voice(enum.StrEnum):
    """What another engine says of the host since it was suspected."""

    HEARD = 'heard'
    SILENT = 'silent'
    NOT_YET = 'not_yet'
    """Its next patrol turn has to be awaited."""


class Power(enum.StrEnum):
    """The power state as far as it is known."""

    ON = 'on'
    OFF = 'off'
    UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one host at one moment.

    :ivar heard: this engine has a beat that was sent after the suspicion
    :ivar silent: so long that a beat is missing, or mute when it was asked
    :ivar lasting: what is missing since the suspicion would by itself be a
        surprise, or it is mute when it was asked
    :ivar told: how its agent has spoken lately without beats, '' when not
    :ivar voices: the other living engines, by name, and the message bus
    :ivar power: from the BMC; ``power_why`` tells why it is unknown, and is
        '' while it has not answered yet
    :ivar lying: its BMC was caught reading off while the host was heard
    :ivar networks: network to healthy (beats or pings arrive here), failed
        (neither does) or unknown (it is not known to answer)
    :ivar answering: networks on which it answers pings from here
    :ivar reached: network to the hosts that reach it there
    :ivar layers: verdicts on hardware and operating system
    :ivar compute_down: whether Nova's own record of nova-compute is down
    :ivar rules: what its cluster does with hosts that lost some networks
    :ivar seen: the observations behind it, for the record
    :ivar spoken: what each engine hears of the host, for the record
    """

    host: str
    suspected_at: datetime.datetime
    heard: bool
    voices: Mapping[str, Voice]
    power: Power
    networks: Mapping[str, faults.Verdict]
    compute_down: bool = False
    silent: bool = True
    lasting: bool = True
    told: str = ''
    answering: tuple[str, ...] = ()
    reached: Mapping[str, Sequence[str]] = dataclasses.field(
        default_factory=dict
    )
    layers: Mapping[Layer, faults.Verdict] = dataclasses.field(
        default_factory=dict
    )
    rules: tuple[isolation.Rule, ...] = ()
    power_why: str = ''
    lying: bool = False
    seen: tuple[faults.Observation, ...] = ()
    spoken: tuple[faults.Observation, ...] = ()

    @property
    def record(self) -> tuple[faults.Observation, ...]:
        """All that was seen and heard."""
        return self.spoken + self.seen


@dataclasses.dataclass(frozen=True, slots=True)
class Alive:
    """The suspicion was wrong."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Unclear:
    """More has to be seen."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Doubt:
    """A human must look: the evidence allows no safe act.

    :ivar passes: the reason may pass by itself
    """

    why: str
    passes: bool


Decision = faults.Fault | Alive | Unclear | Doubt


def diagnose(evidence: Evidence) -> Decision:
    """Decide what to believe of a suspected host.

    Any engine that heard the host since the suspicion vetoes, whatever
    else was seen. All living engines are asked before anything is decided.
    """
    hearers = sorted(
        name for name, voice in evidence.voices.items() if voice is Voice.HEARD
    )
    if evidence.heard:
        hearers.insert(0, 'this engine')
    if hearers:
        return _heard(evidence, ', '.join(hearers))
    for name, voice in sorted(evidence.voices.items()):
        if voice is Voice.NOT_YET:
            return Unclear(f'engine {name} has not been heard about it')
    if not evidence.silent:
        return Unclear('its last beat is too young to miss the next one')
    if evidence.power is Power.OFF:
        return _powered_off(evidence)
    if evidence.power is Power.UNKNOWN and not evidence.power_why:
        return Unclear('its BMC has not answered yet: the look goes on')
    if evidence.power is Power.UNKNOWN:
        return Doubt(
            f'its power state cannot be read: {evidence.power_why}',
            passes=True,
        )
    return _powered_on(evidence)


def _heard(evidence: Evidence, hearers: str) -> Decision:
    if evidence.power is Power.OFF and not evidence.lying:
        return Doubt(
            f'it beats although its BMC reads off (heard by {hearers}): '
            'the BMC belongs to another host, or lies',
            passes=False,
        )
    return Alive(f'heard by {hearers} since it was suspected')


def _powered_off(evidence: Evidence) -> Decision:
    alive = sorted({*evidence.answering, *evidence.reached})
    if alive:
        return Doubt(
            f'it answers pings on {", ".join(alive)} although its BMC reads '
            'off: the BMC belongs to another host, or lies',
            passes=False,
        )
    return _fault(evidence, faults.Layer.POWER, 'its BMC reads power off')


def _powered_on(evidence: Evidence) -> Decision:
    if evidence.layers.get(Layer.OS) is FAILED:
        told = [
            f'{one.detector}: {one.detail}'
            for one in evidence.seen
            if one.layer is Layer.OS and one.verdict is FAILED
        ]
        why = f'its agent is silent; {"; ".join(told)}'
        return _fault(evidence, Layer.OS, why)
    if not evidence.lasting:
        # The silence that raised the suspicion is no evidence for it: of
        # many time-outs some are chance, and so may be the looks that follow.
        return Unclear('its silence since it was suspected may be chance')
    if evidence.told:
        # It may be filtered. If it has died since, the bus falls silent too.
        return Unclear(evidence.told)
    dark = _with(evidence, FAILED)
    for network in dark:
        if hosts := evidence.reached.get(network):
            return Unclear(
                f'this engine is deaf to it on {network}, where '
                f'{", ".join(hosts)} reaches it'
            )
    alive = sorted({*_with(evidence, HEALTHY), *evidence.reached})
    if alive and dark:
        return _isolated(evidence, dark, alive)
    if alive:
        return _answering(evidence, alive)
    if len(dark) < 2:
        return Doubt(
            'its power is on and only '
            f'{", ".join(dark) or "no network"} is dark: one network is one '
            'evidence, and not enough to fence',
            passes=True,
        )
    why = f'its power is on and it is mute on {", ".join(dark)}'
    if evidence.layers.get(Layer.HARDWARE) is FAILED:
        return _fault(evidence, Layer.HARDWARE, f'its sensors fail, {why}')
    return _fault(evidence, Layer.NETWORK, why)


def _isolated(
    evidence: Evidence, dark: Sequence[str], alive: Sequence[str]
) -> Decision:
    """Its instances may be well: its cluster's rules decide."""
    action, why = isolation.decide(evidence.rules, dark, alive)
    if action is isolation.Action.FENCE:
        return _fault(evidence, Layer.NETWORK, why)
    return Doubt(why, passes=True)


def _answering(evidence: Evidence, alive: Sequence[str]) -> Decision:
    """Its kernel is reached on every network that it is known on."""
    here = _with(evidence, HEALTHY)
    if evidence.compute_down and here and len(evidence.networks) > 1:
        return _fault(
            evidence,
            Layer.OS,
            'agent and nova-compute are silent while its kernel answers '
            f'on {", ".join(here)}',
        )
    return Unclear(
        f'its agent is silent, but it answers on {", ".join(alive)}'
    )


def _with(evidence: Evidence, verdict: faults.Verdict) -> list[str]:
    return sorted(
        name for name, seen in evidence.networks.items() if seen is verdict
    )


def _fault(evidence: Evidence, layer: faults.Layer, why: str) -> faults.Fault:
    return faults.Fault(evidence.host, layer, why, evidence.record)
