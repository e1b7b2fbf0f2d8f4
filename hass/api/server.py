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

"""The small server of hass-api, which ends in good order.

waitress itself cuts off whoever waits for an answer when it is told to end,
though what was asked for has been done by then.
"""

from typing import TYPE_CHECKING, Any

from oslo_log import log
from waitress import channel as channels
from waitress import server as servers
from waitress import wasyncore

from hass import clock as clock_

if TYPE_CHECKING:
    from _typeshed import wsgi

LOG = log.getLogger(__name__)
WAIT_SECONDS = 0.5
CONNECTIONS = 500
"""Below the 1024 files that a process may usually open."""
MAX_BODY_BYTES = 1024 * 1024
"""What is larger is refused before it fills a disk; body.py says how large
one may really be."""


class Server:
    """Serves until it is told to stop, then to the end of what was asked.

    :param graceful_seconds: after which it ends all the same; 0: never
    :param connections: open ones beyond which the oldest are closed on which
        nothing is being answered: who sends half a request, or nothing, keeps
        nobody else out
    :raises OSError: the address cannot be listened at
    """

    def __init__(
        self,
        application: 'wsgi.WSGIApplication',
        clock: clock_.Clock,
        *,
        host: str,
        port: int,
        threads: int,
        graceful_seconds: float,
        connections: int = CONNECTIONS,
    ) -> None:
        self._clock = clock
        self._graceful_seconds = graceful_seconds
        self._sockets: dict[int, Any] = {}
        self._stopping = False
        self._connections = connections
        servers.create_server(
            application,
            map=self._sockets,
            host=host,
            port=port,
            threads=threads,
            # Above it waitress would take no new connection.
            connection_limit=2 * connections,
            max_request_body_size=MAX_BODY_BYTES,
        )

    def stop(self, *signal_and_frame: object) -> None:
        """Take no more requests: a handler of signals."""
        self._stopping = True

    def run(self) -> bool:
        """Whether every request was answered in the end."""
        while not self._stopping:
            self._turn()
        for one in list(self._sockets.values()):
            if isinstance(one, servers.BaseWSGIServer):
                # Its own close() would deafen those who still write.
                wasyncore.dispatcher.close(one)
        end = self._clock.monotonic() + self._graceful_seconds
        while busy := self._busy():
            if self._graceful_seconds and self._clock.monotonic() > end:
                break
            self._turn()
        if busy:
            LOG.error('ended before %d requests were answered', busy)
        return not busy

    def _turn(self) -> None:
        # A turn accepts one connection at each address.
        if len(self._sockets) > self._connections:
            self._make_room()
        wasyncore.loop(
            timeout=WAIT_SECONDS, map=self._sockets, count=1, use_poll=True
        )

    def _make_room(self) -> None:
        """Close the oldest connections that wait for their clients.

        The newest are spared: their requests are here within milliseconds.
        """
        old = self._channels()[: -self._connections // 4]
        waiting = [one for one in old if not one.requests]
        # Those that take their answer slowly come last.
        waiting.sort(key=lambda one: bool(one.total_outbufs_len))
        for one in waiting[: len(self._sockets) - self._connections]:
            one.handle_close()

    def _busy(self) -> int:
        """How many connections have begun a request and not got all of it.

        An answer is handed over before its request is struck off.
        """
        return sum(
            bool(one.requests or one.request or one.total_outbufs_len)
            for one in self._channels()
        )

    def _channels(self) -> list[Any]:
        """The open connections, oldest first."""
        return [
            one
            for one in self._sockets.values()
            if isinstance(one, channels.HTTPChannel)
        ]
