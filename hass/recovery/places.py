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

"""Where an instance may go, in which order, and what refused it before."""

from collections.abc import Callable
from collections.abc import Sequence
import dataclasses

from hass import exception
from hass import nova
from hass.recovery import refusals

Offer = Callable[[nova.Server], Sequence[str]]
Offers = dict[tuple[object, bool], Sequence[str] | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """The places of one instance, best first.

    :ivar offered: Placement knows one with room, or does not answer
    """

    names: tuple[str, ...]
    offered: bool

    def untried(self, refused: refusals.Refused | None) -> list[str]:
        """Those that have not refused it in this round."""
        tried = refused.tried if refused else ()
        return [name for name in self.names if name not in tried]


class Places:
    """The places of one turn; Placement is asked once for each size.

    :param offer: asks Placement for hosts with room; may raise a NovaError
    :param usable: hosts that may be named; None leaves the choice to Nova,
        which is asked first then, and names are given when that fails
    :param hope: other hosts are on their way back
    """

    def __init__(
        self,
        offer: Offer,
        usable: Sequence[str] | None,
        *,
        hope: bool,
    ) -> None:
        self.hope = hope
        self._offer = offer
        self._usable = usable
        self._offers: Offers = {}

    def of(self, server: nova.Server) -> Order:
        """Where it may go now."""
        offers = self._offered(server)
        if self._usable is None:
            others = [one for one in offers or () if one != server.host]
            offered = offers is None or bool(others)
            return Order((refusals.ANYWHERE, *others), offered)
        fitting = [one for one in offers or () if one in self._usable]
        offered = bool(self._usable) and (offers is None or bool(fitting))
        return Order(tuple(fitting or self._usable), offered)

    def _offered(self, server: nova.Server) -> Sequence[str] | None:
        """What Placement offers; None: it does not answer."""
        size = (server.flavor, server.image_backed)
        if size not in self._offers:
            try:
                self._offers[size] = self._offer(server)
            except exception.NovaError:
                self._offers[size] = None
        return self._offers[size]


def refused_by(target: str | None, migration: nova.Migration) -> str | None:
    """The place that a failed migration speaks of.

    :param target: the host that was asked for
    """
    if target:
        return target
    # Without a claim Nova's scheduler has looked at all of them.
    return migration.destination if migration.destination_node else None
