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

"""Feeds a Linux watchdog device; see the kernel's watchdog-api."""

import contextlib
import errno
import fcntl
import os
import struct

GETSUPPORT = 0x80285700
SETTIMEOUT = 0xC0045706
SOFTDOG = 'Software Watchdog'
OFF = 'off'
FEEDING = 'feeding'


class Watchdog:
    """One device: opened and so armed, fed, disarmed on a planned stop.

    ``state`` says off, feeding, or why it is not fed. Trouble with the
    device is never the agent's end.

    :param device: its path; a pipe or a file stands in for it. '': off
    """

    def __init__(self, device: str, seconds: int, allow_softdog: bool) -> None:
        self._device = device
        self._seconds = seconds
        self._allow_softdog = allow_softdog
        self._file: int | None = None
        self.state = OFF

    def feed(self) -> None:
        """Open the device if it is not open yet, and feed it."""
        try:
            if self._file is None:
                self._file = self._open()
            os.write(self._file, b'\0')
            self.state = FEEDING
        except _Softdog:
            self.state = f'{self._device} is softdog, which is not allowed'
        except OSError as error:
            self.close(planned=False)
            self.state = self._reason(error)

    def close(self, planned: bool) -> None:
        """Disarm it if that is planned; else it goes on counting."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if planned:
                os.write(self._file, b'V')
        os.close(self._file)
        self._file = None
        self.state = OFF

    def _open(self) -> int:
        opened = os.open(self._device, os.O_WRONLY | os.O_NONBLOCK)
        try:
            self._prepare(opened)
        except BaseException:
            os.close(opened)
            raise
        return opened

    def _prepare(self, opened: int) -> None:
        try:
            info = fcntl.ioctl(opened, GETSUPPORT, bytes(40))
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                return  # A pipe or a file.
            raise
        name = info[8:40].split(b'\0')[0].decode(errors='replace')
        if name == SOFTDOG and not self._allow_softdog:
            os.write(opened, b'V')
            raise _Softdog
        fcntl.ioctl(opened, SETTIMEOUT, struct.pack('i', self._seconds))

    def _reason(self, error: OSError) -> str:
        if error.errno == errno.EBUSY:
            holder = owner(self._device)
            return f'{self._device} is busy: {holder} holds it'
        return f'{self._device}: {error.strerror}'


class _Softdog(Exception):
    """The device is software and that is not allowed."""


def owner(device: str) -> str:
    """The process that has the device open, by name and id."""
    for pid in filter(str.isdecimal, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            for link in os.listdir(f'/proc/{pid}/fd'):
                if os.readlink(f'/proc/{pid}/fd/{link}') == device:
                    with open(f'/proc/{pid}/comm', encoding='utf-8') as file:
                        return f'{file.read().strip()} (process {pid})'
    return 'a process that cannot be seen'
