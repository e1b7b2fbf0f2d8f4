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

"""Looks whether what was lost runs again, so that its loss ends by itself."""

import logging

from sqlalchemy import orm

from hass.db import losses
from hass.db import models
from hass.db import session as db_session
from hass.engine import watching
from hass.recovery import closing
from hass.recovery import hands as hands_

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
BATCH = 20


class LossWatch(watching.Watch):
    """One engine's; each loss is looked at by one of all."""

    def __init__(
        self, database: db_session.Database, hands: hands_.Hands
    ) -> None:
        super().__init__(LOG.warning, 'lost instances were not looked at: %s')
        self._database = database
        self._hands = hands

    def _look_once(self) -> None:
        for loss in self._database.write(losses.to_look_at, BATCH):
            self._look_at(loss)

    def _look_at(self, loss: models.Loss) -> None:
        with self._database.reader() as session:
            trouble = self._hands.witness.unheard(session)
        scene = closing.Scene(
            loss.host, loss.since, losses.off_at(loss), trouble
        )
        owed = closing.Owed(
            loss.instance_uuid,
            stopped_by_us=bool(loss.was.get('unprotected')),
            ports=loss.was.get('ports') or None,
        )
        (found,) = self._hands.closer.find(
            self._database.reader, [owed], scene
        )
        self._database.write(_note, loss, found)


def _note(
    session: orm.Session, loss: models.Loss, found: closing.Finding
) -> None:
    how = closing.END_OF.get(found.outcome)
    if how is None:
        if found.outcome is closing.Outcome.LOST and found.why != loss.why:
            losses.amend(session, loss, found.why)
    elif losses.end(session, loss, how, found.why):
        LOG.info('%s is lost no more: %s', loss.instance_name, found.why)
