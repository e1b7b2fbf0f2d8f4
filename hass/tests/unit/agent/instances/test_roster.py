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


from hass.agent.instances import roster
from hass.agent.instances import translation
from hass.faults import Incident
from hass.tests import base

RUNNING, SHUTOFF_FAILED, DESTROYED = (1, 1), (5, 6), (5, 2)
UNKNOWN, PAUSED_IO, CRASHED = (5, 0), (3, 5), (6, 1)
KILLED = translation.lifecycle(5, 5)
PANICKED = translation.lifecycle(8, 0)
REBOOTED = translation.reboot()


class RosterTest(base.TestCase):
    def setUp(self):
        super().setUp()
        self.roster = roster.Roster()
        self.at = 100.0

    def note(self, change, uuid='a'):
        return self.roster.note(uuid, change, self.at)

    def list(self, **states):
        self.roster.begin()
        return self.compare(**states)

    def compare(self, **states):
        return {
            uuid: change.incident
            for uuid, change in self.roster.compare(states)
        }

    def test_what_ended_unseen_is_found(self):
        self.list(a=RUNNING, b=RUNNING, c=RUNNING)
        found = self.list(a=UNKNOWN, b=DESTROYED, c=RUNNING)
        self.assertEqual({'a': Incident.KILLED}, found)
        self.assertEqual({}, self.list(a=UNKNOWN, b=DESTROYED, c=RUNNING))

    def test_what_was_told_is_not_found_again(self):
        self.list(a=RUNNING)
        self.assertTrue(self.note(KILLED))
        self.assertEqual({}, self.list(a=SHUTOFF_FAILED))

    def test_what_was_found_is_not_told_again(self):
        self.list(a=RUNNING)
        self.assertEqual({'a': Incident.KILLED}, self.list(a=SHUTOFF_FAILED))
        self.assertFalse(self.note(KILLED))

    def test_a_listing_that_is_older_than_an_event_says_nothing(self):
        self.list(a=RUNNING)
        self.roster.begin()
        self.note(KILLED)
        self.assertEqual({}, self.compare(a=RUNNING))
        self.assertEqual({}, self.list(a=SHUTOFF_FAILED))

    def test_what_follows_from_a_panic_is_no_other_fault(self):
        self.assertTrue(self.note(PANICKED))
        self.assertFalse(self.note(translation.lifecycle(5, 2)))

    def test_a_watchdog_that_powers_off_is_one_fault(self):
        self.assertTrue(self.note(translation.watchdog(3)))
        self.assertFalse(self.note(KILLED))

    def test_a_burst_of_failed_requests_is_one_fault(self):
        failed = translation.io_error('vda', 1, '')
        told = [self.note(failed) for _each in range(32)]
        self.assertEqual(1, sum(told))
        self.note(translation.lifecycle(4, 0))
        self.assertTrue(self.note(failed))

    def test_what_was_started_again_can_fail_again(self):
        for _each in range(3):
            self.note(translation.lifecycle(2, 0))
            self.assertTrue(self.note(KILLED))

    def test_a_reboot_is_told_once_a_second(self):
        self.assertTrue(self.note(REBOOTED))
        self.assertFalse(self.note(REBOOTED))
        self.assertTrue(self.note(REBOOTED, 'b'))
        self.at += roster.REPEAT_SECONDS
        self.assertTrue(self.note(REBOOTED))

    def test_at_first_sight_only_what_is_a_fault_by_itself_is_told(self):
        found = self.list(
            a=UNKNOWN, b=DESTROYED, c=SHUTOFF_FAILED, d=PAUSED_IO, e=CRASHED
        )
        self.assertEqual(
            {
                'c': Incident.KILLED,
                'd': Incident.PAUSED_BY_STORAGE,
                'e': Incident.PANICKED,
            },
            found,
        )

    def test_a_domain_that_is_just_ending_is_told_when_it_has_ended(self):
        self.list(a=RUNNING)
        self.assertEqual({}, self.list(a=(4, 0)))
        self.assertEqual({'a': Incident.SHUT_DOWN}, self.list(a=(5, 1)))

    def test_a_domain_that_is_gone_is_forgotten(self):
        self.list(a=RUNNING)
        self.assertEqual({}, self.list())
        self.assertEqual({}, self.list(a=UNKNOWN))
