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
"""``make soak SET=guests``: seconds from a guest's fault to its recovery.

Real guests fail in equal shares of each kind, in an order that the seed
gives. The moment of a fault is read right before it is injected; that of a
watchdog is when libvirt told of it, because until then nobody could know.
The recovery's moment is that of its row, of the database's clock. While one
guest is recovered, the next one fails. A fault is missed when no recovery of
that guest is opened in time, and when it does not answer in the end.
"""

from collections.abc import Callable
import dataclasses
import datetime
import json
import math
import random
import statistics
import time

from rich import console
from rich import table

from hass.tests.openstack.guests import base
from hass.tests.openstack import lab as labs
from tools.minicloud import guests
from tools.minicloud.lab import Lab
from tools.minicloud.lab import LabError
from tools.minicloud import lifecycle
from tools.minicloud import processes

WORKFLOW = 'instance_failure'
OPENED_SECONDS = 60
MENDED_SECONDS = 240
# Storage does not return at the moment that it failed.
FULL_SECONDS = 3
# Beside those of the tests: while some are recovered, others fail.
MORE = (('compute2', 'pause'), ('compute3', 'none'))


Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A fault of guests.

    :ivar aim: seconds in which its recovery should be opened
    :ivar watchdog: the action of its guest's watchdog, which tells of it
    """

    name: str
    inject: Callable[[Lab, str], float]
    aim: float
    watchdog: str = ''


KINDS = (
    Kind('qemu killed', guests.kill, 1),
    Kind('kernel panic', guests.panic, 1),
    Kind('hung, watchdog none', guests.hang, 1, 'none'),
    Kind('hung, watchdog pause', guests.hang, 1, 'pause'),
    Kind('storage full', guests.fill, 2),
    Kind('network gone', guests.unplug, 10),
)


@dataclasses.dataclass(slots=True)
class Injection:
    """One fault and what became of it.

    :ivar seconds: until the recovery was opened; None: it was not
    :ivar mended: the guest answers again
    """

    kind: Kind
    uuid: str
    moment: datetime.datetime
    seconds: float | None = None
    recovery: str = ''
    mended: bool = False


def soak(count: int, seed: int, say: Say) -> bool:
    """Play on a cloud of its own; whether none was missed, and in time."""
    print(f'guests: {count} faults, seed {seed}')
    cloud = labs.bring_up(base.GuestCloud.options, base.GuestCloud)
    try:
        cloud.populate()
        for host, action in MORE:
            cloud.boot_guest(host, action)
        cloud.populate()
        told = Campaign(cloud, say).play(plan(count, seed))
    finally:
        lifecycle.down(cloud.lab)
    found = figures(told)
    _show(found)
    return all(
        one['missed'] == one['not_back'] == 0 and one['max_s'] <= one['aim_s']
        for one in found.values()
    )


def plan(count: int, seed: int) -> list[Kind]:
    """At least so many faults, as many of each kind, in random order."""
    faults = list(KINDS) * math.ceil(count / len(KINDS))
    random.Random(seed).shuffle(faults)
    return faults


class Campaign:
    """Breaks guests of a cloud, one after the other."""

    def __init__(self, cloud: base.GuestCloud, say: Say) -> None:
        self._cloud = cloud
        self._say = say
        self._watchdogs = cloud.watchdogs()
        self._open: dict[str, Injection] = {}

    def play(self, kinds: list[Kind]) -> list[Injection]:
        """Inject each when a guest for it is at rest; all of them."""
        told = []
        for number, kind in enumerate(kinds, 1):
            one = self.inject(kind)
            told.append(one)
            late = 'missed' if one.seconds is None else f'{one.seconds:.2f} s'
            self._say(f'{number}/{len(kinds)} {kind.name}: {late}')
        for uuid in list(self._open):
            self._end(uuid)
        return told

    def inject(self, kind: Kind) -> Injection:
        """Break a guest, and wait until its recovery was opened."""
        uuid = self._rested(kind)
        moment = datetime.datetime.fromtimestamp(
            kind.inject(self._cloud.lab, uuid), datetime.UTC
        ).replace(tzinfo=None)
        one = Injection(kind, uuid, moment)
        self._open[uuid] = one
        processes.until(lambda: self._opened(one), OPENED_SECONDS, every=0.5)
        if kind.inject is guests.fill:
            time.sleep(FULL_SECONDS)
            guests.make_room(self._cloud.lab, uuid)
        return one

    def _opened(self, one: Injection) -> bool:
        for story in self._cloud.stories(one.moment, one.uuid):
            if story.workflow != WORKFLOW:
                continue
            one.recovery = story.uuid
            since = self._told(one) if one.kind.watchdog else one.moment
            one.seconds = (story.opened_at - since).total_seconds()
            return True
        return False

    def _told(self, one: Injection) -> datetime.datetime:
        """When libvirt told of the watchdog, by the agent's clock."""
        found = self._cloud.hass('GET', '/v1/notifications?source=agent')
        return next(
            labs.moment(each['generated_at'])
            for each in found['notifications']
            if each['payload'].get('instance') == one.uuid
            and labs.moment(each['generated_at']) >= one.moment
        )

    def _rested(self, kind: Kind) -> str:
        """A guest for it, of those at rest the one left alone for longest.

        :raises LabError: none comes to rest
        """
        fit = [
            uuid
            for uuid, action in self._watchdogs.items()
            if kind.watchdog in ('', action)
        ]
        rested: list[str] = []

        def rests() -> bool:
            rested[:] = filter(self._at_rest, fit)
            return bool(rested)

        if not processes.until(rests, MENDED_SECONDS, every=0.5):
            for uuid in {*fit} & {*self._open}:
                self._end(uuid)
            if not processes.until(rests, MENDED_SECONDS):
                raise LabError(f'none of {fit} comes to rest')
        uuid = rested[0]
        if one := self._open.pop(uuid, None):
            one.mended = True
        # To the end of the row.
        self._watchdogs[uuid] = self._watchdogs.pop(uuid)
        return uuid

    def _end(self, uuid: str) -> None:
        """Wait until a recovery has ended; do by hand what it has not."""
        one = self._open.pop(uuid)
        one.mended = processes.until(
            lambda: self._at_rest(uuid), MENDED_SECONDS, every=0.5
        )
        if not one.mended:
            self._say(f'{one.kind.name} of {uuid} was not mended')
            self._mend(one)

    def _mend(self, one: Injection) -> None:
        """A hard reboot by the administrator."""
        if one.recovery:
            path = f'/v1/recoveries/{one.recovery}'
            if self._cloud.story(one.recovery).state == 'held':
                self._cloud.hass('POST', f'{path}/release')
        body = {'reboot': {'type': 'HARD'}}
        self._cloud.nova('POST', f'/servers/{one.uuid}/action', body)

    def _at_rest(self, uuid: str) -> bool:
        """In service, answering, and in no story."""
        query = f'/v1/recoveries?open=true&subject={uuid}'
        if self._cloud.hass('GET', query)['recoveries']:
            return False
        server = self._cloud.nova('GET', f'/servers/{uuid}')['server']
        return (
            server['status'] == 'ACTIVE'
            and not server['OS-EXT-STS:task_state']
            and self._cloud.answers(uuid)
            and self._cloud.well(uuid) >= base.LAYERS
        )


def figures(told: list[Injection]) -> dict[str, dict[str, float]]:
    """Kind -> how often, missed, not back, p50, max and aim; seconds."""
    found = {}
    for kind in KINDS:
        ours = [one for one in told if one.kind is kind]
        seconds = [one.seconds for one in ours if one.seconds is not None]
        found[kind.name] = {
            'injections': len(ours),
            'missed': len(ours) - len(seconds),
            'not_back': sum(not one.mended for one in ours),
            'p50_s': round(statistics.median(seconds or [0]), 2),
            'max_s': round(max(seconds, default=0), 2),
            'aim_s': kind.aim,
        }
    return found


def _show(found: dict[str, dict[str, float]]) -> None:
    drawn = table.Table(
        *('fault', 'injections', 'missed', 'not back', 'p50', 'max', 'aim'),
        title='seconds from the fault of a guest to its recovery',
    )
    for name, one in found.items():
        drawn.add_row(name, *(f'{value:g}' for value in one.values()))
    console.Console(width=79).print(drawn)
    print(json.dumps({'opened': found}))
