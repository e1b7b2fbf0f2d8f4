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

"""Looks at every host, several times a second, and suspects the silent.

The patrol decides nothing: it opens a recovery in *confirming*. It never
waits for a recovery, a BMC, Nova or a pager.
"""

from collections.abc import Callable
from collections.abc import Mapping
from concurrent import futures
import datetime
import logging
import threading

from oslo_config import cfg
from oslo_db import exception as oslo_exception
from sqlalchemy import orm

from hass import clock as clock_
from hass.conf import protection as protection_options
from hass.db import fences
from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import protection
from hass.db import recoveries
from hass.db import session as db_session
from hass.db import windows
from hass.diagnosis import accrual
from hass.diagnosis import liveness
from hass.engine import absences
from hass.engine import alarms as alarms_
from hass.engine import allegations
from hass.engine import awaiting
from hass.engine import census
from hass.engine import dispatcher
from hass.engine import domains
from hass.engine import fitness_watch
from hass.engine import glances
from hass.engine import incidents
from hass.engine import inventory as inventory_
from hass.engine import late_calls
from hass.engine import loss_watch
from hass.engine import mark_watch
from hass.engine import overview as overview_
from hass.engine import own_clock
from hass.engine import own_row
from hass.engine import reboots
from hass.engine import service_watch
from hass import exception
from hass.fencing import base as fencing
from hass import origin
from hass.recovery import hands as hands_
from hass.recovery import host_failure
from hass.recovery import witness as witness_
from hass.recovery import workflow
from hass import workflows

LOG = logging.getLogger(__name__)
PROMPT_SECONDS = 0.5
LATE_SECONDS, LOST_SECONDS = 1.05, 3.0
"""Silence in which a beat may be missed at any moment."""
LEAST_REST_SECONDS = 0.02
PLANNED_SECONDS = 900.0
PAGE_SECONDS = 2.0
CLOCK_SECONDS = 5.0
FILTERED_SECONDS = 10.0


