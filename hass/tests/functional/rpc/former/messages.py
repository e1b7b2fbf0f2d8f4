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

"""What an agent says over RPC: strict to read, signed as a whole.

A message travels as ``{"version", "body", "mac"}``: the body is the JSON
text itself, so that the signature covers exactly what was written.
"""

import dataclasses
import enum
import json
import math
import types
import typing
from typing import Any, ClassVar, Self, TypeVar

from hass import beats
from hass import exception
from hass.tests.functional.rpc.former import faults

VERSION = '1.2'
UNDERSTOOD = frozenset({'1.0', '1.1', '1.2'})
"""1.1 knows side paths beside layers, 1.2 events of instances; an older
agent names none."""
MAX_BYTES = 256 * 1024
MAX_ITEMS = 4096
MAX_CHARACTERS = 255
_LONG = frozenset({'envelope.body'})

Envelope = dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What a detector of the agent saw, ``age`` seconds before sending."""

    layer: faults.Layer | faults.SidePath
    detector: str
    verdict: faults.Verdict
    age: float
    network: str = ''
    detail: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Allegation:
    """A fault that the agent alleges, ``age`` seconds before sending."""

    layer: faults.Layer
    age: float
    payload: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class InstanceEvent:
    """What befell an instance, ``age`` seconds before sending.

    :ivar id: a UUID: what comes twice is one event
    :ivar instance: the UUID that Nova and libvirt know it by
    """

    id: str
    instance: str
    incident: faults.Incident
    age: float
    detail: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What every message says; the fields are those of a beat."""

    kind: ClassVar[bytes]

    host: str
    boot_id: str
    sequence: int
    sent_at: float
    uptime: float

    def to_dict(self) -> dict[str, Any]:
        """JSON; enums become their values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """The message, when it is exactly what it should be.

        :raises MessageRefused: naming the field that is not
        """
        try:
            read: Self = _record(cls, values, cls.kind.decode())
        except _Misfit as misfit:
            raise exception.MessageRefused('', str(misfit)) from None
        return read


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report(Message):
    """The full report of an agent.

    :ivar addresses: network name to the host's address there
    :ivar domains: UUIDs of all guests defined here; None: it cannot see
    :ivar system_uuid: the SMBIOS UUID read in band; None: it cannot see
    :ivar resume_guests: nova.conf's resume_guests_state_on_host_boot
    :ivar watchdog: off, feeding, or why the watchdog is not fed
    :ivar health: each loop of the agent to 'ok', 'late', or what ails it
    """

    kind = b'report'

    addresses: dict[str, str]
    domains: list[str] | None
    system_uuid: str | None
    resume_guests: bool | None
    watchdog: str
    health: dict[str, str]
    observations: list[Sight]
    faults: list[Allegation]
    events: list[InstanceEvent] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye(Message):
    """The agent is being stopped on purpose."""

    kind = b'goodbye'

    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest(Message):
    """May the host's compute services start?

    :ivar forced: root has opened the gate without waiting for the answer
    """

    kind = b'gate'

    forced: bool = False


def seal(message: Message, key: bytes) -> Envelope:
    """Sign a message for the wire."""
    body = json.dumps(message.to_dict(), separators=(',', ':'))
    mac = beats.sign(message.kind, body.encode(), key)
    return {'version': VERSION, 'body': body, 'mac': mac.hex()}


M = TypeVar('M', bound=Message)


def unseal(kind: type[M], envelope: object, keys: beats.Keys) -> M:
    """Read what came over the wire and check who signed it.

    :raises MessageRefused: it is garbage, foreign or forged
    """
    body, mac = _open(envelope)
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise exception.MessageRefused('', beats.Refusal.UNREADABLE) from None
    message = kind.from_dict(values)
    known = keys(message.host)
    if not known:
        raise exception.MessageRefused(
            message.host, beats.Refusal.UNKNOWN_HOST
        )
    if not beats.signed(kind.kind, body, mac, known):
        raise exception.MessageRefused(message.host, beats.Refusal.FORGED)
    return message


def _open(envelope: object) -> tuple[bytes, bytes]:
    try:
        parts = _record(_Envelope, envelope, 'envelope')
        body, mac = parts.body.encode(), bytes.fromhex(parts.mac)
    except (_Misfit, ValueError) as error:
        why = str(error) if isinstance(error, _Misfit) else 'envelope: no text'
        raise exception.MessageRefused('', why) from None
    if parts.version not in UNDERSTOOD:
        raise exception.MessageRefused(
            '',
            f'envelope.version: one of {", ".join(sorted(UNDERSTOOD))} is '
            'understood here',
        )
    return body, mac


@dataclasses.dataclass(frozen=True, slots=True)
class _Envelope:
    version: str
    body: str
    mac: str


class _Misfit(Exception):
    """A value that does not fit its field."""


_RecordType = TypeVar('_RecordType')


def _record(kind: type[_RecordType], values: object, name: str) -> _RecordType:
    """Make a dataclass of a dict that has its fields, all and no others."""
    if not isinstance(values, dict):
        raise _Misfit(f'{name}: an object is wanted')
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise _Misfit(f'{name}: unknown field {str(key)[:40]!r}')
    for key, field in fields.items():
        if key not in values and _is_needed(field):
            raise _Misfit(f'{name}.{key}: missing')
    return kind(
        **{
            key: _value(hints[key], value, f'{name}.{key}')
            for key, value in values.items()
        }
    )


def _is_needed(field: 'dataclasses.Field[Any]') -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _value(hint: Any, value: object, name: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        return _either(typing.get_args(hint), value, name)
    if origin in (list, dict):
        return _items(origin, typing.get_args(hint), value, name)
    if dataclasses.is_dataclass(hint):
        return _record(hint, value, name)  # type: ignore[arg-type]
    if issubclass(hint, enum.StrEnum):
        return _choice(hint, value, name)
    return _plain(hint, value, name)


def _either(hints: tuple[Any, ...], value: object, name: str) -> Any:
    """A value or null, or a word of one of several enumerations."""
    if types.NoneType in hints:
        return None if value is None else _value(hints[0], value, name)
    words = {str(word): word for hint in hints for word in hint}
    if not isinstance(value, str) or value not in words:
        raise _Misfit(f'{name}: one of {", ".join(words)} is wanted')
    return words[value]


def _items(
    origin: type, hints: tuple[Any, ...], value: object, name: str
) -> Any:
    if not isinstance(value, origin) or len(value) > MAX_ITEMS:  # type: ignore[arg-type]
        raise _Misfit(
            f'{name}: a {origin.__name__} of {MAX_ITEMS} at most is wanted'
        )
    if isinstance(value, dict):
        return {
            _value(hints[0], key, name): _value(hints[1], each, name)
            for key, each in value.items()
        }
    return [_value(hints[0], each, name) for each in value]  # type: ignore[attr-defined]


def _choice(
    hint: type[enum.StrEnum], value: object, name: str
) -> enum.StrEnum:
    try:
        return hint(value)  # type: ignore[arg-type]
    except ValueError:
        allowed = ', '.join(hint)
        raise _Misfit(f'{name}: one of {allowed} is wanted') from None


def _plain(hint: type, value: object, name: str) -> Any:
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise _Misfit(f'{name}: {hint.__name__} is wanted')
    longest = MAX_BYTES if hint is str and name in _LONG else MAX_CHARACTERS
    if isinstance(value, str) and len(value) > longest:
        raise _Misfit(f'{name}: over {longest} characters')
    if isinstance(value, float) and not math.isfinite(value):
        raise _Misfit(f'{name}: a finite number is wanted')
    if isinstance(value, int) and abs(value) >= 2**63:
        raise _Misfit(f'{name}: out of range')
    return value
