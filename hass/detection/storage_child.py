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

"""Writes and reads a file whenever it is told to; it may hang in that.

A program of its own, run by storage_file.py: one line in for each round, one
line out. It ends when nobody can tell it anything more.
"""

import os
import stat
import sys

FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def turn(path: str, text: bytes) -> str:
    """Write the text to the device and read it back from there.

    :returns: ok, or errno and what it came from
    """
    step = 'open'
    try:
        file = os.open(path, FLAGS, 0o600)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                return '0 the file is not ours'
            step = 'write'
            os.pwrite(file, text, 0)
            step = 'fsync'
            os.fsync(file)
        finally:
            os.close(file)
        step = 'read'
        return '' if _read(path, len(text)) == text else '-1 read'
    except OSError as error:
        return f'{error.errno} {step}'


def _read(path: str, length: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # Not what the kernel still remembers.
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.read(file, length)
    finally:
        os.close(file)


def main() -> None:
    while text := os.read(0, 64):
        answer = turn(sys.argv[1], text)
        os.write(1, f'{answer or "ok"}\n'.encode())


if __name__ == '__main__':
    main()
