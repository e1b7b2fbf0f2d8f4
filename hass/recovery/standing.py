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

"""What an instance still lacks to count as brought back. Pure."""

from collections.abc import Collection
from collections.abc import Sequence
import datetime

from hass import faults
from hass import nova
from hass.recovery import symptoms

LATE = datetime.timedelta(seconds=3)
WORDS = {
    faults.Layer.GUEST_OS: 'its guest agent',
    faults.Layer.GUEST_NETWORK: 'its network',
}


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
    if server.vm_state != 'active':
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
