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

"""RMCP+ as a BMC speaks it: wire format, handshake, sessions (no socket).

Section numbers are those of the IPMI specification, second generation,
version 2.0, revision 1.1.
"""

from collections.abc import Callable
import dataclasses
import enum
import hmac
import os
import struct
import uuid

from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers import modes

from hass import clock as clock_

HEADER = b'\x06\x00\xff\x07'
IDLE_SECONDS = 60.0
MAX_SESSIONS = 32
ADMINISTRATOR = 4
RMCPP = 6
ENCRYPTED, AUTHENTICATED = 0x80, 0x40


class Payload(enum.IntEnum):
    """Payload types (13.27.3)."""

    IPMI = 0x00
    OPEN_REQUEST = 0x10
    OPEN_RESPONSE = 0x11
    RAKP1 = 0x12
    RAKP2 = 0x13
    RAKP3 = 0x14
    RAKP4 = 0x15


class Status(enum.IntEnum):
    """RMCP+ and RAKP status codes (13.24)."""

    OK = 0x00
    NO_RESOURCES = 0x01
    INVALID_SESSION = 0x02
    INVALID_AUTH_ALGORITHM = 0x04
    INVALID_INTEGRITY_ALGORITHM = 0x05
    INVALID_ROLE = 0x09
    UNAUTHORIZED_NAME = 0x0D
    INVALID_INTEGRITY_VALUE = 0x0F
    INVALID_CONFIDENTIALITY_ALGORITHM = 0x10


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """Numbers of one cipher suite's algorithms, and its hash (22.15.2)."""

    number: int
    authentication: int
    integrity: int
    digest: str
    integrity_bytes: int

    def mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self.digest).digest()


SUITES = (Suite(3, 1, 1, 'sha1', 12), Suite(17, 3, 4, 'sha256', 16))
AES_CBC_128 = 1


