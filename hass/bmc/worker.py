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

"""Runs pyghmi in a process of its own; see pool.py for who starts it.

Requests and answers are JSON in datagrams of a socket that is inherited.
Numbers in brackets are sections of IPMI 2.0.
"""

from collections.abc import Callable
import json
import select
import socket
import struct
import sys
from typing import Any
import uuid

from pyghmi import exceptions as pyghmi_exceptions
from pyghmi.ipmi import command as pyghmi
from pyghmi.ipmi.private import session as pyghmi_session

from hass import clock as clock_

MAX_MESSAGE = 1 << 20
IDLE_SECONDS = 20.0
POLL_SECONDS = 0.005
CHASSIS, APP = 0x00, 0x06
POWER_DOWN, POWER_UP = 0, 1
NOT_IN_THIS_STATE = 0xD5
POLICIES = ('always-off', 'previous', 'always-on', 'unknown')
HEALTH = ((4, 'failed'), (2, 'critical'), (1, 'warning'), (0, 'ok'))
# What pyghmi calls a BMC that does not answer.
SILENCE = (
    'timeout',
    'Session no longer connected',
    'Unable to transmit to specified address',
)
# pyghmi never gives back its sockets: one is lost with 64 logins.
MAX_LOGINS = 1000

Key = tuple[str, int, str, str]


class Failure(Exception):
    """An answer that is an error; *kind* is a key of pool.FAILURES."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Late(Exception):
    """The deadline has passed; nothing was sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Door:
    """A session with one BMC.

    :param until: CLOCK_BOOTTIME when logging in is given up
    """

    def __init__(self, clock: clock_.Clock, key: Key, until: float) -> None:
        host, port, username, password = key
        self._clock = clock
        self.until = until
        self.used_at = clock.monotonic()
        logins: list[dict[str, Any]] = []
        self.command = pyghmi.Command(
            bmc=host,
            # As text, pyghmi would never forget a session that has ended,
            # and wait for ever in it when asked to log in again.
            userid=username.encode(),
            password=password.encode(),
            port=port,
            onlogon=lambda answer, command: logins.append(answer),
            # Else packets of its own come between question and answer.
            keepalive=False,
        )
        answer = self._wait_for(logins)
        if 'error' in answer:
            raise Failure(_kind(answer['error']), answer['error'])

    @property
    def open(self) -> bool:
        """Whether the session still stands, as far as we know."""
        return bool(self.command.ipmi_session.logged)

    def ask(
        self, netfn: int, command: int, *data: int, retry: bool = True
    ) -> tuple[int, bytes]:
        """The completion code and the data of one answer.

        :param retry: False sends one packet and never another
        """
        answers: list[dict[str, Any]] = []
        session = self.command.ipmi_session
        session.raw_command(
            netfn=netfn,
            command=command,
            data=data,
            retry=retry,
            callback=answers.append,
        )
        answer = self._wait_for(answers)
        # pyghmi leaves this to whoever gives it a callback.
        session.incommand = False
        while session.evq:
            session.evq.popleft().set()
        if answer.get('error') in SILENCE:
            raise Failure('unreachable', answer['error'])
        if (answer['netfn'], answer['command']) != (netfn + 1, command):
            raise Failure('bad', 'it answered another question')
        return answer['code'], bytes(answer['data'])

    def read(self, netfn: int, command: int, size: int) -> bytes:
        """Data of at least so many bytes."""
        code, data = self.ask(netfn, command)
        if code:
            reason = f'command {netfn:02x}/{command:02x}: code {code:02x}'
            raise Failure('refused', reason)
        if len(data) < size:
            reason = f'{len(data)} bytes where {size} are due'
            raise Failure('bad', reason)
        return data

    def close(self) -> None:
        """Say goodbye without waiting for an answer."""
        self.command.ipmi_session.logout()

    def _wait_for(self, answers: list[dict[str, Any]]) -> dict[str, Any]:
        while not answers:
            if self._clock.monotonic() > self.until:
                raise Failure('unreachable', 'no answer in time')
            self.command.wait_for_rsp(POLL_SECONDS)
        return answers[0]


