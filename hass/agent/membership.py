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

"""This host's place in the groups that coordination services keep."""

from collections.abc import Sequence
import logging
import threading

from hass.detection import groups
from hass import exception

LOG = logging.getLogger(__name__)

LEAVE_SECONDS = 0.5


class Member:
    """Enters the group of one store, and beats there.

    :ivar trouble: why the store does not know this host, '' when it does
    """

    def __init__(self, url: str, host: str) -> None:
        self._group = groups.Group(url, host)
        self.name = f'membership {self._group.place}'[:64]
        self.trouble = ''

    def turn(self) -> None:
        """Beat once; may block for as long as the store likes."""
        trouble = groups.lacking()
        if not trouble:
            try:
                self._group.beat()
            except exception.StoreUnreachable as error:
                trouble = error.reason
        if bool(trouble) != bool(self.trouble):
            LOG.warning('%s: %s', self.name, trouble or 'it knows this host')
            self.trouble = trouble

    def leave(self) -> None:
        """Leave for good; may block as well."""
        self._group.leave()


def leave(members: Sequence[Member]) -> None:
    """Leave all groups, or as many as can be left quickly."""
    threads = [
        threading.Thread(target=member.leave, daemon=True)
        for member in members
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LEAVE_SECONDS / len(threads))
