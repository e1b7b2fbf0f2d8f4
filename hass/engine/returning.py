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

"""An operator has mended a host, and wants it back in service."""

from collections.abc import Callable

from sqlalchemy import orm

from hass.db import models
from hass.db import moments
from hass.db import protection
from hass.db import recoveries
from hass import exception
from hass.recovery import host_return
from hass.states import State

STORY = host_return.HostReturn


class Returning:
    """Opens the return of a host without a recovery before it.

    :param engine: the name of this engine
    :param wake: rings the dispatcher's bell
    """

    def __init__(self, engine: str, wake: Callable[[], None]) -> None:
        self._engine = engine
        self.wake = wake

    def open(self, session: orm.Session, host: models.Host, who: str) -> str:
        """Open a host_return; the caller holds the host's row.

        Only for a host that reads off: one that never answers is powered
        off and on by the story, and nothing may run on it then.

        :returns: the uuid of the recovery
        :raises hass.exception.Conflict: a maintenance window is open
        """
        if window := protection.window(host, moments.read_now(session)):
            raise exception.Conflict(
                f'host {host.name} is in a maintenance window: {window[1]}; '
                'end that first'
            )
        last = recoveries.last_ended(session, host.name)
        failed = last is not None and last.state != State.RETURNED
        opened = recoveries.open_one(
            session,
            workflow=STORY.name,
            host=host.name,
            cluster_id=host.cluster_id,
            state=STORY.initial,
            deadline_seconds=STORY.deadline_seconds(STORY.initial),
            engine=self._engine,
            why=f'{who} wants it back in service',
            # Broken hardware is looked at before it is powered on.
            fault=last.fault if last is not None and failed else None,
        )
        if opened is None:
            raise exception.Conflict(
                f'a recovery of host {host.name} began at this moment'
            )
        return opened.uuid
