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

"""Marks the BMC of this host, for engines that look whether it is theirs."""

from collections.abc import Callable
import contextlib
import os
import re
import threading
from typing import Protocol

from hass import bmc
from hass import exception

MARK = re.compile(r'hass-[0-9a-f]{9}', re.ASCII)
"""Nothing else is written: see db/wirings.py, which makes them."""
KEPT_SECONDS = 60.0
ASCII = 0
EMPTY = bytes(16)


class Blocks(Protocol):
    """What of bmc.Bmc is used."""

    def mark_block(self, address: bmc.Access) -> bytes | None: ...

    def write_mark_block(
        self, device: bmc.LocalDevice, block: bytes
    ) -> None: ...


class Marker:
    """Writes a mark through the system's own driver, and takes it back.

    The mark takes the place of the name of the running operating system
    (IPMI 2.0, 22.14a, parameter 4), which some systems tell their BMC. What
    was there before is put back a minute later. When the agent ends before
    that, the mark stays until the host is powered off.

    :param later: calls something after so many seconds
    """

    def __init__(
        self,
        blocks: Blocks,
        device: bmc.LocalDevice | None = None,
        later: Callable[[float, Callable[[], None]], None] | None = None,
    ) -> None:
        self._blocks = blocks
        self._device = device or bmc.LocalDevice()
        self._later = later or _in_thread
        self._lock = threading.Lock()
        self._before: bytes | None = None
        self._marks = 0

    def __call__(self, subject: str) -> str:
        """Write one mark, and see in band that it is there.

        :raises hass.exception.OrderRefused: it is not
        """
        if not MARK.fullmatch(subject):
            raise exception.OrderRefused('that is no mark')
        if not os.path.exists(self._device.device):
            raise exception.OrderRefused(
                f'there is no {self._device}: this system has no IPMI driver'
            )
        try:
            with self._lock:
                self._write(subject)
        except exception.BmcError as error:
            raise exception.OrderRefused(str(error)) from None
        return f'written through {self._device}'

    def _write(self, mark: str) -> None:
        found = self._blocks.mark_block(self._device)
        if found is None:
            raise exception.OrderRefused('this BMC takes no marks')
        if self._before is None:
            self._before = EMPTY if _is_marked(found) else found
        block = block_of(mark)
        self._marks += 1
        number = self._marks
        self._later(KEPT_SECONDS, lambda: self._take_back(number))
        self._blocks.write_mark_block(self._device, block)
        shown = self._blocks.mark_block(self._device)
        if shown is None or shown[: len(block)] != block:
            raise exception.OrderRefused(
                'this BMC takes a mark and does not show it'
            )

    def _take_back(self, number: int) -> None:
        """Put back what was there, unless there is a newer mark."""
        with self._lock:
            before = self._before
            if number != self._marks or before is None:
                return
            self._before = None
            with contextlib.suppress(exception.BmcError):
                self._blocks.write_mark_block(self._device, before)


def block_of(mark: str) -> bytes:
    """The first block of a text: its encoding, its length, 14 bytes."""
    text = mark.encode('ascii')
    return bytes((ASCII, len(text))) + text


def _is_marked(block: bytes) -> bool:
    """Whether an agent that ended early has left its mark."""
    text = block[2:].rstrip(b'\0').decode('latin-1')
    return MARK.fullmatch(text) is not None


def _in_thread(seconds: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()
