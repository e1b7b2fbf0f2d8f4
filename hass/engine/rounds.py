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


"""Regular looks at every host in calm times, in a thread beside the patrol.

What is seen becomes observations; what cannot be seen degrades the host, and
pages when it is the power, without which it could not be fenced. The living
engines share the hosts. Looks run in two lanes, so that BMCs that do not
answer keep nobody else waiting; the rounds themselves wait for no look, and
the patrol waits for no rounds.
"""

import collections
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent import futures
import contextlib
import dataclasses
import logging
import threading
from typing import Protocol
from typing import runtime_checkable

from oslo_config import cfg
import prometheus_client
from sqlalchemy import orm

from hass import clock as clock_
from hass.db import fences as db_fences
from hass.db import hosts as db_hosts
from hass.db import models
from hass.db import observations
from hass.db import recoveries
from hass.db import services
from hass.db import session as db_session
from hass.detection import base as detection
from hass.detection import panel as panel_
from hass.diagnosis import estimates
from hass.engine import contradictions
from hass.engine import dispatcher
from hass.engine import fences
from hass.engine import inventory as inventory_
from hass.engine import overview as overview_
from hass.engine import shares
from hass.engine import strangers as strangers_
from hass.engine import wiring
from hass.engine import worries
from hass import exception
from hass import faults

LOG = logging.getLogger(__name__)
TURN_SECONDS = 1.0
MEASURED_SECONDS = 10.0
LOOKS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LYING = 'it was heard while its BMC read off'
WRONG = 'this BMC is not that of this host'
PACE: Mapping[faults.Aspect, float] = {
    faults.Layer.HARDWARE: 2.0,
    faults.Layer.NETWORK: 1 / 3,
}
"""How often layers are looked at, in rounds; the others once in each."""


@runtime_checkable
class Sweeper(Protocol):
    """A detector that looks at many hosts in the time of one."""

    def probe_many(
        self, subjects: Collection[detection.Subject]
    ) -> Mapping[str, Sequence[detection.Finding]]: ...

    def remember(self, host: str, addresses: Collection[str]) -> None:
        """These addresses of the host answered before its time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What one detector found at one host, or why it could not look."""

    host: str
    detector: str
    began: float
    seconds: float
    found: tuple[detection.Finding, ...] = ()
    why: str = ''


