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

"""Hosts that booted anew: what ran on them is gone, and is owed.

They may be back before their silence is suspected, and engines may boot
together with them, so that no recovery tells of it and Nova goes on to
believe that their instances run. A host's row keeps the newest boot whose
instances were accounted for.
"""

from collections.abc import Iterable
import datetime
import logging
import threading

from oslo_db import exception as oslo_exception
from sqlalchemy import orm

from hass.db import hosts
from hass.db import models
from hass.db import moments
from hass.db import protection as rows
from hass.db import recoveries
from hass.db import services
from hass.db import session as db_session
from hass.engine import overview as overview_
from hass.engine import shares
from hass import exception
from hass.recovery import closing
from hass.recovery import hands as hands_
from hass.recovery import rescue
from hass.recovery import witness

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 2.0
HEARD_SECONDS = 3.0
AGENT_SECONDS = 5.0
"""An agent that has booted tells within this time what it sees there."""
START = datetime.timedelta(seconds=1)
"""No agent reports sooner after its host came on."""
REPORT_SECONDS = 60.0
"""Its first report of all that is waited for."""
RESUME_SECONDS = 120.0
"""Nova is given so long to start the guests, where it is told to."""


class Reboots:
    """One engine's; one engine of all accounts for a host."""

    def __init__(
        self,
        database: db_session.Database,
        overview: overview_.Overview,
        hands: hands_.Hands,
        ears: witness.Ears,
        engine: str,
        alive_seconds: float,
    ) -> None:
        self._database = database
        self._overview = overview
        self._hands = hands
        self._ears = ears
        self._engine = engine
        self._alive_seconds = alive_seconds
        self._seen: dict[str, tuple[str, float]] = {}
        self._looked: dict[str, float] = {}
        self._settling = threading.Lock()

    def due(self, known: Iterable[models.Host]) -> list[models.Host]:
        """Hosts with a boot that is not settled yet, now and then."""
        now = self._hands.clock.monotonic()
        found = []
        for host in known:
            boot = self._boot(host)
            if boot is None or boot == host.settled_boot_id:
                continue
            if self._seen.get(host.name, ('', 0.0))[0] != boot:
                self._seen[host.name] = (boot, now)
            if now - self._looked.get(host.name, -LOOK_SECONDS) < LOOK_SECONDS:
                continue
            self._looked[host.name] = now
            found.append(host)
        return found

    def _boot(self, host: models.Host) -> str | None:
        """The present boot: by its beats, or by its reports."""
        heard = self._ears.heard(host.name)
        if heard is None:
            return host.boot_id
        silent = self._hands.clock.monotonic() - heard.last
        return heard.boot_id if silent < HEARD_SECONDS else host.boot_id

    def settle(self, host: models.Host) -> None:
        """Account for what ran there before, or leave it for later."""
        if not self._settling.acquire(blocking=False):
            return
        try:
            self._settle(host)
        except (exception.HassError, oslo_exception.DBError) as error:
            LOG.warning(
                '%s has booted anew, and what ran there is not known yet: %s',
                host.name,
                error,
            )
        finally:
            self._settling.release()

    def _settle(self, known: models.Host) -> None:
        boot, first_seen = self._seen[known.name]
        with self._database.reader() as session:
            host = hosts.get(session, known.name)
            now = moments.read_now(session)
            alive = services.alive(session, self._alive_seconds)
            standing = recoveries.rescue_of_host(session, host.name)
        if host.settled_boot_id is None:
            # It is new here: nothing is known of what ran before.
            self._database.write(hosts.settle_boot, host.name, boot)
            return
        engines = tuple(sorted(one.name for one in alive))
        if (
            _accounts(standing, boot)
            or shares.keeper(host.name, engines) != self._engine
        ):
            return
        if rows.window(host, now) or boot == host.settled_boot_id:
            return
        age = self._hands.clock.monotonic() - first_seen
        if self._waits(host, boot, age):
            return
        booted_at = self._booted_at(host, boot, first_seen)
        scene = closing.Scene(host.name, booted_at, booted_at)
        present = self._hands.closer.protected_on(self._database.reader, host)
        found = closing.lost(
            self._hands.closer.find(
                self._database.reader,
                [closing.Owed(one.uuid, unsure=True) for one in present],
                scene,
                present,
            )
        )
        if self._database.write(self._account, host, boot, found, booted_at):
            self._overview.disturb()
            LOG.log(
                logging.WARNING if found else logging.INFO,
                '%s has booted anew: %d of its %d protected instances do not '
                'run',
                host.name,
                len(found),
                len(present),
            )

    def _waits(self, host: models.Host, boot: str, age: float) -> bool:
        """Whether its agent, or Nova, may still change the picture."""
        if host.resume_guests and age < RESUME_SECONDS:
            return True
        if host.boot_id != boot:
            return age < REPORT_SECONDS
        return age < AGENT_SECONDS

    def _booted_at(
        self, host: models.Host, boot: str, first_seen: float
    ) -> datetime.datetime:
        """When it has booted at the latest, by the database's clock."""
        heard = self._ears.heard(host.name)
        moment = first_seen
        if heard is not None and heard.boot_id == boot:
            moment = min(moment, heard.sent - heard.uptime)
        booted_at = self._hands.witness.almanac.moment_of(moment)
        if host.boot_id == boot and host.reported_at is not None:
            # An engine that is deaf sees the boot only after that.
            booted_at = min(booted_at, host.reported_at - START)
        return booted_at

    def _account(
        self,
        session: orm.Session,
        host: models.Host,
        boot: str,
        found: list[closing.Finding],
        booted_at: datetime.datetime,
    ) -> bool:
        """All at once: a killed engine has done all of it, or nothing."""
        before = host.settled_boot_id
        if not hosts.settle_boot(session, host.name, boot, before):
            return False
        helped = rescue.able(session, self._hands.rule, found, ())
        rescue.name(
            session,
            host.name,
            found,
            helped,
            why=f'{host.name} has booted anew',
            off_at=booted_at,
        )
        return True


def _accounts(story: models.Recovery | None, boot: str) -> bool:
    """Whether the host's own recovery accounts for a boot.

    A return that is held does so for the boot that it has brought about.
    """
    if story is None or not recoveries.is_back(story):
        return story is not None
    return story.was.get(recoveries.CLOSED) in (None, boot)
