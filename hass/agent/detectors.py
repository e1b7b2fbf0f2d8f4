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

"""What the detectors on this host find, for the next report."""

from collections.abc import Collection
import dataclasses
import logging
import threading

from hass import clock as clocks
from hass.detection import base
from hass.detection import panel as panels
from hass import exception
from hass.rpc import messages

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    findings: tuple[base.Finding, ...]


class Looker:
    """Keeps the newest findings of each detector, and what ails it.

    A detector that lacks something here is passed over, unless it was asked
    for by its name: then that is said.

    :param panel: the detectors that look in band
    :param wanted: names of those to run; empty: all
    :raises ConfigError: there is none of such a name
    """

    def __init__(
        self,
        panel: panels.Panel,
        subject: base.Subject,
        clock: clocks.Clock,
        wanted: Collection[str] = (),
    ) -> None:
        self._panel = panel
        self._subject = subject
        self._clock = clock
        self._wanted = frozenset(wanted)
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._troubles: dict[str, str] = {}
        known = {*panel.detectors, *panel.missing}
        for name in sorted(self._wanted - known):
            raise exception.ConfigError(
                '[agent] detectors',
                f'there is no {name} here, but {", ".join(sorted(known))}',
            )
        for name, why in panel.missing.items():
            if name in self._wanted:
                self._note(name, why)

    def names(self) -> list[str]:
        """The detectors to look with."""
        found = self._panel.detectors
        return sorted(self._wanted & set(found) if self._wanted else found)

    def seconds(self, name: str) -> float:
        """How long a look may take."""
        return self._panel.detectors[name].seconds

    def look(self, name: str) -> None:
        """Look once; ends in time, whatever the detector does."""
        lacks = self._panel.detectors[name].lacks(self._subject)
        if lacks:
            self._note(name, lacks if name in self._wanted else '')
            return
        began = self._clock.monotonic()
        try:
            found = self._panel.probe(name, self._subject)
        except exception.DetectorFailed as error:
            if not self._waits(name):
                self._note(name, error.reason)
            return
        self._note(name, '', _Seen(began, found))

    def sights(self) -> list[messages.Sight]:
        """The newest findings as they go into a report now."""
        now = self._clock.monotonic()
        with self._lock:
            seen = sorted(self._seen.items())
        return [
            messages.Sight(
                layer=self._panel.detectors[name].layer,
                detector=name,
                verdict=found.verdict,
                age=now - look.at,
                network=found.network[: messages.MAX_CHARACTERS],
                detail=found.detail[: messages.MAX_CHARACTERS],
            )
            for name, look in seen
            for found in look.findings
        ]

    def troubles(self) -> dict[str, str]:
        """Detectors that cannot look, with why."""
        with self._lock:
            return {
                name: why[: messages.MAX_CHARACTERS]
                for name, why in self._troubles.items()
            }

    def _waits(self, name: str) -> bool:
        """It is left out for a while, for the reason that is known."""
        with self._lock:
            return name in self._troubles

    def _note(
        self, name: str, trouble: str, seen: _Seen | None = None
    ) -> None:
        """What is not seen now is not told again."""
        with self._lock:
            known = self._troubles.pop(name, '')
            self._seen.pop(name, None)
            if trouble:
                self._troubles[name] = trouble
            if seen is not None:
                self._seen[name] = seen
        if bool(trouble) != bool(known):
            LOG.warning('detector %s: %s', name, trouble or 'it looks again')
