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

"""From libvirt's numbers to our words; libvirt itself is not needed.

Numbers are those of libvirt-domain.h, which promises never to change them.
One that is not known here says nothing.
"""

import dataclasses
import enum

from hass.faults import Incident


class Condition(enum.StrEnum):
    """What is known of a domain: enough to tell news from the known."""

    UP = 'up'
    """It runs, or was paused by somebody who asked for that."""
    HALTED = 'halted'
    """It stands still because of a fault."""
    ENDED = 'ended'


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What an event, or a look, says of a domain.

    :ivar condition: how it is now; None: as it was
    :ivar incident: what happened to it; None: nothing to be told
    """

    condition: Condition | None = None
    incident: Incident | None = None
    detail: str = ''


NOTHING = Change()
UP = Change(Condition.UP)
ENDED = Change(Condition.ENDED)


class Lifecycle(enum.IntEnum):
    """virDomainEventType."""

    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    SUSPENDED = 3
    RESUMED = 4
    STOPPED = 5
    SHUTDOWN = 6
    PMSUSPENDED = 7
    CRASHED = 8


class State(enum.IntEnum):
    """virDomainState."""

    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7


def _killed(detail: str) -> Change:
    return Change(Condition.ENDED, Incident.KILLED, detail)


def _watchdog_paused(detail: str = '') -> Change:
    return Change(Condition.HALTED, Incident.WATCHDOG_PAUSE, detail)


CRASHED = Change(Condition.ENDED, Incident.CRASHED, 'libvirt ended it')
PANICKED = Change(Condition.ENDED, Incident.PANICKED, 'told by pvpanic')
PAUSED = Change(Condition.HALTED, Incident.PAUSED_BY_STORAGE)
SHUT_DOWN = Change(Condition.ENDED, Incident.SHUT_DOWN)

CRASHES = {
    0: PANICKED,  # PANICKED
    1: Change(None, Incident.PANICKED, 'its crash kernel runs'),  # CRASHLOADED
}
STOPPED = {
    0: SHUT_DOWN,  # SHUTDOWN
    1: ENDED,  # DESTROYED: somebody asked libvirt for it
    2: CRASHED,  # CRASHED
    3: ENDED,  # MIGRATED
    4: ENDED,  # SAVED
    5: _killed('libvirt lost its process'),  # FAILED
    6: ENDED,  # FROM_SNAPSHOT
}
SUSPENDED = {
    2: PAUSED,  # IOERROR
    3: _watchdog_paused(),  # WATCHDOG
}
SHUTDOWN = {
    1: Change(Condition.ENDED, Incident.SHUT_DOWN, 'from inside'),  # GUEST
}
WATCHDOG = {
    0: Change(None, Incident.WATCHDOG_NONE),
    1: _watchdog_paused(),
    2: Change(None, Incident.WATCHDOG_RESET),
    3: Change(Condition.ENDED, Incident.WATCHDOG_POWEROFF),
    4: Change(None, Incident.WATCHDOG_OTHER, 'shutdown'),
    5: Change(None, Incident.WATCHDOG_OTHER, 'debug'),
    6: Change(None, Incident.WATCHDOG_OTHER, 'inject-nmi'),
}
IO_ERROR_PAUSE = 1
AGENT_DISCONNECTED = 2
AGENT_CHANNEL = 2

SHUTOFF = {
    0: _killed('it does not run any more'),  # UNKNOWN
    1: SHUT_DOWN,  # SHUTDOWN
    2: ENDED,  # DESTROYED
    # CRASHED: the process, or the guest as a consequence of its panic.
    3: _killed('libvirt calls it crashed'),
    4: ENDED,  # MIGRATED
    5: ENDED,  # SAVED
    6: _killed('libvirt lost its process'),  # FAILED
    7: ENDED,  # FROM_SNAPSHOT
    8: _killed('libvirt could not reach its process'),  # DAEMON
}
PAUSED_FOR = {
    5: PAUSED,  # IOERROR
    6: _watchdog_paused(),  # WATCHDOG
    10: PANICKED,  # CRASHED
}


def lifecycle(event: int, detail: int) -> Change:
    """VIR_DOMAIN_EVENT_ID_LIFECYCLE."""
    match event:
        case Lifecycle.STARTED | Lifecycle.RESUMED:
            return UP
        case Lifecycle.STOPPED:
            return STOPPED.get(detail, ENDED)
        case Lifecycle.SUSPENDED:
            return SUSPENDED.get(detail, NOTHING)
        case Lifecycle.SHUTDOWN:
            return SHUTDOWN.get(detail, NOTHING)
        case Lifecycle.CRASHED:
            return CRASHES.get(detail, PANICKED)
    return NOTHING


def watchdog(action: int) -> Change:
    """VIR_DOMAIN_EVENT_ID_WATCHDOG."""
    other = Change(None, Incident.WATCHDOG_OTHER, f'libvirt: {action}')
    return WATCHDOG.get(action, other)


def io_error(device: str, action: int, reason: str) -> Change:
    """VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON; only what pauses is told."""
    if action != IO_ERROR_PAUSE:
        return NOTHING
    why = reason or 'input or output error'
    return dataclasses.replace(PAUSED, detail=f'{device}: {why}')


def guest_agent(state: int, reason: int) -> Change:
    """VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE."""
    if (state, reason) == (AGENT_DISCONNECTED, AGENT_CHANNEL):
        return Change(None, Incident.AGENT_LOST)
    return NOTHING


def reboot() -> Change:
    """VIR_DOMAIN_EVENT_ID_REBOOT."""
    return Change(None, Incident.REBOOTED)


def found(state: int, reason: int) -> Change:
    """A state, with what must have happened if it is news."""
    match state:
        case State.PAUSED:
            return PAUSED_FOR.get(reason, UP)
        case State.SHUTDOWN:
            return NOTHING  # Who asked for it is known when it has ended.
        case State.SHUTOFF:
            return SHUTOFF.get(reason, ENDED)
        case State.CRASHED:
            return PANICKED
    return UP
