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

"""What the database tells: the same at whichever service it is read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
import threading
from typing import Any

from oslo_db import exception as oslo_exception
from prometheus_client import core

from hass import clock as clocks
from hass.db import books
from hass.db import models
from hass.db import session as db_session
from hass.diagnosis import layers
from hass import exception
from hass import faults
from hass.states import State

KEPT_SECONDS = 5.0
"""Within this time everybody gets the same numbers."""
WAIT_SECONDS = 5.0
"""For an answer that another asks for, of a database that hangs perhaps."""
BUCKETS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600)
"""Seconds. A recovery should take less than a minute, and may wait hours
for an operator."""

Family = core.Metric
Labels = tuple[str, ...]


class Books:
    """A collector for a registry of prometheus_client.

    While there is no database it says that, and nothing else.
    """

    def __init__(
        self, database: db_session.Database, clock: clocks.Clock
    ) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: books.Books | None = None
        self._kept_at = 0.0

    def describe(self) -> Iterable[Family]:
        """Registering reads nothing."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Read the tables, unless that was done a moment ago."""
        found = self._read()
        yield core.GaugeMetricFamily(
            'hass_database_up',
            'Whether the database answered; without it nothing of what is in '
            'it is told.',
            value=found is not None,
        )
        if found is not None:
            yield from _hosts(found)
            yield from _recoveries(found)
            yield from _durations(found)
            yield from _last_day(found)
            yield from _engines(found)
            yield from _outbox(found)

    def _read(self) -> books.Books | None:
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return None
        try:
            now = self._clock.monotonic()
            if self._kept is None or now - self._kept_at > KEPT_SECONDS:
                self._kept = None
                with self._database.reader() as session:
                    self._kept = books.read(session, layers.FRESH_SECONDS)
                self._kept_at = now
            return self._kept
        except (exception.DatabaseUnreachable, oslo_exception.DBError):
            return None
        finally:
            self._lock.release()


def _gauge(
    name: str,
    text: str,
    labels: Sequence[str],
    values: Mapping[Any, float],
) -> Family:
    family = core.GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _hosts(found: books.Books) -> Iterator[Family]:
    fences: Counter[Labels] = Counter()
    usable: Counter[str] = Counter()
    ready: Counter[str] = Counter()
    kept: Counter[Labels] = Counter()
    degraded: Counter[Labels] = Counter()
    known: Counter[str] = Counter()
    acts: dict[str, bool] = {}
    for one in found.hosts:
        fences[one.cluster, one.fence] += one.number
        usable[one.cluster] += one.usable
        ready[one.cluster] += one.ready
        kept[one.cluster,] += one.in_maintenance
        degraded[one.cluster,] += one.degraded
        known[one.cluster] += one.number
        acts[one.cluster] = one.mode is not models.Mode.OBSERVE
    yield _gauge(
        'hass_hosts',
        'Hosts, by what is known of their fences.',
        ('cluster', 'fence'),
        fences,
    )
    unprotected = {
        (name,): known[name]
        - (ready[name] if acts[name] and usable[name] > 1 else 0)
        for name in known
    }
    yield _gauge(
        'hass_hosts_unprotected',
        'Hosts that would not be recovered if they failed now.',
        ('cluster',),
        unprotected,
    )
    yield _gauge(
        'hass_hosts_in_maintenance',
        'Hosts in a maintenance window of their own or of their cluster.',
        ('cluster',),
        kept,
    )
    yield _gauge(
        'hass_hosts_degraded',
        'Hosts of which less is seen than should be.',
        ('cluster',),
        degraded,
    )
    yield from _layers(found, known)


def _layers(found: books.Books, known: Mapping[str, int]) -> Iterator[Family]:
    """What nobody has seen lately is unknown."""
    states: dict[Labels, float] = {}
    unknown = {
        (cluster, layer): number
        for cluster, number in known.items()
        for layer in layers.ORDER
    }
    for one in found.layers:
        states[one.cluster, one.layer, one.state] = one.number
        unknown[one.cluster, faults.aspect(one.layer)] -= one.number
    for (cluster, layer), number in unknown.items():
        states[cluster, layer, layers.UNKNOWN] = number
    yield _gauge(
        'hass_host_layers',
        'Hosts, by the state of each layer and side path, as its own '
        'detectors have it.',
        ('cluster', 'layer', 'state'),
        states,
    )


