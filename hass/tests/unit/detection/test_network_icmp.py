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

from typing import Any

from hass.detection import base as detection
from hass.detection import network_icmp
from hass import exception
from hass import faults
from hass.tests import base
from hass.tests import clocks
from hass.tests.contracts import detector as contracts

HOST = detection.Subject(
    'compute-1', networks={'management': '192.0.2.1', 'storage': '192.0.2.2'}
)
OTHER = detection.Subject('compute-2', networks={'management': '192.0.2.1'})
HEALTHY, FAILED, UNKNOWN = faults.Verdict


class HearsSome(network_icmp.NetworkIcmp):
    """Only the addresses that the test names answer."""

    answer = frozenset({'192.0.2.1', '192.0.2.2'})

    def __init__(self):
        super().__init__(
            detection.Tools(None, clocks.HandClock(), pinger=self)
        )

    def answering(self, addresses):
        return self.answer.intersection(addresses)


class NetworkIcmpContractTest(contracts.DetectorContract):
    """Silence is what it looks for; its means are sockets."""

    detector_class = network_icmp.NetworkIcmp
    detector: Any

    def prepare(self):
        self.detector = HearsSome()
        self.subject = HOST

    def fail_layer(self):
        self.detector.answer = frozenset()

    def hide(self):
        """It never answered: pings may be forbidden."""
        self.detector.answer = frozenset()

    def silence(self):
        def may_not(addresses):
            raise exception.ConfigError('CAP_NET_RAW', 'no pings here')

        self.detector.answering = may_not

    def babble(self):
        self.detector.remember = lambda host, addresses: None
        self.detector._answered.clear()
        self.detector.answer = frozenset({'198.51.100.1', 'compute-1', ''})
        yield


class NetworkIcmpTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.detector = HearsSome()

    def look(self, subject=HOST):
        return {
            one.network: one.verdict for one in self.detector.probe(subject)
        }

    def test_each_network_has_its_finding(self):
        self.assertEqual(
            {'management': HEALTHY, 'storage': HEALTHY}, self.look()
        )

    def test_silence_is_unknown_until_the_address_has_once_answered(self):
        self.detector.answer = frozenset({'192.0.2.1'})
        self.look()
        self.detector.answer = frozenset()
        self.assertEqual(
            {'management': FAILED, 'storage': UNKNOWN}, self.look()
        )

    def test_what_answered_before_a_restart_is_told(self):
        self.detector.answer = frozenset()
        self.detector.remember('compute-1', ['192.0.2.2'])
        self.assertEqual(
            {'management': UNKNOWN, 'storage': FAILED}, self.look()
        )

    def test_an_answer_says_nothing_of_the_next_owner_of_an_address(self):
        self.look()
        self.detector.answer = frozenset()
        self.assertEqual({'management': UNKNOWN}, self.look(OTHER))

    def test_many_hosts_are_asked_in_one_look(self):
        found = self.detector.probe_many([HOST, OTHER])
        self.assertEqual(
            {'compute-1': 2, 'compute-2': 1},
            {host: len(findings) for host, findings in found.items()},
        )

    def test_a_host_without_addresses_cannot_be_looked_at(self):
        self.assertEqual('', self.detector.lacks(HOST))
        self.assertIn(
            'address', self.detector.lacks(detection.Subject('compute-3'))
        )
