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


"""Asks guests for their addresses at their own ends on the host.

A frame that is sent on a tap device goes to the guest, past bridges, Open
vSwitch, flows and firewalls, and what the guest answers is seen there before
any of them. So it is the guest that answers, whatever its network is, and no
other that has the same address elsewhere.

The question is a probe (RFC 5227) under the guest's own hardware address: no
table of neighbours learns from it, and a guest that just looks whether its
address is free does not take it for a rival.
"""

from collections.abc import Collection, Iterable
import ctypes
import functools
import ipaddress
import selectors
import socket
import struct
import threading
from typing import NamedTuple

from hass import clock as clocks

ETH_P_ALL = 3
ETHERTYPE = 0x0806
REQUEST, REPLY = 1, 2
OURS = bytes.fromhex('024841535300')
"""Locally administered: no device has it."""
ARP = struct.Struct('!6s6sHHHBBH6s4s6s4s')
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
SO_ATTACH_FILTER = 26
REPLIES_ONLY = (
    (0x28, 0, 0, 12),  # ldh [12]
    (0x15, 0, 3, ETHERTYPE),  # jeq, or drop
    (0x28, 0, 0, 20),  # ldh [20]
    (0x15, 0, 1, REPLY),  # jeq, or drop
    (0x06, 0, 0, 64),  # ret 64
    (0x06, 0, 0, 0),  # ret 0
)
"""Classic BPF: guests' traffic costs nothing more than a look at it."""
GATHER_SECONDS = 0.05
AT_ONCE = 32
"""Frames that are read of one guest before the others get their turn."""


class Question(NamedTuple):
    """Does this guest have this address? Both are as in frames."""

    device: str
    mac: bytes
    address: bytes


@functools.lru_cache(4096)
def question(device: str, mac: str, address: str) -> Question:
    """What is asked again and again."""
    return Question(
        device,
        bytes.fromhex(mac.replace(':', '')),
        ipaddress.IPv4Address(address).packed,
    )


class Taps:
    """A socket for each device, opened when it is first asked.

    They need CAP_NET_RAW, and see only this network namespace's devices.
    """

    def __init__(self, clock: clocks.Clock) -> None:
        self._clock = clock
        self._open: dict[str, socket.socket] = {}
        self._ready = selectors.DefaultSelector()
        self._gathering = threading.Event()

    def answered(
        self, questions: Collection[Question], seconds: float
    ) -> frozenset[Question]:
        """Those that were answered within the time."""
        self._close_all_but({each.device for each in questions})
        waiting = {each for each in questions if self._ask(each)}
        answered: set[Question] = set()
        until = self._clock.monotonic() + seconds
        while waiting:
            # Answers that come one by one are read together.
            self._gathering.wait(GATHER_SECONDS)
            left = until - self._clock.monotonic()
            ready = self._ready.select(max(0.0, left))
            for key, _events in ready:
                for heard in _read(key.fileobj):  # type: ignore[arg-type]
                    found = Question(key.data, *heard)
                    if found in waiting:
                        waiting.remove(found)
                        answered.add(found)
            if left <= 0:
                break
        return frozenset(answered)

    def close(self) -> None:
        self._close_all_but(frozenset())

    def _close_all_but(self, devices: Collection[str]) -> None:
        for device in self._open.keys() - set(devices):
            self._close(device)

    def _close(self, device: str) -> None:
        line = self._open.pop(device)
        self._ready.unregister(line)
        line.close()

    def _ask(self, question: Question) -> bool:
        """Whether it could be asked; a device may have been made anew."""
        return self._send(question) or self._send(question)

    def _send(self, question: Question) -> bool:
        device = question.device
        try:
            if device not in self._open:
                line = _line(device)
                self._open[device] = line
                self._ready.register(line, selectors.EVENT_READ, device)
            self._open[device].send(request(question.mac, question.address))
        except OSError:
            if device in self._open:
                self._close(device)
            return False
        return True


@functools.lru_cache(4096)
def request(mac: bytes, address: bytes) -> bytes:
    """The frame that asks."""
    return ARP.pack(
        mac,
        OURS,
        ETHERTYPE,
        1,
        0x0800,
        6,
        4,
        REQUEST,
        mac,
        bytes(4),
        bytes(6),
        address,
    )


def sender(frame: bytes) -> tuple[bytes, bytes] | None:
    """Hardware and IP address of who answers; None: it is no answer."""
    if len(frame) < ARP.size:
        return None
    fields = ARP.unpack_from(frame)
    if fields[2:8] != (ETHERTYPE, 1, 0x0800, 6, 4, REPLY):
        return None
    return fields[8], fields[9]


def _line(device: str) -> socket.socket:
    """Only what comes from the guest, and of that only answers."""
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        line.setblocking(False)
        line.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        program = b''.join(struct.pack('HBBI', *one) for one in REPLIES_ONLY)
        held = ctypes.create_string_buffer(program)
        line.setsockopt(
            socket.SOL_SOCKET,
            SO_ATTACH_FILTER,
            struct.pack('HP', len(REPLIES_ONLY), ctypes.addressof(held)),
        )
        line.bind((device, ETH_P_ALL))
    except OSError:
        line.close()
        raise
    return line


def _read(line: socket.socket) -> Iterable[tuple[bytes, bytes]]:
    for _each in range(AT_ONCE):
        try:
            frame = line.recv(ARP.size)
        except OSError:
            return
        found = sender(frame)
        if found is not None:
            yield found
