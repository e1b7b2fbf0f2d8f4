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

"""Power and identity are of one session, also when pyghmi logs in anew."""

import uuid

from hass.bmc import doors
from hass.bmc import reads
from hass.tests import base
from hass.tests import clocks

GUID, MAC, STATUS = (0x06, 0x37), (0x0C, 0x02), (0x00, 0x01)
ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


class MovingDoor(doors.Door):
    """Leads to one BMC, and from a question on to another."""

    open = True

    def __init__(self, moves_at):
        self.moves_at = moves_at
        self.asked = []

    @property
    def session_key(self):
        return b'another key' if self._moved() else b'a key'

    def ask(self, netfn, command, *data, retry=True):
        self.asked.append((netfn, command))
        if (netfn, command) == GUID:
            return 0, (OTHER if self._moved() else ONE).bytes
        return 0, bytes((not self._moved(), 0, 0))

    def close(self):
        pass

    def _moved(self):
        return len(self.asked) >= self.moves_at


class NamelessDoor(MovingDoor):
    """To BMCs that have no GUID."""

    def ask(self, netfn, command, *data, retry=True):
        code, found = super().ask(netfn, command, *data)
        if (netfn, command) == GUID:
            return 0xC1, b''
        if (netfn, command) == MAC:
            return 0, b'\x11' + (OTHER if self._moved() else ONE).bytes[-6:]
        return code, found


class SessionsTest(base.TestCase):
    def identity(self, moves_at):
        self.door = MovingDoor(moves_at)
        return self.again()

    def again(self):
        told = reads.identity(self.door, clocks.HandClock())
        return uuid.UUID(told['guid']), told['power']

    def test_one_session_is_asked_once_for_its_guid(self):
        self.assertEqual((ONE, 'on'), self.identity(9))
        self.assertEqual((ONE, 'on'), self.again())
        self.assertEqual([GUID, STATUS, STATUS], self.door.asked)

    def test_a_guid_of_one_bmc_and_the_power_of_another_are_no_identity(self):
        for moves_at in (1, 2):
            self.assertEqual((OTHER, 'off'), self.identity(moves_at))

    def test_what_an_earlier_session_told_is_asked_anew(self):
        self.assertEqual((ONE, 'on'), self.identity(3))
        self.assertEqual((OTHER, 'off'), self.again())

    def test_a_mac_address_is_of_the_bmc_whose_power_was_read(self):
        of_one = {'mac': '00:00:00:00:00:01', 'power': 'on'}
        of_other = {'mac': '00:00:00:00:00:02', 'power': 'off'}
        for moves_at in range(1, 4):
            door = NamelessDoor(moves_at)
            told = reads.identity(door, clocks.HandClock())
            self.assertEqual(of_other, {it: told[it] for it in of_other})
        door = NamelessDoor(9)
        for _ in range(2):
            told = reads.identity(door, clocks.HandClock())
            self.assertEqual(of_one, {it: told[it] for it in of_one})
        self.assertEqual([GUID, MAC, STATUS, STATUS], door.asked)
