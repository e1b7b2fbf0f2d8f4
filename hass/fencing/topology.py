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

"""Which fencers, in which order: levels, as in Pacemaker."""

from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
from typing import cast

from stevedore import driver
from stevedore import exception as stevedore_exception
from stevedore import extension

from hass import bmc
from hass import clock as clock_
from hass import exception
from hass.fencing import base

NAMESPACE = 'hass.fencers'
ASKS_PER_LEVEL = 3
"""A level that was asked so often without a proof gives way to the next."""

Level = Sequence[base.Fencer]
FAILURES = (exception.BmcError, exception.FencingFailed)


class Topology(base.Fencer):
    """Levels are tried in order; all fencers of one level must prove.

    A host is off when one level says so with all its voices. A level that
    fails is passed over; only when every level fails is that an error.
    """

    def __init__(self, levels: Sequence[Level]) -> None:
        self.levels = levels
        self._asked: dict[str, int] = {}

    def status(self, target: base.Target) -> base.PowerState:
        return self._read(lambda one: base.Reading(one.status(target))).power

    def read(self, target: base.Target) -> base.Reading:
        """Power and identity of the level that says off, else of the first.

        Devices of one level that name two systems name none.
        """
        return self._read(lambda one: one.read(target))

    def read_marked(self, target: base.Target) -> base.Reading:
        """The same; a mark counts that one device of the level has alone."""
        return self._read(lambda one: one.read_marked(target))

    def _read(
        self, look: Callable[[base.Fencer], base.Reading]
    ) -> base.Reading:
        seen: list[base.Reading] = []
        failures: list[exception.HassError] = []
        for level in self.levels:
            try:
                voices = [look(fencer) for fencer in level]
            except FAILURES as failure:
                failures.append(failure)
                continue
            seen.append(_joint(voices))
            if seen[-1].power is base.PowerState.OFF:
                return seen[-1]
        if not seen:
            raise failures[0]
        on = any(one.power is base.PowerState.ON for one in seen)
        power = base.PowerState.ON if on else base.PowerState.UNKNOWN
        return dataclasses.replace(seen[0], power=power)

    def off(self, target: base.Target, deadline: clock_.Deadline) -> None:
        asked = self._asked.get(target.name, 0)
        self._asked[target.name] = asked + 1
        first = asked // ASKS_PER_LEVEL % len(self.levels)
        failures: list[exception.HassError] = []
        for level in [*self.levels[first:], *self.levels[:first]]:
            try:
                for fencer in level:
                    fencer.off(target, deadline)
                return
            except FAILURES as failure:
                failures.append(failure)
        raise failures[0]

    def on(self, target: base.Target, deadline: clock_.Deadline) -> None:
        """Undo every level: each of them may have cut the host off."""
        self._asked.pop(target.name, None)
        for level in self.levels:
            for fencer in level:
                fencer.on(target, deadline)


def _joint(voices: Sequence[base.Reading]) -> base.Reading:
    """What the devices of one level say together."""
    powers = {one.power for one in voices}
    if len(powers) == 1:
        (power,) = powers
    elif base.PowerState.ON in powers:
        power = base.PowerState.ON
    else:
        power = base.PowerState.UNKNOWN
    guids = {one.guid for one in voices if one.guid is not None}
    marks = {one.mark for one in voices if one.mark is not None}
    macs = {one.mac for one in voices if one.mac is not None}
    policies = [one.power_restore_policy for one in voices]
    return base.Reading(
        power,
        guids.pop() if len(guids) == 1 else None,
        next(filter(None, policies), None),
        mark=marks.pop() if len(marks) == 1 else None,
        mac=macs.pop() if len(macs) == 1 else None,
    )


def build(levels: Sequence[str], bmcs: bmc.Bmc) -> Topology:
    """The fencers of [fencing] levels: names, those of a level joined by +.

    :raises hass.exception.ConfigError: a name is not known, or none is given
    """
    if not levels:
        raise exception.ConfigError('[fencing] levels', _allowed('no level'))
    return Topology(
        [
            [_load(name.strip(), bmcs) for name in level.split('+')]
            for level in levels
        ]
    )


def _load(name: str, bmcs: bmc.Bmc) -> base.Fencer:
    try:
        manager: driver.DriverManager[base.Fencer] = driver.DriverManager(
            NAMESPACE, name, invoke_on_load=True, invoke_args=(bmcs,)
        )
    except stevedore_exception.NoMatches:
        raise exception.ConfigError(
            '[fencing] levels', _allowed(f'{name!r} is not known')
        ) from None
    return cast(base.Fencer, manager.driver)


def _allowed(problem: str) -> str:
    names = sorted(extension.ExtensionManager(NAMESPACE).names())
    return f'{problem}; allowed are {", ".join(names)}'
