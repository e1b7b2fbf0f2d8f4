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

"""The beat: one small signed datagram, a host's sign of life.

On the wire: the four bytes ``HB1`` and newline, 32 bytes of HMAC-SHA256,
then a JSON list of the fields in their order. The signature covers every
byte after itself.
"""

import collections
from collections.abc import Callable, Sequence
import dataclasses
import datetime
import enum
import hashlib
import hmac
import json
import math

from hass import clock as clocks
from hass import exception

MAGIC = b'HB1\n'
MAC_BYTES = 32
MAX_BYTES = 512
CLOCK_SECONDS = 60.0
NAME_CHARACTERS = 255
MAX_CHANNELS = 16
_BODY = len(MAGIC) + MAC_BYTES
_FIELDS = 7

_EPOCH = datetime.datetime(1970, 1, 1)

Keys = Callable[[str], Sequence[bytes]]
"""The keys that a host may sign with: the newest first, none: unknown."""


class Refusal(enum.StrEnum):
    """Why a beat or a message is not believed."""

    UNREADABLE = 'it cannot be read'
    UNKNOWN_HOST = 'no host of this name has a key'
    FORGED = 'its signature fits no key of the host'
    REPLAYED = 'it, or a later one, was seen before'
    OLD_BOOT = 'it is of an earlier boot of the host'
    CLOCK = 'its boot is new and its clock is over 60 s off'
    STALE = 'the host has sent beats long after it'


@dataclasses.dataclass(frozen=True, slots=True)
class Beat:
    """One sign of life of one host on one network.

    :ivar boot_id: the kernel's random id of this boot
    :ivar sequence: grows with each message of this boot, over restarts of
        the agent too
    :ivar sent_at: the host's wall clock, seconds since 1970; it may jump
    :ivar uptime: the host's CLOCK_BOOTTIME in seconds
    :ivar planned: the agent is being stopped on purpose
    """

    host: str
    boot_id: str
    sequence: int
    sent_at: float
    uptime: float
    network: str
    planned: bool = False


def wall(clock: clocks.Clock) -> float:
    """The wall clock as messages carry it: seconds since 1970."""
    return (clock.now() - _EPOCH).total_seconds()


def moment(seconds: float) -> datetime.datetime | None:
    """The naive UTC that a wall clock in a message means; None: nonsense."""
    try:
        return _EPOCH + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return None


def sign(kind: bytes, body: bytes, key: bytes) -> bytes:
    """HMAC-SHA256; the kind keeps a beat from passing as a report."""
    return hmac.digest(key, kind + b'\0' + body, hashlib.sha256)


def signed(
    kind: bytes, body: bytes, mac: bytes, keys: Sequence[bytes]
) -> bool:
    """Whether one of the keys made the signature."""
    return any(hmac.compare_digest(mac, sign(kind, body, key)) for key in keys)


def pack(beat: Beat, key: bytes) -> bytes:
    """The datagram of a beat."""
    body = json.dumps(
        [
            beat.host,
            beat.boot_id,
            beat.sequence,
            beat.sent_at,
            beat.uptime,
            beat.network,
            beat.planned,
        ],
        separators=(',', ':'),
    ).encode()
    datagram = MAGIC + sign(b'beat', body, key) + body
    if len(datagram) > MAX_BYTES:
        raise exception.Invalid(
            'host', f'a beat takes {len(datagram)} bytes, {MAX_BYTES} at most'
        )
    return datagram


def unpack(datagram: bytes, keys: Keys) -> Beat:
    """The beat in a datagram, once its signature has been checked.

    :raises MessageRefused: it is garbage, foreign or forged
    """
    beat = _read(datagram)
    known = keys(beat.host)
    if not known:
        raise exception.MessageRefused(beat.host, Refusal.UNKNOWN_HOST)
    if not is_signed(datagram, known):
        raise exception.MessageRefused(beat.host, Refusal.FORGED)
    return beat


def is_signed(datagram: bytes, keys: Sequence[bytes]) -> bool:
    """Whether one of the keys made the signature of a beat."""
    mac, body = datagram[len(MAGIC) : _BODY], datagram[_BODY:]
    return signed(b'beat', body, mac, keys)


def _read(datagram: bytes) -> Beat:
    if not (_BODY < len(datagram) <= MAX_BYTES):
        raise exception.MessageRefused('', Refusal.UNREADABLE)
    if not datagram.startswith(MAGIC):
        raise exception.MessageRefused('', Refusal.UNREADABLE)
    try:
        values = json.loads(datagram[_BODY:])
    except (ValueError, RecursionError):
        raise exception.MessageRefused('', Refusal.UNREADABLE) from None
    if not _sound(values):
        raise exception.MessageRefused('', Refusal.UNREADABLE)
    return Beat(*values)


def _sound(values: object) -> bool:
    if not isinstance(values, list) or len(values) != _FIELDS:
        return False
    host, boot_id, sequence, sent_at, uptime, network, planned = values
    return (
        all(
            type(text) is str and len(text) <= NAME_CHARACTERS
            for text in (host, boot_id, network)
        )
        and bool(host and boot_id)
        and type(sequence) is int
        and 0 <= sequence < 2**63
        and all(
            type(number) is float and math.isfinite(number) and number >= 0
            for number in (sent_at, uptime)
        )
        and uptime >= 0
        and type(planned) is bool
    )


class Replay:
    """Keeps one host's messages from being played back.

    Within a boot only the sequence counts, so that a wall clock that
    jumps does not silence the host. A boot that is new here has no
    sequence to compare with: its clock has to be right, and a boot that
    was left never comes back.
    """

    def __init__(self) -> None:
        self._boot_id = ''
        self._left: collections.deque[str] = collections.deque(maxlen=16)
        self._newest: dict[str, int] = {}

    def accept(
        self,
        host: str,
        boot_id: str,
        sequence: int,
        sent_at: float,
        now: float,
        channel: str = '',
    ) -> bool:
        """Take the message; whether its wall clock is off is the answer.

        :param now: the wall clock here, seconds since 1970
        :param channel: what keeps its order on the way, a network
        :raises MessageRefused: it is old
        """
        off = abs(sent_at - now) > CLOCK_SECONDS
        if boot_id != self._boot_id:
            if boot_id in self._left:
                raise exception.MessageRefused(host, Refusal.OLD_BOOT)
            if off:
                raise exception.MessageRefused(host, Refusal.CLOCK)
            if self._boot_id:
                self._left.append(self._boot_id)
            self._boot_id = boot_id
            self._newest = {}
        if channel not in self._newest and len(self._newest) >= MAX_CHANNELS:
            raise exception.MessageRefused(host, Refusal.UNREADABLE)
        if sequence <= self._newest.get(channel, -1):
            raise exception.MessageRefused(host, Refusal.REPLAYED)
        self._newest[channel] = sequence
        return off
