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

from collections.abc import Callable, Iterable
import threading
from typing import TYPE_CHECKING, Any

from oslo_db import exception as oslo_exception
from oslo_log import log

from hass import exception

if TYPE_CHECKING:
    from _typeshed import wsgi

LOG = log.getLogger(__name__)


class Watch:
    """Looks every ten seconds, from the first request on.

    It begins there and not at import, because a WSGI server forks its
    workers in between and threads do not survive that.

    :param ask: why nobody is protected, or None: engines.silence()
    """

    def __init__(
        self,
        application: 'wsgi.WSGIApplication',
        ask: Callable[[], str | None],
        look_seconds: float = 10.0,
    ) -> None:
        self._application = application
        self._ask = ask
        self._look_seconds = look_seconds
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
            why = self._ask()
        except (
            exception.DatabaseUnreachable,
            oslo_exception.DBError,
        ) as error:
            why = str(error)
        if why is not None:
            LOG.error('%s', why)

    def _run(self) -> None:
        never = threading.Event()
        while not never.wait(self._look_seconds):
            self.look()
