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

"""The IPMI commands that a simulated BMC knows.

A handler takes the data of a request and returns the completion code and
the data of the answer. Numbers in brackets are sections of IPMI 2.0.
"""

import collections
from collections.abc import Callable
import struct

from hass import clock as clock_
from hass.simulation import chassis as chassis_
from hass.simulation import rmcp
from hass.simulation import watchdog as watchdog_

CHASSIS, SENSOR, APP, STORAGE, TRANSPORT = 0x00, 0x04, 0x06, 0x0A, 0x0C
OK = b'\x00'
INVALID_COMMAND = b'\xc1'
SHORT_OR_LONG = b'\xc7'
NOT_PRESENT = b'\xcb'
INVALID_FIELD = b'\xcc'
NOT_PRIVILEGED = b'\xd4'
NO_PARAMETER = b'\x80'
MAC = 5
SYSTEM_INFO = (2, 3, 4)
"""Names of the system, of the first and of the running operating system."""
LAST = 0xFFFF
RESERVATION = b'\x01\x00'

OPERATOR = 3
BEFORE_SESSION = {(APP, 0x37), (APP, 0x38), (APP, 0x54)}
FOR_OPERATORS = {
    (CHASSIS, 0x02),
    (CHASSIS, 0x06),
    (APP, 0x24),
    (APP, 0x22),
    (TRANSPORT, 0x02),
}

Handler = Callable[[bytes], bytes]


