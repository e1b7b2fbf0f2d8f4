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

"""Gives hosts that are not yet heard time to start."""

import datetime
import logging

from hass.db import models
from hass.recovery import witness as witness_

LOG = logging.getLogger(__name__)
RAN = datetime.timedelta(seconds=60)
"""An agent that reported so shortly before was running."""
AGAIN_SECONDS = 30.0
"""So long one that was running may take until its first beat."""


class Awaiting:
    """Remembers until when each may take; for the thread of the patrol.

    :param boot_seconds: for a host whose agent was not running
    """

    def __init__(self, ears: witness_.Ears, boot_seconds: float) -> None:
        self._ears = ears
        self._boot_seconds = boot_seconds
        self._until: dict[str, float] = {}

    def may_start(
        self, host: models.Host, now: float, moment: datetime.datetime
    ) -> bool:
        """Whether no beat of the host is due yet since this engine began.

        :param now: CLOCK_BOOTTIME
        :param moment: the database's
        """
        if self._ears.heard(host.name) is not None:
            return False
        if host.name not in self._until:
            seconds = self._boot_seconds
            if host.reported_at and host.reported_at > moment - RAN:
                seconds = min(seconds, AGAIN_SECONDS)
            self._until[host.name] = now + seconds
            LOG.info(
                '%s: not yet heard: it has %.0f s to start', host.name, seconds
            )
        return now < self._until[host.name]
