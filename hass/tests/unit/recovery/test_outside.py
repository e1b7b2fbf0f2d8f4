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


"""What a search sees of a suspect, and who is said to have seen it."""

import datetime
import threading

from hass import clock
from hass.detection import base as detection
from hass.detection import panel
from hass.diagnosis import diagnose
from hass.diagnosis import estimates
from hass import exception
from hass import faults
from hass.fencing import base as fencing
from hass.recovery import looking
from hass.recovery import outside
from hass.tests import base
from hass.tests import fake_cloud

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
OFF = fencing.PowerState.OFF


class SlowBmc(fencing.Fencer):
    """Needs longer than a search: answers when it is told to."""

    def __init__(self):
        self.asked = 0
        self.may_answer = threading.Event()
        self.error = None
        self.power = OFF

    def status(self, target):
        self.asked += 1
        self.may_answer.wait(30)
        if self.error is not None:
            raise self.error
        return self.power

    def off(self, target, deadline):
        raise NotImplementedError

    on = off


class Pinger:
    """Some addresses answer it."""

    def __init__(self, answering):
        self._answering = frozenset(answering)

    def answering(self, addresses):
        return self._answering.intersection(addresses)


class OutsideTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.bmc = SlowBmc()
        self.addCleanup(self.bmc.may_answer.set)
        self.reach(seconds=0.05)

    def reach(self, seconds, answering=()):
        """Have addresses that answer pings, and so long for a search."""
        system = clock.SystemClock()
        self.outside = outside.Outside(
            self.bmc,
            Pinger(answering),
            fake_cloud.FakePeers({}),
            panel.Panel({}, system),
            looking.Search(
                system, estimates.Learnt(), limit=None, seconds=seconds
            ),
            'engine-1',
            system,
        )

    def look(self, seconds=0.0, boot='boot-1', networks=None, beating=()):
        """One search, so long after the first."""
        target = fencing.Target('compute-1', None, boot)
        return self.outside.look(
            outside.Suspect(
                subject=detection.Subject('compute-1', None, networks or {}),
                target=target,
                protected=frozenset(),
                beating=frozenset(beating),
                pingable=frozenset(networks or {}),
                helpers=(),
                now=NOW + datetime.timedelta(seconds=seconds),
            )
        )


class SlowBmcTest(OutsideTest):
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


class NetworksTest(OutsideTest):
    def test_beats_that_are_not_missed_yet_are_no_answer_to_a_ping(self):
        self.bmc.power = fencing.PowerState.ON
        self.bmc.may_answer.set()
        self.reach(seconds=30, answering={'192.0.2.1'})
        networks = {
            'management': '192.0.2.1',
            'storage': '198.51.100.1',
            'tenant': '203.0.113.1',
        }
        view = self.look(networks=networks, beating={'storage'})
        told = {
            one.network: (one.detector, one.verdict, one.certainty)
            for one in view.seen
            if one.network
        }
        ping, beat = 'network_icmp', 'os_beat'
        healthy, failed = faults.Verdict.HEALTHY, faults.Verdict.FAILED
        read, inferred = faults.Certainty.READ, faults.Certainty.INFERRED
        self.assertEqual(
            {
                'management': (ping, healthy, read),
                'storage': (beat, healthy, inferred),
                'tenant': (ping, failed, inferred),
            },
            told,
        )
