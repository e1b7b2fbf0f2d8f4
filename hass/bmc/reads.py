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

"""What is read from a BMC, as JSON; values.py tells what it means.

Numbers in brackets are sections of IPMI 2.0.
"""

import struct
from typing import Any
import uuid

from pyghmi.ipmi import sdr

from hass.bmc import doors
from hass.bmc import identity as identity_
from hass import clock as clock_

CHASSIS, APP, STORAGE, TRANSPORT = 0x00, 0x06, 0x0A, 0x0C
POLICIES = ('always-off', 'previous', 'always-on', 'unknown')
HEALTH = ((4, 'failed'), (2, 'critical'), (1, 'warning'), (0, 'ok'))
USES = ('unset', 'bios-frb2', 'bios-post', 'os-load', 'os', 'oem')
ACTIONS = ('none', 'reset', 'power-down', 'power-cycle')
TICKS = 10
NOT_PRESENT = 0xCB
NO_SUCH_COMMAND = (0xC1, 0xC2)
"""Invalid command, and invalid for this LUN (table 5-2)."""
BUSY = (0xC0, 0xC3, 0xCE, 0xCF, 0xD5, 0xFF)
"""It may answer later (table 5-2)."""
OS_NAME = 4
"""Of the system that runs now. It is volatile, and no BMC wears out by it."""
BLOCK_BYTES = 16
THIS_CHANNEL, MAC = 0x0E, 5
MAC_BYTES = 6
FIRST, LAST = 0x0000, 0xFFFF
RECORD_BYTES = 16
EVENTS_AT_ONCE = 128
GAP = 16
THRESHOLD, SENSOR_SPECIFIC = 0x01, 0x6F

Repositories = dict[str, dict[Any, Any]]


def status(door: doors.Door) -> int:
    """Current power state, the first byte of Get Chassis Status (28.2)."""
    state = door.read(CHASSIS, 0x01, 3)[0]
    if state & 0x80:
        raise doors.Failure('bad', f'power state {state:02x} is not defined')
    return state


def power(door: doors.Door) -> str:
    """Whether the chassis is on or off (28.2)."""
    return _power(status(door))


def identity(door: doors.Door, clock: clock_.Clock) -> dict[str, Any]:
    """Get System GUID (22.14), then the state of the chassis (28.2).

    The power comes last, and nothing that was answered to an earlier request
    is taken for it: it is no older than ``asked_at``, CLOCK_BOOTTIME.

    One session leads to one BMC, by its key: it is asked once in each for
    its GUID, so that a proof costs one round trip, as a look at power does.
    One whose GUID tells nothing is asked for its MAC address, once too.
    """
    known, session = door.names, door.session_key
    if known is None or known[2] != session:
        guid = _guid(door)
        known = guid, None if identity_.tells(guid) else _mac(door), b''
    asked_at = clock.monotonic()
    state = status(door)
    if door.session_key != session:
        # The two answers may be of two BMCs.
        return identity(door, clock)
    if session is not None:
        door.names = *known[:2], session
    return {
        'asked_at': asked_at,
        'guid': known[0],
        'mac': known[1],
        'power': _power(state),
        'policy': POLICIES[state >> 5 & 3],
    }


def marked(door: doors.Door, clock: clock_.Clock) -> dict[str, Any]:
    """The identity, and the mark that a host has written into its BMC.

    Both are of one session. The mark is None where the BMC knows none.
    """
    while True:
        session = door.session_key
        block = mark_block(door)
        told = identity(door, clock)
        if door.session_key == session:
            return told | {'mark': None if block is None else _text(block)}


def mark_block(door: doors.Door) -> bytes | None:
    """Get System Info Parameters (22.14b): the first block of the OS's name.

    :returns: encoding, length and 14 bytes of text; None: the BMC has none
    """
    code, data = door.ask(APP, 0x59, 0, OS_NAME, 0, 0)
    if code in BUSY:
        raise doors.refused(APP, 0x59, code)
    # Its revision, and the number of the block.
    return None if code else data[2 : 2 + BLOCK_BYTES]


