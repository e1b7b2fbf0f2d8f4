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

"""Asks for restraint where the rows of all clusters are: in the database."""

from collections.abc import Collection
from collections.abc import Iterable

from oslo_config import cfg
from sqlalchemy import orm

from hass.db import hosts
from hass.db import models
from hass.db import recoveries
from hass.diagnosis import restraint

FLEETING_SECONDS = 30.0
"""A suspicion that was dismissed within this time is not counted: the
host was heard again, as after a burst of lost beats."""


class Restrainer:
    """Says why a host that failed must not be fenced now.

    :param conf: [restraint] and [fencing] are read
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        limits, fencing = conf.restraint, conf.fencing
        share = limits.max_share
        self._window_seconds = limits.window_seconds
        self._cluster = restraint.Limit(
            'max_suspects', limits.max_suspects, share
        )
        self._domain = restraint.Limit(
            'max_suspects_per_domain', limits.max_suspects_per_domain, share
        )
        self._max_fencings = fencing.max_fencings
        self._fencing_seconds = fencing.window_seconds
        self._fenced = restraint.Limit(
            'max_fencings_per_domain', fencing.max_fencings_per_domain, share
        )

    def why(
        self,
        session: orm.Session,
        recovery: models.Recovery,
        silent: Collection[str] = (),
    ) -> str | None:
        """Why the recovery's host has to wait; None: it may be fenced.

        Hosts that are silent, and will be suspected a moment later, count
        as suspected: of those that one cause takes down, one is the first.

        To be asked in the transaction that records the fencing: the rows
        of all clusters that share a domain with the host stay locked
        until COMMIT, so that two engines cannot both use what is left.
        """
        if recovery.cluster_id is None:
            return None
        rows = hosts.whereabouts(session)
        places = _places(rows)
        near = restraint.neighbours(recovery.subject, places)
        recoveries.lock_clusters(
            session,
            {row.cluster_id for row in rows if row.name in near}
            | {recovery.cluster_id},
        )
        return (
            self._too_many(session, recovery, places, silent)
            or self._cluster_is_served(session, recovery)
            or self._domain_is_served(session, recovery, places)
        )

    def crowd_of_services(
        self,
        session: orm.Session,
        recovery: models.Recovery,
        failing: Collection[str],
    ) -> str | None:
        """Why the services of the recovery's host are left alone for now.

        To be asked as why() is.

        :param failing: hosts of which a service has failed now
        """
        if recovery.cluster_id is None or recovery.was.get('unrestrained'):
            return None
        rows = hosts.whereabouts(session)
        places = _places(rows)
        recoveries.lock_clusters(session, {recovery.cluster_id})
        suspects = recoveries.suspects_within(
            session,
            self._window_seconds,
            FLEETING_SECONDS,
            recovery.workflow,
        )
        return self._crowd(recovery.subject, suspects.union(failing), places)

    def ahead(
        self, session: orm.Session, names: Collection[str]
    ) -> dict[str, str]:
        """What would hold each of these hosts back if it failed now."""
        suspects = recoveries.suspects_within(
            session, self._window_seconds, FLEETING_SECONDS
        )
        fenced = recoveries.fenced_within(
            session, self._fencing_seconds, but=0
        )
        if not (suspects or fenced):
            return {}
        rows = hosts.whereabouts(session)
        places, cluster = (
            _places(rows),
            {row.name: row.cluster for row in rows},
        )
        found = {}
        for name in places.keys() & set(names):
            near = [one for one in fenced if cluster.get(one) == cluster[name]]
            why = (
                self._crowd(name, suspects, places)
                or self._served(near)
                or self._served_around(name, fenced, places)
            )
            if why:
                found[name] = why
        return found

    def _crowd(
        self, host: str, suspects: Collection[str], places: restraint.Places
    ) -> str | None:
        return restraint.too_many(
            host,
            suspects,
            places,
            self._cluster,
            self._domain,
            self._window_seconds,
        )

    def _too_many(
        self,
        session: orm.Session,
        recovery: models.Recovery,
        places: restraint.Places,
        silent: Collection[str],
    ) -> str | None:
        if recovery.was.get('unrestrained'):
            return None
        suspects = recoveries.suspects_within(
            session, self._window_seconds, FLEETING_SECONDS
        )
        why = self._crowd(recovery.subject, suspects.union(silent), places)
        if why is not None:
            recoveries.remember(session, recovery, {'restrained': True})
        return why

    def _cluster_is_served(
        self, session: orm.Session, recovery: models.Recovery
    ) -> str | None:
        others = recoveries.fenced_within(
            session,
            self._fencing_seconds,
            but=recovery.id,
            cluster_id=recovery.cluster_id,
        )
        return self._served(others)

    def _served(self, others: Collection[str]) -> str | None:
        if len(others) < self._max_fencings:
            return None
        return (
            f'{len(others)} hosts of the cluster were fenced within '
            f'{self._fencing_seconds} s, and [fencing] max_fencings is '
            f'{self._max_fencings}'
        )

    def _domain_is_served(
        self,
        session: orm.Session,
        recovery: models.Recovery,
        places: restraint.Places,
    ) -> str | None:
        others = recoveries.fenced_within(
            session, self._fencing_seconds, but=recovery.id
        )
        return self._served_around(recovery.subject, others, places)

    def _served_around(
        self, host: str, others: Collection[str], places: restraint.Places
    ) -> str | None:
        full = restraint.crowded(host, others, places, self._fenced)
        if full is None:
            return None
        place, count, allowed = full
        return (
            f'{count} hosts {place} were fenced within '
            f'{self._fencing_seconds} s, and [fencing] '
            f'{self._fenced.option} allows {allowed}'
        )


def _places(rows: Iterable[hosts.Whereabouts]) -> restraint.Places:
    return {
        row.name: restraint.domains_of(
            row.cluster, row.labels, row.aggregates or (), row.zone
        )
        for row in rows
    }
