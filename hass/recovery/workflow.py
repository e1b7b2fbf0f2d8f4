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

"""The persisted machine: states, the two results of a step, the table.

A workflow declares its transitions once; each state is one short method
that looks at the world, acts at most once and returns what comes next with
a sentence. The method never sleeps, loops or chooses a state by raising.
"""

import abc
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import dataclasses
import datetime
import typing
from typing import Any
from typing import cast
from typing import ClassVar

from oslo_config import cfg
from sqlalchemy import orm

from hass import clock as clock_
from hass.db import models
from hass.db import recoveries
from hass.db import session as db_session
from hass import exception
from hass import states
from hass import until as until_
from hass import workflows

if typing.TYPE_CHECKING:
    from hass.recovery import hands as hands_

State = states.State
ENDED = states.ENDED


def minutes(count: float) -> datetime.timedelta:
    """A deadline of a state."""
    return datetime.timedelta(minutes=count)


@dataclasses.dataclass(frozen=True, slots=True)
class Hop:
    """Go on to another state now.

    :ivar held_kind: why a human must look, when ``to`` is held
    :ivar until: what ends it by itself then, each alone
    :ivar within: a last look in the transaction that records the hop,
        before it does; it may return another hop to be recorded instead
    :ivar then: opens the next recovery in the same transaction
    """

    to: State
    why: str
    held_kind: models.HeldKind | None = None
    until: tuple[until_.Until, ...] = ()
    within: 'Callable[[orm.Session], Hop | None] | None' = dataclasses.field(
        default=None, compare=False, repr=False
    )
    then: type['Workflow'] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Stay in this state and look again later."""

    seconds: float
    why: str


Step = Hop | Wait


def hold(
    kind: models.HeldKind,
    why: str,
    until: until_.Until | Sequence[until_.Until] = (),
) -> Hop:
    """Stop here: a human must look, or the reason must pass.

    :param until: what is looked for meanwhile; any of it ends the hold.
        Without it some time ends restraint, capacity and deadline, and an
        operator ends safety
    """
    ends = (until,) if isinstance(until, until_.Until) else tuple(until)
    return Hop(State.HELD, why, kind, ends)


class Turn:
    """One claimed turn of one recovery: what a state method works with.

    :ivar recovery: the row as it was when the claim was taken, detached
    :ivar deadline: after it nothing may be sent to BMCs or to Nova
    :ivar now: the database's moment at which the turn began
    :ivar began: the same moment on our CLOCK_BOOTTIME, in seconds
    """

    def __init__(
        self,
        recovery: models.Recovery,
        deadline: clock_.Deadline,
        database: db_session.Database,
        now: datetime.datetime,
        began: float,
    ) -> None:
        self.recovery = recovery
        self.deadline = deadline
        self.now = now
        self.began = began
        self._database = database

    @contextlib.contextmanager
    def write(self) -> Iterator[orm.Session]:
        """A transaction that only the holder of the claim can commit.

        :raises hass.exception.LostClaim: another engine took over
        """
        with self._database.writer() as session:
            recoveries.guard(session, self.recovery)
            yield session

    def read(self) -> contextlib.AbstractContextManager[orm.Session]:
        """A transaction to look with."""
        return self._database.reader()

    def remember(self, **was: Any) -> None:
        """Write down how things stood, before they are touched."""
        with self.write() as session:
            self.recovery.was = recoveries.remember(
                session, self.recovery, was
            )

    def seconds_in_state(self) -> float:
        """How long the recovery has been in its state, in seconds."""
        return (self.now - self.recovery.state_since).total_seconds()


class Workflow(abc.ABC):
    """A kind of recovery: a table and one method for each state.

    An entry point of hass.workflows names its class; hass/workflows.py tells
    what its traits mean.

    :param hands: everything outside of the database that it looks and acts
        with
    :param conf: each workflow reads the options that it needs
    """

    name: ClassVar[str]
    initial: ClassVar[State]
    transitions: ClassVar[Mapping[State, frozenset[State]]]
    deadlines: ClassVar[Mapping[State, datetime.timedelta]]
    traits: ClassVar[workflows.Traits]

    def __init__(self, hands: 'hands_.Hands', conf: cfg.ConfigOpts) -> None:
        self._hands = hands
        self._conf = conf

    @abc.abstractmethod
    def held(self, turn: Turn) -> Step:
        """Awake from held: by a wish, or because the reason expired."""

    def step(self, turn: Turn) -> Step:
        """Run the method named by the recovery's state.

        What it ends with is closed first: see closing.py.
        """
        method: Callable[[Turn], Step] = getattr(self, turn.recovery.state)
        step = method(turn)
        if isinstance(step, Hop) and step.to in ENDED:
            return self.close(turn, step)
        return step

    def close(self, turn: Turn, hop: Hop) -> Hop:
        """See that nothing is forgotten by this end.

        :raises hass.exception.HassError: that cannot be seen now: the story
            does not end yet
        """
        return hop

    def overdue(self, turn: Turn) -> str:
        """What was waited for when a deadline has passed."""
        return turn.recovery.why

    @classmethod
    def deadline_seconds(cls, state: State) -> float | None:
        """Seconds until the state must be left; None: it may stay."""
        deadline = cls.deadlines.get(state)
        return None if deadline is None else deadline.total_seconds()

    @classmethod
    def check(cls, old: State, new: State) -> None:
        """Every unfinished state may also be held.

        :raises hass.exception.IllegalHop: the table does not allow it
        """
        if new is State.HELD and old not in ENDED:
            return
        if new not in cls.transitions.get(old, frozenset()):
            raise exception.IllegalHop(cls.name, old, new)


def named(name: str) -> type[Workflow]:
    """The class of an installed workflow.

    :raises hass.exception.NotInstalled: it is not
    """
    found = workflows.installed().get(name)
    if found is None:
        raise exception.NotInstalled(workflows.NAMESPACE, [name])
    return cast(type[Workflow], found)


def make_all(
    hands: 'hands_.Hands', conf: cfg.ConfigOpts
) -> dict[str, Workflow]:
    """One of each installed workflow, by its name.

    :raises hass.exception.NotInstalled: one is missing, or cannot be loaded
    """
    return {name: named(name)(hands, conf) for name in workflows.names()}
