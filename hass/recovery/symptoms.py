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

"""What is to be done about an incident, by what is seen since. Pure."""

from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import datetime
import enum
from typing import Protocol

from hass import faults
from hass.faults import Incident
from hass.faults import Layer
from hass.faults import Verdict

USUAL = datetime.timedelta(days=1)
"""Who answered within this time before a fault has to answer after it."""
LOOK_SECONDS = 20.0
"""After an incident the agent looks at the instance at once, and tells what it
sees, as it tells all that changes: it takes no longer than this."""
INSIDE = (Layer.GUEST_OS, Layer.GUEST_NETWORK)
ENDED = {
    Incident.KILLED: 'its process was killed',
    Incident.CRASHED: 'it crashed',
    Incident.PANICKED: 'its kernel panicked',
    Incident.WATCHDOG_POWEROFF: 'its watchdog has powered it off',
}
HALTED = frozenset({Incident.WATCHDOG_PAUSE, Incident.PAUSED_BY_STORAGE})
SILENT = {
    Incident.AGENT_SILENT: Layer.GUEST_OS,
    Incident.NETWORK_LOST: Layer.GUEST_NETWORK,
}
ITS_OWN = {
    Incident.SHUT_DOWN: 'it was shut down from inside',
    Incident.REBOOTED: 'it rebooted, from inside or because it was asked to',
    Incident.AGENT_LOST: 'a guest agent that goes is no fault by itself',
}
"""Incidents that are never recovered, and why."""


class Look(Protocol):
    """A row of instance_observations."""

    @property
    def layer(self) -> Layer: ...

    @property
    def detector(self) -> str: ...

    @property
    def verdict(self) -> Verdict: ...

    @property
    def seen_at(self) -> datetime.datetime: ...

    @property
    def healthy_at(self) -> datetime.datetime | None: ...


class Course(enum.Enum):
    """How to go on."""

    RESTART = enum.auto()
    WATCH = enum.auto()
    """It may come back by itself: see whether it does."""
    STORAGE = enum.auto()
    """It waits for its storage."""
    WAIT = enum.auto()
    OVER = enum.auto()


@dataclasses.dataclass(frozen=True, slots=True)
class Opinion:
    """How to go on, and why."""

    course: Course
    why: str


def judge(
    incident: faults.Incident,
    told_at: datetime.datetime,
    looks: Sequence[Look],
    now: datetime.datetime,
    guest_seconds: float,
    *,
    foreign: bool = False,
) -> Opinion:
    """What a told incident comes to, by looks that are newer than it.

    :param looks: the newest of each detector at the instance
    :param guest_seconds: how long a guest has to be silent
    :param foreign: it was not told by the host's own agent, whose word on
        what libvirt runs is waited for
    """
    fresh = [one for one in looks if one.seen_at > told_at]
    running = runs(looks, told_at)
    age = (now - told_at).total_seconds()
    if incident in SILENT:
        layer = SILENT[incident]
        return _of_silence(layer, looks, fresh, age, guest_seconds)
    if incident is Incident.WATCHDOG_RESET:
        return Opinion(Course.WATCH, 'its watchdog has reset it')
    if foreign and _has(looks, (Layer.INSTANCE,), Verdict.HEALTHY):
        if age < LOOK_SECONDS:
            return Opinion(Course.WAIT, 'its host says that it runs')
        return Opinion(Course.OVER, 'its host says that it runs')
    if incident in ENDED:
        if not running:
            return Opinion(Course.RESTART, ENDED[incident])
        if incident is Incident.PANICKED:
            return Opinion(
                Course.WATCH, 'its kernel panicked, and its process runs'
            )
        return Opinion(Course.OVER, 'it runs again')
    if incident in HALTED:
        if running:
            return Opinion(Course.OVER, 'it runs again')
        if incident is Incident.PAUSED_BY_STORAGE:
            return Opinion(Course.STORAGE, 'it waits for its storage')
        return Opinion(Course.RESTART, 'its watchdog has paused it')
    return _of_watchdog(looks, fresh, told_at, age)