def write_mark_block(door: doors.Door, block: bytes) -> None:
    """Set System Info Parameters (22.14a), of the same block."""
    filled = block.ljust(BLOCK_BYTES, b'\0')[:BLOCK_BYTES]
    code, _ = door.ask(APP, 0x58, OS_NAME, 0, *filled)
    if code:
        raise doors.refused(APP, 0x58, code)


def _text(block: bytes) -> str:
    length = block[1] if len(block) > 1 else 0
    return block[2:][:length].rstrip(b'\0').decode('latin-1')


def _guid(door: doors.Door) -> str | None:
    """What the BMC says that it belongs to; None: it has no such command."""
    code, found = door.ask(APP, 0x37)
    if code in NO_SUCH_COMMAND:
        return None
    if code:
        raise doors.refused(APP, 0x37, code)
    return str(uuid.UUID(bytes=doors.enough(found, 16)[:16]))


def _mac(door: doors.Door) -> str:
    """Get LAN Configuration Parameters (23.2): the MAC address.

    :returns: '': the BMC does not tell it
    """
    code, data = door.ask(TRANSPORT, 0x02, THIS_CHANNEL, MAC, 0, 0)
    if code in BUSY:
        raise doors.refused(TRANSPORT, 0x02, code)
    # Its revision comes first.
    found = data[1 : 1 + MAC_BYTES]
    if code or len(found) < MAC_BYTES or len(set(found)) == 1:
        # All zero, or all ones, is none.
        return ''
    return found.hex(':')


def _power(state: int) -> str:
    return 'on' if state & 1 else 'off'


def watchdog(door: doors.Door) -> dict[str, Any]:
    """Get Watchdog Timer (27.7)."""
    use, action, _, expired, initial, present = struct.unpack(
        '<BBBBHH', door.read(APP, 0x25, 8)[:8]
    )
    running = bool(use & 0x40)
    if use & 0x07 >= len(USES) or (running and not use & 0x07):
        raise doors.Failure('bad', f'timer use {use:02x} is not defined')
    if action & 0x07 >= len(ACTIONS):
        raise doors.Failure('bad', f'timer action {action:02x} is not defined')
    if running and present > initial:
        raise doors.Failure(
            'bad', f'countdown {present} is over its start, {initial}'
        )
    return {
        'running': running,
        'use': USES[use & 0x07],
        'action': ACTIONS[action & 0x07],
        'expired': [
            name for bit, name in enumerate(USES) if bit and expired >> bit & 1
        ],
        'initial_seconds': initial / TICKS,
        'present_seconds': present / TICKS,
    }


def repository(door: doors.Door, at: str, known: Repositories) -> sdr.SDR:
    """The sensor data records (33), read anew when they have changed.

    pyghmi keeps them for each model of BMC, but hosts of one model may have
    different sensors.
    """
    sdr.shared_sdrs.clear()
    sdr.shared_sdrs.update(known.get(at, {}))
    # Else they stay as they were while the session lasts.
    door.command._sdr = None
    found = door.command.init_sdr()
    known[at] = dict(sdr.shared_sdrs)
    return found


def sensors(records: sdr.SDR, door: doors.Door) -> list[dict[str, Any]]:
    """Each sensor's reading, states and health (35.14)."""
    limited = {
        one.name
        for one in records.sensors.values()
        if getattr(one, 'reading_type', None) == THRESHOLD
    }
    return [
        {
            'name': reading.name,
            'kind': reading.type,
            'value': None if reading.unavailable else reading.value,
            'unit': reading.units or '',
            'health': 'unknown'
            if reading.unavailable
            else _health(reading.health),
            'states': [str(one) for one in reading.states],
            'limited': reading.name in limited,
        }
        for reading in door.command.get_sensor_data()
    ]


