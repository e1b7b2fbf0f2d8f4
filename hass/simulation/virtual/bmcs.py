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

"""All BMCs of the cloud behind the contract of a fencer."""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses

from hass.bmc import identity
from hass import clock as clock_
from hass import exception
from hass.fencing import base as fencing
from hass.simulation.virtual import hosts as hosts_

WARM_SECONDS = 10.0
"""So long a slow one answers at once, when it has answered."""


class Bmcs(fencing.Fencer):
    """They obey at once, unless something is wrong with one.

    :ivar before_off: called once, before the next power off
    :ivar astray: hosts whose power off went to the BMC of another
    """

    def __init__(
        self, hosts: Mapping[str, hosts_.Host], clock: clock_.Clock
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        self.before_off: Callable[[], None] | None = None
        self.astray: list[str] = []
        self._reached: hosts_.Host | None = None
        self._asked: dict[str, float] = {}

    def _wired(self, target: fencing.Target) -> hosts_.Host:
        """The host that the row's address leads to."""
        return self._hosts[self._hosts[target.name].bmc_of or target.name]

    def _reach(self, target: fencing.Target) -> hosts_.Host:
        host = self._wired(target)
        stalls = self._clock.monotonic() < host.bmc_stalled_until
        if host.bmc_mute or stalls:
            raise exception.BmcUnreachable(target.name, 'no answer in 2 s')
        return host

    def _wait(self, host: hosts_.Host) -> None:
        """A slow BMC answers when it is asked again later.

        A call takes no time here: an engine's look that outlasts its search
        is one that fails, and the looks right after it have the answer.
        """
        if not host.bmc_seconds:
            return
        now = self._clock.monotonic()
        asked = self._asked.get(host.name, float('-inf'))
        if now - asked > host.bmc_seconds + WARM_SECONDS:
            asked = self._asked[host.name] = now
        if now - asked < host.bmc_seconds:
            raise exception.BmcUnreachable(
                host.name, f'no answer yet, after {now - asked:g} s'
            )

    def status(self, target: fencing.Target) -> fencing.PowerState:
        host = self._reached = self._reach(target)
        self._wait(host)
        if host.bmc_reads is not None:
            return host.bmc_reads
        on = host.host.is_on
        return fencing.PowerState.ON if on else fencing.PowerState.OFF

    def read(self, target: fencing.Target) -> fencing.Reading:
        """The identity comes out of the session that read the power."""
        self._reached = self._wired(target)
        power = self.status(target)
        guid = self._reached.bmc_guid
        return fencing.Reading(
            power,
            guid,
            'always-off',
            mac=None if identity.tells(guid) else self._reached.bmc_mac,
        )

    def read_marked(self, target: fencing.Target) -> fencing.Reading:
        """With what a host wrote into the BMC that is reached."""
        reading = self.read(target)
        return dataclasses.replace(reading, mark=self._wired(target).bmc_mark)

    def off(self, target: fencing.Target, deadline: clock_.Deadline) -> None:
        hook, self.before_off = self.before_off, None
        if hook is not None:
            hook()
        deadline.check()
        host = self._reach(target)
        host.off_calls += 1
        if host.name != target.name:
            self.astray.append(f'{target.name}: {host.name}')
        if host.bmc_deaf:
            return
        now = self._clock.monotonic()
        host.bmc_stalled_until = now + host.bmc_stall_seconds
        if host.chassis_seconds:
            host.off_due = host.off_due or now + host.chassis_seconds
        else:
            host.host.power_off()

    def on(self, target: fencing.Target, deadline: clock_.Deadline) -> None:
        deadline.check()
        host = self._reach(target)
        if host.power_supply and not host.bmc_deaf:
            host.host.power_on()
