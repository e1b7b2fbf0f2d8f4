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

"""Run the turns of one claimed recovery, and write down what came of each."""

from collections.abc import Mapping
import logging
import threading

from sqlalchemy import orm

from hass import clock as clock_
from hass.db import evacuations
from hass.db import models
from hass.db import moments
from hass.db import recoveries
from hass.db import session as db_session
from hass import exception
from hass.recovery import conditions
from hass.recovery import workflow
from hass import until

LOG = logging.getLogger(__name__)
MAX_BACKOFF_SECONDS = 8.0
BMC_SECONDS = 5.0
"""A BMC is asked at least so often: it costs nobody else anything."""
EXPIRING = frozenset({models.HeldKind.RESTRAINT, models.HeldKind.CAPACITY})


class ClaimDeadline:
    """Until when the holder of a claim may send: moved by renewals.

    It is counted from the *start* of the last committed renewal, so that
    it ends before the claim does, whatever the commit took.
    """

    MARGIN_SECONDS = 1.0

    def __init__(self, clock: clock_.Clock, claim_seconds: float) -> None:
        self._clock = clock
        self._claim_seconds = claim_seconds
        self._at = 0.0
        self._revoked = False
        self._lock = threading.Lock()

    def renewed(self, started: float) -> None:
        """A claim or renewal begun at this moment has been committed."""
        with self._lock:
            self._at = started + self._claim_seconds - self.MARGIN_SECONDS

    def revoke(self) -> None:
        """Nothing may be sent any more, and no renewal changes that."""
        self._revoked = True

    def at(self) -> float:
        with self._lock:
            return 0.0 if self._revoked else self._at

    def check(self) -> None:
        late = self._clock.monotonic() - self.at()
        if late > 0:
            raise exception.ClaimExpired(late)


class Claimed:
    """A recovery that this engine holds, and the step it is in."""

    def __init__(
        self, recovery: models.Recovery, deadline: ClaimDeadline, now: float
    ) -> None:
        self.recovery = recovery
        self.deadline = deadline
        self.step_began = now


