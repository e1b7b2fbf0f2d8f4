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

"""Storage, from inside: a small file is written and read back.

What touches the storage is a child process: one that waits for a device or
a file server cannot even be killed, so nobody waits for it, and no second
one is started while it hangs.
"""

import errno
import os
import select
import subprocess
import sys
import threading

from hass.detection import base
from hass.detection import storage_child
from hass import exception
from hass import faults

BROKEN = frozenset(
    {
        errno.EDQUOT,
        errno.EIO,
        errno.ENODEV,
        errno.ENOSPC,
        errno.ENOTCONN,
        errno.ENXIO,
        errno.EREMOTEIO,
        errno.EROFS,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EUCLEAN,
    }
)
OTHER_TEXT = -1
LAST_CHANCE_SECONDS = 0.2
"""Who was paused together with its child lets it answer after all."""


class Child:
    """A process that writes and reads one file when it is told to."""

    def __init__(self, program: tuple[str, ...], path: str) -> None:
        # It outlives us while it hangs, and ends by itself after that.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*program, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd='/',
        )
        assert self._process.stdin and self._process.stdout
        self._tell, self._hear = self._process.stdin, self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._hear, select.POLLIN)
        self.pid = self._process.pid
        self.asked_at: float | None = None

    def ask(self, now: float) -> None:
        """Begin a round.

        :raises OSError: it has ended
        """
        self._tell.write(f'{now:.6f}\n'.encode())
        self.asked_at = now

    def answer(self, seconds: float) -> str | None:
        """What it says, '' when it has ended; None: nothing yet."""
        if not self._poll.poll(max(0.0, seconds) * 1000):
            return None
        self.asked_at = None
        return self._hear.read(256).decode(errors='replace').strip()

    def state(self) -> str:
        """R, S, D …: see proc(5)."""
        try:
            with open(f'/proc/{self.pid}/stat', encoding='utf-8') as file:
                return file.read().rpartition(')')[2].split()[0]
        except OSError:
            return '?'

    def let_go(self) -> None:
        """It ends when it can; wait for nothing."""
        self._tell.close()
        self._hear.close()
        self._process.poll()


class StorageFile(base.Detector):
    """Writes to [agent] instances_path and reads back.

    Silence and errors of devices are failed. To find no folder, or to have no
    right to write there, is unknown; so is a read-only file system that this
    agent has never been able to write to.

    :ivar program: what the child runs
    """

    layer = faults.SidePath.STORAGE
    in_band = True
    program = (sys.executable, '-I', '-S', storage_child.__file__)

    def __init__(self, tools: base.Tools) -> None:
        super().__init__(tools)
        self._folder = tools.conf.agent.instances_path
        self._patience = tools.conf.agent.storage_seconds
        self.seconds = self._patience + base.GRACE_SECONDS
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._worked = False

    @property
    def child(self) -> Child | None:
        """The process that looks, when there is one."""
        return self._child

    def probe(self, subject: base.Subject) -> list[base.Finding]:
        """Look once.

        :raises hass.exception.DetectorFailed: the child broke
        """
        if not self._lock.acquire(timeout=self._patience):
            raise _trouble(subject, 'another look has not ended')
        try:
            return [self._look(subject)]
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let the child go."""
        with self._lock:
            self._drop()

    def _look(self, subject: base.Subject) -> base.Finding:
        try:
            child = self._ready(subject)
        except OSError as error:
            self._drop()
            raise _trouble(subject, f'its child: {error.strerror}') from None
        assert child.asked_at is not None
        spent = self.tools.clock.monotonic() - child.asked_at
        answer = child.answer(self._patience - spent)
        if answer is None:
            answer = child.answer(LAST_CHANCE_SECONDS)
        if answer is None:
            return self._silent(child)
        if answer == '':
            self._drop()
            raise _trouble(subject, 'its child has ended')
        return self._judge(subject, answer)

    def _ready(self, subject: base.Subject) -> Child:
        """The child, at work; one that hung may have come back."""
        if self._child is None:
            name = subject.host.replace('/', '_')
            path = os.path.join(self._folder, f'.hass-agent-{name}')
            self._child = Child(self.program, path)
        child = self._child
        if child.asked_at is None or child.answer(0) is not None:
            child.ask(self.tools.clock.monotonic())
        return child

    def _drop(self) -> None:
        if self._child is not None:
            self._child.let_go()
            self._child = None

    def _silent(self, child: Child) -> base.Finding:
        state = child.state()
        assert child.asked_at is not None
        spent = self.tools.clock.monotonic() - child.asked_at
        said = f'nothing written or read in {self._folder} for {spent:.0f} s'
        if state == 'R':
            return base.Finding(
                faults.Verdict.UNKNOWN, f'{said}: the child gets no processor'
            )
        return base.Finding(
            faults.Verdict.FAILED, f'{said}: the child hangs in state {state}'
        )

    def _judge(self, subject: base.Subject, answer: str) -> base.Finding:
        if answer == 'ok':
            self._worked = True
            return base.Finding(
                faults.Verdict.HEALTHY, f'written and read in {self._folder}'
            )
        code, _, step = answer.partition(' ')
        try:
            number = int(code)
        except ValueError:
            raise _trouble(subject, 'its child talks nonsense') from None
        why = f'{step} in {self._folder}: {os.strerror(number)}'
        if number == OTHER_TEXT:
            why = f'{self._folder} gives back other than was written'
        elif number not in BROKEN:
            raise _trouble(subject, why if number else step)
        elif number == errno.EROFS and not self._worked:
            raise _trouble(subject, why)
        return base.Finding(faults.Verdict.FAILED, why)


def _trouble(subject: base.Subject, why: str) -> exception.DetectorFailed:
    return exception.DetectorFailed('storage_file', subject.host, why)
