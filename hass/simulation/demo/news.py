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

"""What HASS tells of the recoveries, read over its API as it happens."""

from collections.abc import Mapping
import dataclasses
import datetime
from typing import Any

from hass import clock as clock_
from hass.simulation.demo import operator

RUNNING = 'running'


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    :ivar seconds: since the fault of that host was injected
    :ivar state: the recovery's new state, or 'running'
    """

    host: str
    seconds: float
    state: str
    text: str


class News:
    """Reads the recoveries of the hosts that were struck."""

    def __init__(self, client: operator.Operator, clock: clock_.Clock) -> None:
        self._client = client
        self._clock = clock
        self._struck: dict[str, datetime.datetime] = {}
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._back: set[str] = set()
        self._moments: dict[tuple[str, str], float] = {}

    def strike(self, host: str) -> None:
        """Count the seconds of this host from now on."""
        self._struck[host] = self._clock.now()

    def seconds(self, host: str, state: str) -> float | None:
        """When a recovery of the host first came to that state."""
        return self._moments.get((host, state))

    def evacuating(self, host: str) -> list[str]:
        """UUIDs that an open recovery moves away from the host."""
        return [
            each['instance']
            for recovery in self._seen.values()
            for each in recovery['evacuations']
            if recovery['subject'] == host and recovery['ended_at'] is None
        ]

    def now(self) -> list[str]:
        """Where each open recovery stands, in a sentence."""
        return [
            f'{one["subject"]} is {one["state"]}: {one["why"]}'
            for one in self._seen.values()
            if one['ended_at'] is None
        ]

    def read(self) -> list[Line]:
        """What is new since the last time."""
        lines: list[Line] = []
        listed = self._client.get('/v1/recoveries')['recoveries']
        for recovery in sorted(listed, key=lambda one: one['opened_at']):
            before = self._seen.get(recovery['uuid'])
            if recovery['subject'] not in self._struck:
                continue
            if before is not None and before['ended_at'] is not None:
                continue
            after = self._client.get(f'/v1/recoveries/{recovery["uuid"]}')
            self._seen[recovery['uuid']] = after
            lines += self._hops(after, len(before['history']) if before else 0)
            lines += self._evacuations(after)
        return sorted(lines, key=lambda line: line.seconds)

    def _hops(self, recovery: Mapping[str, Any], known: int) -> list[Line]:
        host = recovery['subject']
        lines = [
            Line(host, self._since(host, hop['at']), hop['to'], hop['why'])
            for hop in recovery['history'][known:]
        ]
        for line in lines:
            self._moments.setdefault((host, line.state), line.seconds)
        return lines

    def _evacuations(self, recovery: Mapping[str, Any]) -> list[Line]:
        """One line for those that were seen to run since the last time."""
        host = recovery['subject']
        back = [
            each
            for each in recovery['evacuations']
            if each['state'] == 'done' and each['uuid'] not in self._back
        ]
        if not back:
            return []
        self._back |= {each['uuid'] for each in back}
        places: dict[str, list[str]] = {}
        for each in back:
            names = places.setdefault(each['destination'], [])
            names.append(each['instance_name'])
        text = '; '.join(
            f'{" ".join(names)} on {place}'
            for place, names in sorted(places.items())
        )
        seconds = max(self._since(host, each['ended_at']) for each in back)
        return [Line(host, seconds, RUNNING, text)]

    def _since(self, host: str, moment: str) -> float:
        at = datetime.datetime.fromisoformat(moment).replace(tzinfo=None)
        return (at - self._struck[host]).total_seconds()
