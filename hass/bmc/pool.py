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

"""Processes that talk to BMCs, and are killed when one does not answer."""

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
from typing import Any

from hass.bmc import values
from hass import clock as clock_
from hass import exception

MODULE = 'hass.bmc.worker'
MAX_MESSAGE = 1 << 20
WARM_SECONDS = 20.0
"""A worker logs out of a BMC that it was not asked about for so long."""
PATIENCE_SECONDS = 0.25
"""A call waits for the worker that is logged in, if that one gets on."""
LATE_FACTOR = 2
QUICK_SECONDS = 0.5
"""A BMC that logs us in and answers within it is not slow."""

FAILURES = {
    'unreachable': exception.BmcUnreachable,
    'refused': exception.BmcRefused,
    'bad': exception.BmcBadAnswer,
}


class Worker:
    """One process. It takes one request at a time over a socket pair.

    Neither its arguments nor its environment hold a secret, and what it
    prints goes nowhere: pyghmi prints names of BMCs.

    :ivar warm: when it last spoke with each BMC
    :ivar busy_since: CLOCK_BOOTTIME when its call began
    """

    def __init__(self) -> None:
        self.warm: dict[values.Access, float] = {}
        self.busy_since = 0.0
        self._ready = False
        self._channel, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET
        )
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, '-P', '-m', MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ
                | {'PYTHONPATH': os.pathsep.join(filter(None, sys.path))},
                # A Ctrl-C at the terminal is for the service alone.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, seconds: float) -> bool:
        """Whether it has started; False: give it more time."""
        if not self._ready:
            with contextlib.suppress(TimeoutError):
                self._ready = bool(self._receive(seconds))
                if not self._ready:
                    raise EOFError
        return self._ready

    def send(self, request: dict[str, Any]) -> None:
        self._channel.settimeout(None)
        self._channel.send(json.dumps(request).encode())

    def reply(self, seconds: float) -> dict[str, Any]:
        """The answer to what was sent.

        :raises TimeoutError: none in time
        :raises EOFError: the process is gone
        """
        message = self._receive(seconds)
        if not message:
            raise EOFError
        answer: dict[str, Any] = json.loads(message)
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _receive(self, seconds: float) -> bytes:
        self._channel.settimeout(max(seconds, 0.001))
        return self._channel.recv(MAX_MESSAGE)


