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

from pyghmi import exceptions as pyghmi_exceptions
from pyghmi.ipmi.private import session as pyghmi_session

from hass.bmc import doors
from hass.bmc import reads
from hass import clock as clock_

MAX_MESSAGE = 1 << 20
IDLE_SECONDS = 20.0
CHASSIS = 0x00
POWER_DOWN, POWER_UP = 0, 1
NOT_IN_THIS_STATE = 0xD5
# pyghmi never gives back its sockets: one is lost with 64 logins.
MAX_LOGINS = 1000

Request = dict[str, Any]


class Late(Exception):
    """The deadline has passed; nothing was sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Worker:
    """Does one request after the other, and keeps sessions warm."""

    def __init__(self, clock: clock_.Clock) -> None:
        self._clock = clock
        self._lan: dict[doors.Key, doors.LanDoor] = {}
        self._local: doors.LocalDoor | None = None
        self._logins = 0
        self._repositories: reads.Repositories = {}
        self._verbs: dict[str, Callable[[doors.Door, Request], Any]] = {
            'power': lambda door, _: reads.power(door),
            'off': lambda door, asked: self._act(door, POWER_DOWN, asked),
            'on': lambda door, asked: self._act(door, POWER_UP, asked),
            'identity': lambda door, _: reads.identity(door, self._clock),
            'marked': lambda door, _: reads.marked(door, self._clock),
            'mark block': lambda door, _: _hex(reads.mark_block(door)),
            'write mark block': lambda door, asked: reads.write_mark_block(
                door, bytes.fromhex(asked['argument'])
            ),
            'watchdog': lambda door, _: reads.watchdog(door),
            'sensors': self._sensors,
            'events': self._events,
            'newest events': self._newest_events,
        }

    def answer(self, request: Request) -> dict[str, Any]:
        """See pool.py for the shapes."""
        try:
            door = self._door(request)
            value = self._verbs[request['verb']](door, request)
        except Late as late:
            return {'error': 'late', 'seconds': late.seconds}
        except doors.Failure as failure:
            return {'error': failure.kind, 'reason': failure.reason}
        except pyghmi_exceptions.IpmiException as error:
            return {'error': doors.kind(str(error)), 'reason': str(error)}
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
        for door in self._lan.values():
            door.close()
        self._lan.clear()

    def drop_idle(self) -> None:
        """Log out before pyghmi would keep the session alive by itself."""
        oldest = self._clock.monotonic() - IDLE_SECONDS
        for key, door in list(self._lan.items()):
            if door.used_at < oldest:
                del self._lan[key]
                door.close()

    def _door(self, request: Request) -> doors.Door:
        if 'device' not in request:
            return self._lan_door(request)
        if self._local is None:
            self._local = doors.LocalDoor()
        return self._local

    def _lan_door(self, request: Request) -> doors.Door:
        host, port = request['host'], request['port']
        key = host, port, request['username'], request['password']
        now = self._clock.monotonic()
        until = now + request['seconds']
        for other in list(self._lan):
            if other[:2] == key[:2] and other != key:
                self._lan.pop(other).close()
        if key in self._lan and not self._lan[key].open:
            del self._lan[key]
        if key not in self._lan:
            self._logins += 1
            self._lan[key] = doors.LanDoor(self._clock, key, until)
        door = self._lan[key]
        door.used_at = now
        door.until = until
        return door

    def _sensors(self, door: doors.Door, request: Request) -> Any:
        return reads.sensors(self._records(door, request), door)

    def _events(self, door: doors.Door, request: Request) -> Any:
        found = reads.events(door, request['argument'])
        events = self._described(found['records'], door, request)
        return {'mark': found['mark'], 'events': events}

    def _newest_events(self, door: doors.Door, request: Request) -> Any:
        return self._described(reads.newest_events(door), door, request)

    def _described(
        self, found: list[str], door: doors.Door, request: Request
    ) -> list[dict[str, Any]]:
        if not found:
            return []
        records = self._records(door, request)
        return [
            reads.described(records, door.command, bytes.fromhex(one))
            for one in found
        ]

    def _records(self, door: doors.Door, request: Request) -> Any:
        at = f'{request.get("host")}:{request.get("port")}'
        return reads.repository(door, at, self._repositories)

    def _act(self, door: doors.Door, control: int, request: Request) -> None:
        """Chassis Control (28.3): one packet, not after the deadline.

        The look before it wakes up or renews the session, so that nothing
        but this packet is left to be sent.
        """
        reads.status(door)
        late = self._clock.monotonic() - (request['deadline'] or 0.0)
        if late > 0:
            raise Late(late)
        code, _ = door.ask(CHASSIS, 0x02, control, retry=False)
        if code and code != NOT_IN_THIS_STATE:
            raise doors.Failure('refused', f'chassis control: code {code:02x}')


def _hex(found: bytes | None) -> str | None:
    return None if found is None else found.hex()


def bound_waits() -> None:
    """Have pyghmi look for packets often.

    It misses a packet that comes in before its wait has begun, as those
    of a quick BMC do, and finds it when the wait ends: up to a second late.
    """
    wait = pyghmi_session._io_wait

    def wait_a_little(timeout: float, *args: Any) -> None:
        wait(min(timeout, doors.POLL_SECONDS), *args)

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
