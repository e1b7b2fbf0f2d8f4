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


"""What is asked of libvirt about guests, and of their agents through it.

An agent is asked over a connection that may write: libvirt lets no other.
"""

from collections.abc import Callable, Mapping
import contextlib
import dataclasses
import enum
import importlib
import logging
import threading
from typing import Any, Protocol, TypeVar

from hass import clock as clocks
from hass.detection import libvirt_keepalive

LOG = logging.getLogger(__name__)

PING = '{"execute": "guest-ping"}'
PING_SECONDS = 5
"""libvirt waits as long for the line to be in step before it asks."""
SILENT_SECONDS = 4.0
"""What took less has failed otherwise than by silence."""
T = TypeVar('T')


@dataclasses.dataclass(frozen=True, slots=True)
class Domain:
    """As libvirt lists it.

    :ivar id: another one each time that it is started; None: it is not
    :ivar state: and its reason, as libvirt numbers them
    """

    id: int | None
    state: int
    reason: int


class Reply(enum.Enum):
    """What came of asking a guest agent."""

    ANSWERED = enum.auto()
    SILENT = enum.auto()
    NONE = enum.auto()
    """It was not asked, or what it said is no answer."""


class Hypervisor(Protocol):
    """What the watch wants of libvirt; None: it does not tell."""

    def domains(self) -> Mapping[str, Domain] | None: ...

    def domain(self, uuid: str) -> Domain | None: ...

    def describe(self, uuid: str) -> str | None: ...

    def ping_agent(self, uuid: str) -> tuple[Reply, str]: ...


class Libvirt:
    """A connection of many threads, made anew when it is lost.

    A call to a libvirtd that hangs ends after some seconds.

    :param may_write: needed to ask agents
    :ivar trouble: why libvirt tells nothing; '': all is well
    """

    def __init__(self, uri: str, clock: clocks.Clock, may_write: bool) -> None:
        self._uri = uri
        self._may_write = may_write
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: Any = None
        # As the last listing gave them: to look each up costs another call.
        self._domains: Mapping[str, Any] = {}
        self.trouble = ''

    def domains(self) -> Mapping[str, Domain] | None:
        """All domains by UUID; it connects anew if need be.

        Only this may block while a libvirtd that hangs is connected to.
        """
        if self._connection is None:
            self._connect()

        def ask(connection: Any) -> Mapping[str, Domain]:
            stats = connection.getAllDomainStats(
                self._libvirt.VIR_DOMAIN_STATS_STATE
            )
            domains, found = {}, {}
            for domain, values in stats:
                uuid = domain.UUIDString()
                domains[uuid] = domain
                found[uuid] = _domain(
                    domain,
                    values.get('state.state', 0),
                    values.get('state.reason', 0),
                )
            with self._lock:
                if self._connection is connection:
                    self._domains = domains
            return found

        return self._told(ask)

    def domain(self, uuid: str) -> Domain | None:
        """One of them, now."""

        def ask(connection: Any) -> Domain:
            domain = connection.lookupByUUIDString(uuid)
            return _domain(domain, *domain.state())

        return self._told(ask)

    def describe(self, uuid: str) -> str | None:
        """The domain's XML as it runs."""
        return self._told(
            lambda connection: str(
                connection.lookupByUUIDString(uuid).XMLDesc(0)
            )
        )

    def ping_agent(self, uuid: str) -> tuple[Reply, str]:
        """Ask the guest's agent whether it is there, and why not."""
        connection, began = self._connection, self._clock.monotonic()
        if connection is None:
            return Reply.NONE, f'libvirt is not connected: {self.trouble}'
        try:
            domain = self._domains.get(uuid)
            if domain is None:
                domain = connection.lookupByUUIDString(uuid)
            # Of all calls of libvirt only this one has a time limit that a
            # guest cannot stretch, and that is not shared with Nova.
            importlib.import_module('libvirt_qemu').qemuAgentCommand(
                domain, PING, PING_SECONDS, 0
            )
        except self._libvirt.libvirtError as error:
            took = self._clock.monotonic() - began
            if error.get_error_code() in self._silences() and (
                took >= SILENT_SECONDS
            ):
                return Reply.SILENT, f'silent for {took:.0f} s'
            self._drop_dead()
            return Reply.NONE, str(error)
        return Reply.ANSWERED, ''

    def resume(self, uuid: str) -> str:
        """Let a domain that stands still go on; why it does not, or ''."""
        connection = self._connection
        if connection is None:
            return f'it is not connected: {self.trouble}'
        try:
            connection.lookupByUUIDString(uuid).resume()
        except self._libvirt.libvirtError as error:
            self._drop_dead()
            return str(error)
        return ''

    @property
    def _libvirt(self) -> Any:
        return libvirt_keepalive.start_events()

    def _silences(self) -> frozenset[int]:
        names = ('AGENT_UNRESPONSIVE', 'AGENT_COMMAND_TIMEOUT')
        return frozenset(
            getattr(self._libvirt, f'VIR_ERR_{name}', -1) for name in names
        )

    def _told(self, ask: Callable[[Any], T]) -> T | None:
        connection = self._connection
        if connection is None:
            return None
        try:
            told = ask(connection)
        except self._libvirt.libvirtError as error:
            if error.get_error_code() != self._libvirt.VIR_ERR_NO_DOMAIN:
                self._drop_dead()
                self._tell(str(error))
            return None
        self._tell('')
        return told

    def _connect(self) -> None:
        """It may block for as long as libvirtd hangs."""
        libvirt = self._libvirt
        door = libvirt.open if self._may_write else libvirt.openReadOnly
        try:
            connection = door(self._uri)
            libvirt_keepalive.keep_alive(libvirt, connection)
        except libvirt.libvirtError as error:
            self._tell(str(error))
        else:
            self._connection = connection

    def _drop_dead(self) -> None:
        """Other threads may be in calls of it: the last one closes it."""
        with self._lock:
            with contextlib.suppress(self._libvirt.libvirtError):
                if self._connection is None or self._connection.isAlive():
                    return
            self._connection, self._domains = None, {}

    def _tell(self, trouble: str) -> None:
        """Once when it comes, once when it goes."""
        if bool(trouble) != bool(self.trouble):
            LOG.warning(
                'guests: %s',
                f'libvirt does not let them be looked at: {trouble}'
                if trouble
                else 'libvirt lets them be looked at again',
            )
        self.trouble = trouble


def _domain(domain: Any, state: int, reason: int) -> Domain:
    number = domain.ID()
    return Domain(number if number >= 0 else None, state, reason)