class Pool:
    """Hands each call to a free worker, for a limited time.

    A BMC that did not answer last time, and long reads, share half of the
    workers: they cannot keep the others from their work. A worker that got
    no good answer is replaced, and with it all that pyghmi remembers.

    A BMC that did not answer in time gets more of it until it is quick again:
    it may be slow and not dead.
    """

    def __init__(self, clock: clock_.Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._slow_limit = max(1, limit // 2)
        self._slow_now = 0
        self._workers: set[Worker] = set()
        self._idle: set[Worker] = set()
        self._dark: set[str] = set()
        self._late: set[str] = set()
        self._changed = threading.Condition()
        self._closed = False

    def call(
        self,
        address: values.Access,
        verb: str,
        seconds: float,
        *,
        argument: Any = None,
        slow: bool = False,
        deadline: clock_.Deadline | None = None,
    ) -> Any:
        """Have one verb of worker.py done.

        :param seconds: the worker is killed then, or after LATE_FACTOR times
            as long where a BMC was late; waiting for a free one may take as
            long again, but not if there is a deadline
        :param argument: what the verb wants to know, as JSON
        :param slow: it is known to take long, and seconds allow for that
        :param deadline: nothing may be sent to the BMC after it
        """
        usual, asked = seconds, self._clock.monotonic()
        if str(address) in self._late and not slow:
            seconds *= LATE_FACTOR
        slow = slow or str(address) in self._dark
        worker = self._take(address, slow, asked + usual)
        began = self._clock.monotonic()
        # Else a BMC that got little time of it looks dead.
        until = (began if deadline is None else asked) + seconds
        good = False
        try:
            answer = self._ask(
                worker, address, verb, until, argument, deadline
            )
            good = (
                answer.get('error') not in {'unreachable', 'bad'}
                and 'spent' not in answer
            )
        except exception.ClaimExpired:
            good = True
            raise
        except NotReady as error:
            good = True
            raise exception.BmcUnreachable(str(address), str(error)) from None
        except TimeoutError:
            self._dark.add(str(address))
            self._late.add(str(address))
            raise exception.BmcUnreachable(
                str(address), f'no answer in {seconds:.1f} s'
            ) from None
        except (EOFError, OSError):
            raise exception.BmcBadAnswer(
                str(address), 'the process that read its answer died'
            ) from None
        finally:
            self._give_back(worker, slow, good)
        return self._value(address, answer)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            for worker in self._workers:
                worker.kill()
            self._workers.clear()
            self._idle.clear()
            self._changed.notify_all()

    def _ask(
        self,
        worker: Worker,
        address: values.Access,
        verb: str,
        until: float,
        argument: Any,
        deadline: clock_.Deadline | None,
    ) -> dict[str, Any]:
        if not worker.wait_ready(until - self._clock.monotonic()):
            raise NotReady('no process was ready to ask it in time')
        now = self._clock.monotonic()
        cold = worker.warm.get(address, 0.0) <= now - WARM_SECONDS
        worker.warm[address] = now
        request = dataclasses.asdict(address) | {
            'verb': verb,
            'argument': argument,
            # Only for a worker whose parent is gone: else it is killed.
            'seconds': until - now + 1.0,
            'deadline': None,
        }
        if deadline is not None:
            request['deadline'] = deadline.at()
            deadline.check()
        worker.send(request)
        answer = worker.reply(until - self._clock.monotonic())
        if cold and self._clock.monotonic() - now < QUICK_SECONDS:
            self._late.discard(str(address))
        return answer

    def _value(self, address: values.Access, answer: dict[str, Any]) -> Any:
        error = answer.get('error')
        if error == 'unreachable':
            self._dark.add(str(address))
        else:
            self._dark.discard(str(address))
        if error == 'late':
            raise exception.ClaimExpired(answer['seconds'])
        if error is not None:
            raise FAILURES[error](str(address), answer['reason'])
        return answer['value']

    def _take(
        self, address: values.Access, slow: bool, until: float
    ) -> Worker:
        with self._changed:
            while True:
                if self._closed:
                    reason = 'HASS is stopping'
                    raise exception.BmcUnreachable(str(address), reason)
                worker = self._free(address, slow)
                if worker is not None:
                    self._idle.discard(worker)
                    self._slow_now += slow
                    worker.busy_since = self._clock.monotonic()
                    return worker
                left = until - self._clock.monotonic()
                if left <= 0:
                    reason = 'all processes were busy with other BMCs'
                    raise exception.BmcUnreachable(str(address), reason)
                self._changed.wait(min(left, PATIENCE_SECONDS))

    def _free(self, address: values.Access, slow: bool) -> Worker | None:
        """A worker with a session, else one that is ready, else a new one.

        Sessions are kept together in few workers, and doubtful BMCs go to
        those with the fewest: what may be killed should know little.
        """
        if slow and self._slow_now >= self._slow_limit:
            return None
        if self._better_waits(address):
            return None
        if not self._idle:
            return self._start() if self._room() else None
        stale = self._clock.monotonic() - WARM_SECONDS
        for worker in self._idle:
            for known, used in list(worker.warm.items()):
                if used < stale:
                    del worker.warm[known]
        doubt = -1 if slow else 1
        return max(
            self._idle,
            key=lambda one: (address in one.warm, doubt * len(one.warm)),
        )

    def _better_waits(self, address: values.Access) -> bool:
        """Whether a worker with a session is busy, and soon will not be.

        To log in takes a BMC much longer than to answer.
        """
        now = self._clock.monotonic()
        stale = now - WARM_SECONDS
        warm = [
            one
            for one in self._workers
            if one.warm.get(address, stale) > stale
        ]
        return not self._idle.intersection(warm) and any(
            now - one.busy_since < PATIENCE_SECONDS for one in warm
        )

    def _room(self) -> bool:
        return len(self._workers) < self._limit

    def _start(self) -> Worker:
        worker = Worker()
        self._workers.add(worker)
        return worker

    def _give_back(self, worker: Worker, slow: bool, good: bool) -> None:
        with self._changed:
            self._slow_now -= slow
            if not good and not self._closed:
                worker.kill()
                self._workers.discard(worker)
                # Starts while nobody waits for it.
                worker = self._start()
            if not self._closed:
                self._idle.add(worker)
            self._changed.notify_all()


class NotReady(Exception):
    """The process has not finished starting; the BMC was not asked."""
