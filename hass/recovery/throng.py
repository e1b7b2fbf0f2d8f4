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


"""How many instances may be restarted at once, counted in the database."""

from collections import Counter

from oslo_config import cfg
from sqlalchemy import orm

from hass.db import models
from hass.db import recoveries
from hass.recovery.workflow import State

RESTARTED = (State.REBOOTING, State.STOPPING, State.MIGRATING)


class Throng:
    """Says why one more instance of a cluster must wait.

    Many that fail together have one cause, which a human should see.

    :param conf: [restraint] is read
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._most = conf.restraint.max_instances
        self._seconds = conf.restraint.instances_seconds

    def why(
        self, session: orm.Session, recovery: models.Recovery
    ) -> str | None:
        """Why the recovery's instance has to wait; None: it may go on."""
        cluster = recovery.cluster_id
        if cluster is None:
            return None
        restarted = recoveries.gone_to(
            session, self._seconds, cluster, RESTARTED
        ) - {recovery.id}
        if len(restarted) < self._most:
            return None
        failed = recoveries.failed_on(session, recovery.workflow, cluster)
        return (
            f'{failed.total()} instances have failed, {_places(failed)}: '
            f'{len(restarted)} were restarted within {self._seconds} s, and '
            f'[restraint] max_instances is {self._most}'
        )

    def count(
        self, session: orm.Session, recovery: models.Recovery
    ) -> str | None:
        """The same, in the transaction that records the restart.

        The cluster's row stays locked until COMMIT, so that two engines
        cannot both use what is left.
        """
        if recovery.cluster_id is not None:
            recoveries.lock_clusters(session, [recovery.cluster_id])
        return self.why(session, recovery)


def _places(failed: Counter[str]) -> str:
    if len(failed) == 1:
        return f'all on {next(iter(failed))}'
    most = failed.most_common(3)
    told = ', '.join(f'{number} on {host}' for host, number in most)
    return told if len(failed) <= len(most) else f'{told} and others'