class Rounds:
    """One engine's looks at its share of the hosts.

    :param lanes: where looks run, and where those at hosts whose last look
        failed do
    :ivar looks, failed_looks: how long looks took, and how many brought
        nothing, for Prometheus
    """

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        overview: overview_.Overview,
        panel: panel_.Panel,
        concerns: worries.Worries,
        liars: contradictions.Contradictions,
        learnt: estimates.Learnt,
        trials: fences.Trials,
        wirings: wiring.Wirings,
        strangers: strangers_.Strangers,
        clock: clock_.Clock,
        engine: str,
        conf: cfg.ConfigOpts,
        lanes: tuple[futures.Executor, futures.Executor],
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._overview = overview
        self._panel = panel
        self._sweepers = {
            name: detector
            for name, detector in panel.detectors.items()
            if isinstance(detector, Sweeper)
        }
        self._worries = concerns
        self._contradictions = liars
        self._learnt = learnt
        self._trials = trials
        self._wirings = wirings
        self._strangers = strangers
        self._clock = clock
        self._engine = engine
        self._seconds = conf.detection.rounds_seconds
        self._search_seconds = conf.detection.search_seconds
        self._test_seconds = conf.fencing.test_seconds
        self._quick, self._slow = lanes
        self._almanac = clock_.Almanac()
        self.looks = prometheus_client.Histogram(
            'hass_look_seconds',
            'How long the looks of a detector took.',
            ('detector',),
            buckets=LOOKS,
            registry=None,
        )
        self.failed_looks = prometheus_client.Counter(
            'hass_looks_failed',
            'Looks of a detector at a host that brought nothing.',
            ('detector',),
            registry=None,
        )
        self._subjects: dict[str, detection.Subject] = {}
        self._due: dict[tuple[str, str], float] = {}
        self._looking: dict[str, futures.Future[None]] = {}
        self._failing: set[str] = set()
        self._tried: dict[str, set[str]] = {}
        self._looks: collections.deque[Look] = collections.deque()
        self._written: dict[object, tuple[faults.Verdict, float]] = {}
        self._degraded: dict[str, list[str]] = {}
        self._measured_at: float | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Take turns until stop() is called; for a thread of its own."""
        dispatcher.repeat(
            self.turn,
            lambda: self._stopping.wait(TURN_SECONDS),
            'a turn of the rounds',
        )
        for lane in (self._quick, self._slow):
            lane.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """End after the present turn."""
        self._stopping.set()

    def turn(self) -> None:
        """Start the looks that are due, keep what the others have seen."""
        self._inventory.refresh()
        seen = self._overview.look()
        self._almanac.note(seen.at, seen.now)
        mine = self._mine(seen)
        answered = self._answered(mine)
        self._forget({host.name for host in self._inventory.hosts()})
        for name, detector in self._sweepers.items():
            self._sweep(name, detector, mine, answered)
        for host in mine:
            self._visit(host)
        # Fences take their time, and are in no hurry.
        now = self._almanac.moment_of(self._clock.monotonic())
        self._trials.turn(mine, now, self._slow)
        self._wirings.turn(mine, now, self._slow)
        self._keep()
        self._worries.page()

    def _mine(self, seen: overview_.Seen) -> list[models.Host]:
        """This engine's hosts, but for those that are recovered themselves."""
        busy = {
            one.subject
            for one in self._overview.open_ones()
            if recoveries.isolates(one)
        }
        known = {one.name: one for one in self._inventory.hosts()}
        mine = shares.keeps(
            self._engine, sorted(known), [one.name for one in seen.engines]
        )
        for name in self._subjects.keys() - mine:
            self._leave(name)
        return [known[name] for name in sorted(mine - busy)]

    # Looking.

    def _visit(self, host: models.Host) -> None:
        """Look at one host with the detectors that are due there."""
        now = self._clock.monotonic()
        due = [
            name
            for name in self._panel.detectors
            if name not in self._sweepers
            and now >= self._due_at(host.name, name, now)
        ]
        running = self._looking.get(host.name)
        if not due or (running is not None and not running.done()):
            return
        subject = self._subject(host)
        able = [one for one in due if not self._panel.why_not(one, subject)]
        for name in able:
            self._due[host.name, name] = now + self._pace(name)
        if able:
            lane = self._slow if host.name in self._failing else self._quick
            self._looking[host.name] = lane.submit(self._look, subject, able)

    def _due_at(self, host: str, name: str, now: float) -> float:
        """When it is due; the first looks are spread over a round."""
        first = now + shares.spread(host, name) * self._pace(name)
        return self._due.setdefault((host, name), first)

    def _pace(self, name: str) -> float:
        layer = self._panel.detectors[name].layer
        seconds: float = self._seconds * PACE.get(layer, 1.0)
        return seconds

    def _look(self, subject: detection.Subject, names: Sequence[str]) -> None:
        """In a lane: one detector after the other."""
        for name in names:
            began = self._clock.monotonic()
            found: tuple[detection.Finding, ...] = ()
            why = ''
            try:
                found = self._panel.probe(name, subject)
            except exception.DetectorFailed as error:
                why = error.reason
            seconds = self._clock.monotonic() - began
            self._looks.append(
                Look(subject.host, name, began, seconds, found, why)
            )

    def _sweep(
        self,
        name: str,
        detector: Sweeper,
        mine: Sequence[models.Host],
        answered: Mapping[str, set[str]],
    ) -> None:
        """Look at all hosts at once, soon when one is new."""
        running = self._looking.get(f' {name}')
        subjects = [self._subject(host) for host in mine if host.networks]
        now = self._clock.monotonic()
        new = any(name not in self._tried.get(it.host, ()) for it in subjects)
        due = now >= self._due.get(('', name), now)
        if not (new or due) or (running is not None and not running.done()):
            return
        if running is not None and (error := running.exception()):
            LOG.error('%s broke: %s: %s', name, type(error).__name__, error)
        self._due['', name] = now + self._pace(name)
        for subject in subjects:
            networks = answered.get(subject.host, set())
            detector.remember(
                subject.host,
                [
                    subject.networks[it]
                    for it in networks & {*subject.networks}
                ],
            )
        self._looking[f' {name}'] = self._quick.submit(
            self._look_at_many, name, detector, subjects
        )

    def _look_at_many(
        self,
        name: str,
        detector: Sweeper,
        subjects: Sequence[detection.Subject],
    ) -> None:
        began = self._clock.monotonic()
        found: Mapping[str, Sequence[detection.Finding]] = {}
        why = ''
        try:
            found = detector.probe_many(subjects)
        except exception.HassError as error:
            why = str(error)
        seconds = self._clock.monotonic() - began
        for subject in subjects:
            seen = tuple(found.get(subject.host, ()))
            self._looks.append(
                Look(subject.host, name, began, seconds, seen, why)
            )

    def _answered(self, mine: Sequence[models.Host]) -> dict[str, set[str]]:
        """Networks on which hosts that are new to us answered somebody."""
        new = [one.name for one in mine if one.name not in self._subjects]
        if not new:
            return {}
        with self._database.reader() as session:
            return {
                host: {
                    one.network
                    for one in observations.of_host(
                        session, host, faults.Layer.NETWORK
                    )
                    if one.verdict is not faults.Verdict.UNKNOWN
                }
                for host in new
            }

    def _subject(self, host: models.Host) -> detection.Subject:
        subject = self._inventory.subject(host)
        self._subjects[host.name] = subject
        return subject

    # Keeping.

    def _keep(self) -> None:
        """Write down what was seen since the last turn."""
        looks = [self._looks.popleft() for _ in range(len(self._looks))]
        # The host may have been removed meanwhile: it has no row then.
        looks = [one for one in looks if one.host in self._subjects]
        for look in looks:
            self._note(look)
        seen = [one for look in looks for one in self._news(look)]
        sad = self._changed({look.host for look in looks})
        measured = self._is_due_to_tell()
        lying = self._contradictions.caught()
        for host, wrong in self._wirings.caught().items():
            self._worries.cry(host, f'{WRONG} ({wrong}): it is not fenced')
        if not (seen or sad or measured or lying):
            return
        with self._database.writer() as session:
            observations.put(session, *seen)
            for host, why in sad.items():
                # It may have been removed meanwhile.
                with contextlib.suppress(exception.NotFound):
                    db_hosts.set_degraded(session, host, why)
            for host in lying:
                with contextlib.suppress(exception.NotFound):
                    db_hosts.distrust_bmc(session, host, LYING)
            if measured:
                self._tell(session)
        now = self._clock.monotonic()
        self._written |= {_key(one): (one.verdict, now) for one in seen}
        self._degraded |= sad
        for host in lying:
            self._worries.cry(host, f'{LYING}: it could not be fenced')

    def _note(self, look: Look) -> None:
        layer = self._panel.detectors[look.detector].layer
        self._tried.setdefault(look.host, set()).add(look.detector)
        self.looks.labels(look.detector).observe(look.seconds)
        if look.why:
            self._failing.add(look.host)
            self.failed_looks.labels(look.detector).inc()
        elif layer is faults.Layer.POWER:
            self._failing.discard(look.host)
        if not look.why and isinstance(layer, faults.Layer):
            self._learnt.took(layer, look.seconds)
        self._worries.note(look.host, layer, look.found, look.why)
        if layer is faults.Layer.POWER:
            self._note_power(look)

    def _note_power(self, look: Look) -> None:
        if any(one.verdict is faults.Verdict.FAILED for one in look.found):
            ended = look.began + look.seconds
            self._contradictions.note_off(look.host, look.began, ended)
        else:
            self._contradictions.note_other(look.host)

    def _news(self, look: Look) -> list[faults.Observation]:
        """What to write: what changed, and all of it once in a round."""
        layer = self._panel.detectors[look.detector].layer
        found = look.found or (
            detection.Finding(faults.Verdict.UNKNOWN, look.why),
        )
        now = self._clock.monotonic()
        seen = [
            faults.Observation(
                look.host,
                layer,
                look.detector,
                one.verdict,
                self._almanac.moment_of(look.began),
                one.network,
                one.detail,
                self._engine,
                one.certainty,
            )
            for one in found
        ]
        return [one for one in seen if not self._is_known(one, now)]

    def _is_known(self, one: faults.Observation, now: float) -> bool:
        verdict, at = self._written.get(_key(one), (None, 0.0))
        return verdict is one.verdict and now - at < self._seconds * 0.9

    def _changed(self, names: Collection[str]) -> dict[str, list[str]]:
        """Hosts that are degraded in another way than was written.

        Only those that every detector had its look at: before that an
        engine that has just taken them over knows too little.
        """
        changed: dict[str, list[str]] = {}
        if not names:
            return changed
        doubts = db_fences.Doubts(
            self._inventory.hosts(),
            self._almanac.moment_of(self._clock.monotonic()),
            place_of=self._inventory.place_of,
            test_seconds=self._test_seconds,
            search_seconds=self._search_seconds,
        )
        for name in sorted(names):
            subject, host = self._subjects[name], self._inventory.host(name)
            able = {
                one
                for one, detector in self._panel.detectors.items()
                if not detector.lacks(subject)
            }
            if host is None or able - self._tried.get(name, set()):
                continue
            why = self._panel.degraded(subject) + doubts.of(name)
            if why != self._degraded.get(name, host.degraded or []):
                changed[name] = why
        return changed

    def _is_due_to_tell(self) -> bool:
        now = self._clock.monotonic()
        told = self._measured_at
        if told is not None and now - told < MEASURED_SECONDS:
            return False
        self._measured_at = now
        return True

    def _tell(self, session: orm.Session) -> None:
        """This engine's row: how it looks at hosts, and whom it refuses."""
        self._learnt.count(recoveries.faults_counted(session))
        detectors = {
            name: {'layer': detector.layer, 'why': self._why_nowhere(name)}
            for name, detector in self._panel.detectors.items()
        } | {
            name: {'layer': '', 'why': why}
            for name, why in self._panel.missing.items()
        }
        known = self._learnt.now.to_dict()
        services.measured(
            session,
            self._engine,
            known,
            detectors,
            [one.to_dict() for one in self._strangers.now()],
        )

    def _why_nowhere(self, name: str) -> str:
        """Why a detector works at no host; '' when it does at one."""
        why = ''
        for subject in list(self._subjects.values()):
            why = self._panel.why_not(name, subject)
            if not why:
                break
        return why

    def _forget(self, known: set[str]) -> None:
        for name in self._subjects.keys() - known:
            self._leave(name)

    def _leave(self, name: str) -> None:
        """The host is gone, or another engine looks at it now."""
        del self._subjects[name]
        self._tried.pop(name, None)
        self._degraded.pop(name, None)
        self._failing.discard(name)
        self._worries.forget(name)
        for detector in self._panel.detectors:
            self._due.pop((name, detector), None)


def _key(one: faults.Observation) -> object:
    return one.subject, one.layer, one.detector, one.network