@dataclasses.dataclass(slots=True)
class Session:
    """One session, from the open request on."""

    suite: Suite
    console_id: int
    id: int
    last_used: float
    console_random: bytes = b''
    random: bytes = b''
    role: int = 0
    integrity_key: bytes = b''
    aes_key: bytes = b''
    privilege: int = 2
    sent: int = 0
    received: int = 0
    established: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One IPMI message out of its frame (13.8).

    :ivar session: None for what is asked outside of a session
    """

    netfn: int
    command: int
    data: bytes
    session: Session | None


Execute = Callable[[Request], bytes | None]


class Sessions:
    """Turns a datagram into the answer of a BMC, or None for silence.

    :param guid: 16 bytes as they stand on the wire
    :param execute: returns the completion code and the data, None for
        silence
    """

    def __init__(
        self,
        clock: clock_.Clock,
        username: str,
        password: str,
        guid: bytes,
        execute: Execute,
    ) -> None:
        self._clock = clock
        self._username = username.encode()
        self._key = password.encode()
        self._guid = guid
        self._execute = execute
        self._sessions: dict[int, Session] = {}
        self._handshake: dict[int, Callable[[bytes], bytes]] = {
            Payload.OPEN_REQUEST: self._open,
            Payload.RAKP1: self._rakp1,
            Payload.RAKP3: self._rakp3,
        }

    def answer(self, datagram: bytes) -> bytes | None:
        """What does not hold together gets no answer, as from a BMC."""
        if len(datagram) < 14 or datagram[:4] != HEADER:
            return None
        try:
            if datagram[4] == RMCPP:
                return self._answer_v20(datagram)
            return self._answer_v15(datagram)
        except (struct.error, ValueError, IndexError):
            return None

    def close(self, session_id: int) -> bool:
        """Forget a session; False when there is none of this number."""
        return self._sessions.pop(session_id, None) is not None

    def _answer_v15(self, datagram: bytes) -> bytes | None:
        """IPMI 1.5 framing, used here only before a session (13.6)."""
        kind, sequence, session_id, length = struct.unpack_from(
            '<BIIB', datagram, 4
        )
        if kind or session_id:
            return None
        reply = self._run(datagram[14 : 14 + length], None)
        if reply is None:
            return None
        head = struct.pack('<BIIB', 0, sequence, 0, len(reply))
        return HEADER + head + reply

    def _answer_v20(self, datagram: bytes) -> bytes | None:
        kind, session_id, sequence, length = struct.unpack_from(
            '<BIIH', datagram, 5
        )
        payload = datagram[16 : 16 + length]
        if kind in self._handshake:
            reply = self._handshake[kind](payload)
            return frame(kind + 1, reply)
        if kind == Payload.IPMI and not session_id:
            bare = self._run(payload, None)
            return None if bare is None else frame(Payload.IPMI, bare)
        session = self._sessions.get(session_id)
        if kind != ENCRYPTED | AUTHENTICATED or session is None:
            return None
        if not session.established or sequence <= session.received:
            return None
        opened = unseal(session, datagram, payload)
        if opened is None:
            return None
        session.received = sequence
        session.last_used = self._clock.monotonic()
        message = self._run(opened, session)
        return None if message is None else seal(session, message)

    def _run(self, message: bytes, session: Session | None) -> bytes | None:
        """Unwrap one IPMI message, execute it, wrap the answer (13.8)."""
        if len(message) < 7 or sum(message[:3]) & 0xFF:
            return None
        if sum(message[3:]) & 0xFF:
            return None
        responder, netfn, _, requester, sequence, command = message[:6]
        answer = self._execute(
            Request(netfn >> 2, command, message[6:-1], session)
        )
        if answer is None:
            return None
        head = bytes((requester, (netfn & 0xFC | sequence & 3) + 4))
        body = bytes((responder, sequence & 0xFC | netfn & 3, command))
        body += answer
        return head + checksum(head) + body + checksum(body)

    def _open(self, data: bytes) -> bytes:
        """Open session request to response (13.17, 13.18)."""
        tag, role, console_id = struct.unpack_from('<BB2xI', data)
        self._drop_idle()

        def refuse(status: Status) -> bytes:
            return struct.pack('<BB2xI', tag, status, console_id)

        wanted = data[12], data[20], data[28]
        fits = [one for one in SUITES if one.authentication == wanted[0]]
        if not fits:
            return refuse(Status.INVALID_AUTH_ALGORITHM)
        suite = fits[0]
        if suite.integrity != wanted[1]:
            return refuse(Status.INVALID_INTEGRITY_ALGORITHM)
        if wanted[2] != AES_CBC_128:
            return refuse(Status.INVALID_CONFIDENTIALITY_ALGORITHM)
        if len(self._sessions) >= MAX_SESSIONS:
            return refuse(Status.NO_RESOURCES)
        session = Session(
            suite, console_id, self._free_id(), self._clock.monotonic()
        )
        self._sessions[session.id] = session
        head = struct.pack(
            '<BBBxII', tag, 0, role or ADMINISTRATOR, console_id, session.id
        )
        return head + b''.join(
            struct.pack('<B2xBB3x', kind, 8, number)
            for kind, number in enumerate(wanted)
        )

    def _rakp1(self, data: bytes) -> bytes:
        """RAKP 1 to RAKP 2 (13.20, 13.21)."""
        tag, session_id = struct.unpack_from('<B3xI', data)
        session = self._sessions.get(session_id)
        if session is None:
            return struct.pack('<BB2xI', tag, Status.INVALID_SESSION, 0)
        session.console_random = data[8:24]
        session.role = data[24]
        name = data[28 : 28 + data[27]]
        status = Status.OK
        if name != self._username:
            status = Status.UNAUTHORIZED_NAME
        elif session.role & 0x0F not in range(1, ADMINISTRATOR + 1):
            status = Status.INVALID_ROLE
        if status is not Status.OK:
            self.close(session.id)
            return struct.pack('<BB2xI', tag, status, session.console_id)
        session.random = os.urandom(16)
        session.established = False
        proved = (
            struct.pack('<II', session.console_id, session.id)
            + session.console_random
            + session.random
            + self._guid
            + self._who(session)
        )
        return (
            struct.pack('<BB2xI', tag, Status.OK, session.console_id)
            + session.random
            + self._guid
            + session.suite.mac(self._key, proved)
        )

    def _rakp3(self, data: bytes) -> bytes:
        """RAKP 3 to RAKP 4, and the keys of the session (13.22, 13.31)."""
        tag, status, session_id = struct.unpack_from('<BB2xI', data)
        session = self._sessions.get(session_id)
        if session is None or not session.random or session.established:
            return struct.pack('<BB2xI', tag, Status.INVALID_SESSION, 0)
        mac = session.suite.mac
        who = self._who(session)
        proved = session.random + struct.pack('<I', session.console_id) + who
        if status or not hmac.compare_digest(data[8:], mac(self._key, proved)):
            self.close(session.id)
            return struct.pack(
                '<BB2xI',
                tag,
                Status.INVALID_INTEGRITY_VALUE,
                session.console_id,
            )
        key = mac(self._key, session.console_random + session.random + who)
        session.integrity_key = mac(key, b'\x01' * 20)
        session.aes_key = mac(key, b'\x02' * 20)[:16]
        session.established = True
        check = mac(
            key,
            session.console_random
            + struct.pack('<I', session.id)
            + self._guid,
        )
        head = struct.pack('<BB2xI', tag, Status.OK, session.console_id)
        return head + check[: session.suite.integrity_bytes]

    def _who(self, session: Session) -> bytes:
        return bytes((session.role, len(self._username))) + self._username

    def _free_id(self) -> int:
        while True:
            number = int.from_bytes(os.urandom(4)) | 1
            if number not in self._sessions:
                return number

    def _drop_idle(self) -> None:
        oldest = self._clock.monotonic() - IDLE_SECONDS
        for session in list(self._sessions.values()):
            if session.last_used < oldest:
                self.close(session.id)


def checksum(data: bytes) -> bytes:
    """Two's complement over the data, one byte (13.8)."""
    return bytes((-sum(data) & 0xFF,))


