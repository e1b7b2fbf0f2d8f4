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

"""What recoveries look with and act with."""

from collections.abc import Callable
from collections.abc import Collection
from concurrent import futures
import dataclasses

from hass import bmc
from hass import clock as clock_
from hass.db import models
from hass import entitlement
from hass.fencing import base as fencing
from hass import nova
from hass import origin
from hass.recovery import closing
from hass.recovery import control_plane as control_plane_
from hass.recovery import witness as witness_


@dataclasses.dataclass(frozen=True, slots=True)
class Hands:
    """Everything outside of the database.

    :ivar address_of: where the BMC of a host is, with its password; None
        when it has none
    :ivar rule: which instances are protected
    :ivar place_of: address and port of that BMC, as one text for each place
    :ivar glance: starts pings to addresses; which of them answer
    :ivar ailing: names of the sensors of a host that do not read healthy
    :ivar pool: makes what so many calls run in, side by side
    """

    fencer: fencing.Fencer
    compute: nova.Compute
    witness: witness_.Witness
    address_of: Callable[[models.Host], bmc.Address | None]
    clock: clock_.Clock
    control_plane: control_plane_.ControlPlane
    rule: entitlement.Rule
    place_of: Callable[[models.Host], str | None]
    glance: Callable[[Collection[str]], 'futures.Future[frozenset[str]]']
    ailing: Callable[[models.Host], list[str]]
    pool: Callable[[int], futures.Executor] = origin.Pool

    @property
    def closer(self) -> closing.Closer:
        """What looks at instances before a recovery ends."""
        return closing.Closer(self.compute, self.rule, self.pool)

    def target(self, host: models.Host) -> fencing.Target:
        """The host as its fencer knows it."""
        return fencing.Target(host.name, self.address_of(host), host.boot_id)
