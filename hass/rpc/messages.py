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

from collections.abc import Sequence
import dataclasses
import enum
import json
import math
import types
import typing
from typing import Any, ClassVar, Protocol, Self, TypeVar

from hass import beats
from hass import exception
from hass import faults

VERSION = '1.3'
UNDERSTOOD = frozenset({'1.0', '1.1', '1.2', '1.3'})
"""1.1 knows side paths beside layers, 1.2 events of instances, 1.3 looks at
them and orders; an older agent names none."""
LEAST_VERSION = '1.2'
"""What says nothing that is newer is sent as this: so an agent may be one
version ahead of the engines. What does is kept back while they refuse it."""
NEW_IN_1_3 = {'since': '1.3'}
NEW_INCIDENTS = frozenset(
    {faults.Incident.AGENT_SILENT, faults.Incident.NETWORK_LOST}
)
"""Words that came with 1.3: an older engine refuses what they are in."""
TOO_NEW = 'envelope.version'
LISTED_SECONDS = 5.0
"""The domains in a report were listed at most so long before it was sent."""
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
    """What happened to an instance, ``age`` seconds before sending.

    :ivar id: a UUID: what comes twice is one event
    :ivar instance: the UUID that Nova and libvirt know it by
    """

    id: str
    instance: str
    incident: faults.Incident
    age: float
    detail: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class InstanceLook:
    """What a detector saw of an instance, ``age`` seconds before sending.

    :ivar layer: instance, guest_os or guest_network
    """

    instance: str
    detector: str
    layer: faults.Layer
    verdict: faults.Verdict
    age: float
    detail: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What an engine wants done on a host.

    :ivar id: a UUID: what comes twice is one order
    :ivar kind: see hass/agent/orders.py; an agent refuses what it does not
        know, and says so
    :ivar subject: what it is to be done to
    :ivar seconds: after them it must not be begun any more
    """

    id: str
    kind: str
    subject: str
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class OrderResult:
    """What became of an order.

    :ivar id: of the order
    :ivar done: it was carried out, which does not say that it helped
    """

    id: str
    done: bool
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
    :ivar domains: UUIDs of all guests defined here, at most LISTED_SECONDS
        old; None: it cannot see
    :ivar system_uuid: the SMBIOS UUID read in band; None: it cannot see
    :ivar resume_guests: nova.conf's resume_guests_state_on_host_boot
    :ivar watchdog: off, feeding, or why the watchdog is not fed
    :ivar health: each loop of the agent to 'ok', 'late', or what ails it
    :ivar guests: looks at instances that are news, now and then all of them
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
    guests: list[InstanceLook] = dataclasses.field(
        default_factory=list, metadata=NEW_IN_1_3
    )
    results: list[OrderResult] = dataclasses.field(
        default_factory=list, metadata=NEW_IN_1_3
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Orders(Message):
    """An engine's orders, in its answer to a report.

    It begins as that report does, and is signed with the key that the
    report was: so it answers this report alone and cannot be played back.
    """

    kind = b'orders'

    orders: list[Order] = dataclasses.field(metadata=NEW_IN_1_3)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye(Message):
    """The agent is being stopped on purpose."""

    kind = b'goodbye'

    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alive(Message):
    """A sign of life over the bus, and nothing else: a beat's companion.

    It is sent only to engines whose answer to a report asked for it.
    """

    kind = b'alive'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest(Message):
    """May the host's compute services start?

    :ivar forced: root has opened the gate without waiting for the answer
    """

    kind = b'gate'

    forced: bool = False


def seal(message: Message, key: bytes) -> Envelope:
    """Sign a message for the wire."""
    values, version = message.to_dict(), LEAST_VERSION
    for field in dataclasses.fields(message):
        since = field.metadata.get('since')
        if since and values[field.name]:
            version = since
        elif since:
            del values[field.name]
    if isinstance(message, Report) and any(map(is_news, message.events)):
        version = VERSION
    body = json.dumps(values, separators=(',', ':'))
    mac = beats.sign(message.kind, body.encode(), key)
    return {'version': version, 'body': body, 'mac': mac.hex()}


class _Event(Protocol):
    @property
    def incident(self) -> faults.Incident: ...


def is_news(event: _Event) -> bool:
    """Whether only the newest version has a word for it."""
    return event.incident in NEW_INCIDENTS


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


def is_too_new(error: exception.HassError) -> bool:
    """Whether an engine refused a message for its version."""
    return isinstance(
        error, exception.MessageRefused
    ) and error.reason.startswith(TOO_NEW)


def signer(
    kind: type[Message], envelope: Envelope, keys: Sequence[bytes]
) -> bytes | None:
    """Which of the keys has signed the message."""
    body, mac = _open(envelope)
    return next(
        (key for key in keys if beats.signed(kind.kind, body, mac, [key])),
        None,
    )


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
            f'{TOO_NEW}: one of {", ".join(sorted(UNDERSTOOD))} is '
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
