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


"""A BMC that needs longer than a search: its answer is waited for."""

import datetime
import threading

from hass import clock
from hass.detection import base as detection
from hass.detection import panel
from hass.diagnosis import diagnose
from hass.diagnosis import estimates
from hass import exception
from hass.fencing import base as fencing
from hass.recovery import looking
from hass.recovery import outside
from hass.tests import base
from hass.tests import fake_cloud

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
OFF = fencing.PowerState.OFF


class SlowBmc(fencing.Fencer):
    """Answers when it is told to."""

    def __init__(self):
        self.asked = 0
        self.may_answer = threading.Event()
        self.error = None

    def status(self, target):
        self.asked += 1
        self.may_answer.wait(30)
        if self.error is not None:
            raise self.error
        return OFF

    def off(self, target, deadline):
        raise NotImplementedError

    on = off


class SlowBmcTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.bmc = SlowBmc()
        self.addCleanup(self.bmc.may_answer.set)
        system = clock.SystemClock()
        self.outside = outside.Outside(
            self.bmc,
            fake_cloud.FakePinger({}),
            fake_cloud.FakePeers({}),
            panel.Panel({}, system),
            looking.Search(
                system, estimates.Learnt(), limit=None, seconds=0.05
            ),
            'engine-1',
            system,
        )

    def look(self, seconds=0.0, boot='boot-1'):
        """One search, so long after the first."""
        target = fencing.Target('compute-1', None, boot)
        return self.outside.look(
            outside.Suspect(
                subject=detection.Subject('compute-1', None, {}),
                target=target,
                protected=frozenset(),
                beating=frozenset(),
                pingable=frozenset(),
                helpers=(),
                now=NOW + datetime.timedelta(seconds=seconds),
            )
        )

    def answer(self):
        """It answers between two searches."""
        reading = self.outside._readings['compute-1'].answer
        self.bmc.may_answer.set()
        reading.exception(30)

    def test_no_answer_yet_is_no_reason(self):
        view = self.look()
        self.assertEqual(diagnose.Power.UNKNOWN, view.power)
        self.assertEqual('', view.power_why)

    def test_the_next_search_does_not_ask_again(self):
        self.look()
        self.look(1)
        self.assertEqual(1, self.bmc.asked)

    def test_an_answer_between_two_searches_tells_the_second(self):
        self.look()
        self.answer()
        self.assertEqual(diagnose.Power.OFF, self.look(2).power)
        self.assertEqual(1, self.bmc.asked)

    def test_an_answer_tells_one_search_alone(self):
        self.look()
        self.answer()
        self.look(2)
        self.look(3)
        self.assertEqual(2, self.bmc.asked)

    def test_an_answer_that_nobody_took_grows_old(self):
        self.look()
        self.answer()
        for seconds in (11, -11):
            self.look(seconds)
        self.assertEqual(3, self.bmc.asked)

    def test_an_answer_of_an_earlier_boot_tells_nothing(self):
        self.look()
        self.answer()
        self.look(1, boot='boot-2')
        self.assertEqual(2, self.bmc.asked)

    def test_a_failure_between_two_searches_is_a_reason(self):
        self.look()
        self.bmc.error = exception.BmcUnreachable('bmc-1', 'no answer in 2 s')
        self.answer()
        view = self.look(2)
        self.assertEqual(diagnose.Power.UNKNOWN, view.power)
        self.assertIn('no answer in 2 s', view.power_why)
