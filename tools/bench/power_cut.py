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

"""Seconds from a power cut to all instances ACTIVE, and without HASS."""

from collections.abc import Sequence
from concurrent import futures
import dataclasses
import datetime
import json
import time
from typing import Any

from hass.tests.openstack import lab as labs
from hass_oracle import ledger
from tools.bench import rows
from tools.minicloud import bmcs
from tools.minicloud import faults
from tools.minicloud.lab import LabError
from tools.minicloud import openstack
from tools.minicloud import processes

VICTIM = 'compute1'
LIMIT_SECONDS = 300
AT_WORK = (
    'SELECT claimed_by FROM recoveries WHERE ended_at IS NULL '
    "AND state = 'evacuating' AND claimed_by IS NOT NULL"
)
"""Which engine asks for evacuations."""


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """Seconds since the fault, and what HASS asked of Nova meanwhile."""

    decided: float
    fenced: float
    first_evacuate: float
    all_active: float
    requests: int

    @property
    def evacuation(self) -> float:
        return self.all_active - self.first_evacuate


def recover(
    cloud: labs.Cloud, count: int, kill_after: int | None = None
) -> Timing:
    """HASS recovers so many instances from a power cut.

    :param kill_after: evacuate calls, after which the engine that sends them
        is killed; its service is started again when all is over
    """
    uuids = settle(cloud, count)
    for uuid in uuids:
        cloud.hass('POST', '/v1/instances', {'uuid': uuid})
    began = _cut(cloud)
    killed = None if kill_after is None else _kill(cloud, began, kill_after)
    nova = rows.Rows(cloud.lab, 'nova')
    active = rows.await_moved(nova, uuids, VICTIM)
    nova.close()
    story = await_end(cloud, began, 'host_failure')
    await_end(cloud, began, 'host_return')
    if killed is not None:
        faults.engine_start(cloud.lab, killed)
    asked = requests(cloud, began, story.history[-1].at)
    evacuations = _evacuations(asked)
    accepted = min(one['at'] for one in evacuations if one['status'] == 200)
    return Timing(
        decided=_hop(story, 'fencing', began),
        fenced=_hop(story, 'forcing_down', began),
        first_evacuate=accepted - _boottime(began),
        all_active=active - began.timestamp(),
        requests=len(asked),
    )


def recover_beside_stopped_worker(cloud: labs.Cloud, count: int) -> Timing:
    """The same, and a worker of nova-api stops with the first evacuate call.

    It stands still until all is over.
    """
    faults.nova_api_stop_at_evacuate(cloud.lab)
    try:
        return recover(cloud, count)
    finally:
        faults.nova_api_sigcont(cloud.lab)


def _kill(cloud: labs.Cloud, began: datetime.datetime, after: int) -> int:
    """Kill the engine that has sent so many evacuate calls; its number."""
    _until(
        lambda: len(_evacuations(requests(cloud, began, None))) >= after,
        f'{after} evacuate calls',
    )
    hass = rows.Rows(cloud.lab, 'hass')
    ((name,),) = hass.ask(AT_WORK)
    hass.close()
    faults.engine_kill9(cloud.lab, int(name[-1]))
    return int(name[-1])


def _evacuations(asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in asked if 'evacuate' in one['route']]


def bare(cloud: labs.Cloud, count: int) -> float:
    """The evacuation phase of a script that only sends the calls.

    HASS is not there. The host is off and forced down when it begins.
    """
    uuids = settle(cloud, count)
    _cut(cloud)
    openstack.script(cloud.lab, 'servers', 'force-down', VICTIM)
    began = datetime.datetime.now(datetime.UTC)
    nova = rows.Rows(cloud.lab, 'nova')
    with cloud.callers(count) as call:
        calls = [
            call('POST', f'/servers/{uuid}/action', {'evacuate': {}})
            for uuid in uuids
        ]
        active = rows.await_moved(nova, uuids, VICTIM)
        futures.wait(calls)
    nova.close()
    asked = requests(cloud, began, None, user='admin')
    accepted = min(one['at'] for one in asked if 'evacuate' in one['route'])
    bmcs.ipmitool(cloud.lab, VICTIM, 'chassis', 'power', 'on')
    openstack.script(cloud.lab, 'servers', 'unforce', VICTIM)
    phase: float = active - began.timestamp() - accepted + _boottime(began)
    return phase


