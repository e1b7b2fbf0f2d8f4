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

"""libvirtd, from inside: a connection that is kept alive."""

from collections.abc import Iterator
from concurrent import futures
import contextlib
import dataclasses
import errno
import functools
import importlib
from importlib import util
import threading
from typing import Any

from hass.detection import base
from hass.detection import panel
from hass import exception
from hass import faults

INTERVAL_SECONDS, COUNT = 1, 3
"""libvirtd that answers no keepalive for 4 s is hung."""
LONG_INTERVAL_SECONDS, LONG_COUNT = 5, 1
"""A call to it ends within 10 s; less would wake the process for nothing."""
OPEN_SECONDS = 4.0
REASON_SECONDS = 1.0
_STARTING = threading.Lock()
GONE = frozenset({errno.ENOENT, errno.ECONNREFUSED})


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A connection, and why it was closed once it is."""

    connection: Any
    closed: 'futures.Future[int]'


class LibvirtKeepalive(base.Detector):
    """Reads the version over a connection that may only read.

    A call to a hung libvirtd ends when the keepalive closes the connection.
    To open a new one may then take for ever, so a thread does it, and no
    second one begins.
    """

    layer = faults.SidePath.LIBVIRT
    in_band = True
    seconds = 2 * OPEN_SECONDS + REASON_SECONDS + base.GRACE_SECONDS

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self._uri = tools.conf.agent.guests_uri
        self._lock = threading.Lock()
        self._line: futures.Future[Line] | None = None

    def lacks(self, subject: base.Subject) -> str:
        found = util.find_spec('libvirt')
        return '' if found else 'the Python module libvirt is not installed'

    def probe(self, subject: base.Subject) -> list[base.Finding]:
        """Hung and gone are failed.

        :raises hass.exception.DetectorFailed: libvirt refuses us
        """
        libvirt = start_events()
        try:
            with self._lock:
                # One that was restarted takes a new connection at once.
                return [self._look(libvirt) or self._look_again(libvirt)]
        except libvirt.libvirtError as error:
            raise exception.DetectorFailed(
                'libvirt_keepalive', subject.host, str(error)
            ) from None

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            line, self._line = self._line, None
            if line is not None and line.done() and not line.exception():
                line.result().connection.close()

    def _look(self, libvirt: Any) -> base.Finding | None:
        """None: there was a connection, and libvirtd has closed it."""
        new = self._line is None
        if self._line is None:
            self._line = panel.in_thread(lambda: self._open(libvirt))
        futures.wait([self._line], OPEN_SECONDS if new else 0.5)
        if not self._line.done():
            return _failed('libvirtd does not answer a new connection')
        opened, self._line = self._line, None
        try:
            line = opened.result()
        except libvirt.libvirtError as error:
            if error.get_int1() in GONE and _of_the_socket(libvirt, error):
                return _failed(f'libvirtd is gone: {error}')
            raise
        if self._answers(libvirt, line):
            self._line = opened
            return base.Finding(
                faults.Verdict.HEALTHY, 'libvirtd answers over its socket'
            )
        return self._why_closed(libvirt, line)

    def _look_again(self, libvirt: Any) -> base.Finding:
        return self._look(libvirt) or base.Finding(
            faults.Verdict.UNKNOWN, 'libvirtd closes its connections'
        )

    def _open(self, libvirt: Any) -> Line:
        connection = libvirt.openReadOnly(self._uri)
        closed: futures.Future[int] = futures.Future()
        connection.registerCloseCallback(
            lambda _connection, reason, _none: closed.set_result(reason), None
        )
        connection.setKeepAlive(INTERVAL_SECONDS, COUNT)
        return Line(connection, closed)

    def _answers(self, libvirt: Any, line: Line) -> bool:
        try:
            line.connection.getLibVersion()
        except libvirt.libvirtError:
            if line.connection.isAlive():
                raise
            return False
        return True

    def _why_closed(self, libvirt: Any, line: Line) -> base.Finding | None:
        try:
            reason = line.closed.result(REASON_SECONDS)
        except futures.TimeoutError:
            return None
        with contextlib.suppress(libvirt.libvirtError):
            line.connection.unregisterCloseCallback()
        if reason != libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
            return None
        silence = INTERVAL_SECONDS * (COUNT + 1)
        return _failed(f'libvirtd hangs: silent for {silence} s')


def start_events() -> Any:
    """The libvirt module, with the one event loop that a process has."""
    # Many threads want it when an agent starts, and a cache lets all in.
    with _STARTING:
        return _start_events()


@functools.cache
def _start_events() -> Any:
    libvirt: Any = importlib.import_module('libvirt')
    libvirt.virEventRegisterDefaultImpl()
    # It would write to stderr what is raised as well.
    libvirt.registerErrorHandler(lambda *_: None, None)

    def run() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=run, name='libvirt-events', daemon=True).start()
    return libvirt


@contextlib.contextmanager
def if_supported(libvirt: Any) -> Iterator[None]:
    """Not every hypervisor has everything: what it lacks is left out."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise


def keep_alive(libvirt: Any, connection: Any) -> None:
    """End calls to a libvirtd that hangs, where it is asked over a line."""
    with if_supported(libvirt):
        connection.setKeepAlive(LONG_INTERVAL_SECONDS, LONG_COUNT)


def _of_the_socket(libvirt: Any, error: Any) -> bool:
    """Whether int1 is an errno of connect(2)."""
    return (error.get_error_domain(), error.get_error_code()) == (
        libvirt.VIR_FROM_RPC,
        libvirt.VIR_ERR_SYSTEM_ERROR,
    )


def _failed(detail: str) -> base.Finding:
    return base.Finding(faults.Verdict.FAILED, detail)
