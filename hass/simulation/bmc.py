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

"""A BMC on a UDP port: for the demo, for tests, never for production.

chassis = Chassis(clock, guid, hook=lambda is_on, cause: ...)
with Responder(chassis, clock, 'admin', 'secret') as responder:
    address = bmc.Address('127.0.0.1', responder.port, 'admin', 'secret')
"""

import socket
import threading
from typing import Self

from hass import bmc
from hass.bmc import doors
from hass.bmc import reads
from hass import clock as clock_
from hass import exception
from hass.simulation import chassis as chassis_
from hass.simulation import commands
from hass.simulation import rmcp

BUSY_POLL_SECONDS = 0.02
IDLE_POLL_SECONDS = 0.5
MAX_DATAGRAM = 1024

Chassis = chassis_.Chassis


class Inside(doors.Door):
    """What the system of the host sees of its BMC, through its driver.

    It serves as the blocks that an agent writes its mark to.
    """

    open = True

    def __init__(self, known: commands.Commands) -> None:
        self._commands = known

    def ask(
        self, netfn: int, command: int, *data: int, retry: bool = True
    ) -> tuple[int, bytes]:
        answer = self._commands.in_band(netfn, command, *data)
        return answer[0], answer[1:]

    def close(self) -> None:
        """There is nothing to leave."""

    def mark_block(self, address: bmc.Access) -> bytes | None:
        """See bmc.Bmc.mark_block()."""
        return reads.mark_block(self)

    def write_mark_block(self, device: bmc.LocalDevice, block: bytes) -> None:
        """See bmc.Bmc.write_mark_block().

        :raises hass.exception.BmcRefused: it says no
        """
        try:
            reads.write_mark_block(self, block)
        except doors.Failure as failure:
            raise exception.BmcRefused(str(device), failure.reason) from None


class Responder:
    """Speaks IPMI over RMCP+ (cipher suites 3 and 17) for one chassis.

    :param host: address to listen on
    :param port: 0 takes a free one; read it from ``port``
    :ivar delay_seconds: how long it thinks before each answer
    :ivar inside: the same BMC as its own host reaches it
    """

    def __init__(
        self,
        chassis: chassis_.Chassis,
        clock: clock_.Clock,
        username: str,
        password: str,
        host: str = '127.0.0.1',
        port: int = 0,
    ) -> None:
        self.chassis = chassis
        self.delay_seconds = 0.0
        self.commands = commands.Commands(clock, chassis)
        self.inside = Inside(self.commands)
        self._sessions = rmcp.Sessions(
            clock,
            username,
            password,
            rmcp.wire_guid(chassis.guid),
            self.commands.execute,
        )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, name=f'bmc-{self.port}', daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Answer from a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._socket.sendto(b'', self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            busy = self.chassis.pending or self.commands.watchdog.running
            self._socket.settimeout(
                BUSY_POLL_SECONDS if busy else IDLE_POLL_SECONDS
            )
            try:
                datagram, peer = self._socket.recvfrom(MAX_DATAGRAM)
            except TimeoutError:
                datagram, peer = b'', ('', 0)
            self.chassis.settle()
            self.commands.watchdog.settle()
            if datagram and not self.chassis.mute:
                self._stopping.wait(self.delay_seconds)
                self._answer(datagram, peer)

    def _answer(self, datagram: bytes, peer: tuple[str, int]) -> None:
        reply = self._sessions.answer(datagram)
        if self.commands.closed is not None:
            self._sessions.close(self.commands.closed)
            self.commands.closed = None
        if reply is not None:
            self._socket.sendto(reply, peer)
