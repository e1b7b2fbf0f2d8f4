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

"""Hears what libvirt tells of its domains.

libvirt calls back on the one event thread of the process, where nothing may
wait: what it tells goes into a queue. Whatever may block (opening, listing,
asking) happens on the thread that calls.
"""

from collections.abc import Callable, Mapping
import contextlib
import dataclasses
import logging
import queue
from typing import Any

from hass.agent.instances import translation
from hass import clock as clocks
from hass.detection import libvirt_keepalive

LOG = logging.getLogger(__name__)

LIST_SECONDS = 10.0
"""All domains are listed anew so often."""


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """An event of one domain, at a moment of CLOCK_BOOTTIME."""

    at: float
    uuid: str
    change: translation.Change


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """A listing of all domains begins."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """All domains: their state and its reason, as libvirt numbers them."""

    at: float
    states: Mapping[str, tuple[int, int]]


Word = Heard | Begun | Listed


class Ear:
    """A connection that may only read, made anew when it is lost.

    Words about one domain come in the order in which things happened.

    :ivar listed_at: when the last finished listing began
    :ivar trouble: why nothing is heard; '': all is well
    """

    def __init__(
        self,
        uri: str,
        clock: clocks.Clock,
        list_seconds: float = LIST_SECONDS,
    ) -> None:
        self._uri = uri
        self._clock = clock
        self._list_seconds = list_seconds
        self._words: queue.SimpleQueue[Word] = queue.SimpleQueue()
        self._libvirt: Any = None
        self._connection: Any = None
        self._callbacks: list[int] = []
        self.listed_at = -list_seconds
        self.trouble = ''

    def turn(self) -> None:
        """Connect if need be, and list all domains now and then.

        It may block for as long as libvirt likes.
        """
        if self._libvirt is None:
            self._libvirt = libvirt_keepalive.start_events()
        try:
            if self._connection is None or not self._connection.isAlive():
                self._close()
                self._connect()
            if self._clock.monotonic() - self.listed_at >= self._list_seconds:
                self._list()
            self._tell('')
        except self._libvirt.libvirtError as error:
            self._close()
            self._tell(str(error))

    def word(self, seconds: float) -> Word | None:
        """The next word; None: there was none in so many seconds."""
        with contextlib.suppress(queue.Empty):
            return self._words.get(timeout=seconds)
        return None

    def describe(self, uuid: str) -> str | None:
        """The domain's XML; None: it cannot be read, or is gone."""
        connection = self._connection
        if connection is None:
            return None
        try:
            return str(connection.lookupByUUIDString(uuid).XMLDesc(0))
        except self._libvirt.libvirtError:
            return None

    def close(self) -> None:
        """Hear nothing any more, until the next turn."""
        if self._libvirt is not None:
            self._close()

    def _connect(self) -> None:
        connection = self._libvirt.openReadOnly(self._uri)
        self._connection = connection
        libvirt_keepalive.keep_alive(self._libvirt, connection)
        for event, callback in self._kinds():
            with libvirt_keepalive.if_supported(self._libvirt):
                self._callbacks.append(
                    connection.domainEventRegisterAny(
                        None, event, callback, None
                    )
                )
        # What was missed meanwhile is in the listing.
        self._list()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        callbacks, self._callbacks = self._callbacks, []
        # It is closed when the last reference goes. To close it now would
        # free it under the feet of a thread that is asking in describe().
        for callback in callbacks:
            with contextlib.suppress(self._libvirt.libvirtError):
                connection.domainEventDeregisterAny(callback)

    def _list(self) -> None:
        began = self._clock.monotonic()
        self._words.put(Begun())
        stats = self._connection.getAllDomainStats(
            self._libvirt.VIR_DOMAIN_STATS_STATE
        )
        states = {
            domain.UUIDString(): (
                values.get('state.state', 0),
                values.get('state.reason', 0),
            )
            for domain, values in stats
        }
        self._words.put(Listed(self._clock.monotonic(), states))
        self.listed_at = began

    def _kinds(self) -> list[tuple[int, Callable[..., None]]]:
        """The events to hear, with how each is understood."""
        names: dict[str, Callable[..., translation.Change]] = {
            'LIFECYCLE': translation.lifecycle,
            'REBOOT': translation.reboot,
            'WATCHDOG': translation.watchdog,
            'IO_ERROR_REASON': _io_error,
            'AGENT_LIFECYCLE': translation.guest_agent,
        }
        return [
            (
                getattr(self._libvirt, f'VIR_DOMAIN_EVENT_ID_{name}'),
                self._callback(understand),
            )
            for name, understand in names.items()
        ]

    def _callback(
        self, understand: Callable[..., translation.Change]
    ) -> Callable[..., None]:
        def call(_connection: Any, domain: Any, *rest: Any) -> None:
            change = understand(*rest[:-1])
            if change != translation.NOTHING:
                now = self._clock.monotonic()
                self._words.put(Heard(now, domain.UUIDString(), change))

        return call

    def _tell(self, trouble: str) -> None:
        """Once when it comes, once when it goes."""
        if bool(trouble) != bool(self.trouble):
            LOG.warning(
                'instances: %s',
                f'libvirt tells nothing: {trouble}'
                if trouble
                else 'libvirt tells of its domains again',
            )
        self.trouble = trouble


def _io_error(
    _source: str, device: str, action: int, reason: str
) -> translation.Change:
    return translation.io_error(device, action, reason)