class Patrol:
    """One engine's watch over all hosts."""

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        overview: overview_.Overview,
        hands: hands_.Hands,
        ears: witness_.Ears,
        alarms: alarms_.Alarms,
        engine: str,
        conf: cfg.ConfigOpts,
        wake: Callable[[], None],
        pool: futures.Executor,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._overview = overview
        self._hands = hands
        self._clock: clock_.Clock = hands.clock
        self._almanac = hands.witness.almanac
        self._ears = ears
        self._alarms = alarms
        self._reboots = reboots.Reboots(
            database, overview, hands, ears, engine, conf.engine.alive_seconds
        )
        self._losses = loss_watch.LossWatch(database, hands)
        self._late_calls = late_calls.LateCallWatch(
            database, overview, hands, engine
        )
        self._fitness = fitness_watch.FitnessWatch(
            database, inventory, overview, hands, engine, conf
        )
        self._marks = mark_watch.MarkWatch(
            database,
            hands,
            alarms.page,
            engine,
            alive_seconds=conf.engine.alive_seconds,
            repeat_seconds=conf.alarm.repeat_seconds,
        )
        self._absences = absences.Absences(database, overview, hands, engine)
        self._census = census.Census(database, hands.compute)
        self._engine = engine
        self._detection = conf.detection
        self._turn_seconds: float = conf.engine.turn_seconds
        self._repeat_seconds = conf.alarm.repeat_seconds
        self._wake = wake
        self._pool = pool
        self._paging: futures.Future[None] | None = None
        self._done_at: dict[str, float] = {}
        self._filtered: dict[str, float] = {}
        self._awaited = awaiting.Awaiting(
            ears, conf.detection.first_beat_seconds
        )
        self._own_clock = own_clock.OwnClock(inventory, self._clock, engine)
        self._own_row = own_row.OwnRow(
            ears,
            self._almanac,
            self._clock,
            engine,
            turn_seconds=conf.engine.turn_seconds,
            alive_seconds=conf.engine.alive_seconds,
        )
        self._calm = False
        self._rest_seconds = self._turn_seconds
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._glances = glances.Glances(hands, pool, self._bell.set)
        self._services = service_watch.ServiceWatch(
            database,
            inventory,
            overview,
            ears,
            hands.witness,
            self._clock,
            engine,
            conf,
            wake,
        )
        self._allegations = allegations.Allegations(
            database, inventory, self._suspect
        )
        self._incidents = incidents.Incidents(
            database,
            inventory,
            hands.compute,
            protection_options.rule(conf),
            engine,
            wake,
            pool,
        )

    def run(self) -> None:
        """Take turns until stop() is called; for a thread of its own."""
        dispatcher.repeat(self.turn, self._rest, 'a turn of the patrol')
        self._pool.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """End after the present turn, which may still need its helpers."""
        self._stopping.set()
        self._bell.set()

    def _rest(self) -> bool:
        """Until the next turn, or until there is something to see."""
        self._bell.wait(self._rest_seconds)
        self._bell.clear()
        return self._stopping.is_set()

    def ring(self) -> None:
        """There is something to see: take the next turn now."""
        self._bell.set()
        # Events of instances need not wait until all hosts are seen.
        if not self._stopping.is_set():
            self._pool.submit(self._incidents.read)

    def turn(self) -> None:
        """Look at all hosts once."""
        self._inventory.refresh()
        self._ears.learn([host.name for host in self._inventory.hosts()])
        ears = self._hands.witness.turn()
        self._rest_seconds = self._until_missed(ears)
        deaf = bool(self._hands.witness.doubts)
        services_due = self._due('services', service_watch.LOOK_SECONDS)
        seen = self._see(ears, deaf, services_due)
        if seen.pending.notifications:
            self._allegations.read()
            self._pool.submit(self._incidents.read_left)
        self._look_at_silent(ears, seen.now, deaf)
        for host in self._reboots.due(self._inventory.hosts()):
            self._pool.submit(self._reboots.settle, host)
        losses_due = self._due('losses', loss_watch.LOOK_SECONDS)
        if losses_due and self._overview.look().pending.losses:
            self._pool.submit(self._losses.look)
        if self._due('absences', absences.LOOK_SECONDS):
            self._pool.submit(self._absences.look)
        if self._due('late calls', late_calls.LOOK_SECONDS):
            self._pool.submit(self._late_calls.look)
        if self._due('fitness', fitness_watch.TURN_SECONDS):
            self._pool.submit(self._fitness.look)
        if self._due('marks', mark_watch.LOOK_SECONDS):
            self._pool.submit(self._marks.look)
        if services_due:
            self._pool.submit(self._services.look)
        if self._due('clock', CLOCK_SECONDS):
            self._look_at_own_clock(seen)
        if self._due('page', PAGE_SECONDS):
            self._page_held()
        if self._due('domains', domains.LEARN_SECONDS):
            self._pool.submit(
                domains.learn, self._database, self._hands.compute
            )
        if self._due('census', census.TAKE_SECONDS):
            self._pool.submit(self._census.take)

    def _see(
        self, ears: liveness.Ears, deaf: bool, wholly: bool
    ) -> overview_.Seen:
        """What there is to do; the peers are told what we hear."""
        was_calm = self._calm
        with self._database.writer() as session:
            seen = self._overview.renew(session, wholly)
            # Unless the database let us wait for its answer.
            waited = self._clock.monotonic() - ears.now
            if waited < PROMPT_SECONDS or not self._almanac:
                self._almanac.note(ears.now, seen.now)
            self._calm = not seen.pending.recoveries
            told = self._own_row.write(session, ears, deaf, self._calm)
        self._own_row.committed(told)
        if was_calm and not self._calm:
            # Nobody has looked for recoveries that are due.
            self._wake()
        return seen

    def _until_missed(self, ears: liveness.Ears) -> float:
        """Seconds until the next turn: soon when a beat fails to come."""
        moments = [
            self._ears.liveness(name).any.timeouts().low_seconds
            - (ears.now - last)
            for name, last in ears.last.items()
            if last is not None
            and LATE_SECONDS < ears.now - last < LOST_SECONDS
        ]
        soon = [one for one in moments if one > LEAST_REST_SECONDS]
        return min([self._turn_seconds, *soon])

    def _due(self, task: str, seconds: float) -> bool:
        """Whether a slower task wants its turn."""
        now = self._clock.monotonic()
        if now - self._done_at.get(task, -seconds) < seconds:
            return False
        self._done_at[task] = now
        return True

    def _page_held(self) -> None:
        """In the background: a pager may take its time, or hang."""
        if self._paging is None or self._paging.done():
            self._paging = self._pool.submit(self._page)

    def _page(self) -> None:
        try:
            pending = self._overview.look().pending
            if pending.recoveries:
                self._alarms.page_held()
            if pending.losses:
                self._alarms.page_losses()
        except (exception.HassError, oslo_exception.DBError) as error:
            LOG.error('what is to be paged was not: %s', error)

    def _look_at_own_clock(self, seen: overview_.Seen) -> None:
        trouble = self._own_clock.trouble(seen)
        self._hands.witness.clock_trouble = trouble
        if trouble and self._due('own clock', self._repeat_seconds):
            self._pool.submit(
                self._alarms.page,
                {
                    'subject': self._engine,
                    'why': f'{trouble}: it believes no host that boots anew '
                    'and judges nobody until its clock is set',
                },
            )

    # Silence.

    def _look_at_silent(
        self, ears: liveness.Ears, now: datetime.datetime, deaf: bool
    ) -> None:
        """Low suspicion asks the BMC, high suspicion opens a recovery.

        An engine that doubts itself asks all the same: that a host is off
        explains its silence.
        """
        silent = ears.suspected()
        self._glances.keep(silent)
        for name in self._filtered.keys() - silent:
            del self._filtered[name]
        off = frozenset(
            host.name
            for host in self._inventory.hosts()
            if protection.window(host, now)
        )
        read_off: dict[str, fencing.Look] = {}
        for name in sorted(silent):
            host = self._inventory.host(name)
            if host is None or not self._expected(host, ears, now):
                continue
            # It may be needed soon, and is slower than our own look.
            self._hands.control_plane.look()
            silence = f'silent for {ears.silence(name):.1f} s'
            if protection.window_ended(host, now, ears.silence(name)):
                silence += ' since before its maintenance window ended'
            if seen := self._glances.off(host):
                read_off[name] = seen
                silence += ' and powered off'
            elif ears.suspicion(name) is not accrual.Suspicion.HIGH:
                continue
            elif self._awaited.may_start(host, ears.now, now):
                continue
            elif told := self._told(name):
                self._alarm_filtered(name, told, ears.now)
                continue
            self._filtered.pop(name, None)
            if not deaf:
                self._suspect(host, silence, silent=True)
        self._hands.witness.off = off | self._own(read_off, now)

    def _own(
        self, looks: Mapping[str, fencing.Look], now: datetime.datetime
    ) -> frozenset[str]:
        """Hosts whose own device was looked at: that excuses them.

        What another host's device reads tells nothing of this one, and least
        of all that we are not deaf.
        """
        if not looks:
            return frozenset()
        rows = {one.name: one for one in self._inventory.hosts()}
        known = fences.of(rows.values(), now, self._inventory.place_of)
        return frozenset(
            name
            for name, look in looks.items()
            if name in rows
            and fences.is_own(
                rows[name], known, look.reading.guid, look.reading.mac
            )
        )

    def _expected(
        self, host: models.Host, ears: liveness.Ears, now: datetime.datetime
    ) -> bool:
        """Whether this host's silence is anything to wonder about."""
        heard = self._ears.heard(host.name)
        if heard is None and host.reported_at is None:
            return False
        if window := protection.window(host, now):
            self._tell_window(host, *window)
            return False
        planned = heard is not None and heard.planned
        if host.planned_until is not None or planned:
            until = host.planned_until
            seconds = ears.silence(host.name)
            if (until and until < now) or seconds > PLANNED_SECONDS:
                self._alarm_overdue(host)
            return False
        return True

    def _tell_window(
        self, host: models.Host, until: datetime.datetime, why: str
    ) -> None:
        """Nobody is paged for planned work, but the log tells of it."""
        if self._due(f'window {host.name}', self._repeat_seconds):
            LOG.warning(
                '%s: silent and unprotected: in maintenance until %s: %s',
                host.name,
                until,
                why,
            )

    def _told(self, host: str) -> str:
        """How it speaks although it does not beat, '' when it is silent."""
        with self._database.reader() as session:
            return self._hands.witness.told(session, host)

    def _alarm_filtered(self, host: str, told: str, now: float) -> None:
        """Page when it lasts: an agent that starts may report first."""
        since = self._filtered.setdefault(host, now)
        if now - since < FILTERED_SECONDS:
            return
        if self._due(f'filtered {host}', self._repeat_seconds):
            self._pool.submit(
                self._alarms.page,
                {
                    'subject': host,
                    'why': f'{told}: a firewall, or [agent] engines of the '
                    'host, is wrong; the host is watched over the bus alone',
                },
            )

    def _alarm_overdue(self, host: models.Host) -> None:
        if self._due(f'overdue {host.name}', self._repeat_seconds):
            self._pool.submit(
                self._alarms.page,
                {
                    'subject': host.name,
                    'why': 'its agent was stopped on purpose and has not '
                    'come back: the host is unprotected',
                },
            )

    def panicked(self, name: str) -> None:
        """The kernel of a host told that it has panicked; returns at once.

        Nobody signed that: it is a suspicion, and no more.
        """
        host = self._inventory.host(name)
        if host is not None and host.planned_until is None:
            self._pool.submit(self._suspect_panicked, host)

    def _suspect_panicked(self, host: models.Host) -> None:
        try:
            self._suspect(host, 'its kernel told that it has panicked')
            # Other engines want to know; they cannot ask for us.
            if self._ears.probe(host.name):
                self._bell.set()
        except (exception.HassError, oslo_exception.DBError) as error:
            LOG.error('%s panicked, but: %s', host.name, error)

    def _suspect(
        self, host: models.Host, why: str, *, silent: bool = False
    ) -> None:
        if self._database.read(self._stands, host.name):
            return
        try:
            opened = self._database.write(self._open, host, why, silent)
        except oslo_exception.DBDuplicateEntry:
            return  # Another engine was quicker.
        if opened is not None:
            LOG.warning(
                '%s: suspected: %s',
                host.name,
                why,
                extra=origin.logged(opened.uuid),
            )
            self._wake()

    def _stands(self, session: orm.Session, host: str) -> bool:
        """Whether its story is open: then no row need be locked.

        A host stays silent for long, and each turn of each engine asks.
        """
        standing = recoveries.open_of_host(session, host)
        if standing is None:
            return False
        return not self._died_again(session, standing)

    def _open(
        self, session: orm.Session, host: models.Host, why: str, silent: bool
    ) -> models.Recovery | None:
        if silent and self._was_vetoed(session, host.name):
            return None
        row = windows.guard(session, host.name)
        now = moments.read_now(session)
        if row is None or protection.window(row, now):
            return None
        if hosts.is_powering(row, now):
            return None
        standing = recoveries.open_of_host(session, host.name)
        if standing is not None and not self._died_again(session, standing):
            return None
        beside = standing and not recoveries.isolates(standing)
        if (standing is None or beside) and self._was_released(session, host):
            return None
        return recoveries.open_one(
            session,
            workflow=host_failure.HostFailure.name,
            host=host.name,
            cluster_id=host.cluster_id,
            state=host_failure.HostFailure.initial,
            deadline_seconds=host_failure.HostFailure.deadline_seconds(
                host_failure.HostFailure.initial
            ),
            engine=self._engine,
            why=why,
            supersede=workflows.superseded_by(host_failure.HostFailure.name),
        )

    def _died_again(
        self, session: orm.Session, standing: models.Recovery
    ) -> bool:
        """Whether a returning host was heard and fell silent again.

        Or whether it was only a service of it that had died before.
        """
        ends = workflows.superseded_by(host_failure.HostFailure.name)
        traits = workflows.traits_of(standing.workflow)
        if standing.workflow not in ends:
            return False
        if standing.state in traits.silent_in:
            return False
        return not traits.isolates or self._heard_since(
            standing.subject, standing.opened_at
        )

    def _was_released(self, session: orm.Session, host: models.Host) -> bool:
        """An operator let go of it: look anew only now and then."""
        last = recoveries.last_ended(session, host.name)
        if last is None or last.ended_at is None:
            return False
        if not last.was.get('released'):
            return False
        age = (moments.read_now(session) - last.ended_at).total_seconds()
        if age > self._detection.quiet_seconds:
            return False
        return not self._heard_since(host.name, last.ended_at)

    def _was_vetoed(self, session: orm.Session, host: str) -> bool:
        """It is the silence of a host that another engine goes on to hear.

        One story told that; what ends the other's hearing is news.
        """
        last = recoveries.last_ended(session, host)
        if last is None or last.ended_at is None:
            return False
        if last.state != workflow.State.DISMISSED:
            return False
        return not self._heard_since(
            host, last.ended_at
        ) and self._hands.witness.is_heard_elsewhere(session, host)

    def _heard_since(self, host: str, moment: datetime.datetime) -> bool:
        heard = self._ears.heard(host)
        return heard is not None and (
            heard.last > self._almanac.monotonic_of(moment)
        )
