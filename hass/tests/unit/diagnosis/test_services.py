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

import datetime

from hass.diagnosis import services
from hass import faults
from hass.tests import base

NOW = datetime.datetime(2026, 1, 1)
COMPUTE, LIBVIRT = faults.SidePath.COMPUTE, faults.SidePath.LIBVIRT
UNIT, NOVA = 'agent:compute_systemd', 'compute_nova'
KEEPALIVE = 'agent:libvirt_keepalive'
LIBVIRTD = 'agent:libvirt_systemd'
HEALTHY = faults.Verdict.HEALTHY
FAILED = faults.Verdict.FAILED
UNKNOWN = faults.Verdict.UNKNOWN


def seen(detector, verdict, age=1.0):
    path = LIBVIRT if 'libvirt' in detector else COMPUTE
    at = NOW - datetime.timedelta(seconds=age)
    return faults.Observation(
        'compute-1', path, detector, verdict, at, detail=f'{detector} said so'
    )


class JudgeTest(base.TestCase):
    def judge(self, unit, look):
        told = [
            seen(name, verdict)
            for name, verdict in ((UNIT, unit), (NOVA, look))
            if verdict is not None
        ]
        return services.judge(COMPUTE, told, NOW)

    def assert_verdict(self, verdict, unit, look):
        self.assertEqual(verdict, self.judge(unit, look).verdict)

    def test_the_manager_of_a_unit_knows_best(self):
        for look in (HEALTHY, FAILED, UNKNOWN, None):
            self.assert_verdict(FAILED, FAILED, look)
            self.assert_verdict(UNKNOWN, UNKNOWN, look)

    def test_a_unit_that_runs_may_still_not_answer(self):
        self.assert_verdict(FAILED, HEALTHY, FAILED)
        self.assert_verdict(HEALTHY, HEALTHY, HEALTHY)
        self.assert_verdict(HEALTHY, HEALTHY, UNKNOWN)
        self.assert_verdict(HEALTHY, HEALTHY, None)

    def test_where_there_is_no_manager_the_look_is_all(self):
        self.assert_verdict(FAILED, None, FAILED)
        self.assert_verdict(HEALTHY, None, HEALTHY)
        self.assert_verdict(UNKNOWN, None, None)

    def test_what_nova_alone_says_is_told_apart(self):
        self.assertTrue(self.judge(HEALTHY, FAILED).by_nova_alone)
        self.assertTrue(self.judge(None, FAILED).by_nova_alone)
        self.assertFalse(self.judge(FAILED, FAILED).by_nova_alone)
        self.assertFalse(self.judge(HEALTHY, HEALTHY).by_nova_alone)

    def test_what_was_seen_long_ago_is_not_known(self):
        old = seen(UNIT, FAILED, services.FRESH_SECONDS + 1)
        self.assertEqual(UNKNOWN, services.judge(COMPUTE, [old], NOW).verdict)

    def test_its_sentence_is_that_of_who_was_believed(self):
        self.assertEqual(f'{UNIT} said so', self.judge(FAILED, HEALTHY).why)
        self.assertEqual(f'{NOVA} said so', self.judge(HEALTHY, FAILED).why)


class JudgeAllTest(base.TestCase):
    def judge(self, **verdicts):
        told = [
            seen({'unit': UNIT, 'nova': NOVA, 'hung': KEEPALIVE}[name], one)
            for name, one in verdicts.items()
        ]
        return services.judge_all([*told, seen(LIBVIRTD, HEALTHY)], NOW)

    def test_libvirtd_goes_before_nova_compute_which_needs_it(self):
        found = self.judge(unit=FAILED, hung=FAILED)
        self.assertEqual((LIBVIRT, True), (found.path, found.is_failed))

    def test_one_that_is_started_keeps_the_host_from_being_well(self):
        self.assertEqual(
            UNKNOWN, self.judge(unit=UNKNOWN, hung=HEALTHY).verdict
        )

    def test_all_are_well(self):
        found = self.judge(unit=HEALTHY, nova=HEALTHY, hung=HEALTHY)
        self.assertEqual(HEALTHY, found.verdict)

    def test_nobody_looks(self):
        self.assertEqual(UNKNOWN, services.judge_all([], NOW).verdict)
