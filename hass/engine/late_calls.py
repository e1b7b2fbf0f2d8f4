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

"""What evacuate calls do that Nova carries out when their recovery has ended.

A worker of nova-api that has seen the source down may stand still before it
writes that down. Whenever it goes on, Nova puts the instance into ERROR that
runs by a later call, or starts it once more on the host that it was asked for.
No id tells such a call, and none can be taken back: what it did is named.
"""

from collections.abc import Mapping
import datetime
import logging

from hass.db import evacuations
from hass.db import instance_observations
from hass.db import losses
from hass.db import models
from hass.db import moments
from hass.db import session as db_session
from hass.engine import overview as overview_
from hass.engine import shares
from hass.engine import watching
from hass import exception
from hass import nova
from hass.recovery import closing
from hass.recovery import hands as hands_
from hass.recovery import judgement

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 15.0
LATE_SECONDS = 86400.0
"""A call that comes later than that is taken for somebody's wish."""
Row = models.Evacuation


class LateCallWatch(watching.Watch):
    """One engine's; one of all looks."""

    def __init__(
        self,
        database: db_session.Database,
        overview: overview_.Overview,
        hands: hands_.Hands,
        engine: str,
    ) -> None:
        super().__init__(LOG.warning, 'evacuated instances not looked at: %s')
        self._database = database
        self._overview = overview
        self._hands = hands
        self._engine = engine
        self._since: datetime.datetime | None = None

    def _look_once(self) -> None:
        alive = [one.name for one in self._overview.look().engines]
        if not shares.keeps(self._engine, [__name__], alive):
            self._since = None
            return
        with self._database.reader() as session:
            now = moments.read_now(session)
            ended = {
                row.instance_uuid: row
                for row in evacuations.ended_within(session, LATE_SECONDS)
            }
        if not ended:
            self._since = None
            return
        for uuid in sorted(self._twice(ended) | self._in_error(ended)):
            self._name(ended[uuid])
        self._since = now

    def _twice(self, ended: Mapping[str, Row]) -> set[str]:
        """Those that agents of several hosts see run."""
        with self._database.reader() as session:
            found = instance_observations.runs_on(
                session, list(ended), closing.FRESH_SECONDS
            )
        return {uuid for uuid, names in found.items() if len(names) > 1}

    def _in_error(self, ended: Mapping[str, Row]) -> set[str]:
        """Those in ERROR whose newest action is an evacuation."""
        since = self._since or min(
            row.ended_at for row in ended.values() if row.ended_at
        )
        return {
            one.uuid
            for one in self._hands.compute.servers_changed_since(
                since - judgement.SKEW
            )
            if one.uuid in ended
            and one.vm_state == 'error'
            and self._was_evacuated_last(one)
        }

    def _was_evacuated_last(self, server: nova.Server) -> bool:
        try:
            actions = self._hands.compute.actions_of(server.uuid)
        except exception.NovaRefused:
            return False  # It was deleted at this moment.
        return bool(actions) and actions[0].name == 'evacuate'

    def _name(self, row: Row) -> None:
        """Record a loss, unless it is none or has a name already."""
        assert row.ended_at is not None
        with self._database.reader() as session:
            if losses.open_of(session, row.instance_uuid):
                return
            trouble = self._hands.witness.unheard(session)
        scene = closing.Scene(row.source, row.ended_at, trouble=trouble)
        found = self._hands.closer.find(
            self._database.reader, [closing.Owed(row.instance_uuid)], scene
        )
        for one in closing.lost(found):
            assert one.server is not None
            LOG.warning('%s: %s', one.server.name, one.why)
            self._database.write(
                losses.record, one.server.host or row.source, [one.lost()]
            )