def events(door: doors.Door, mark: dict[str, Any] | None) -> dict[str, Any]:
    """Raw records of the event log since the mark (31.5), oldest first.

    A log that no longer holds the record of the mark as it was has been
    cleared, or has begun to overwrite itself: all that it holds is new.

    :param mark: ``mark`` of the last answer; None: what is there is old
    """
    if mark is None:
        last = _entry(door, LAST)
        return {'mark': _mark(last), 'records': []}
    wanted = FIRST
    if mark['bytes']:
        known = _entry(door, mark['record'])
        if known and known[1].hex() == mark['bytes']:
            wanted = known[0]
    records: list[bytes] = []
    seen: set[int] = set()
    while wanted != LAST and len(records) < EVENTS_AT_ONCE:
        if wanted in seen:
            raise doors.Failure('bad', 'its event log goes round in circles')
        seen.add(wanted)
        entry = _entry(door, wanted)
        if entry is None:
            break
        wanted, record = entry
        records.append(record)
    if records:
        mark = _mark((wanted, records[-1]))
    elif wanted == FIRST:
        mark = _mark(None)
    return {'mark': mark, 'records': [one.hex() for one in records]}


def newest_events(door: doors.Door) -> list[str]:
    """Raw records at the end of the event log (31.5), newest first.

    A log is linked forwards only. Backwards, its records are asked for by
    the numbers that BMCs give them in practice, one after the other; where
    many are missing in a row, nothing older is found.
    """
    entry = _entry(door, LAST)
    found = [entry[1]] if entry else []
    number = _mark(entry)['record']
    missing = 0
    while number > 1 and missing < GAP and len(found) < EVENTS_AT_ONCE:
        number -= 1
        entry = _entry(door, number)
        if entry and _mark(entry)['record'] == number:
            found.append(entry[1])
            missing = 0
        else:
            missing += 1
    return [one.hex() for one in found]


def described(records: sdr.SDR, command: Any, raw: bytes) -> dict[str, Any]:
    """What a standard record (32.1) says, and little of others."""
    number, kind = struct.unpack_from('<HB', raw)
    if kind != 0x02:
        return {
            'record': number,
            'seconds': None,
            'sensor': '',
            'kind': 'OEM',
            'text': f'record of type {kind:02x}',
            'asserted': True,
            'health': 'unknown',
        }
    seconds, owner, lun, _, sensor_type, sensor, how, offset = (
        struct.unpack_from('<IBBBBBBB', raw, 3)
    )
    tables = command.get_event_constants()
    said = _meaning(tables, how & 0x7F, sensor_type).get(offset & 0x0F, {})
    key = f'{owner}.{sensor}.{lun & 0x03}'
    known = records.sensors.get(key)
    return {
        'record': number,
        'seconds': seconds,
        'sensor': known.name if known else f'sensor {sensor}',
        'kind': tables.sensor_type_codes.get(sensor_type, 'unknown'),
        'text': said.get('desc', f'state {offset & 0x0F}'),
        'asserted': not how & 0x80,
        'health': _health(said['severity']) if said else 'unknown',
    }


def _meaning(tables: Any, how: int, sensor_type: int) -> dict[int, Any]:
    """States of a generic (42.1) or a sensor-specific event (42.2)."""
    found: dict[int, Any] = (
        tables.sensor_type_offsets.get(sensor_type, {})
        if how == SENSOR_SPECIFIC
        else tables.generic_type_offsets.get(how, {})
    )
    return found


def _entry(door: doors.Door, number: int) -> tuple[int, bytes] | None:
    """Get SEL Entry (31.5): the next record's number, and the record."""
    low, high = number.to_bytes(2, 'little')
    code, data = door.ask(STORAGE, 0x43, 0, 0, low, high, 0, 0xFF)
    if code == NOT_PRESENT:
        return None
    if code:
        raise doors.refused(STORAGE, 0x43, code)
    doors.enough(data, 2 + RECORD_BYTES)
    return int.from_bytes(data[:2], 'little'), data[2 : 2 + RECORD_BYTES]


def _mark(entry: tuple[int, bytes] | None) -> dict[str, Any]:
    if entry is None:
        return {'record': 0, 'bytes': ''}
    record = entry[1]
    return {
        'record': int.from_bytes(record[:2], 'little'),
        'bytes': record.hex(),
    }


def _health(severity: int) -> str:
    return next(word for bit, word in HEALTH if severity >= bit)