def _recoveries(found: books.Books) -> Iterator[Family]:
    states = Counter(
        (one.workflow, one.state, one.cluster) for one in found.open
    )
    yield _gauge(
        'hass_recoveries_open',
        'Recoveries that have not ended, by the state they are in.',
        ('workflow', 'state', 'cluster'),
        states,
    )
    held = Counter(
        (
            one.workflow,
            str(one.held_kind or ''),
            'yes' if one.acknowledged else 'no',
            one.cluster,
        )
        for one in found.open
        if one.state == State.HELD
    )
    yield _gauge(
        'hass_recoveries_held',
        'Recoveries that are held, by why, and whether an operator has '
        'acknowledged it.',
        ('workflow', 'kind', 'acknowledged', 'cluster'),
        held,
    )
    yield _gauge(
        'hass_losses_open',
        'Instances that should run and do not, by whether an operator has '
        'acknowledged it.',
        ('acknowledged',),
        {('yes' if seen else 'no',): n for seen, n in found.losses.items()},
    )
    overdue = max((one.overdue_seconds for one in found.open), default=0.0)
    yield core.GaugeMetricFamily(
        'hass_recoveries_overdue_seconds',
        'How long the recovery that waits longest for an engine has waited.',
        value=overdue,
    )


def _durations(found: books.Books) -> Iterator[Family]:
    recoveries: dict[Labels, list[float]] = {}
    for one in found.ended:
        key = one.workflow, one.outcome, one.cluster
        recoveries.setdefault(key, []).append(one.seconds)
    yield _histogram(
        'hass_recovery_seconds_last_day',
        'From opening to end, of recoveries that ended within a day.',
        ('workflow', 'outcome', 'cluster'),
        recoveries,
    )
    down: dict[Labels, list[float]] = {}
    for cluster, seconds in found.down_seconds:
        down.setdefault((cluster,), []).append(seconds)
    yield _histogram(
        'hass_instance_down_seconds_last_day',
        'From the suspicion until the instance ran again, of instances '
        'brought back within a day.',
        ('cluster',),
        down,
    )


def _histogram(
    name: str,
    text: str,
    labels: Sequence[str],
    values: Mapping[Labels, Sequence[float]],
) -> Family:
    """A histogram that may go down: of a day, and not of all time."""
    family = core.GaugeHistogramMetricFamily(name, text, labels=labels)
    for key, seconds in sorted(values.items()):
        buckets = [
            (_edge(top), float(sum(s <= top for s in seconds)))
            for top in (*BUCKETS, float('inf'))
        ]
        family.add_metric(key, buckets, sum(seconds))
    return family


def _edge(top: float) -> str:
    """The upper edge of a bucket, as Prometheus writes it."""
    return '+Inf' if top == float('inf') else str(float(top))


def _last_day(found: books.Books) -> Iterator[Family]:
    for name, text, labels, counted in (
        (
            'hass_faults_last_day',
            'Recoveries opened within a day, by the layer of the fault; none '
            'while, or since, no fault was found.',
            ('workflow', 'layer', 'cluster'),
            found.faults,
        ),
        (
            'hass_fencings_last_day',
            'Recoveries that went to fencing within a day.',
            ('cluster',),
            found.fencings,
        ),
        (
            'hass_evacuations_last_day',
            'Evacuations that are open or ended within a day.',
            ('state', 'cluster'),
            found.evacuations,
        ),
        (
            'hass_notifications_last_day',
            'Alleged faults that are new or came in within a day.',
            ('source', 'layer', 'state'),
            found.notifications,
        ),
        (
            'hass_instances_protected',
            'Instances that were chosen to be protected.',
            ('cluster',),
            found.instances,
        ),
    ):
        yield _gauge(name, text, labels, dict(counted))


def _engines(found: books.Books) -> Iterator[Family]:
    rows = found.engines
    turns = {
        (row.name,): max(0.0, (found.now - row.turn_at).total_seconds())
        for row in rows
    }
    yield _gauge(
        'hass_engine_turn_age_seconds',
        'Since the engine last finished a turn of its patrol.',
        ('engine',),
        turns,
    )
    yield _gauge(
        'hass_engine_deaf',
        'Whether the engine doubts its own ears and suspects nobody.',
        ('engine',),
        {(row.name,): row.deaf for row in rows},
    )
    yield _gauge(
        'hass_engine_hosts_silent',
        'Hosts that the engine has not heard for over a beat.',
        ('engine',),
        {(row.name,): len(row.silent) for row in rows},
    )
    working = {
        (row.name, name, str(one['layer'])): not one['why']
        for row in rows
        for name, one in (row.detectors or {}).items()
    }
    yield _gauge(
        'hass_detector_working',
        'Whether a detector outside of the hosts works for any of them.',
        ('engine', 'detector', 'layer'),
        working,
    )


def _outbox(found: books.Books) -> Iterator[Family]:
    yield _gauge(
        'hass_outbox_waiting',
        'Transitions and alarms that a channel (the bus, a webhook) has not '
        'been told yet.',
        ('channel',),
        {(one.channel,): one.number for one in found.outbox},
    )
    yield _gauge(
        'hass_outbox_age_seconds',
        'Since the oldest of them happened.',
        ('channel',),
        {(one.channel,): one.oldest_seconds for one in found.outbox},
    )