class Commands:
    """One BMC's answers.

    :ivar scripted: whole answers, the completion code first, in place of
        the true ones, by (netfn, command): for what a broken BMC says.
        None: it does what is asked and the answer gets lost
    :ivar asked: how often each (netfn, command) came in
    """

    def __init__(self, clock: clock_.Clock, chassis: chassis_.Chassis) -> None:
        self.watchdog = watchdog_.Watchdog(clock, chassis)
        self.scripted: dict[tuple[int, int], bytes | None] = {}
        self.asked: collections.Counter[tuple[int, int]] = (
            collections.Counter()
        )
        self.closed: int | None = None
        self._chassis = chassis
        self._by_number = {one.number: one for one in chassis.sensors.values()}
        self._handlers: dict[tuple[int, int], Handler] = {
            (CHASSIS, 0x00): lambda data: OK + bytes((0, 32, 32, 32, 32)),
            (CHASSIS, 0x01): self._chassis_status,
            (CHASSIS, 0x02): self._chassis_control,
            (CHASSIS, 0x06): self._power_restore_policy,
            (SENSOR, 0x27): self._thresholds,
            (SENSOR, 0x2D): self._reading,
            (APP, 0x01): self._device_id,
            (APP, 0x22): self.watchdog.reset,
            (APP, 0x24): self.watchdog.set,
            (APP, 0x25): self.watchdog.get,
            (APP, 0x37): lambda data: OK + rmcp.wire_guid(chassis.guid),
            (APP, 0x38): self._channel_authentication,
            (APP, 0x3C): self._close_session,
            (APP, 0x54): self._cipher_suites,
            (APP, 0x58): self._set_system_info,
            (APP, 0x59): self._get_system_info,
            (STORAGE, 0x20): self._repository_info,
            (STORAGE, 0x22): lambda data: OK + RESERVATION,
            (STORAGE, 0x23): self._get_record,
            (STORAGE, 0x40): self._log_info,
            (STORAGE, 0x42): lambda data: OK + RESERVATION,
            (STORAGE, 0x43): self._get_event,
            (STORAGE, 0x44): self._add_event,
            (STORAGE, 0x47): self._clear_log,
            (STORAGE, 0x48): self._time,
            (TRANSPORT, 0x02): self._lan_parameter,
        }

    def in_band(self, netfn: int, command: int, *data: int) -> bytes:
        """What the system of the host is answered through its driver."""
        key = netfn, command
        self.asked[key] += 1
        scripted = self.scripted.get(key)
        if scripted is not None:
            return scripted
        handler = self._handlers.get(key)
        return handler(bytes(data)) if handler else INVALID_COMMAND

    def execute(self, request: rmcp.Request) -> bytes | None:
        """The completion code and the data of the answer, or silence."""
        key = request.netfn, request.command
        self.asked[key] += 1
        if key not in self.scripted:
            return self._execute(key, request)
        if self.scripted[key] is None:
            self._execute(key, request)
        return self.scripted[key]

    def _execute(self, key: tuple[int, int], request: rmcp.Request) -> bytes:
        session = request.session
        if session is None and key not in BEFORE_SESSION:
            return NOT_PRIVILEGED
        if session and key in FOR_OPERATORS and session.privilege < OPERATOR:
            return NOT_PRIVILEGED
        if session and key == (APP, 0x3B):
            return self._privilege(session, request.data)
        handler = self._handlers.get(key)
        if handler is None:
            return INVALID_COMMAND
        try:
            return handler(request.data)
        except (struct.error, IndexError):
            return SHORT_OR_LONG

    def _privilege(self, session: rmcp.Session, data: bytes) -> bytes:
        """Set Session Privilege Level (22.18), no higher than asked for."""
        wanted = data[0] & 0x0F
        if wanted > session.role & 0x0F:
            return b'\x81'
        session.privilege = wanted or session.privilege
        return OK + bytes((session.privilege,))

    def _set_system_info(self, data: bytes) -> bytes:
        """Set System Info Parameters (22.14a)."""
        parameter, number = data[0], data[1]
        if parameter not in SYSTEM_INFO:
            return NO_PARAMETER
        self._chassis.system_info[parameter, number] = data[2:]
        return OK

    def _get_system_info(self, data: bytes) -> bytes:
        """Get System Info Parameters (22.14b)."""
        parameter, number = data[1], data[2]
        if parameter not in SYSTEM_INFO:
            return NO_PARAMETER
        block = self._chassis.system_info.get((parameter, number), b'')
        return OK + bytes((0x11, number)) + block.ljust(16, b'\0')

    def _lan_parameter(self, data: bytes) -> bytes:
        """Get LAN Configuration Parameters (23.2)."""
        if data[1] != MAC:
            return NO_PARAMETER
        return OK + bytes((0x11,)) + self._chassis.mac

    def _chassis_status(self, data: bytes) -> bytes:
        """Get Chassis Status (28.2)."""
        policy = chassis_.POLICIES.index(self._chassis.policy)
        return OK + bytes((self._chassis.reads_on | policy << 5, 0, 0, 0))

    def _chassis_control(self, data: bytes) -> bytes:
        """Chassis Control (28.3)."""
        act = {
            0: self._chassis.power_off,
            1: self._chassis.power_on,
            2: self._chassis.cycle,
            3: self._chassis.reset,
            5: self._chassis.power_off,
        }.get(data[0] & 0x0F)
        if act is None:
            return INVALID_FIELD
        act()
        return OK

    def _power_restore_policy(self, data: bytes) -> bytes:
        """Set Power Restore Policy (28.8); 3 changes nothing."""
        if data[0] & 0x07 < 3:
            self._chassis.policy = chassis_.POLICIES[data[0] & 0x07]
        return OK + b'\x07'

    def _thresholds(self, data: bytes) -> bytes:
        sensor = self._by_number.get(data[0])
        return OK + sensor.thresholds() if sensor else NOT_PRESENT

    def _reading(self, data: bytes) -> bytes:
        sensor = self._by_number.get(data[0])
        if sensor is None:
            return NOT_PRESENT
        reading: bytes = sensor.reading(self._chassis.is_on)
        return OK + reading

    def _device_id(self, data: bytes) -> bytes:
        """Get Device ID (20.1): sensors, a repository, a log, chassis."""
        fixed = (0x20, 1, 1, 0x00, 0x02, 0x87, 0, 0, 0, 1, 0, 0, 0, 0, 0)
        return OK + bytes(fixed)

    def _channel_authentication(self, data: bytes) -> bytes:
        """Get Channel Authentication Capabilities (22.13): only RMCP+."""
        return OK + bytes((1, 0x80, 0x04, 0x02, 0, 0, 0, 0))

    def _close_session(self, data: bytes) -> bytes:
        """Close Session (22.19); the server forgets it after answering."""
        (self.closed,) = struct.unpack_from('<I', data)
        return OK

    def _cipher_suites(self, data: bytes) -> bytes:
        """Get Channel Cipher Suites (22.15), 16 bytes at a time."""
        records = b''.join(
            bytes((0xC0, suite.number, suite.authentication))
            + bytes((0x40 | suite.integrity, 0x80 | rmcp.AES_CBC_128))
            for suite in rmcp.SUITES
        )
        start = (data[2] & 0x3F) * 16
        return OK + b'\x01' + records[start : start + 16]

    def _repository_info(self, data: bytes) -> bytes:
        """Get SDR Repository Info (33.9)."""
        return OK + struct.pack(
            '<BHHIIB', 0x51, len(self._by_number), 0, 1, 1, 0x22
        )

    def _get_record(self, data: bytes) -> bytes:
        """Get SDR (33.12)."""
        wanted, offset, size = struct.unpack_from('<2xHBB', data)
        numbers = sorted(self._by_number)
        wanted = numbers[0] if wanted == 0 else wanted
        wanted = numbers[-1] if wanted == LAST else wanted
        if wanted not in self._by_number:
            return NOT_PRESENT
        following = [one for one in numbers if one > wanted]
        record = self._by_number[wanted].record()
        part: bytes = (
            record[offset:] if size == 0xFF else record[offset:][:size]
        )
        after = following[0] if following else LAST
        return OK + struct.pack('<H', after) + part

    def _log_info(self, data: bytes) -> bytes:
        """Get SEL Info (31.2)."""
        count = len(self._chassis.events)
        return OK + struct.pack('<BHHIIB', 0x51, count, LAST, count, 0, 0x02)

    def _get_event(self, data: bytes) -> bytes:
        """Get SEL Entry (31.5)."""
        wanted, offset, size = struct.unpack_from('<2xHBB', data)
        count = len(self._chassis.events)
        wanted = {0: 1, LAST: count}.get(wanted, wanted)
        if not 1 <= wanted <= count:
            return NOT_PRESENT
        record: bytes = self._chassis.events[wanted - 1]
        after = wanted + 1 if wanted < count else LAST
        return OK + struct.pack('<H', after) + record[offset:][:size]

    def _add_event(self, data: bytes) -> bytes:
        """Add SEL Entry (31.6)."""
        if len(data) != 16:
            return SHORT_OR_LONG
        return OK + struct.pack('<H', self._chassis.log_event(data[2:]))

    def _clear_log(self, data: bytes) -> bytes:
        """Clear SEL (31.9)."""
        if data[2:5] != b'CLR':
            return INVALID_FIELD
        if data[5] == 0xAA:
            self._chassis.events.clear()
        return OK + b'\x01'

    def _time(self, data: bytes) -> bytes:
        """Get SEL Time (31.10)."""
        return OK + struct.pack('<I', self._chassis.timestamp())