def takeover(cloud: labs.Cloud) -> float:
    """Seconds from kill -9 of an engine to the other's claim."""
    uuids = settle(cloud, 2)
    for uuid in uuids:
        cloud.hass('POST', '/v1/instances', {'uuid': uuid})
    for host in cloud.hosts[1:]:
        faults.spawn_seconds(cloud.lab, host, 4)
    began = _cut(cloud)
    hass = rows.Rows(cloud.lab, 'hass')
    killed = _until(lambda: hass.ask(AT_WORK), 'an engine at work')[0][0]
    faults.engine_kill9(cloud.lab, int(killed[-1]))
    dead = time.monotonic()
    _until(
        lambda: any(name != killed for (name,) in hass.ask(AT_WORK)),
        'the other engine to take over',
    )
    taken = time.monotonic() - dead
    hass.close()
    faults.engine_start(cloud.lab, int(killed[-1]))
    for host in cloud.hosts[1:]:
        faults.spawn_seconds(cloud.lab, host, 0)
    await_end(cloud, began, 'host_return')
    return taken


def settle(cloud: labs.Cloud, count: int) -> list[str]:
    """So many instances on the victim, and no others; at rest."""
    if cloud.with_hass:
        for one in cloud.hass('GET', '/v1/instances')['instances']:
            cloud.hass('DELETE', f'/v1/instances/{one["uuid"]}')
    openstack.script(cloud.lab, 'servers', 'delete-all')
    _until(lambda: not cloud.unrest(), 'rest')
    names = [f'bench-{number}' for number in range(count)]
    return cloud.boot(VICTIM, *names)


def await_end(
    cloud: labs.Cloud, began: datetime.datetime, workflow: str
) -> labs.Story:
    """Wait for the end of the story that began after a moment.

    :raises LabError: it is held, or does not end
    """

    def ended() -> labs.Story | None:
        for one in cloud.stories(began.replace(tzinfo=None), VICTIM):
            if one.state == 'held':
                raise LabError(f'{VICTIM} is held: {one.why}')
            if one.workflow == workflow and one.state in labs.ENDED:
                return cloud.story(one.uuid)
        return None

    story: labs.Story = _until(ended, f'{workflow} to end')
    return story


def requests(
    cloud: labs.Cloud,
    began: datetime.datetime,
    ended: datetime.datetime | None,
    user: str = 'hass',
) -> Sequence[dict[str, Any]]:
    """What a user asked of nova-api in that time."""
    first = _boottime(began)
    last = ledger.boottime()
    if ended is not None:
        last = _boottime(ended.replace(tzinfo=datetime.UTC))
    lines = cloud.lab.requests.read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return [
        one
        for one in told
        if one['user'] == user and first <= one['at'] <= last
    ]


def _cut(cloud: labs.Cloud) -> datetime.datetime:
    began = datetime.datetime.now(datetime.UTC)
    faults.power_cut(cloud.lab, VICTIM)
    return began


def _hop(story: labs.Story, to: str, began: datetime.datetime) -> float:
    at = next(line.at for line in story.history if line.after == to)
    return (at.replace(tzinfo=datetime.UTC) - began).total_seconds()


def _boottime(moment: datetime.datetime) -> float:
    """A moment of the day on CLOCK_BOOTTIME, in seconds."""
    return moment.timestamp() - (time.time() - ledger.boottime())


def _until(condition: Any, what: str) -> Any:
    found: list[Any] = []

    def true() -> bool:
        found[:] = [condition()]
        return bool(found[0])

    if not processes.until(true, LIMIT_SECONDS, every=0.02):
        raise LabError(f'waited {LIMIT_SECONDS} s for {what}')
    return found[0]
