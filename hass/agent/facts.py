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

"""What the agent knows of its host without being told."""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses
import os

from oslo_config import cfg

from hass.agent import identity
from hass import clock as clocks
from hass.detection import guests as detection
from hass.rpc import messages

FRESH_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """The lasting part of a report; see rpc/messages.py, Report."""

    addresses: dict[str, str]
    domains: list[str] | None
    system_uuid: str | None
    resume_guests: bool | None
    watchdog: str
    health: dict[str, str]
    sights: Sequence[messages.Sight] = dataclasses.field(
        default=(), compare=False
    )
    verdicts: Collection[tuple[str, ...]] = dataclasses.field(init=False)
    """What of the sights is news when it changes: no ages, no details."""

    def __post_init__(self) -> None:
        verdicts = {
            (one.layer, one.detector, one.network, one.verdict)
            for one in self.sights
        }
        object.__setattr__(self, 'verdicts', frozenset(verdicts))


class Domains:
    """The guests that were seen lately.

    Looking may block for as long as libvirt likes, so that a thread of
    its own calls look(); what it saw goes stale after LISTED_SECONDS.
    """

    def __init__(self, clock: clocks.Clock, guests: detection.Guests) -> None:
        self._clock = clock
        self._guests = guests
        self._seen: tuple[float, list[str] | None] = (0.0, None)

    def look(self) -> None:
        """Look once; the age counts from the moment the look began."""
        began = self._clock.monotonic()
        self._seen = (began, self._guests.domains())

    def fresh(self) -> list[str] | None:
        """The UUIDs; None: they cannot be seen, or not quickly enough."""
        began, domains = self._seen
        if self._clock.monotonic() - began > messages.LISTED_SECONDS:
            return None
        return domains


class NovaConf:
    """Reads nova.conf again when it has changed."""

    OPTION = cfg.BoolOpt('resume_guests_state_on_host_boot', default=False)

    def __init__(self, path: str) -> None:
        self._path = path
        self._changed: tuple[int, int] | None = None
        self._resume: bool | None = None

    def resume_guests(self) -> bool | None:
        """Whether Nova starts guests when the host boots; None: unknown."""
        try:
            found = os.stat(self._path)
        except OSError:
            self._changed = self._resume = None
            return None
        if (found.st_mtime_ns, found.st_ino) != self._changed:
            self._changed = (found.st_mtime_ns, found.st_ino)
            self._resume = self._read()
        return self._resume

    def _read(self) -> bool | None:
        conf = cfg.ConfigOpts()
        conf.register_opt(self.OPTION)
        try:
            conf([], project='nova', default_config_files=[self._path])
            return bool(conf.resume_guests_state_on_host_boot)
        except cfg.Error:
            return None


def system_uuid(path: str) -> str | None:
    """The machine's UUID in lower case; None: it cannot be read."""
    return identity.read_line(path).lower() or None
