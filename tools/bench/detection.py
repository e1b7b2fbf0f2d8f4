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

"""``make soak SET=detection``: seconds from a fault to the decision.

The cluster only observes, so that nothing is fenced or evacuated between
two injections: HASS sees the host, asks about it and decides as it would
otherwise, and its recovery is held with the fault in its first sentence.
The moment is the database's, of the row that says so, in the history of the
recovery; the fault's moment is read right before it is injected. Hosts take
turns, boot after each injection, and all are at rest before the next one. The
first comes when the beats of all hosts are known well enough for the wished
time: before, for some minutes, HASS takes longer, and says so of each host.
"""

from collections.abc import Callable
import dataclasses
import datetime
import json
import random
import statistics
import time

from rich import console
from rich import table

from hass.diagnosis import explain
from hass.tests.openstack import lab as labs
from tools.bench import probing
from tools.minicloud import faults
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud import lifecycle
from tools.minicloud import processes

DECIDED = 'the cluster only observes'
LIMIT_SECONDS = 120
ACQUAINTED_SECONDS = 1200
# Nova no longer lives on reports from before the boot; and an injection hits
# any moment between two beats and two turns.
CALM_SECONDS = (8, 10)


Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A fault, and how many seconds until it should be decided."""

    name: str
    inject: Callable[[Lab, str], None]
    aim: float


KINDS = (
    Kind('power loss', faults.power_cut, 2),
    Kind('kernel panic', faults.kernel_panic, 1),
    Kind('hung host', faults.hang, 8),
    Kind('network cut', faults.cut, 10),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What HASS made of one injection.

    :ivar suspected: seconds from the fault to the recovery's row
    :ivar seconds: from the fault to the decision
    """

    kind: str
    suspected: float
    seconds: float
    why: str


def soak(count: int, say: Say) -> bool:
    """Measure on a cloud of its own; whether all aims were reached."""
    probes = probing.measure()
    cloud = labs.bring_up({}, labs.Cloud)
    try:
        cloud.populate()
        cloud.hass('PATCH', '/v1/clusters/lab', {'mode': 'observe'})
        say('HASS gets to know the beats of the hosts')
        await_acquaintance(cloud)
        decisions = figures(measure(cloud, count, say))
    finally:
        lifecycle.down(cloud.lab)
    _show(decisions, probes)
    return all(one['max_s'] <= one['aim_s'] for one in decisions.values())


def _show(
    decisions: dict[str, dict[str, float]],
    probes: dict[str, dict[str, float]],
) -> None:
    drawn = table.Table(
        *('fault', 'injections', 'p50', 'max', 'aim'),
        title='seconds from a fault to the decision',
    )
    for name, one in decisions.items():
        drawn.add_row(name, *(f'{value:g}' for value in one.values()))
    probed = table.Table('probes', 'wall', 'CPU', title='seconds of a round')
    for name, one in probes.items():
        probed.add_row(name, *(f'{value:g}' for value in one.values()))
    paper = console.Console(width=79)
    paper.print(drawn)
    paper.print(probed)
    print(json.dumps({'decided': decisions, 'probes': probes}))


def measure(cloud: labs.Cloud, count: int, say: Say) -> list[Decision]:
    """Inject each kind so many times."""
    decisions = []
    for turn in range(count):
        for kind in KINDS:
            host = cloud.hosts[turn % len(cloud.hosts)]
            decided = decide(cloud, kind, host)
            say(
                f'{turn + 1}/{count} {decided.kind}: '
                f'{decided.suspected:.2f} s, {decided.seconds:.2f} s: '
                f'{decided.why}'
            )
            decisions.append(decided)
    return decisions


def decide(cloud: labs.Cloud, kind: Kind, host: str) -> Decision:
    """One injection, and back to rest."""
    await_rest(cloud)
    time.sleep(random.uniform(*CALM_SECONDS))
    began = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    kind.inject(cloud.lab, host)
    try:
        story = _await_decision(cloud, host, began)
    finally:
        _boot_again(cloud.lab, host)
    cloud.hass('POST', f'/v1/recoveries/{story.uuid}/release')
    line = _decision(story)
    assert line is not None
    return Decision(
        kind.name,
        (story.opened_at - began).total_seconds(),
        (line.at - began).total_seconds(),
        line.why.partition(f'; {DECIDED}')[0],
    )


def figures(decisions: list[Decision]) -> dict[str, dict[str, float]]:
    """Kind -> how often, p50, max and aim; seconds."""
    found = {}
    for kind in KINDS:
        seconds = [one.seconds for one in decisions if one.kind == kind.name]
        found[kind.name] = {
            'injections': len(seconds),
            'p50_s': round(statistics.median(seconds), 2),
            'max_s': round(max(seconds), 2),
            'aim_s': kind.aim,
        }
    return found


def await_acquaintance(cloud: labs.Cloud) -> None:
    """Wait until every host would be suspected as soon as was wished.

    :raises LabError: it is not within the limit
    """
    told: list[str] = []

    def known() -> bool:
        answers = [
            cloud.hass('GET', f'/v1/hosts/{host}/explain')
            for host in cloud.hosts
        ]
        told[:] = [str(answer['explanation']) for answer in answers]
        fresh = not any(answer['stale'] for answer in answers)
        return fresh and not any(explain.SLOW in one for one in told)

    if not processes.until(known, ACQUAINTED_SECONDS, every=5):
        raise LabError(f'HASS does not know the hosts well enough: {told}')


def await_rest(cloud: labs.Cloud) -> None:
    """Wait until HASS watches every host, and no story is open.

    Guests that their host's power took along stay where they are: nobody
    recovers them here.

    :raises LabError: it does not within the limit
    """
    why = ''

    def rest() -> bool:
        nonlocal why
        why = cloud.unrest(guests=False)
        return not why

    if not processes.until(rest, LIMIT_SECONDS, every=0.3):
        raise LabError(f'no rest within {LIMIT_SECONDS} s: {why}')


def _boot_again(lab: Lab, host: str) -> None:
    """What a recovery would have done to a host with any of the faults."""
    faults.join(lab, host)
    faults.power_cut(lab, host)
    faults.power_on(lab, host)


def _await_decision(
    cloud: labs.Cloud, host: str, began: datetime.datetime
) -> labs.Story:
    """The story that was decided.

    :raises LabError: none was
    """
    told: list[labs.Story] = []

    def decided() -> bool:
        told[:] = [cloud.story(one.uuid) for one in cloud.stories(began, host)]
        return any(map(_decision, told))

    if not processes.until(decided, LIMIT_SECONDS, every=0.2):
        raise LabError(f'no decision about {host}: {told}')
    return next(filter(_decision, told))


def _decision(story: labs.Story) -> labs.Line | None:
    for line in story.history:
        if line.after == 'held' and DECIDED in line.why:
            return line
    return None
