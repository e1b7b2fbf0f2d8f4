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

"""A compute host with its agent, its cables and its BMC."""

from collections.abc import Sequence
import dataclasses
import uuid

from hass.db import wirings
from hass.fencing import base as fencing
from hass.rpc import messages
from hass.simulation import nova_host
from hass.simulation.virtual import units

SYSTEMS = uuid.UUID('6ba7b811-9dad-41d1-80b4-00c04fd430c8')
"""The systems of simulated hosts are named in here."""


@dataclasses.dataclass
class Noise:
    """What a network does to beats.

    :ivar loss: share of beats that are lost, 0 to 1
    :ivar delay: seconds on the way
    :ivar spread: seconds by which the delay differs, up and down
    """

    loss: float = 0.0
    delay: float = 0.0
    spread: float = 0.0


class Host:
    """What may go wrong with one host.

    :ivar host: its power, its system and its guests, as Nova sees them
    :ivar cut: networks whose cable is out
    :ivar beats_filtered: a firewall drops its beats; the bus works
    :ivar pings_filtered: a firewall drops pings
    :ivar noise: by network
    :ivar bus_lost: its agent reaches no message bus; its beats arrive
    :ivar planned: the agent's beats say that it is being stopped
    :ivar clock_jump: seconds by which its wall clock is wrong
    :ivar system_uuid: what its agent reads in band
    :ivar bmc_guid: what its BMC says of itself; None: nothing
    :ivar bmc_mac: its BMC's MAC address; '': it does not tell
    :ivar bmc_mark: what was written into its BMC; None: it takes no marks
    :ivar bmc_reads: what the BMC says of the power, whatever is true
    :ivar units: its services
    :ivar bmc_deaf: the BMC takes commands for power and ignores them
    :ivar bmc_of: the host whose BMC answers at this host's address
    :ivar bmc_stall_seconds: so long the BMC is mute after it has obeyed
    :ivar bmc_seconds: how long the BMC takes to answer; a question
        before that gets no answer
    :ivar chassis_seconds: from the command to the power off
    :ivar off_due: CLOCK_BOOTTIME at which the chassis obeys a command
    """

    def __init__(self, host: nova_host.Host, networks: Sequence[str]) -> None:
        self.host = host
        self.networks = tuple(networks)
        self.cut: set[str] = set()
        self.noise = {network: Noise() for network in networks}
        self.beats_filtered = self.pings_filtered = False
        self.agent_killed = False
        self.planned = False
        self.clock_jump = 0.0
        self.system_uuid = str(uuid.uuid5(SYSTEMS, host.name))
        self.bmc_guid: uuid.UUID | None = uuid.UUID(self.system_uuid)
        self.bmc_mac = uuid.UUID(self.system_uuid).bytes[-6:].hex(':')
        self.bmc_mark: str | None = ''
        self._mark_until = 0.0
        self.bmc_mute = False
        self.bmc_deaf = False
        self.bmc_of: str | None = None
        self.bmc_stall_seconds = self.bmc_stalled_until = 0.0
        self.bmc_seconds = 0.0
        self.chassis_seconds = 0.0
        self.off_due: float | None = None
        self.bmc_reads: fencing.PowerState | None = None
        self.power_supply = True
        self.off_calls = 0
        self.ailing: list[str] = []
        self.bus_lost = False
        self.units = units.Units(host)

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def filtered(self) -> bool:
        """Whether a firewall drops both beats and pings."""
        return self.beats_filtered and self.pings_filtered

    @filtered.setter
    def filtered(self, both: bool) -> None:
        self.beats_filtered = self.pings_filtered = both

    def lose_power_supply(self) -> None:
        """The guests die; the BMC lives on its own supply."""
        self.host.power_off()

    def mark_bmc(
        self, order: messages.Order, now: float
    ) -> messages.OrderResult:
        """The agent writes a mark into the host's own BMC, for a while."""
        if self.bmc_mark is None:
            return messages.OrderResult(order.id, False, 'code c1')
        self.bmc_mark = order.subject
        self._mark_until = now + wirings.KEPT_SECONDS
        return messages.OrderResult(order.id, True, 'written')

    def obey_late(self, now: float) -> None:
        """A slow chassis carries out what its BMC took; a mark goes away."""
        if self.bmc_mark and now >= self._mark_until:
            self.bmc_mark = ''
        if self.off_due is not None and now >= self.off_due:
            self.off_due = None
            self.host.power_off()

    def hang(self) -> None:
        """The kernel stops; the guests' disks may still be written."""
        self.host.hang()

    def lose_network(self, *networks: str) -> None:
        self.cut |= set(networks or self.networks)

    def join_network(self, *networks: str) -> None:
        self.cut -= set(networks or self.networks)

    def stop_agent(self) -> None:
        """On purpose: its beats say so."""
        self.planned = True

    def boot_id(self) -> str:
        return f'{self.host.name}-boot-{self.host.boots}'

    def reachable_on(self) -> set[str]:
        """Networks on which its kernel answers."""
        up = self.host.os_running and not self.pings_filtered
        return set(self.networks) - self.cut if up else set()
