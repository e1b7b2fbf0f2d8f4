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

"""What ends a hold: conditions that an engine reads again and again."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import enum
from typing import Any
from typing import Self

JSON = dict[str, Any]
FIRST_SECONDS = 5.0
"""Until the first look at what is cheap to read: a BMC, our own rows."""
NOVA_SECONDS = 10.0
"""The same for what has to be asked of the control plane."""
MOST_SECONDS = 60.0
"""What can be read is read at least once in this time, for ever."""
ANEW_SECONDS = 60.0
"""What only lasted too long is looked at anew after this time."""
LONGEST_SECONDS = 600.0
"""No hold sleeps for longer than this."""


class Kind(enum.StrEnum):
    """What can be read; recovery/conditions.py has how."""

    OPERATOR = 'operator'
    """No reading ends it."""
    ANEW = 'anew'
    """Some time has passed: everything is read anew."""
    BMC_ANSWERS = 'bmc_answers'
    BMC_READS_OFF = 'bmc_reads_off'
    BMC_READS_ON = 'bmc_reads_on'
    PROVED_OFF = 'proved_off'
    """HASS has powered it off, it reads off, and nothing was heard since."""
    FENCE_WORKS = 'fence_works'
    HARDWARE_HEALTHY = 'hardware_healthy'
    HOST_HEARD = 'host_heard'
    HOST_FIT = 'host_fit'
    """It has what it had before it failed."""
    HOST_EMPTY = 'host_empty'
    """Nova has no instance on it, and its agent sees no domain."""
    DOMAIN_GONE = 'domain_gone'
    """A newer report of the host does not list the instance."""
    INSTANCE_SETTLED = 'instance_settled'
    """It runs on another host, or its user deleted it."""
    EVACUABLE = 'evacuable'
    """What refused its evacuation is over: its disks, or its state."""
    MOVES_ENDED = 'moves_ended'
    """Nova has at most one live evacuation of the instance."""
    EVACUATIONS_ENDED = 'evacuations_ended'
    """Nova evacuates nothing from the host, whoever asked for it."""
    ROOM = 'room'
    CONTROL_PLANE = 'control_plane'
    RESTRAINT = 'restraint'
    CLUSTER_CHANGED = 'cluster_changed'
    SERVICE_ENABLED = 'service_enabled'
    SERVICE_CHANGED = 'service_changed'
    INSTANCE_CHANGED = 'instance_changed'


SENTENCES: Mapping[Kind, str] = {
    Kind.OPERATOR: 'an operator retries or releases it',
    Kind.ANEW: '{seconds:.0f} s have passed{later}',
    Kind.BMC_ANSWERS: 'the BMC of {host} answers',
    Kind.BMC_READS_OFF: 'the BMC of {host} reads off',
    Kind.BMC_READS_ON: 'the BMC of {host} reads on',
    Kind.PROVED_OFF: '{host} is proved off',
    Kind.FENCE_WORKS: 'the fence of {host} works',
    Kind.HARDWARE_HEALTHY: 'the sensors of {host} read healthy',
    Kind.HOST_HEARD: '{host} is heard again',
    Kind.HOST_FIT: '{host} has again what it had',
    Kind.HOST_EMPTY: 'Nova and its agent see nothing on {host}',
    Kind.DOMAIN_GONE: 'the agent of {host} no longer lists {instance}',
    Kind.INSTANCE_SETTLED: '{instance} runs elsewhere or is deleted',
    Kind.EVACUABLE: (
        'the cluster of {host} declares shared storage or {instance} changes, '
        'so that it may be evacuated'
    ),
    Kind.MOVES_ENDED: 'Nova has ended a move of {instance}',
    Kind.EVACUATIONS_ENDED: 'Nova evacuates nothing from {host}',
    Kind.ROOM: 'another host of its cluster is usable',
    Kind.CONTROL_PLANE: '{services}',
    Kind.RESTRAINT: 'restraint allows it',
    Kind.CLUSTER_CHANGED: 'the settings of its cluster are changed',
    Kind.SERVICE_ENABLED: 'somebody enables nova-compute of {host} in Nova',
    Kind.SERVICE_CHANGED: 'the services of {host} work or change',
    Kind.INSTANCE_CHANGED: '{instance} runs, or somebody acts on it',
}
ASKED = frozenset(
    {
        Kind.HOST_EMPTY,
        Kind.HOST_FIT,
        Kind.INSTANCE_SETTLED,
        Kind.EVACUABLE,
        Kind.MOVES_ENDED,
        Kind.EVACUATIONS_ENDED,
        Kind.ROOM,
        Kind.CONTROL_PLANE,
        Kind.SERVICE_ENABLED,
        Kind.SERVICE_CHANGED,
        Kind.INSTANCE_CHANGED,
    }
)
"""Read from the control plane, and so less and less often."""


@dataclasses.dataclass(frozen=True, slots=True)
class Until:
    """One condition that ends a hold by itself.

    :ivar host: whose BMC, report or services are read
    :ivar instance: which instance is asked for
    :ivar seconds: how much time has to pass, for ANEW
    :ivar most: the same, when it came to nothing again and again
    :ivar services: of the control plane, that have to answer
    """

    kind: Kind
    host: str = ''
    instance: str = ''
    seconds: float = 0.0
    most: float = 0.0
    services: tuple[str, ...] = ()

    def __str__(self) -> str:
        later = ' (more each time)' if self.most > self.seconds else ''
        return SENTENCES[self.kind].format(
            host=self.host,
            instance=self.instance,
            seconds=self.seconds,
            later=later,
            services=answering(self.services),
        )

    def to_dict(self) -> JSON:
        """As it is stored; what is not set is left out."""
        found = dataclasses.asdict(self)
        return {key: value for key, value in found.items() if value}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From what was stored; what a newer engine wrote is not readable."""
        try:
            services = tuple(stored.get('services', ()))
            read = {'kind': Kind(stored['kind']), 'services': services}
            return cls(**(dict(stored) | read))
        except (KeyError, TypeError, ValueError):
            return cls(Kind.OPERATOR)


