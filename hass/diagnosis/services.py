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

"""How the services of a host stand: nova-compute and libvirtd. Pure.

A unit's own manager knows best. It alone knows that somebody stopped a
service on purpose, or starts it at this moment: then nothing is wrong,
whatever the others see. When it says that the unit runs, or cannot be asked, a
look from elsewhere tells whether the service answers.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import datetime

from hass import faults

PATHS = (faults.SidePath.LIBVIRT, faults.SidePath.COMPUTE)
"""libvirtd first: nova-compute needs it."""
UNITS: Mapping[faults.SidePath, str] = {
    faults.SidePath.LIBVIRT: 'agent:libvirt_systemd',
    faults.SidePath.COMPUTE: 'agent:compute_systemd',
}
LOOKS: Mapping[faults.SidePath, str] = {
    faults.SidePath.LIBVIRT: 'agent:libvirt_keepalive',
    faults.SidePath.COMPUTE: 'compute_nova',
}
FRESH_SECONDS = 60.0
"""What was seen longer ago is not known any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How one service of a host stands.

    :ivar unit: what its manager says; None: it cannot be asked
    :ivar looked_at: when its manager was asked
    """

    path: faults.SidePath
    verdict: faults.Verdict
    why: str
    unit: faults.Verdict | None = None
    looked_at: datetime.datetime | None = None

    @property
    def is_failed(self) -> bool:
        return self.verdict is faults.Verdict.FAILED

    @property
    def by_nova_alone(self) -> bool:
        """Nobody on the host says so."""
        return (
            self.is_failed
            and self.path is faults.SidePath.COMPUTE
            and self.unit is not faults.Verdict.FAILED
        )


def judge(
    path: faults.SidePath,
    seen: Iterable[faults.Observation],
    now: datetime.datetime,
) -> Standing:
    """What the newest looks at one service of one host come to."""
    oldest = now - datetime.timedelta(seconds=FRESH_SECONDS)
    fresh = {
        one.detector: one
        for one in seen
        if one.layer is path and one.seen_at >= oldest
    }
    unit, look = fresh.get(UNITS[path]), fresh.get(LOOKS[path])
    found = unit
    if unit is None or unit.verdict is faults.Verdict.HEALTHY:
        found = look or unit
        if unit and look and look.verdict is faults.Verdict.UNKNOWN:
            found = unit
    if found is None:
        return Standing(path, faults.Verdict.UNKNOWN, f'{path}: nobody looks')
    return Standing(
        path,
        found.verdict,
        found.detail or f'{path} is {found.verdict}',
        None if unit is None else unit.verdict,
        None if unit is None else unit.seen_at,
    )


def judge_all(
    seen: Iterable[faults.Observation], now: datetime.datetime
) -> Standing:
    """The service that wants attention first.

    A failed one, then one of which nothing is known although its manager was
    asked; healthy stands for all of them.
    """
    known = list(seen)
    standings = [judge(path, known, now) for path in PATHS]
    for one in standings:
        if one.is_failed:
            return one
    for one in standings:
        if one.unit is faults.Verdict.UNKNOWN:
            return one
    for one in reversed(standings):
        if one.verdict is faults.Verdict.HEALTHY:
            return one
    return standings[-1]
