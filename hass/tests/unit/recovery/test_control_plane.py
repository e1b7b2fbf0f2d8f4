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

import functools
import threading

from hass import exception
from hass import nova
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
        self.assertFalse(self.plane(self.ask, self.ask).trouble())

    def test_an_answer_is_shared_while_it_is_fresh(self):
        plane = self.plane(self.ask)
        plane.look()
        plane.trouble()
        self.assertEqual(1, self.asked)
        self.clock.boottime += control_plane.FRESH_SECONDS
        self.why = 'it is gone'
        self.assertEqual('part-1: it is gone', str(plane.trouble()))
        self.assertEqual(2, self.asked)

    def test_an_error_is_an_answer(self):
        def fail():
            raise exception.EngineUnreachable('wake', 'no broker')

        trouble = self.plane(fail, self.ask).trouble()
        self.assertEqual('part-1 does not answer: no broker', str(trouble))

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
        self.assertEqual(
            'part-1 does not answer in time', str(plane.trouble())
        )
        self.clock.boottime += 60
        self.assertEqual(
            'part-1 does not answer in time', str(plane.trouble())
        )
        self.assertEqual(1, self.asked)
        let_go.set()

        def well():
            self.clock.boottime += 60
            return not plane.trouble()

        self.wait_for(well, why='the part to answer again')


class NeededTest(base.TestCase):
    """What not every act needs is asked when one does."""

    def setUp(self):
        super().setUp()
        self.clock = clocks.HandClock()
        self.asked = []
        self.away = set()
        names = ['Nova', 'message bus', *map(str, nova.Beside)]
        self.plane = control_plane.ControlPlane(
            {name: functools.partial(self.ask, name) for name in names},
            self.clock,
            lambda work: work(),
        )

    def ask(self, name):
        self.asked.append(name)
        if name in self.away:
            raise exception.NovaFailed(f'ask {name}', '503')
        return ''

    def later(self, seconds=control_plane.FRESH_SECONDS):
        self.clock.boottime += seconds
        self.asked.clear()

    def test_what_is_not_needed_is_not_asked(self):
        self.away = {'Cinder'}
        self.assertFalse(self.plane.trouble({'Neutron'}))
        self.assertNotIn('Cinder', self.asked)
        self.assertNotIn('Glance', self.asked)

    def test_what_is_needed_is_named(self):
        self.away = {'Cinder'}
        trouble = self.plane.trouble({'Neutron', 'Cinder'})
        self.assertEqual('Cinder does not answer: 503', str(trouble))
        self.assertEqual('Cinder answers', str(trouble.until))
        self.assertFalse(trouble.hinders({'Neutron'}))
        self.assertTrue(trouble.hinders({'Cinder'}))

    def test_without_keystone_the_others_are_not_blamed(self):
        self.away = {'Keystone', 'Nova', 'Neutron'}
        trouble = self.plane.trouble({'Neutron'})
        self.assertEqual('Keystone does not answer: 503', str(trouble))

    def test_while_nova_is_away_the_others_are_left_alone(self):
        self.away = {'Nova'}
        self.plane.trouble()
        self.later()
        self.assertTrue(self.plane.trouble({'Cinder'}))
        self.assertEqual(['Nova'], self.asked)

    def test_only_what_is_awaited_is_asked_meanwhile(self):
        self.away = {'Cinder'}
        self.plane.trouble({'Neutron', 'Cinder'})
        self.later()
        self.assertTrue(self.plane.still_away())
        self.assertEqual(['Cinder'], self.asked)
        self.away.clear()
        self.later()
        self.assertFalse(self.plane.still_away())

    def test_what_is_away_for_long_is_asked_less_often(self):
        self.away = {'Cinder'}
        self.plane.trouble({'Cinder'})
        self.later(600.0)
        self.plane.still_away()
        self.later()
        self.plane.still_away()
        self.assertEqual([], self.asked)
        self.later(control_plane.MOST_FRESH_SECONDS)
        self.plane.still_away()
        self.assertEqual(['Cinder'], self.asked)
