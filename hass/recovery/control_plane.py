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

"""Does what a recovery leans on answer? Asked before a host is fenced.

Whoever fences a host that cannot be evacuated then, for want of Nova,
Placement or the message bus, makes an outage worse. And where those are
silent, the network is a likelier cause than the host.
"""

from collections.abc import Callable
from collections.abc import Mapping
import dataclasses
import functools
import threading

from hass import clock as clock_
from hass import exception
from hass import nova

FRESH_SECONDS = 2.5
"""Answers are shared by all recoveries for so long."""
ANSWER_SECONDS = 2.0
"""Whoever takes longer than this does not answer."""
Ask = Callable[[], str]
"""Asks one part: why it is of no use, or ''. May raise HassError."""
Start = Callable[[Callable[[], None]], object]


def in_background(work: Callable[[], None]) -> None:
    """In a thread that neither a recovery nor an exit waits for."""
    threading.Thread(target=work, name='control-plane', daemon=True).start()


@dataclasses.dataclass(slots=True)
class _Part:
    """What is known of one part; moments are CLOCK_BOOTTIME seconds."""

    ask: Ask
    asked_at: float = float('-inf')
    asking: bool = False
    why: str | None = None
    answered: threading.Event = dataclasses.field(
        default_factory=threading.Event
    )


class ControlPlane:
    """The parts that a recovery needs, each asked beside the others.

    :param parts: name to how it is asked
    :param start: runs a question beside the caller
    """

    def __init__(
        self,
        parts: Mapping[str, Ask],
        clock: clock_.Clock,
        start: Start = in_background,
    ) -> None:
        self._parts = {name: _Part(ask) for name, ask in parts.items()}
        self._clock = clock
        self._start = start
        self._lock = threading.Lock()

    def look(self) -> None:
        """Begin to ask whom was not asked lately; waits for nobody."""
        for part in self._parts.values():
            if self._wants_asking(part):
                self._start(functools.partial(self._ask, part))

    def trouble(self) -> str:
        """What does not answer, and why; '' when all is well."""
        self.look()
        found = []
        for name, part in self._parts.items():
            wait = part.asked_at + ANSWER_SECONDS - self._clock.monotonic()
            part.answered.wait(max(0.0, wait))
            why = part.why if part.answered.is_set() else 'no answer in time'
            if why:
                found.append(f'{name}: {why}')
        return '; '.join(found)

    def _wants_asking(self, part: _Part) -> bool:
        """Whether to ask now: one question at a time, however long."""
        now = self._clock.monotonic()
        with self._lock:
            if part.asking or now - part.asked_at < FRESH_SECONDS:
                return False
            part.asking, part.asked_at = True, now
            part.answered.clear()
            return True

    def _ask(self, part: _Part) -> None:
        try:
            part.why = part.ask()
        except exception.HassError as error:
            part.why = str(error)
        finally:
            part.answered.set()
            part.asking = False


def parts_of(
    compute: nova.Compute, ping: Callable[[], object]
) -> dict[str, Ask]:
    """What a recovery of a host leans on, the database left out.

    That one has answered whenever a recovery has a turn.

    :param ping: raises a HassError when the message bus carries nothing
    """

    def placement() -> str:
        compute.check_placement()
        return ''

    def bus() -> str:
        ping()
        return ''

    return {
        'Nova': lambda: _missing(compute),
        'Placement': placement,
        'message bus': bus,
    }


def _missing(compute: nova.Compute) -> str:
    """Kinds of daemons of which none is up."""
    up = {one.binary for one in compute.daemons() if one.state == 'up'}
    missing = [name for name in nova.DAEMONS if name not in up]
    return f'no {" and no ".join(missing)} is up' if missing else ''
