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

"""Hands due recoveries to workers, and keeps their claims alive."""

from collections.abc import Callable
import datetime
import logging
import threading

from oslo_db import exception as oslo_exception

from hass import clock as clock_
from hass.db import recoveries
from hass.db import session as db_session
from hass.engine import forsaken
from hass.engine import overview as overview_
from hass import exception
from hass import origin
from hass.recovery import runner as runner_

LOG = logging.getLogger(__name__)


class Dispatcher:
    """Scans for due recoveries, claims them and runs each in a worker.

    A thread cannot be killed. A step that outlives ``step_seconds`` loses
    all that killing would take from it: its deadline is revoked, so BMC and
    Nova calls refuse to be sent, its claim is renewed no more, so its
    result is thrown away, and its place goes to another worker.
    """

    def __init__(
        self,
        database: db_session.Database,
        runner: runner_.Runner,
        clock: clock_.Clock,
        overview: overview_.Overview,
        engine: str,
        *,
        workers: int,
        scan_seconds: float,
        claim_seconds: float,
        renew_seconds: float,
        step_seconds: float,
        call_seconds: float,
    ) -> None:
        self._database = database
        self._runner = runner
        self._clock = clock
        self._overview = overview
        self._engine = engine
        self._workers = workers
        self._scan_seconds = scan_seconds
        self._claim_seconds = claim_seconds
        self._renew_seconds = renew_seconds
        self._step_seconds = step_seconds
        self._call_seconds = call_seconds
        self._forsaken = forsaken.Forsaken(clock, claim_seconds, call_seconds)
        self._held: dict[int, runner_.Claimed] = {}
        self._lock = threading.Condition()
        self._bell = threading.Event()
        self._rang = True
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._scanner = threading.Thread(
            target=self._scan_loop, name='scan', daemon=True
        )
        self._renewer = threading.Thread(
            target=self._renew_loop, name='renewal', daemon=True
        )

    def start(self) -> None:
        """Begin to scan and to renew, each in a thread of its own."""
        self._scanner.start()
        self._renewer.start()

    @property
    def busy(self) -> int:
        """How many recoveries are being worked on."""
        return len(self._held)

    def wake(self) -> None:
        """The bell: scan now. A lost bell costs one scan interval."""
        self._overview.disturb()
        self._bell.set()

    def stop(self) -> None:
        """Take no more work; what runs finishes its turn, and is given back.

        What hangs in its turn for too long keeps its claim, which runs out.
        """
        self._stopping.set()
        self._runner.leave()
        self._bell.set()
        self._join(self._scanner)
        with self._lock:
            self._lock.wait_for(
                lambda: not self._held, timeout=self._step_seconds
            )
        self._stopped.set()
        self._join(self._renewer)

    def _join(self, thread: threading.Thread) -> None:
        if thread.is_alive():
            thread.join(timeout=self._step_seconds)

    def scan(self) -> int:
        """Claim what is due and start its workers; returns how many."""
        with self._database.reader() as session:
            due = recoveries.due(session, self._call_seconds, self._workers)
            ahead = self._forsaken.find(session)
        started = [self._begin(*one) for one in due]
        started += [self._begin(one.id, one.claim, one.until) for one in ahead]
        return sum(started)

    def _begin(
        self,
        recovery_id: int,
        claim: int,
        until: datetime.datetime | None = None,
    ) -> bool:
        """Claim one and start its worker, if there is a place for it."""
        if recovery_id in self._held or len(self._held) >= self._workers:
            return False
        claimed = self._claim(recovery_id, claim, until)
        if claimed is None:
            return False
        threading.Thread(
            target=self._work, args=(claimed,), daemon=True
        ).start()
        return True

    def renew(self) -> None:
        """Renew the claims of running steps, revoke those that hang."""
        with self._lock:
            running = list(self._held.values())
        for claimed in running:
            began = self._clock.monotonic()
            if began - claimed.step_began > self._step_seconds:
                LOG.error(
                    '%s: a step of %s hangs; it may act no more',
                    claimed.recovery.subject,
                    claimed.recovery.state,
                    extra=origin.logged(claimed.recovery.uuid),
                )
                self._drop(claimed)
                continue
            with self._database.writer() as session:
                ours = recoveries.renew(
                    session,
                    claimed.recovery.id,
                    claimed.recovery.claim,
                    self._claim_seconds,
                )
            if ours:
                claimed.deadline.renewed(began)

    def _claim(
        self,
        recovery_id: int,
        claim: int,
        until: datetime.datetime | None,
    ) -> runner_.Claimed | None:
        began = self._clock.monotonic()
        deadline = runner_.ClaimDeadline(self._clock, self._claim_seconds)
        try:
            with self._database.writer() as session:
                recovery = recoveries.take(
                    session,
                    recovery_id,
                    claim,
                    self._engine,
                    self._claim_seconds,
                    until,
                )
        except exception.DatabaseUnreachable as error:
            # It may have been committed; what nobody renews runs out.
            LOG.info('a claim was not taken: %s', error)
            return None
        if recovery is None:
            return None
        deadline.renewed(began)
        claimed = runner_.Claimed(recovery, deadline, began)
        with self._lock:
            self._held[recovery.id] = claimed
        return claimed

    def _drop(self, claimed: runner_.Claimed) -> None:
        claimed.deadline.revoke()
        with self._lock:
            if self._held.get(claimed.recovery.id) is claimed:
                del self._held[claimed.recovery.id]
            self._lock.notify_all()

    def _work(self, claimed: runner_.Claimed) -> None:
        origin.begin_recovery(claimed.recovery.uuid)
        try:
            self._runner.run(claimed)
        except exception.HassError as error:
            LOG.warning('%s: %s', claimed.recovery.subject, error)
        except Exception:
            LOG.exception('%s: a turn was lost', claimed.recovery.subject)
        finally:
            self._drop(claimed)
            self._bell.set()

    def _scan_loop(self) -> None:
        repeat(self._scan_if_any, self._rest, 'the scan for recoveries')

    def _scan_if_any(self) -> None:
        if self._rang or self._overview.look().pending.recoveries:
            self.scan()

    def _rest(self) -> bool:
        self._rang = self._bell.wait(self._scan_seconds)
        self._bell.clear()
        return self._stopping.is_set()

    def _renew_loop(self) -> None:
        repeat(
            self.renew,
            lambda: self._stopped.wait(self._renew_seconds),
            'the renewal of claims',
        )


def repeat(
    turn: Callable[[], object], rest: Callable[[], bool], what: str
) -> None:
    """Take turns until the rest between two of them says to stop.

    No error ends it: a thread that is gone would be missed in the night.
    """
    while True:
        try:
            turn()
        except (exception.HassError, oslo_exception.DBError) as error:
            LOG.error('%s failed: %s', what, error)
        except Exception:
            LOG.exception('%s failed', what)
        if rest():
            return
