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

"""Whether an instance runs, and what it still lacks to be back. Pure."""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses
import datetime

from hass import faults
from hass import nova
from hass.recovery import symptoms
from hass.rpc import messages

LISTED = datetime.timedelta(seconds=messages.LISTED_SECONDS + 5.0)
"""What a report tells of domains may have been so long before it came: it may
have been under way, and its host unheard by the engine that it came to."""

RUNNING = 1
"""Nova's power_state of a guest that runs."""
GUEST_RUNS = frozenset({'active', 'rescued', 'resized'})
"""vm_states in which Nova has a guest run."""
OWED = GUEST_RUNS | {'error', 'paused', 'suspended'}
"""vm_states of instances that nobody wanted stopped, stored or deleted."""
LATE = datetime.timedelta(seconds=3)
WORDS = {
    faults.Layer.GUEST_OS: 'its guest agent',
    faults.Layer.GUEST_NETWORK: 'its network',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Home:
    """What is known of the host that Nova has an instance on.

    :ivar trouble: why nothing is known to run there; '' for no reason
    :ivar runs: what libvirt there last said of the instance; None: nothing
    :ivar was_off: it was off meanwhile: what Nova says may be older
    """

    trouble: str = ''
    runs: bool | None = None
    was_off: bool = False


def amiss(server: nova.Server, home: Home, *, asked: bool) -> str:
    """Why an instance that is meant to run does not; '' when it does.

    :param asked: it was started, or told to, since its host was off
    """
    if server.vm_state == 'error' and home.runs and not home.trouble:
        return f'Nova has it in ERROR, though {server.host} runs it'
    if server.vm_state == 'error':
        return 'Nova has it in ERROR'
    if not server.host:
        return 'Nova has it on no host'
    if home.trouble:
        return home.trouble
    if server.vm_state in ('paused', 'suspended'):
        if home.was_off and not home.runs:
            return f'it is {server.vm_state}, and its host was off'
        return ''
    if server.vm_state not in GUEST_RUNS:
        return f'Nova has it {server.vm_state}'
    if home.runs is False:
        return f'Nova has it {server.vm_state}, {server.host} does not run it'
    if server.task_state:
        return f'Nova is at work on it: {server.task_state}'
    if server.power_state != RUNNING:
        return 'Nova does not see its guest run'
    if home.runs is None and home.was_off and not asked:
        return f'{server.host} was off, and nobody has seen it run since'
    return ''


def has_arrived(server: nova.Server, source: str, host: str) -> bool:
    """Whether Nova has evacuated it to this host, and ended that.

    What a boot of its new host ends, no evacuation brings back.
    """
    here = server.host == host != source
    return here and server.vm_state == 'active' and not server.task_state


def lacks(
    server: nova.Server,
    looks: Sequence[symptoms.Look],
    told_at: datetime.datetime,
    since: datetime.datetime | None,
) -> list[str]:
    """What is missing: nothing, and it is back if its ports are.

    :param told_at: when it failed: who answered before has to answer again
    :param since: when it was started, older looks say nothing; None: what
        is known tells of now
    """
    found = []
    if server.vm_state not in GUEST_RUNS:
        found.append(f'Nova has it {server.vm_state}')
    return found + unseen(looks, told_at, since)


def unseen(
    looks: Sequence[symptoms.Look],
    told_at: datetime.datetime,
    since: datetime.datetime | None,
) -> list[str]:
    """What the agent of its host has not seen yet; Nova is not asked."""
    found = []
    if not _runs(looks, since):
        found.append('libvirt has not been seen to run it')
    found += [
        f'{WORDS[one.layer]} does not answer yet'
        for one in symptoms.usual(looks, told_at)
        if not _is_well(one, since)
    ]
    return found


def lacks_port(ports: Sequence[nova.Port], wanted: Collection[str]) -> bool:
    """Whether one is down that was ACTIVE when the instance failed.

    :param wanted: those that were
    """
    return any(not one.is_active and one.uuid in wanted for one in ports)


def fell(looks: Sequence[symptoms.Look], since: datetime.datetime) -> bool:
    """Whether libvirt says that it has failed again since.

    What was seen of it before it was started may come late.
    """
    return any(
        one.layer is faults.Layer.INSTANCE
        and one.verdict is faults.Verdict.FAILED
        and one.seen_at > since + LATE
        for one in looks
    )


def told(
    looks: Sequence[symptoms.Look], since: datetime.datetime | None
) -> str:
    """Who has seen it well since."""
    names = [
        WORDS.get(one.layer, 'libvirt')
        for one in looks
        if _is_well(one, since)
    ]
    return ', '.join(['Nova', *dict.fromkeys(names)])


def _runs(
    looks: Sequence[symptoms.Look], since: datetime.datetime | None
) -> bool:
    """An agent that does not look at its domains cannot say no."""
    own = [one for one in looks if one.layer is faults.Layer.INSTANCE]
    return not own or any(_is_well(one, since) for one in own)


def _is_well(look: symptoms.Look, since: datetime.datetime | None) -> bool:
    return look.verdict is faults.Verdict.HEALTHY and (
        since is None or look.seen_at > since
    )
