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

"""Questions that engines ask agents by datagram, and their answers.

On the wire: the four bytes ``HA1`` and newline, 32 bytes of HMAC-SHA256,
then a JSON list: the kind, then the fields in their order. Question and
answer are signed with the key of the host that answers; the kind is signed
too, so that no question passes as an answer, and none of them as a beat.
"""

from collections.abc import Callable, Mapping
import dataclasses
import ipaddress
import json
import secrets

from hass import beats
from hass import exception

MAGIC = b'HA1\n'
MAX_BYTES = 1024
MAX_ADDRESSES = 8
NONCE_CHARACTERS = 32
_BODY = len(MAGIC) + beats.MAC_BYTES


@dataclasses.dataclass(frozen=True, slots=True)
class Poke:
    """Engine to agent: beat now, on the network that this came in on.

    :ivar boot_id: of the boot that is meant, '' for any
    """

    host: str
    boot_id: str
    nonce: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """Engine to agent: which of these addresses of another host answer you?

    :ivar host: who is asked
    :ivar boot_id: of the boot that is meant, '' for any
    :ivar addresses: IP addresses, at most eight
    """

    host: str
    boot_id: str
    nonce: str
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """Agent to engine: whether each address of a Reach answered.

    :ivar host: who was asked
    :ivar nonce: of the Reach
    :ivar answers: in the order of the addresses
    """

    host: str
    boot_id: str
    nonce: str
    answers: tuple[bool, ...]


Ask = Poke | Reach | Reached
_KINDS: Mapping[type[Ask], str] = {
    Poke: 'poke',
    Reach: 'reach',
    Reached: 'reached',
}


def make_nonce() -> str:
    """What tells one question from every other."""
    return secrets.token_hex(NONCE_CHARACTERS // 2)


def pack(ask: Ask, key: bytes) -> bytes:
    """The datagram of a question or an answer.

    :raises Invalid: its names are too long for a datagram
    """
    kind = _KINDS[type(ask)]
    fields = [getattr(ask, one.name) for one in dataclasses.fields(ask)]
    body = json.dumps([kind, *fields], separators=(',', ':')).encode()
    datagram = MAGIC + beats.sign(kind.encode(), body, key) + body
    if len(datagram) > MAX_BYTES:
        raise exception.Invalid(
            'host', f'{kind} takes {len(datagram)} bytes, {MAX_BYTES} at most'
        )
    return datagram


def unpack(datagram: bytes, keys: beats.Keys) -> Ask:
    """What is in a datagram, once its signature has been checked.

    :raises MessageRefused: it is garbage, foreign or forged
    """
    ask = _read(datagram)
    known = keys(ask.host)
    if not known:
        raise exception.MessageRefused(ask.host, beats.Refusal.UNKNOWN_HOST)
    kind = _KINDS[type(ask)].encode()
    mac, body = datagram[len(MAGIC) : _BODY], datagram[_BODY:]
    if not beats.signed(kind, body, mac, known):
        raise exception.MessageRefused(ask.host, beats.Refusal.FORGED)
    return ask


def _read(datagram: bytes) -> Ask:
    refused = exception.MessageRefused('', beats.Refusal.UNREADABLE)
    if not (_BODY < len(datagram) <= MAX_BYTES):
        raise refused
    if not datagram.startswith(MAGIC):
        raise refused
    try:
        values = json.loads(datagram[_BODY:])
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(values, list) or len(values) < 4:
        raise refused
    kind, host, boot_id, nonce, *rest = values
    if not all(type(text) is str for text in (kind, host, boot_id, nonce)):
        raise refused
    if not host or len(nonce) != NONCE_CHARACTERS:
        raise refused
    if kind == 'poke' and not rest:
        return Poke(host, boot_id, nonce)
    if kind == 'reach' and _are(_is_address, rest):
        return Reach(host, boot_id, nonce, tuple(rest[0]))
    if kind == 'reached' and _are(lambda one: type(one) is bool, rest):
        return Reached(host, boot_id, nonce, tuple(rest[0]))
    raise refused


def _are(sound: Callable[[object], bool], rest: list[object]) -> bool:
    """Whether the only value left is a short list of sound things."""
    if len(rest) != 1 or not isinstance(rest[0], list):
        return False
    return 0 < len(rest[0]) <= MAX_ADDRESSES and all(map(sound, rest[0]))


def _is_address(text: object) -> bool:
    try:
        return type(text) is str and bool(ipaddress.ip_address(text))
    except ValueError:
        return False