class Worker:
    """Does one request after the other, and keeps sessions warm."""

    def __init__(self, clock: clock_.Clock) -> None:
        self._clock = clock
        self._doors: dict[Key, Door] = {}
        self._logins = 0
        self._verbs: dict[str, Callable[[Door, float | None], Any]] = {
            'power': lambda door, _: 'on' if _status(door) & 1 else 'off',
            'off': lambda door, at: self._act(door, POWER_DOWN, at),
            'on': lambda door, at: self._act(door, POWER_UP, at),
            'identity': lambda door, _: _identity(door),
            'sensors': lambda door, _: _sensors(door),
        }

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """See pool.py for the shapes."""
        try:
            door = self._door(request)
            value = self._verbs[request['verb']](door, request['deadline'])
        except Late as late:
            return {'error': 'late', 'seconds': late.seconds}
        except Failure as failure:
            return {'error': failure.kind, 'reason': failure.reason}
        except pyghmi_exceptions.IpmiException as error:
            return {'error': _kind(str(error)), 'reason': str(error)}
        except OSError as error:
            return {'error': 'unreachable', 'reason': str(error)}
        except (
            ArithmeticError,
            AssertionError,
            AttributeError,
            LookupError,
            NotImplementedError,
            TypeError,
            ValueError,
            pyghmi_exceptions.PyghmiException,
            struct.error,
        ) as error:
            # How pyghmi puts it that it does not understand an answer.
            reason = f'not understood ({type(error).__name__})'
            return {'error': 'bad', 'reason': reason}
        return {'value': value}

    @property
    def spent(self) -> bool:
        """Whether it is time for a new process."""
        return self._logins >= MAX_LOGINS

    def drop_all(self) -> None:
        for door in self._doors.values():
            door.close()
        self._doors.clear()

    def drop_idle(self) -> None:
        """Log out before pyghmi would keep the session alive by itself."""
        oldest = self._clock.monotonic() - IDLE_SECONDS
        for key, door in list(self._doors.items()):
            if door.used_at < oldest:
                del self._doors[key]
                door.close()

    def _door(self, request: dict[str, Any]) -> Door:
        host, port = request['host'], request['port']
        key = host, port, request['username'], request['password']
        now = self._clock.monotonic()
        for other in list(self._doors):
            if other[:2] == key[:2] and other != key:
                self._doors.pop(other).close()
        if key in self._doors and not self._doors[key].open:
            del self._doors[key]
        if key not in self._doors:
            self._logins += 1
            self._doors[key] = Door(self._clock, key, now + request['seconds'])
        door = self._doors[key]
        door.used_at = now
        door.until = now + request['seconds']
        return door

    def _act(self, door: Door, control: int, deadline: float | None) -> None:
        """Chassis Control (28.3): one packet, not after the deadline.

        The look before it wakes up or renews the session, so that nothing
        but this packet is left to be sent.
        """
        _status(door)
        late = self._clock.monotonic() - (deadline or 0.0)
        if late > 0:
            raise Late(late)
        code, _ = door.ask(CHASSIS, 0x02, control, retry=False)
        if code and code != NOT_IN_THIS_STATE:
            raise Failure('refused', f'chassis control: code {code:02x}')


def _kind(reason: str) -> str:
    return 'unreachable' if reason in SILENCE else 'refused'


def _status(door: Door) -> int:
    """Current power state, the first byte of Get Chassis Status (28.2)."""
    state = door.read(CHASSIS, 0x01, 3)[0]
    if state & 0x80:
        raise Failure('bad', f'power state {state:02x} is not defined')
    return state


def _identity(door: Door) -> dict[str, str]:
    guid = door.read(APP, 0x37, 16)[:16]
    policy = POLICIES[_status(door) >> 5 & 3]
    return {'guid': str(uuid.UUID(bytes=guid)), 'policy': policy}


def _sensors(door: Door) -> list[dict[str, Any]]:
    return [
        {
            'name': reading.name,
            'kind': reading.type,
            'value': None if reading.unavailable else reading.value,
            'unit': reading.units or '',
            'health': 'unknown'
            if reading.unavailable
            else next(word for bit, word in HEALTH if reading.health >= bit),
        }
        for reading in door.command.get_sensor_data()
    ]


def bound_waits() -> None:
    """Have pyghmi look for packets often.

    It misses a packet that comes in before its wait has begun, as those
    of a quick BMC do, and finds it when the wait ends: up to a second late.
    """
    wait = pyghmi_session._io_wait

    def wait_a_little(timeout: float, *args: Any) -> None:
        wait(min(timeout, POLL_SECONDS), *args)

    pyghmi_session._io_wait = wait_a_little


def serve(channel: socket.socket, clock: clock_.Clock) -> None:
    """Answer until the other end is closed."""
    bound_waits()
    worker = Worker(clock)
    channel.send(b'ready')
    while True:
        readable, _, _ = select.select([channel], [], [], IDLE_SECONDS / 4)
        worker.drop_idle()
        if not readable:
            continue
        message = channel.recv(MAX_MESSAGE)
        if not message:
            return
        answer = worker.answer(json.loads(message))
        if worker.spent:
            worker.drop_all()
            answer['spent'] = True
        channel.send(json.dumps(answer).encode())


if __name__ == '__main__':
    serve(socket.socket(fileno=int(sys.argv[1])), clock_.SystemClock())
