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

"""The API's own look at the engines: its log says when nobody watches."""

from collections.abc import Iterable
import threading
from typing import TYPE_CHECKING, Any

from oslo_db import exception as oslo_exception
from oslo_log import log

from hass import exception
from hass.api import engines
from hass.db import session as db

if TYPE_CHECKING:
    from _typeshed import wsgi

LOG = log.getLogger(__name__)

LOOK_SECONDS = 10.0


class Watch:
    """Looks every ten seconds, from the first request on.

    It begins there and not at import, because a WSGI server forks its
    workers in between and threads do not survive that.
    """

    def __init__(
        self,
        application: 'wsgi.WSGIApplication',
        database: db.Database,
        silence_seconds: float,
    ) -> None:
        self._application = application
        self._database = database
        self._silence_seconds = silence_seconds
        self._begun = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: 'wsgi.StartResponse'
    ) -> Iterable[bytes]:
        if self._begun.acquire(blocking=False):
            threading.Thread(target=self._run, daemon=True).start()
        return self._application(environ, start_response)

    def look(self) -> None:
        """One line if no engine watches, or if that cannot be told."""
        try:
            why = self._database.read(engines.silence, self._silence_seconds)
        except (
            exception.DatabaseUnreachable,
            oslo_exception.DBError,
        ) as error:
            why = str(error)
        if why is not None:
            LOG.error('%s', why)

    def _run(self) -> None:
        never = threading.Event()
        while not never.wait(LOOK_SECONDS):
            self.look()
