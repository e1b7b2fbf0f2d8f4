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

"""Compares this engine's wall clock with those of others."""

import datetime

from hass import clock as clock_
from hass.diagnosis import clocks
from hass.engine import inventory as inventory_
from hass.engine import overview

FRESH_SECONDS = overview.LATELY_SECONDS
"""What somebody said of a clock so lately tells how it is set."""


class OwnClock:
    """Engines and agents write down what their clocks show."""

    def __init__(
        self,
        inventory: inventory_.Inventory,
        clock: clock_.Clock,
        engine: str,
    ) -> None:
        self._inventory = inventory
        self._clock = clock
        self._engine = engine

    def trouble(self, seen: overview.Seen) -> str:
        """What is wrong with it, '' when nothing tells that it is."""
        passed = self._clock.monotonic() - seen.at
        own = (self._clock.now() - seen.now).total_seconds() - passed
        young = seen.now - datetime.timedelta(seconds=FRESH_SECONDS)
        told = [
            (one.clock_at, one.turn_at)
            for one in seen.lately
            if one.name != self._engine
        ] + [
            (host.clock_at, host.reported_at)
            for host in self._inventory.hosts()
            if host.reported_at is not None and host.reported_at > young
        ]
        return clocks.wrong(
            own,
            [
                (clock_at - at).total_seconds()
                for clock_at, at in told
                if clock_at is not None and at is not None
            ],
        )
