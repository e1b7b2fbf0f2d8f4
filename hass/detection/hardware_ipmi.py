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

"""Hardware, from outside: sensors and the event log of the BMC."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import threading

from hass import bmc
from hass.detection import base
from hass.detection import ipmi
from hass import exception
from hass import faults

ILL = ('critical', 'failed')
EVENT_SECONDS = 600.0
"""An event that is never taken back counts for so long."""

# Kinds of events (IPMI 2.0, 42.2) without which no host goes on.
KINDS = frozenset(
    {
        'Temperature',
        'Voltage',
        'Current',
        'Fan',
        'Processor',
        'Power Supply',
        'Memory',
        'Critical interrupt',
        'Chip Set',
    }
)


Readings = Mapping[str, bmc.SensorReading]


@dataclasses.dataclass(slots=True)
class Log:
    """What is remembered of a host's event log.

    :ivar standing: events that were not taken back, and when they were read
    """

    mark: bmc.LogMark | None = None
    standing: dict[tuple[str, str], float] = dataclasses.field(
        default_factory=dict
    )
    trouble: str = ''


class HardwareIpmi(ipmi.IpmiDetector):
    """Reads all sensors, and the events since the last look.

    A watched sensor that is critical or worse is a failure, and so is such
    an event for as long as it is not taken back, at most EVENT_SECONDS. A
    mere warning is not.
    """

    layer = faults.Layer.HARDWARE

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self.seconds = 4 * self.bmcs.long_seconds + base.GRACE_SECONDS
        self._lock = threading.Lock()
        self._logs: dict[str, Log] = {}

    def probe(self, subject: base.Subject) -> Sequence[base.Finding]:
        """Failed before unknown before healthy.

        :raises hass.exception.BmcError: the sensors cannot be read
        """
        at = self.access(subject)
        readings = self.bmcs.sensors(at)
        log = self._read_log(subject, at)
        seen = _worst(readings)
        names = subject.watched_sensors
        if names is None:
            names = tuple(name for name, one in seen.items() if one.limited)
        bad = [_told(seen[name]) for name in names if _ill(seen, name)]
        bad += self._standing(log, subject, seen)
        blind = _blind(names, seen, subject.watched_sensors is not None)
        if bad:
            verdict, detail = faults.Verdict.FAILED, bad
        elif blind:
            verdict, detail = faults.Verdict.UNKNOWN, blind
        else:
            verdict = faults.Verdict.HEALTHY
            detail = [f'{len(names)} sensors read well']
            detail += [_told(seen[one]) for one in names if _warns(seen, one)]
        if log.trouble:
            detail = [*detail, log.trouble]
        return self.found(verdict, '; '.join(detail))

    def _read_log(self, subject: base.Subject, at: bmc.Access) -> Log:
        """A copy of what is remembered, the newest events included."""
        with self._lock:
            log = self._logs.setdefault(subject.host, Log())
            mark = log.mark
        try:
            new, events = self.bmcs.events(at, mark)
        except exception.BmcRefused as error:
            return dataclasses.replace(
                log, trouble=f'the event log cannot be read: {error.reason}'
            )
        now = self.tools.clock.monotonic()
        with self._lock:
            if log.mark == mark:
                log.mark = new
                _remember(log.standing, events, now)
            for key, read_at in list(log.standing.items()):
                if read_at < now - EVENT_SECONDS:
                    del log.standing[key]
            return Log(log.mark, dict(log.standing))

    def _standing(
        self, log: Log, subject: base.Subject, seen: Readings
    ) -> list[str]:
        """Events that stand and that no newer reading denies."""
        watched = subject.watched_sensors
        return [
            f'event: {sensor} {text}'
            for sensor, text in log.standing
            if (watched is None or sensor in watched)
            and not (sensor in seen and seen[sensor].value is not None)
        ]


def _worst(readings: Iterable[bmc.SensorReading]) -> Readings:
    """By name; of sensors with one name, say of two CPUs, the worst counts."""
    ranks = {'unknown': 0, 'ok': 1, 'warning': 2}
    return {
        one.name: one
        for one in sorted(
            readings, key=lambda one: ranks.get(one.health, len(ranks))
        )
    }


def _ill(seen: Readings, name: str) -> bool:
    return name in seen and seen[name].health in ILL


def _warns(seen: Readings, name: str) -> bool:
    return seen[name].health == 'warning'


def _told(reading: bmc.SensorReading) -> str:
    value = '' if reading.value is None else f' {reading.value:g}'
    states = ', '.join(reading.states)
    return f'{reading.name}{value}{reading.unit} is {reading.health}: {states}'


def _blind(names: Sequence[str], seen: Readings, named: bool) -> list[str]:
    """Why the sensors tell nothing; named ones must all be read."""
    missing = [f'there is no sensor {one}' for one in names if one not in seen]
    mute = [
        f'sensor {one} has no reading'
        for one in names
        if one in seen and seen[one].health == 'unknown'
    ]
    if named or len(mute) == len(names):
        return missing + mute or ([] if names else ['it has no sensors'])
    return missing


def _remember(
    standing: dict[tuple[str, str], float],
    events: Iterable[bmc.Event],
    now: float,
) -> None:
    """Add what came true of hardware, drop what was taken back."""
    for event in events:
        key = event.sensor, event.text
        if not event.asserted:
            standing.pop(key, None)
        elif event.kind in KINDS and event.health in ILL:
            standing[key] = now
