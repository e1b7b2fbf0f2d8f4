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

"""What every test stands on."""

from collections.abc import Callable
from collections.abc import Sequence
import faulthandler
import os
import subprocess
import sys
import threading
from typing import Any
from typing import TypeVar

import fixtures
import testtools

from hass import clock

T = TypeVar('T')

# Not what a runner puts in its place for the time of a test.
STDERR = sys.stderr

# Seconds after which a test that hangs is broken off, unless its class or
# OS_TEST_TIMEOUT says otherwise. Far more than any takes on a slow machine.
TEST_SECONDS = 300
# Before that a wait says what it waited for.
SPARE_SECONDS = 10
# More of them, and the whole run is ended: not even cleaning up went on.
CLEANUP_SECONDS = 240


class TestCase(testtools.TestCase):
    """A test with its own log, a time limit and a way to wait."""

    seconds = TEST_SECONDS
    pause_seconds = 0.02

    def setUp(self) -> None:
        super().setUp()
        seconds = int(os.environ.get('OS_TEST_TIMEOUT', self.seconds))
        faulthandler.dump_traceback_later(
            seconds + CLEANUP_SECONDS, exit=True, file=STDERR
        )
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.useFixture(fixtures.Timeout(seconds, gentle=True))
        self._end = clock.SystemClock().monotonic() + seconds - SPARE_SECONDS
        # Shown with a failure, else thrown away.
        self.log = self.useFixture(
            fixtures.FakeLogger(
                level=None,
                format='%(asctime)s %(levelname)s %(name)s: %(message)s',
            )
        )

    def make_folder(self) -> str:
        """A folder of the test's own that goes when it ends."""
        folder: str = self.useFixture(fixtures.TempDir()).path
        return folder

    def start_process(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        stderr: int = subprocess.STDOUT,
        **more: Any,
    ) -> subprocess.Popen[str]:
        """A process whose words can be read; it ends with the test.

        :param more: what else Popen takes
        """
        process = self.enterContext(
            subprocess.Popen(
                argv,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                **more,
            )
        )
        self.addCleanup(process.kill)
        return process

    def wait_for(
        self,
        condition: Callable[[], T],
        *,
        seconds: float | None = None,
        why: str,
        every: float | None = None,
    ) -> T:
        """Poll until the condition is truthy, and return what it gave.

        :param seconds: fail after so long; by default the time that the
            test has left.
        :param why: what is waited for; the failure's sentence says it.
        :param every: seconds between two looks; pause_seconds by default.
        """
        hands = clock.SystemClock()
        began = hands.monotonic()
        end = self._end if seconds is None else began + seconds
        pause = threading.Event()
        while True:
            answer = condition()
            if answer:
                return answer
            now = hands.monotonic()
            if now > end:
                self.fail(
                    f'waited {now - began:.0f} s in vain: {why};'
                    f' last: {answer!r}'
                )
            pause.wait(self.pause_seconds if every is None else every)
