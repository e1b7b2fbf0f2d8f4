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

"""Ways to talk to a BMC: over a network, or from inside its host.

They live in the processes of pool.py alone. Numbers in brackets are
sections of IPMI 2.0.
"""

import abc
from typing import Any

from pyghmi.ipmi import command as pyghmi

from hass import clock as clock_

POLL_SECONDS = 0.005
# What pyghmi calls a BMC that does not answer.
SILENCE = (
    'timeout',
    'Session no longer connected',
    'Unable to transmit to specified address',
)

Key = tuple[str, int, str, str]


class Failure(Exception):
    """An answer that is an error; *kind* is a key of pool.FAILURES."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Door(abc.ABC):
    """Asks one BMC one thing at a time.

    :ivar command: what pyghmi does on top
    :ivar until: CLOCK_BOOTTIME when waiting for it is given up
    :ivar used_at: when it was asked last
    :ivar names: GUID and MAC address that the BMC told, and in which session
    """

    command: Any
    until: float
    used_at: float
    names: tuple[str | None, str | None, bytes] | None = None

    @property
    @abc.abstractmethod
    def open(self) -> bool:
        """Whether it still stands, as far as we know."""

    @property
    def session_key(self) -> bytes | None:
        """What only the two ends of the present session know; None: none."""
        return None

    @abc.abstractmethod
    def ask(
        self, netfn: int, command: int, *data: int, retry: bool = True
    ) -> tuple[int, bytes]:
        """The completion code and the data of one answer.

        :param retry: False sends one packet and never another
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Leave without waiting for an answer."""

    def read(self, netfn: int, command: int, size: int, *data: int) -> bytes:
        """Data of at least so many bytes."""
        code, found = self.ask(netfn, command, *data)
        if code:
            raise refused(netfn, command, code)
        return enough(found, size)


class LanDoor(Door):
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
            raise Failure(kind(answer['error']), answer['error'])

    @property
    def open(self) -> bool:
        return bool(self.command.ipmi_session.logged)

    @property
    def session_key(self) -> bytes | None:
        # pyghmi logs in anew by itself, and then makes another key.
        key: bytes | None = self.command.ipmi_session.aeskey
        return key

    def ask(
        self, netfn: int, command: int, *data: int, retry: bool = True
    ) -> tuple[int, bytes]:
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
        # pyghmi leaves this to those who give it a callback.
        session.incommand = False
        while session.evq:
            session.evq.popleft().set()
        return checked(answer, netfn, command)

    def close(self) -> None:
        self.command.ipmi_session.logout()

    def _wait_for(self, answers: list[dict[str, Any]]) -> dict[str, Any]:
        while not answers:
            if self._clock.monotonic() > self.until:
                raise Failure('unreachable', 'no answer in time')
            self.command.wait_for_rsp(POLL_SECONDS)
        return answers[0]


class LocalDoor(Door):
    """Asks through the driver of the host's own system (ipmi_devintf)."""

    open = True

    def __init__(self) -> None:
        self.command = pyghmi.Command()
        self.until = self.used_at = 0.0

    def ask(
        self, netfn: int, command: int, *data: int, retry: bool = True
    ) -> tuple[int, bytes]:
        answer = self.command.raw_command(netfn, command, data=data)
        return checked(answer, netfn, command)

    def close(self) -> None:
        self.command.ipmi_session.ipmidev.close()


def refused(netfn: int, command: int, code: int) -> Failure:
    return Failure(
        'refused', f'command {netfn:02x}/{command:02x}: code {code:02x}'
    )


def enough(data: bytes, size: int) -> bytes:
    """The data, if there is so much of it."""
    if len(data) < size:
        raise Failure('bad', f'{len(data)} bytes where {size} are due')
    return data


def checked(
    answer: dict[str, Any], netfn: int, command: int
) -> tuple[int, bytes]:
    """Code and data of what answers this command."""
    if answer.get('error') in SILENCE:
        raise Failure('unreachable', answer['error'])
    if (answer['netfn'], answer['command']) != (netfn + 1, command):
        raise Failure('bad', 'it answered another question')
    return answer['code'], bytes(answer['data'])


def kind(reason: str) -> str:
    return 'unreachable' if reason in SILENCE else 'refused'
