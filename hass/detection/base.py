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

"""What a detector promises.

A detector looks at one layer, or at one side path, with one technology. Its
module is called layer_technology, and its entry point in ``hass.detectors``
alike. Out-of-band detectors run in the engines, in-band ones in the agent of
the host that they look at. The panel (panel.py) runs them, each in a thread
of its own and within a limit: a detector may fail or hang, and harms nobody.
"""

import abc
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any
from typing import ClassVar
from typing import Protocol

from hass import bmc as bmc_
from hass import clock as clock_
from hass import faults

NAMESPACE = 'hass.detectors'
GRACE_SECONDS = 1.0
"""A look is given this much longer than the calls that it makes."""


class Pinger(Protocol):
    """Looks at addresses from outside."""

    def answering(self, addresses: Collection[str]) -> frozenset[str]:
        """Those addresses that answer a ping in time."""


class ComputeRecord(Protocol):
    """What Nova itself believes of a nova-compute."""

    @property
    def host(self) -> str: ...

    @property
    def state(self) -> str:
        """``up`` or ``down``."""

    @property
    def forced_down(self) -> bool: ...

    @property
    def updated_at(self) -> datetime.datetime | None:
        """When it last reported."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tools:
    """What detectors look with.

    :ivar conf: all options
    :ivar bmcs: asks BMCs; an agent's asks its own host's, with one process
    :ivar panics: when a host's kernel last told that it has panicked, on the
        clock's monotonic(), unless it lives since; None: nobody listens
    :ivar pinger: what pings addresses; None: nothing does
    :ivar silence: seconds since a host's newest beat, and whether they are
        too many; or None: nothing can be told; None: nobody listens
    :ivar services: Nova's records of all nova-computes; None: nobody asks
    :ivar mute: whether a host's agent should answer and does not; it may take
        half a second; None: nobody asks
    """

    conf: Any
    clock: clock_.Clock
    bmcs: bmc_.Bmc | None = None
    panics: Callable[[str], float | None] | None = None
    mute: Callable[[str], bool] | None = None
    pinger: Pinger | None = None
    silence: Callable[[str], tuple[float, bool] | None] | None = None
    services: Callable[[], Collection[ComputeRecord]] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A host, as detectors know it.

    :ivar bmc: its BMC; None when it has none
    :ivar networks: network to the host's address there
    :ivar watched_sensors: names; None: all sensors with thresholds
    """

    host: str
    bmc: bmc_.Address | None = None
    networks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    watched_sensors: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What a look found.

    *unknown* stands for: it was looked, and nothing can be told. It is never
    taken for healthy, and never for failed.

    :ivar detail: what was seen, for a human
    :ivar network: the network or store that was looked at, '' when none was
    """

    verdict: faults.Verdict
    detail: str
    network: str = ''
    certainty: faults.Certainty = faults.Certainty.READ


class Detector(abc.ABC):
    """Looks at one aspect of a host.

    Made once, called from many threads. A constructor that raises ConfigError
    means that this detector cannot work here at all.

    :cvar layer: the layer or side path that it looks at
    :cvar in_band: it runs on the host itself
    :cvar searched: it is asked for the failed layer of a suspected host
    :ivar seconds: how long a look may take before it counts as hung
    :ivar wanted: false for one that nobody asked for: it degrades nobody
    """

    layer: ClassVar[faults.Aspect]
    in_band: ClassVar[bool] = False
    searched: ClassVar[bool] = True
    seconds: float = 5.0
    wanted: bool = True

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def lacks(self, subject: Subject) -> str:
        """What it would need to look at this host, '' when it has all."""
        return ''

    @abc.abstractmethod
    def probe(self, subject: Subject) -> Sequence[Finding]:
        """Look once; one finding, or one for each network.

        :raises hass.exception.HassError: it could not look. What cannot be
            looked at is unknown, and after some such failures the detector
            counts as not working for this host.
        """