def of_missed(running: bool | None, waited: float | None) -> Opinion:
    """What an incident comes to that an engine found, and no agent told.

    :param running: what the host's agent says since; None: nothing
    :param waited: seconds since that agent first reported after it; None: it
        has not
    """
    if running:
        return Opinion(Course.OVER, 'its host says that it runs')
    if waited is None:
        return Opinion(
            Course.WAIT, 'the agent of its host has not told yet what runs'
        )
    if running is None and waited < LOOK_SECONDS:
        return Opinion(Course.WAIT, 'the agent of its host looks at it')
    return Opinion(Course.RESTART, ENDED[Incident.KILLED])


def runs(looks: Iterable[Look], told_at: datetime.datetime) -> bool:
    """Whether libvirt has been seen to run it since."""
    fresh = [one for one in looks if one.seen_at > told_at]
    return _has(fresh, (Layer.INSTANCE,), Verdict.HEALTHY)


def awaits(
    looks: Iterable[Look], told_at: datetime.datetime, now: datetime.datetime
) -> bool:
    """Whether libvirt has yet to be seen since, as it will be.

    What an agent saw run it looks at again; where none looks, none will.
    """
    own = [one for one in looks if one.layer is Layer.INSTANCE]
    if any(one.seen_at > told_at for one in own):
        return False
    age = (now - told_at).total_seconds()
    return age < LOOK_SECONDS or _has(own, (Layer.INSTANCE,), Verdict.HEALTHY)


def usual(looks: Iterable[Look], told_at: datetime.datetime) -> list[Look]:
    """Looks inside of the guest that were answered before the fault."""
    return [
        one
        for one in looks
        if one.layer in INSIDE
        and one.healthy_at is not None
        and one.healthy_at >= told_at - USUAL
    ]


def _of_watchdog(
    looks: Sequence[Look],
    fresh: Sequence[Look],
    told_at: datetime.datetime,
    age: float,
) -> Opinion:
    """Its guest fed it no more; the instance goes on as it is."""
    asked = [
        one for one in usual(looks, told_at) if one.layer is Layer.GUEST_OS
    ]
    if _has(fresh, (Layer.GUEST_OS,), Verdict.HEALTHY):
        return Opinion(Course.OVER, 'its guest agent answers')
    is_seen = any(one in fresh for one in asked)
    if asked and not is_seen and age < LOOK_SECONDS:
        return Opinion(Course.WAIT, 'its guest agent is asked')
    return Opinion(Course.RESTART, 'its guest feeds its watchdog no more')


def _of_silence(
    layer: Layer,
    looks: Sequence[Look],
    fresh: Sequence[Look],
    age: float,
    guest_seconds: float,
) -> Opinion:
    """A suspicion: it has to last, and nothing may speak against it."""
    if _has(fresh, (layer,), Verdict.HEALTHY):
        return Opinion(Course.OVER, 'it answers again')
    if layer is Layer.GUEST_OS and _has(
        fresh, (Layer.GUEST_NETWORK,), Verdict.HEALTHY
    ):
        return Opinion(
            Course.OVER, 'its network answers: only its agent is silent'
        )
    if age < guest_seconds:
        return Opinion(
            Course.WAIT,
            f'{layer} is silent; that has to last {guest_seconds:.0f} s',
        )
    # Unchanged looks come seldom: the newest one of any age counts.
    if _has(looks, (layer,), Verdict.FAILED):
        return Opinion(
            Course.RESTART, f'{layer} has been silent for {age:.0f} s'
        )
    return Opinion(Course.OVER, f'nobody can tell how its {layer} is')


def _has(
    looks: Iterable[Look], layers: Sequence[Layer], verdict: Verdict
) -> bool:
    return any(one.layer in layers and one.verdict is verdict for one in looks)
