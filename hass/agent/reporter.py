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

"""Reports over RPC, and keeps what could not be told yet."""

import collections
from collections.abc import Callable, Mapping
import dataclasses
import logging
import threading

from hass.agent import facts as facts_
from hass.agent import identity as identities
from hass import clock as clocks
from hass import exception
from hass import faults
from hass.rpc import api
from hass.rpc import messages

LOG = logging.getLogger(__name__)

AT_ONCE = 50
PATROL_SECONDS = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Alleged:
    at: float
    layer: faults.Layer
    payload: Mapping[str, str]


class Reporter:
    """Tells the engines what is, at once when it has changed.

    Alleged faults wait in line until an engine has taken them; each goes
    out at least once, in order. The line is bounded: the oldest gives way.
    """

    def __init__(
        self,
        identity: identities.Identity,
        engine: api.Engine,
        clock: clocks.Clock,
        look: Callable[[], facts_.Facts],
        *,
        report_seconds: float,
        backlog: int,
    ) -> None:
        self._identity = identity
        self._engine = engine
        self._clock = clock
        self._look = look
        self._report_seconds = report_seconds
        self._waiting: collections.deque[_Alleged] = collections.deque(
            maxlen=backlog
        )
        self._lock = threading.Lock()
        self._dropped = 0
        self._told: facts_.Facts | None = None
        self._told_at = 0.0
        self._trouble = ''

    @property
    def dropped(self) -> int:
        """Alleged faults that gave way since the start."""
        return self._dropped

    def allege(self, layer: faults.Layer, payload: Mapping[str, str]) -> None:
        """A fault that the engines should hear of; never blocks."""
        with self._lock:
            if len(self._waiting) == self._waiting.maxlen:
                self._dropped += 1
                LOG.error('%d alleged faults dropped', self._dropped)
            self._waiting.append(
                _Alleged(self._clock.monotonic(), layer, payload)
            )

    def turn(self) -> None:
        """Report if something has changed or it is time."""
        found = self._look()
        now = self._clock.monotonic()
        due = now - self._told_at >= self._report_seconds
        if due or self._waiting or found != self._told:
            self._report(found, now)

    def _report(self, found: facts_.Facts, now: float) -> None:
        with self._lock:
            going = list(self._waiting)[:AT_ONCE]
        envelope = self._identity.seal(
            messages.Report,
            addresses=found.addresses,
            domains=found.domains,
            system_uuid=found.system_uuid,
            resume_guests=found.resume_guests,
            watchdog=found.watchdog,
            health=found.health,
            observations=list(found.sights),
            faults=[
                messages.Allegation(
                    each.layer, now - each.at, dict(each.payload)
                )
                for each in going
            ],
        )
        try:
            answer = self._engine.report(envelope)
        except (
            exception.EngineUnreachable,
            exception.MessageRefused,
        ) as error:
            self._tell(f'not reported: {error}')
            return
        self._told, self._told_at = found, now
        with self._lock:
            for each in going:
                if each in self._waiting:
                    self._waiting.remove(each)
        self._tell(_idle(answer))

    def _tell(self, trouble: str) -> None:
        """Once when it comes, once when it goes."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                LOG.error('%s', trouble)
            else:
                LOG.info('the engines hear this host and watch')


def _idle(answer: api.Answer) -> str:
    seconds = answer.get('patrol_seconds')
    if isinstance(seconds, int | float) and seconds <= PATROL_SECONDS:
        return ''
    return (
        'nobody watches: no engine has finished a patrol turn for '
        f'{PATROL_SECONDS:.0f} s'
    )
