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

"""Does what a recovery leans on answer? Asked before anything is sent.

A host that is fenced and cannot be evacuated then, for want of Nova, Placement
or the message bus, makes an outage worse. And where those are silent, the
network is a likelier cause than the host. What cannot succeed is no attempt.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import datetime
import functools
import threading

from hass import clock as clock_
from hass.db import models
from hass import exception
from hass import nova
from hass.recovery.workflow import hold
from hass.recovery.workflow import Step
from hass.recovery.workflow import Turn
from hass.recovery.workflow import Wait
from hass.until import Kind
from hass.until import Until

FRESH_SECONDS = 2.5
"""Answers are shared by all recoveries for so long."""
MOST_FRESH_SECONDS = 10.0
"""The same for what is away: it is asked less and less often."""
ANSWER_SECONDS = 2.0
"""A part that takes longer than this does not answer."""
WAIT_SECONDS = 2.0
"""Pause between two looks at a part that is away."""
TELL_SECONDS = 120.0
"""A part that is away for longer is told to somebody, if it is needed."""
KEYSTONE = str(nova.Beside.KEYSTONE)
BUS = 'message bus'
WHEN_NEEDED = frozenset(map(str, nova.Beside)) - {KEYSTONE}
"""Parts that not every act needs: see needs_of."""
Ask = Callable[[], str]
"""Asks one part: why it is of no use, or ''. May raise HassError."""
Start = Callable[[Callable[[], None]], object]


def in_background(work: Callable[[], None]) -> None:
    """In a thread that neither a recovery nor an exit waits for."""
    threading.Thread(target=work, name='control-plane', daemon=True).start()


def _concerns(part: str, needs: Collection[str]) -> bool:
    """Whether an act with such needs leans on a part."""
    return part in needs or part not in WHEN_NEEDED


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """What is away: a sentence for each part. False when all is well."""

    away: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.away)

    def __str__(self) -> str:
        return '; '.join(self.away.values())

    @property
    def until(self) -> Until:
        """What ends a hold that it is the reason of."""
        return Until(Kind.CONTROL_PLANE, services=tuple(self.away))

    def hinders(self, needs: Collection[str]) -> 'Trouble':
        """The part of it that concerns an act with such needs."""
        return Trouble(
            {
                name: why
                for name, why in self.away.items()
                if _concerns(name, needs)
            }
        )


@dataclasses.dataclass(slots=True)
class _Part:
    """What is known of one part; moments are CLOCK_BOOTTIME seconds."""

    name: str
    ask: Ask
    asked_at: float = float('-inf')
    asking: bool = False
    why: str | None = None
    away_since: float | None = None
    answered: threading.Event = dataclasses.field(
        default_factory=threading.Event
    )

    def fresh_seconds(self, now: float) -> float:
        """How long its last answer is believed."""
        since = now if self.away_since is None else self.away_since
        late = min((now - since) / 12, MOST_FRESH_SECONDS)
        return max(FRESH_SECONDS, late)


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
        self._parts = [_Part(name, ask) for name, ask in parts.items()]
        self._clock = clock
        self._start = start
        self._lock = threading.Lock()

    def look(self, needs: Collection[str] = ()) -> None:
        """Begin to ask what was not asked lately; waits for no answer.

        :param needs: which of WHEN_NEEDED are needed
        """
        self._look(self._wanted(needs))

    def trouble(self, needs: Collection[str] = ()) -> Trouble:
        """What does not answer, and why.

        What all acts need is asked first, if it was away: while it is, the
        others are left alone.

        :param needs: which of WHEN_NEEDED are needed
        """
        wanted = self._wanted(needs)
        away = self._away([part for part in self._wanted(()) if part.why])
        if not away:
            away = self._away(wanted)
        if KEYSTONE in away:
            # The others answer nobody without it.
            names = (KEYSTONE, BUS)
            away = {name: away[name] for name in names if name in away}
        return Trouble(away)

    def still_away(self) -> Trouble:
        """What only some acts need, was away, and still is."""
        known = [
            part
            for part in self._parts
            if part.name in WHEN_NEEDED and part.why
        ]
        return Trouble(self._away(known))

    def _wanted(self, needs: Collection[str]) -> list[_Part]:
        return [part for part in self._parts if _concerns(part.name, needs)]

    def _look(self, parts: Iterable[_Part]) -> None:
        for part in parts:
            if self._wants_asking(part):
                self._start(functools.partial(self._ask, part))

    def _away(self, parts: Collection[_Part]) -> dict[str, str]:
        self._look(parts)
        found = {}
        for part in parts:
            wait = part.asked_at + ANSWER_SECONDS - self._clock.monotonic()
            part.answered.wait(max(0.0, wait))
            why = part.why
            if not part.answered.is_set():
                why = f'{part.name} does not answer in time'
            if why:
                found[part.name] = why
        return found

    def _wants_asking(self, part: _Part) -> bool:
        """Whether to ask now: one question at a time, however long."""
        now = self._clock.monotonic()
        with self._lock:
            if part.asking or now - part.asked_at < part.fresh_seconds(now):
                return False
            part.asking, part.asked_at = True, now
            part.answered.clear()
            return True

    def _ask(self, part: _Part) -> None:
        why = ''
        try:
            found = part.ask()
            why = f'{part.name}: {found}' if found else ''
        except exception.NovaRefused as error:
            why = f'{part.name} refuses: {error.reason}'
        except exception.HassError as error:
            reason = getattr(error, 'reason', error)
            why = f'{part.name} does not answer: {reason}'
        finally:
            if not why:
                part.away_since = None
            elif part.away_since is None:
                part.away_since = self._clock.monotonic()
            part.why = why
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

    def beside(service: nova.Beside) -> str:
        compute.check_beside(service)
        return ''

    return {
        'Nova': lambda: _missing(compute),
        'Placement': placement,
        BUS: bus,
    } | {str(one): functools.partial(beside, one) for one in nova.Beside}


def _missing(compute: nova.Compute) -> str:
    """Kinds of daemons of which none is up."""
    up = {one.binary for one in compute.daemons() if one.state == 'up'}
    missing = [name for name in nova.DAEMONS if name not in up]
    return f'no {" and no ".join(missing)} is up' if missing else ''


def needs_of(
    server: nova.Server, *, shared_storage: bool = True, refused: bool = False
) -> frozenset[str]:
    """The parts without which an instance cannot be started anywhere.

    One whose disks are on shared storage needs its image only where the
    hypervisor keeps no copy, which nobody but a failed try can tell.

    :param refused: a try has failed before
    """
    needs = {nova.Beside.NEUTRON}
    if server.has_volumes:
        needs.add(nova.Beside.CINDER)
    if server.image_backed and (refused or not shared_storage):
        needs.add(nova.Beside.GLANCE)
    return frozenset(map(str, needs))


def common_needs(servers: Iterable[nova.Server]) -> frozenset[str]:
    """What none of them can do without; nothing when there are none."""
    needs = [needs_of(server) for server in servers]
    return frozenset.intersection(*needs) if needs else frozenset()


def hindered(trouble: Trouble) -> str:
    """Why nothing is sent."""
    return f'nothing is asked of Nova: {trouble}'


def is_hindered(why: str, trouble: Trouble) -> bool:
    """Whether that was written of something that is away now."""
    return why.startswith(hindered(Trouble())) and any(
        one in why for one in trouble.away.values()
    )


AWAY_SINCE = 'away_since'
"""When a recovery first had to wait for something that is away."""


def wait_for(turn: Turn, trouble: Trouble, *more: Until) -> Step:
    """Send nothing; somebody is told when that lasts.

    :param more: what else ends the hold then
    """
    told = turn.recovery.was.get(AWAY_SINCE)
    since = datetime.datetime.fromisoformat(told) if told else turn.now
    if not told or since > turn.now:
        turn.remember(**{AWAY_SINCE: turn.now.isoformat()})
    why = hindered(trouble)
    if (turn.now - since).total_seconds() > TELL_SECONDS:
        turn.remember(**{AWAY_SINCE: None})
        return hold(models.HeldKind.RESTRAINT, why, [trouble.until, *more])
    return Wait(WAIT_SECONDS, f'{why}; it goes on when {trouble.until}')


def waits(turn: Turn) -> bool:
    """Whether it waits for something that is away."""
    return bool(turn.recovery.was.get(AWAY_SINCE))


def is_back(turn: Turn) -> None:
    """What was waited for answers: the next outage is another one."""
    if turn.recovery.was.get(AWAY_SINCE):
        turn.remember(**{AWAY_SINCE: None})
