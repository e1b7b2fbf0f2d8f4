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

"""Makes events of instances of what was heard, for the reports."""

from collections.abc import Callable
import dataclasses
import logging
from typing import Protocol
import uuid as uuids

from hass.agent.instances import ear as ears
from hass.agent.instances import metadata
from hass.agent.instances import roster
from hass.agent.instances import translation
from hass import faults

LOG = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
AT_ONCE = 500
MISSED = 'found when all domains were listed'


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """What happened to an instance of this host.

    :ivar id: told twice, it is known to be the same by this
    :ivar at: CLOCK_BOOTTIME
    """

    id: str
    instance: str
    incident: faults.Incident
    at: float
    detail: str


class Source(Protocol):
    """What the teller wants of an Ear."""

    def word(self, seconds: float) -> ears.Word | None: ...

    def describe(self, uuid: str) -> str | None: ...


class Teller:
    """Tells incidents of Nova's instances, and of no other domain.

    A domain that cannot be looked at counts as an instance: better one
    event too many.
    """

    def __init__(self, source: Source, tell: Callable[[Event], None]) -> None:
        self._source = source
        self._tell = tell
        self._roster = roster.Roster()
        # Whether a domain is an instance. It is asked before anything
        # befalls it: a domain that is ending answers late.
        self._instances: dict[str, bool] = {}

    def turn(self) -> None:
        """Wait a little for a word, and take in all that came."""
        seconds = WAIT_SECONDS
        for _each in range(AT_ONCE):
            word = self._source.word(seconds)
            if word is None:
                return
            self._take(word)
            seconds = 0.0

    def _take(self, word: ears.Word) -> None:
        match word:
            case ears.Heard(at, uuid, change):
                if self._roster.note(uuid, change, at):
                    self._report(at, uuid, change, change.detail)
                else:
                    self._is_instance(uuid)
            case ears.Begun():
                self._roster.begin()
            case ears.Listed(at, states):
                for uuid in self._instances.keys() - states.keys():
                    del self._instances[uuid]
                for uuid in states:
                    self._is_instance(uuid)
                for uuid, change in self._roster.compare(states):
                    detail = f'{change.detail}, {MISSED}'.lstrip(', ')
                    self._report(at, uuid, change, detail)

    def _report(
        self, at: float, uuid: str, change: translation.Change, detail: str
    ) -> None:
        if change.incident is None or not self._is_instance(uuid):
            return
        event = Event(str(uuids.uuid4()), uuid, change.incident, at, detail)
        told = ': '.join(filter(None, (change.incident, detail)))
        LOG.warning('instance %s: %s', uuid, told)
        self._tell(event)

    def _is_instance(self, uuid: str) -> bool:
        if uuid not in self._instances:
            xml = self._source.describe(uuid)
            found = xml is None or metadata.is_of_nova(xml)
            self._instances[uuid] = found
            if not found:
                LOG.info('domain %s is not of Nova: left alone', uuid)
        return self._instances[uuid]
