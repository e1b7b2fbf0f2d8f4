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

"""Who the agent is: its host, this boot, its key, and what it signs."""

from collections.abc import Sequence
import os
import stat
import threading
from typing import Any, TypedDict, TypeVar

from hass import asks
from hass import beats
from hass import clock as clocks
from hass import exception
from hass.rpc import messages

MIN_KEY_CHARACTERS = 16
M = TypeVar('M', bound=messages.Message)


class Stamp(TypedDict):
    """What every signed message begins with."""

    host: str
    boot_id: str
    sequence: int
    sent_at: float
    uptime: float


class Identity:
    """Signs beats and messages with one growing sequence.

    The sequence follows the microseconds of CLOCK_BOOTTIME: it grows over
    restarts of the agent too, and over several processes of one host.
    """

    def __init__(
        self, clock: clocks.Clock, host: str, boot_id: str, key: bytes
    ) -> None:
        self.host = host
        self.boot_id = boot_id
        self._clock = clock
        self._key = key
        self._sequence = 0
        self._lock = threading.Lock()

    def beat(self, network: str, planned: bool = False) -> bytes:
        """A beat as it goes over the wire."""
        return beats.pack(
            beats.Beat(**self._stamp(), network=network, planned=planned),
            self._key,
        )

    def seal(self, kind: type[M], **fields: Any) -> messages.Envelope:
        """A message as it goes over the wire, sent now."""
        return messages.seal(kind(**self._stamp(), **fields), self._key)

    def ordered(
        self, report: messages.Envelope, answer: object
    ) -> Sequence[messages.Order]:
        """The orders in the answer to a report that was sealed here.

        :raises MessageRefused: they are garbage, forged, or answer another
        """
        found = messages.unseal(messages.Orders, answer, self._keys)
        asked = messages.unseal(messages.Report, report, self._keys)
        if _begins(found) != _begins(asked):
            raise exception.MessageRefused(found.host, beats.Refusal.REPLAYED)
        return found.orders

    def asked(self, datagram: bytes) -> asks.Poke | asks.Reach:
        """The question in a datagram.

        :raises MessageRefused: it is none, or is not meant for this boot
        """
        ask = asks.unpack(datagram, self._keys)
        if isinstance(ask, asks.Reached):
            raise exception.MessageRefused(ask.host, beats.Refusal.UNREADABLE)
        if ask.boot_id not in ('', self.boot_id):
            raise exception.MessageRefused(ask.host, beats.Refusal.OLD_BOOT)
        return ask

    def reached(self, nonce: str, answers: Sequence[bool]) -> bytes:
        """The answer to a Reach as it goes over the wire."""
        answer = asks.Reached(self.host, self.boot_id, nonce, tuple(answers))
        return asks.pack(answer, self._key)

    def _keys(self, host: str) -> Sequence[bytes]:
        return (self._key,) if host == self.host else ()

    def _stamp(self) -> Stamp:
        with self._lock:
            uptime = self._clock.monotonic()
            self._sequence = max(self._sequence + 1, int(uptime * 1e6))
            return Stamp(
                host=self.host,
                boot_id=self.boot_id,
                sequence=self._sequence,
                sent_at=beats.wall(self._clock),
                uptime=uptime,
            )


def _begins(message: messages.Message) -> Stamp:
    return Stamp(
        host=message.host,
        boot_id=message.boot_id,
        sequence=message.sequence,
        sent_at=message.sent_at,
        uptime=message.uptime,
    )


def read(clock: clocks.Clock, conf: Any) -> Identity:
    """The identity that the options of [agent] name.

    :raises ConfigError: the key is missing, short or readable by others
    """
    boot_id = read_line(conf.boot_id_file)
    if not boot_id:
        raise exception.ConfigError(
            '[agent] boot_id_file', f'{conf.boot_id_file} tells no boot id'
        )
    return Identity(clock, conf.host, boot_id, read_key(conf.key_file))


def read_key(path: str) -> bytes:
    """The key of a file that nobody but its owner can read."""
    try:
        mode = os.stat(path).st_mode
        with open(path, 'rb') as file:
            key = file.read(4096).strip()
    except OSError as error:
        raise exception.ConfigError(
            '[agent] key_file', f'{path}: {error.strerror}'
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise exception.ConfigError(
            '[agent] key_file', f'{path} must have mode 0600 or 0400'
        )
    if len(key) < MIN_KEY_CHARACTERS:
        raise exception.ConfigError(
            '[agent] key_file', f'{path} holds no key that was issued'
        )
    return key


def read_line(path: str) -> str:
    """The first line of a small file; '' when it cannot be read."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.readline(256).strip()
    except OSError:
        return ''