def answering(services: Sequence[str]) -> str:
    """That they answer, in words."""
    *most, last = services or ('Nova', 'Placement', 'message bus')
    if not most:
        return f'{last} answers'
    return f'{", ".join(most)} and {last} answer'


OPERATOR = Until(Kind.OPERATOR)


def anew(
    seconds: float = ANEW_SECONDS, most: float = LONGEST_SECONDS
) -> Until:
    """Everything is looked at anew after some time, later and later."""
    return Until(Kind.ANEW, seconds=seconds, most=max(seconds, most))


def every(seconds: float) -> Until:
    """Everything is looked at anew each time that so much has passed."""
    return anew(seconds, seconds)


def of_all(stored: Sequence[Mapping[str, Any]] | None) -> tuple[Until, ...]:
    """The conditions of a held row; a row without any waits for a human."""
    return tuple(Until.of(one) for one in stored or ()) or (OPERATOR,)


def sentence(ends: Sequence[Until]) -> str | None:
    """When a hold goes on by itself; None: it waits for an operator."""
    told = [str(one) for one in ends if one.kind is not Kind.OPERATOR]
    if not told:
        return None
    more = len(told) - 4
    if more > 0:
        return f'{", or ".join(told[:4])}, or one of {more} more is seen'
    return ', or '.join(told)


def subject(ends: Iterable[Until]) -> list[list[str]]:
    """What a hold is about: the same again is no news."""
    return sorted([one.kind, one.host, one.instance] for one in ends)


def pause(ends: Iterable[Until], held_seconds: float, again: int) -> float:
    """Seconds until the next look.

    :param held_seconds: since it has been held
    :param again: how often the same hold ended by itself and came back
    """
    return min(_pause(one, held_seconds, again) for one in ends)


def is_asked(look: int, held_seconds: float) -> bool:
    """Whether a look of this number asks the control plane as well."""
    often = _cheap(held_seconds, 0)
    return look % max(1, round(_asked(held_seconds, 0) / often)) == 0


def _pause(one: Until, held_seconds: float, again: int) -> float:
    match one.kind:
        case Kind.OPERATOR:
            return LONGEST_SECONDS
        case Kind.ANEW:
            left = max(_whole(one, again) - held_seconds, 1.0)
            return min(left, LONGEST_SECONDS)
        case kind if kind in ASKED:
            return _asked(held_seconds, again)
    return _cheap(held_seconds, again)


def _cheap(held_seconds: float, again: int) -> float:
    return _within(held_seconds / 60, FIRST_SECONDS, again)


def _asked(held_seconds: float, again: int) -> float:
    return _within(held_seconds / 12, NOVA_SECONDS, again)


def _within(seconds: float, least: float, again: int) -> float:
    """Later and later, and from the start where it came back at once."""
    return min(max(seconds, least * 2.0 ** min(again, 10)), MOST_SECONDS)


def is_over(one: Until, held_seconds: float, again: int) -> bool:
    """Whether the time of ANEW has passed."""
    return held_seconds >= _whole(one, again) - 0.1


def _whole(one: Until, again: int) -> float:
    whole: float = min(one.seconds * 2.0 ** min(again, 10), one.most)
    return whole
