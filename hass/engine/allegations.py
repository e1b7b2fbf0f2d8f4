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


"""What others say of hosts: notifications are read, and answered.

Those of instances are read elsewhere: see incidents.py.
"""

from collections.abc import Callable

from hass.db import models
from hass.db import notifications
from hass.db import recoveries
from hass.db import session as db_session
from hass.engine import incidents
from hass.engine import inventory as inventory_


class Allegations:
    """A single voice raises a suspicion, and no more than that.

    :param suspect: is told the host, and why
    """

    def __init__(
        self,
        database: db_session.Database,
        inventory: inventory_.Inventory,
        suspect: Callable[[models.Host, str], object],
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._suspect = suspect

    def read(self) -> None:
        """Answer the new ones."""
        with self._database.reader() as session:
            found = notifications.new_ones(session, but=incidents.LAYERS)
        for notification in found:
            self._answer(notification)

    def _answer(self, notification: models.Notification) -> None:
        host = self._inventory.host(notification.host)
        state = models.NotificationState.IGNORED
        recovery_id = None
        if host is None:
            why = f'{notification.host} is in no cluster'
        else:
            self._suspect(host, f'alleged by {notification.source}')
            with self._database.reader() as session:
                recovery = recoveries.rescue_of_host(session, host.name)
            if recovery is not None:
                recovery_id = recovery.id
                state = models.NotificationState.OPENED
                why = f'see recovery {recovery.uuid}'
            else:
                why = 'no recovery is open: it has ended, or maintenance'
        with self._database.writer() as session:
            notifications.settle(
                session, notification.id, state, why, recovery_id
            )