def frame(kind: int, payload: bytes) -> bytes:
    """A packet outside of a session (13.6)."""
    head = struct.pack('<BBIIH', RMCPP, kind, 0, 0, len(payload))
    return HEADER + head + payload


def seal(session: Session, message: bytes) -> bytes:
    """Encrypt and authenticate one answer (13.28, 13.29)."""
    session.sent += 1
    padding = -(len(message) + 1) % 16
    plain = message + bytes(range(1, padding + 1)) + bytes((padding,))
    vector = os.urandom(16)
    encryptor = _cipher(session, vector).encryptor()
    payload = vector + encryptor.update(plain) + encryptor.finalize()
    kind = Payload.IPMI | ENCRYPTED | AUTHENTICATED
    signed = struct.pack(
        '<BBIIH',
        RMCPP,
        kind,
        session.console_id,
        session.sent,
        len(payload),
    )
    signed += payload
    filler = -(len(signed) + 2) % 4
    signed += b'\xff' * filler + bytes((filler, 7))
    code = session.suite.mac(session.integrity_key, signed)
    return HEADER + signed + code[: session.suite.integrity_bytes]


def unseal(session: Session, datagram: bytes, payload: bytes) -> bytes | None:
    """The plain message of a packet, None when it is not to be trusted."""
    size = session.suite.integrity_bytes
    code = session.suite.mac(session.integrity_key, datagram[4:-size])
    if not hmac.compare_digest(code[:size], datagram[-size:]):
        return None
    decryptor = _cipher(session, payload[:16]).decryptor()
    plain = decryptor.update(payload[16:]) + decryptor.finalize()
    return plain[: -plain[-1] - 1]


def wire_guid(guid: uuid.UUID) -> bytes:
    """The bytes as SMBIOS orders them, which most BMCs send (20.8)."""
    return guid.bytes_le


def _cipher(session: Session, vector: bytes) -> ciphers.Cipher[modes.CBC]:
    return ciphers.Cipher(algorithms.AES(session.aes_key), modes.CBC(vector))
