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


from hass.agent.guests import arp
from hass.tests import base

MAC = bytes.fromhex('fa163e000001')
ADDRESS = bytes([192, 0, 2, 9])


class FrameTest(base.TestCase):
    def reply(self):
        asked = bytearray(arp.request(MAC, ADDRESS))
        asked[20:22] = (0, arp.REPLY)
        asked[28:32] = ADDRESS
        return bytes(asked)

    def test_a_question_goes_to_the_guest_and_names_nobody_else(self):
        frame = arp.request(MAC, ADDRESS)
        self.assertEqual(42, len(frame))
        self.assertEqual(MAC, frame[:6])
        self.assertEqual((MAC, bytes(4)), (frame[22:28], frame[28:32]))
        self.assertEqual(ADDRESS, frame[38:])

    def test_an_answer_tells_who_it_is(self):
        self.assertEqual((MAC, ADDRESS), arp.sender(self.reply()))

    def test_what_is_cut_off_or_no_answer_tells_nothing(self):
        whole = self.reply()
        for length in range(len(whole)):
            self.assertIsNone(arp.sender(whole[:length]))
        self.assertIsNone(arp.sender(arp.request(MAC, ADDRESS)))
        for place in range(12, 22):
            broken = bytearray(whole)
            broken[place] ^= 0xFF
            self.assertIsNone(arp.sender(bytes(broken)))
