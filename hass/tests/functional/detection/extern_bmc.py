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

"""The far end of QEMU's ipmi-bmc-extern: our simulated BMC.

The protocol is that of OpenIPMI's simulator ("codec VM"): messages and
commands end with a byte of their own, and some bytes are escaped.
"""

import contextlib
import socket
import threading

from hass import clock as clock_
from hass.simulation import chassis as chassis_
from hass.simulation import commands as commands_
from hass.simulation import rmcp

MESSAGE_END, COMMAND_END, ESCAPE = 0xA0, 0xA1, 0xAA
SPECIAL = (MESSAGE_END, COMMAND_END, ESCAPE)
ESCAPED = 0x10


class ExternBmc:
    """Listens on a port of loopback for one QEMU after the other."""

    def __init__(self, chassis: chassis_.Chassis, clock: clock_.Clock) -> None:
        self.chassis = chassis
        self.commands = commands_.Commands(clock, chassis)
        self._session = rmcp.Session(rmcp.SUITES[0], 1, 1, 0.0, privilege=4)
        self._socket = socket.create_server(('127.0.0.1', 0))
        self.port = self._socket.getsockname()[1]
        self._peers: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        for one in (self._socket, *self._peers):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                self._peers.append(peer)
                self._talk(peer)

    def _talk(self, peer: socket.socket) -> None:
        frame = bytearray()
        escaped = False
        while data := peer.recv(4096):
            for byte in data:
                if byte == MESSAGE_END:
                    self._answer(peer, bytes(frame))
                if byte in (MESSAGE_END, COMMAND_END):
                    frame.clear()
                elif byte == ESCAPE:
                    escaped = True
                else:
                    frame.append(byte & ~ESCAPED if escaped else byte)
                    escaped = False

    def _answer(self, peer: socket.socket, frame: bytes) -> None:
        sequence, netfn, command = frame[:3]
        self.commands.watchdog.settle()
        reply = self.commands.execute(
            rmcp.Request(netfn >> 2, command, frame[3:-1], self._session)
        )
        if reply is None or self.chassis.mute:
            return
        message = bytes((sequence, netfn | 0x04, command)) + reply
        message += rmcp.checksum(message)
        peer.sendall(_escaped(message) + bytes((MESSAGE_END,)))


def _escaped(data: bytes) -> bytes:
    return b''.join(
        bytes((ESCAPE, one | ESCAPED)) if one in SPECIAL else bytes((one,))
        for one in data
    )