class Runner:
    """Follows a claimed recovery until it waits, is held or ends."""

    def __init__(
        self,
        database: db_session.Database,
        workflows: Mapping[str, workflow.Workflow],
        clock: clock_.Clock,
        engine: str,
        *,
        held_seconds: float,
        stale_seconds: float,
    ) -> None:
        self._database = database
        self._workflows = workflows
        self._clock = clock
        self._engine = engine
        self._held_seconds = held_seconds
        self._stale_seconds = stale_seconds
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Begin no more turns: claims are given back after the present."""
        self._leaving.set()

    def run(self, claimed: Claimed) -> None:
        """Take turns under one claim; a hop is followed at once.

        :raises hass.exception.LostClaim: another engine goes on with it
        """
        going = True
        while going and not self._leaving.is_set():
            claimed.step_began = self._clock.monotonic()
            step = self._turn(claimed)
            going = self._record(claimed, step)
        if going:
            self._database.write(recoveries.release, claimed.recovery)

    def _turn(self, claimed: Claimed) -> workflow.Step:
        recovery = claimed.recovery
        story = self._workflows[recovery.workflow]
        with self._database.reader() as session:
            now = moments.read_now(session)
        ahead = (recovery.turned_at - now).total_seconds()
        if ahead > moments.SKEW_SECONDS:
            LOG.warning(
                '%s: the clock of the database was set back by %.0f s or more',
                recovery.subject,
                ahead,
            )
            recovery = self._database.write(_set_back, recovery, ahead)
            claimed.recovery = recovery
        turn = workflow.Turn(
            recovery,
            claimed.deadline,
            self._database,
            now,
            self._clock.monotonic(),
        )
        overdue = self._overdue(turn)
        if overdue is not None:
            return overdue
        try:
            return story.step(turn)
        except (exception.LostClaim, exception.ClaimExpired):
            raise
        except exception.BmcError as error:
            seconds = min(_backoff(recovery.attempt), BMC_SECONDS)
            return workflow.Wait(seconds, str(error))
        except exception.HassError as error:
            return workflow.Wait(_backoff(recovery.attempt), str(error))
        except Exception as error:
            LOG.exception(
                '%s: %s: an error nobody foresaw',
                recovery.subject,
                recovery.state,
            )
            return workflow.Wait(
                _backoff(recovery.attempt),
                f'unexpected {type(error).__name__}',
            )

    def _overdue(self, turn: workflow.Turn) -> workflow.Hop | None:
        recovery = turn.recovery
        if recovery.state == workflow.State.HELD:
            return None
        idle = (turn.now - recovery.turned_at).total_seconds()
        story = self._workflows[recovery.workflow]
        if idle > self._stale_seconds:
            return workflow.Hop(
                story.initial,
                f'nobody worked on it for {idle:.0f} s: it is looked at anew',
            )
        if recovery.deadline_at is None or turn.now < recovery.deadline_at:
            return None
        allowed = story.deadline_seconds(workflow.State(recovery.state))
        return workflow.hold(
            models.HeldKind.DEADLINE,
            f'{recovery.state} took longer than {allowed:.0f} s: '
            f'{story.overdue(turn)}',
        )

    def _record(self, claimed: Claimed, step: workflow.Step) -> bool:
        """Write the result down; whether to go on under the same claim.

        A deadlock is tried again; the claim guards each try.
        """
        if isinstance(step, workflow.Hop):
            return self._hop(claimed, step)
        claimed.recovery = self._database.write(
            _save_wait, claimed.recovery, step
        )
        return step.seconds <= 0

    def _hop(self, claimed: Claimed, wanted: workflow.Hop) -> bool:
        old = workflow.State(claimed.recovery.state)
        hop, recorded = self._database.write(
            self._save_hop, claimed.recovery, wanted
        )
        claimed.recovery = recorded
        log_transition(recorded.subject, old, hop)
        return not _stops(hop)

    def _save_hop(
        self,
        session: orm.Session,
        recovery: models.Recovery,
        hop: workflow.Hop,
    ) -> tuple[workflow.Hop, models.Recovery]:
        recoveries.guard(session, recovery)
        done = recoveries.hopped(session, recovery)
        if done is not None:
            # The answer to our COMMIT was lost, and it took effect.
            to = workflow.State(done.state)
            return workflow.Hop(to, done.why, done.held_kind), done
        if hop.within is not None:
            hop = hop.within(session) or hop
        old = workflow.State(recovery.state)
        recorded = self._write(session, recovery, old, hop)
        if hop.then is not None:
            recoveries.chain(
                session,
                recorded,
                workflow=hop.then.name,
                state=hop.then.initial,
                deadline_seconds=hop.then.deadline_seconds(hop.then.initial),
                engine=self._engine,
            )
        if _stops(hop):
            recoveries.release(session, recorded)
        return hop, recorded

    def _write(
        self,
        session: orm.Session,
        recovery: models.Recovery,
        old: workflow.State,
        hop: workflow.Hop,
    ) -> models.Recovery:
        story = self._workflows[recovery.workflow]
        if old is not hop.to and hop.to is not story.initial:
            story.check(old, hop.to)
        ends = self._until(hop)
        return recoveries.record_hop(
            session,
            recovery,
            to=hop.to,
            ended=hop.to in workflow.ENDED,
            deadline_seconds=story.deadline_seconds(hop.to),
            wake_seconds=self._wake_seconds(recovery, ends),
            held_kind=hop.held_kind,
            until=ends,
            engine=self._engine,
            why=hop.why,
        )

    def _until(self, hop: workflow.Hop) -> tuple[until.Until, ...]:
        """What ends the hold, by its kind if the hop does not say."""
        if hop.to is not workflow.State.HELD or hop.until:
            return hop.until
        if hop.held_kind in EXPIRING:
            return (until.every(self._held_seconds),)
        if hop.held_kind is models.HeldKind.DEADLINE:
            return (until.anew(),)
        return (until.OPERATOR,)

    def _wake_seconds(
        self, recovery: models.Recovery, ends: tuple[until.Until, ...]
    ) -> float:
        if not ends:
            return 0.0
        return until.pause(ends, 0.0, conditions.again(recovery.was, ends))


def log_transition(subject: str, old: str, hop: workflow.Hop) -> None:
    """One line for each transition: here an operator reads a recovery."""
    level = logging.INFO
    if hop.to is workflow.State.HELD:
        level = logging.ERROR
    LOG.log(level, '%s: %s -> %s: %s', subject, old, hop.to, hop.why)


def _set_back(
    session: orm.Session, recovery: models.Recovery, seconds: float
) -> models.Recovery:
    """Its last turn lies in the future: its waits begin at this moment."""
    recoveries.guard(session, recovery)
    evacuations.set_back(session, recovery.id)
    return recoveries.set_back(session, recovery, seconds)


def _save_wait(
    session: orm.Session, recovery: models.Recovery, wait: workflow.Wait
) -> models.Recovery:
    recorded = recoveries.record_wait(
        session, recovery, wait.seconds, wait.why
    )
    if wait.seconds > 0:
        recoveries.release(session, recorded)
    return recorded


def _stops(hop: workflow.Hop) -> bool:
    """Whether nothing follows under the same claim."""
    return hop.to in workflow.ENDED or hop.to is workflow.State.HELD


def _backoff(attempt: int) -> float:
    return min(0.5 * 2.0 ** min(attempt, 10), MAX_BACKOFF_SECONDS)
