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

"""Parts of the control plane are asked beside each other, and not often."""

import threading

from hass import exception
from hass.recovery import control_plane
from hass.tests import base
from hass.tests import clocks


class ControlPlaneTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.asked = 0
        self.why = ''

    def ask(self):
        self.asked += 1
        return self.why

    def plane(self, *asks, start=lambda work: work()):
        parts = {f'part-{n}': ask for n, ask in enumerate(asks, 1)}
        return control_plane.ControlPlane(parts, self.clock, start)

    def test_nothing_is_said_when_all_answer(self):
        self.assertEqual('', self.plane(self.ask, self.ask).trouble())

    def test_an_answer_is_shared_while_it_is_fresh(self):
        plane = self.plane(self.ask)
        plane.look()
        plane.trouble()
        self.assertEqual(1, self.asked)
        self.clock.boottime += control_plane.FRESH_SECONDS
        self.why = 'it is gone'
        self.assertEqual('part-1: it is gone', plane.trouble())
        self.assertEqual(2, self.asked)

    def test_an_error_is_an_answer(self):
        def fail():
            raise exception.EngineUnreachable('wake', 'no broker')

        self.assertIn('no broker', self.plane(fail, self.ask).trouble())

    def test_a_part_that_hangs_is_named_and_asked_once(self):
        let_go = threading.Event()
        self.addCleanup(let_go.set)

        def hang():
            self.asked += 1
            let_go.wait(60)
            return ''

        plane = self.plane(hang, start=control_plane.in_background)
        plane.look()
        self.clock.boottime += control_plane.ANSWER_SECONDS
        self.assertEqual('part-1: no answer in time', plane.trouble())
        self.clock.boottime += 60
        self.assertEqual('part-1: no answer in time', plane.trouble())
        self.assertEqual(1, self.asked)
        let_go.set()

        def well():
            self.clock.boottime += 60
            return plane.trouble() == ''

        self.wait_for(well, why='the part to answer again')
