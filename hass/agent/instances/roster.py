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

"""What is known of each domain, to tell what is news and what was missed.

Pure: it asks nobody.
"""

from collections.abc import Iterator, Mapping

from hass.agent.instances import translation
from hass.agent.instances.translation import Condition
from hass import faults

REPEAT_SECONDS = 1.0
"""The same of the same domain once more in this time is no news."""
TELLING = frozenset(
    {
        faults.Incident.KILLED,
        faults.Incident.CRASHED,
        faults.Incident.PANICKED,
        faults.Incident.PAUSED_BY_STORAGE,
        faults.Incident.WATCHDOG_PAUSE,
    }
)
"""Told of a domain that was found so at first sight too."""
UNTOLD = frozenset({0, 8})
"""Reasons of being shut off that libvirt has for what it never saw run."""


class Roster:
    """Conditions by UUID.

    A listing of all domains takes time, and events happen meanwhile: it
    says nothing of a domain that an event has told of since the listing
    began. The next one does.
    """

    def __init__(self) -> None:
        self._known: dict[str, Condition] = {}
        self._touched: set[str] = set()
        self._told: dict[tuple[str, faults.Incident], float] = {}

    def note(self, uuid: str, change: translation.Change, at: float) -> bool:
        """Take an event in; whether it is to be told.

        :param at: when it happened, on any clock that never jumps
        """
        self._touched.add(uuid)
        return self._enter(uuid, change) and self._is_first(uuid, change, at)

    def begin(self) -> None:
        """A listing begins."""
        self._touched.clear()

    def compare(
        self, states: Mapping[str, tuple[int, int]]
    ) -> Iterator[tuple[str, translation.Change]]:
        """What the listing shows and no event told.

        :param states: libvirt's state and reason by UUID, of all domains
        """
        for gone in self._known.keys() - states.keys() - self._touched:
            del self._known[gone]
        self._told.clear()
        for uuid, (state, reason) in states.items():
            if uuid in self._touched:
                continue
            change = translation.found(state, reason)
            first = uuid not in self._known
            news = self._enter(uuid, change)
            if news and not (first and _is_old(change, state, reason)):
                yield uuid, change

    def _enter(self, uuid: str, change: translation.Change) -> bool:
        """Whether an incident is news: others followed from the first."""
        if change.condition is None:
            return change.incident is not None
        before = self._known.get(uuid)
        self._known[uuid] = change.condition
        return change.incident is not None and before != change.condition

    def _is_first(
        self, uuid: str, change: translation.Change, at: float
    ) -> bool:
        if change.incident is None or change.condition is not None:
            return True
        last = self._told.get((uuid, change.incident))
        if last is not None and at - last < REPEAT_SECONDS:
            return False
        self._told[uuid, change.incident] = at
        return True


def _is_old(change: translation.Change, state: int, reason: int) -> bool:
    """Whether it may have been so for long, and is nobody's fault."""
    if state == translation.State.SHUTOFF and reason in UNTOLD:
        return True
    return change.incident not in TELLING
