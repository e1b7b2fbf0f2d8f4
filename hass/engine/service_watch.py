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

"""Sees services that died on living hosts, and opens their recoveries."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import datetime
import logging

from oslo_config import cfg
from oslo_db import exception as oslo_exception
from sqlalchemy import orm

from hass import clock as clock_
from hass.db import models
from hass.db import moments
from hass.db import observations
from hass.db import protection
from hass.db import recoveries
from hass.db import session as db_session
from hass.db import windows
from hass.diagnosis import services
from hass.engine import inventory as inventory_
from hass.engine import overview as overview_
from hass.engine import watching
from hass import faults
from hass import origin
from hass.recovery import runner
from hass.recovery import service_failure
from hass.recovery import witness as witness_
from hass.recovery import workflow

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
Seen = Mapping[str, Sequence[faults.Observation]]


class ServiceWatch(watching.Watch):
    """Opens service_failure for those that stay failed, and wakes the held.

    It decides nothing: the recovery looks anew. Any engine may open it; the
    first one does.

    :param wake: rings the dispatcher's bell
    """

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        overview: overview_.Overview,
        ears: witness_.Ears,
        witness: witness_.Witness,
        clock: clock_.Clock,
        engine: str,
        conf: cfg.ConfigOpts,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(LOG.error, 'services were not looked at: %s')
        self._database = database
        self._inventory = inventory
        self._overview = overview
        self._ears = ears
        self._witness = witness
        self._clock = clock
        self._engine = engine
        self._wake = wake
        own = conf.services
        self._stable_seconds: float = own.stable_seconds
        self._patience_seconds: float = own.patience_seconds
        self._nova_patience_seconds: float = max(
            own.nova_patience_seconds, 2 * conf.detection.rounds_seconds
        )
        self._quiet_seconds = conf.detection.quiet_seconds
        # When each host's services were first and last seen failed.
        self._failed: dict[str, tuple[float, float]] = {}
        self._looked = False

    def _look_once(self) -> None:
        pending = self._overview.look().pending
        if pending.failures or pending.recoveries or self._failed:
            self._look_at_all()
        self._looked = True

    def _look_at_all(self) -> None:
        with self._database.reader() as session:
            now = moments.read_now(session)
            stories = {
                one.subject: one for one in recoveries.open_ones(session)
            }
            seen = observations.of_hosts_failing(
                session, services.PATHS, self._held(stories)
            )
        for name in self._held(stories):
            self._look_at_held(stories[name], seen.get(name, ()), now)
        for host in self._inventory.hosts():
            standing = services.judge_all(seen.get(host.name, ()), now)
            since = self._since(host.name, standing)
            story = stories.get(host.name)
            if story is None and since is not None:
                self._consider(host, standing, since)
            elif story and recoveries.isolates(story):
                # What is seen of a host that failed itself is no news.
                self._failed.pop(host.name, None)

    def _held(self, stories: Mapping[str, models.Recovery]) -> list[str]:
        return [
            name
            for name, story in stories.items()
            if story.workflow == service_failure.ServiceFailure.name
            and story.state == workflow.State.HELD
            and story.held_kind in runner.EXPIRING
        ]

    def _look_at_held(
        self,
        story: models.Recovery,
        seen: Sequence[faults.Observation],
        now: datetime.datetime,
    ) -> None:
        """One that works again wants a turn."""
        standing = services.judge_all(seen, now)
        age = (now - story.state_since).total_seconds()
        if (
            standing.verdict is faults.Verdict.HEALTHY
            and age > self._stable_seconds
            and story.wake_at > now
        ):
            self._database.write(recoveries.wake, story.id)
            self._wake()

    def _since(self, host: str, standing: services.Standing) -> float | None:
        """Since when it is failed; None: it is not, at this moment.

        What had failed before this engine looked has failed for ever. One
        that is well for a moment only, between two restarts, goes on to
        count as failed.
        """
        now = self._clock.monotonic()
        first, last = self._failed.get(host, (now, now))
        if standing.is_failed:
            if host not in self._failed and not self._looked:
                first = float('-inf')
            self._failed[host] = (first, now)
            return first
        if now - last > self._stable_seconds:
            self._failed.pop(host, None)
        return None

    def _consider(
        self,
        host: models.Host,
        standing: services.Standing,
        since: float,
    ) -> None:
        seconds = self._clock.monotonic() - since
        patience = self._patience_seconds
        if standing.by_nova_alone:
            patience = self._nova_patience_seconds
        if seconds < patience:
            return
        heard = self._ears.heard(host.name)
        with self._database.reader() as session:
            lives = self._witness.lives(
                session, host.name, service_failure.BEATEN_SECONDS
            )
        if not lives or (heard is not None and heard.planned):
            return
        try:
            with self._database.writer() as session:
                opened = self._open(session, host, standing, seconds, patience)
        except oslo_exception.DBDuplicateEntry:
            return  # Another engine was quicker.
        if opened is not None:
            LOG.warning(
                '%s: %s',
                host.name,
                standing.why,
                extra=origin.logged(opened.uuid),
            )
            self._wake()

    def _open(
        self,
        session: orm.Session,
        host: models.Host,
        standing: services.Standing,
        seconds: float,
        patience: float,
    ) -> models.Recovery | None:
        row = windows.guard(session, host.name)
        now = moments.read_now(session)
        if row is None or row.planned_until is not None:
            return None
        if protection.window(row, now) or self._was_let_go(
            session, host.name, seconds, patience, now
        ):
            return None
        story = service_failure.ServiceFailure
        return recoveries.open_one(
            session,
            workflow=story.name,
            host=host.name,
            cluster_id=row.cluster_id,
            state=story.initial,
            deadline_seconds=story.deadline_seconds(story.initial),
            engine=self._engine,
            why=standing.why,
            fault={
                'host': host.name,
                'layer': standing.path,
                'why': standing.why,
                'evidence': [],
            },
        )

    def _was_let_go(
        self,
        session: orm.Session,
        host: str,
        seconds: float,
        patience: float,
        now: datetime.datetime,
    ) -> bool:
        """This very failure was dismissed, and not long ago.

        Or it is told of what was mended a moment ago: Nova is not asked all
        the time.
        """
        last = recoveries.last_ended(session, host, isolating=False)
        if last is None or last.ended_at is None:
            return False
        age = (now - last.ended_at).total_seconds()
        if last.state != workflow.State.DISMISSED:
            return age < patience
        return age < seconds and age < self._quiet_seconds
