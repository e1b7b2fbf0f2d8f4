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

"""Follows chosen instances through what their users do with them.

Who is deleted is chosen no longer, and what agents saw of it is forgotten;
who was moved, resized or renamed keeps its choice, shown with the cluster
that it is in now. Recoveries do not wait for this: they ask Nova what is on
a host.
"""

from collections.abc import Iterable
from collections.abc import Sequence
import datetime
import logging
import threading

from oslo_db import exception as oslo_exception
from sqlalchemy import orm

from hass.db import hosts
from hass.db import instance_observations
from hass.db import instances
from hass.db import moments
from hass.db import session as db_session
from hass import exception
from hass import nova
from hass.recovery import judgement

LOG = logging.getLogger(__name__)
TAKE_SECONDS = 60.0


class Census:
    """One engine's; what two engines write is the same."""

    def __init__(
        self, database: db_session.Database, compute: nova.Compute
    ) -> None:
        self._database = database
        self._compute = compute
        self._since: datetime.datetime | None = None
        self._taking = threading.Lock()

    def take(self) -> None:
        """Look at all instances known here, and then at what has changed.

        What Nova does not tell now stays as it was.
        """
        if not self._taking.acquire(blocking=False):
            return
        try:
            self._take()
        except (exception.HassError, oslo_exception.DBError) as error:
            LOG.warning('chosen instances were not looked at: %s', error)
        finally:
            self._taking.release()

    def _take(self) -> None:
        self._database.write(instance_observations.forget_absent)
        with self._database.reader() as session:
            now = moments.read_now(session)
            known = instances.uuids(session)
            known |= instance_observations.uuids(session)
            names = [host.name for host in hosts.all(session)]
        if known:
            looked = self._look(known, names)
            if looked is None:
                return
            found, gone = looked
            self._database.write(instances.follow, found)
            for uuid in sorted(gone):
                self._forget(uuid)
        self._since = now

    def look_at(self, uuid: str) -> nova.Server | None:
        """Follow one instance now, without waiting for take().

        :returns: what Nova shows of it; None: it was deleted
        :raises NovaError: Nova does not tell now
        """
        server = self._compute.server(uuid)
        found, _ = _parted([server] if server else [])
        if not found:
            self._forget(uuid)
            return None
        self._database.write(instances.follow, found)
        return server

    def _forget(self, uuid: str) -> None:
        LOG.info('%s was deleted: it is protected no longer', uuid)
        self._database.write(_drop, uuid)

    def _look(
        self, known: set[str], names: Sequence[str]
    ) -> tuple[list[nova.Server], set[str]] | None:
        """The known that changed, and those that Nova has deleted."""
        if self._since is None:
            return self._look_at_all(known, names)
        changed = self._compute.servers_changed_since(
            self._since - judgement.SKEW
        )
        return _parted(one for one in changed if one.uuid in known)

    def _look_at_all(
        self, known: set[str], names: Sequence[str]
    ) -> tuple[list[nova.Server], set[str]] | None:
        """A call for each host, and one for each that is on none of them.

        A Nova that shows nothing on any of our hosts may be another one:
        nobody is forgotten by its word, and all are looked at again.
        """
        present = [
            server
            for name in names
            for server in self._compute.servers_on(name)
        ]
        if not present:
            return None
        here = [server for server in present if server.uuid in known]
        gone = set()
        for uuid in sorted(known - {server.uuid for server in here}):
            server = self._compute.server(uuid)
            if server is None:
                gone.add(uuid)
            else:
                here.append(server)
        found, deleted = _parted(here)
        return found, gone | deleted


def _drop(session: orm.Session, uuid: str) -> None:
    instances.drop(session, uuid)
    instance_observations.forget(session, uuid)


def _parted(
    servers: Iterable[nova.Server],
) -> tuple[list[nova.Server], set[str]]:
    """Those that there are, and those that were deleted for good."""
    known = list(servers)
    deleted = {one.uuid for one in known if one.vm_state == 'deleted'}
    return [one for one in known if one.uuid not in deleted], deleted
